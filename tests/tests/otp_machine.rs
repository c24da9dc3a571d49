//! State machines: what `gen_statem` promises, through the public API and under virtual time.

use rusm::otp::Address;
use rusm::prelude::*;
use rusm::{Bound, Overflow, SpawnOptions};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Arguments cross boundaries, and a channel can't: it is given by its number.
static SEEN: Mutex<Vec<UnboundedSender<String>>> = Mutex::new(Vec::new());

fn channel() -> (usize, UnboundedReceiver<String>) {
    let (sender, receiver) = unbounded_channel();
    let mut all = SEEN.lock().unwrap();
    all.push(sender);
    (all.len() - 1, receiver)
}

async fn told(seen: &mut UnboundedReceiver<String>, expected: &[&str]) {
    for expected in expected {
        assert_eq!(seen.recv().await.as_deref(), Some(*expected));
    }
}

#[derive(Debug, Clone, Default, PartialEq, State)]
pub enum Phase {
    #[default]
    Idle,
    Busy {
        with: u32,
    },
    Open,
}

#[wire]
#[derive(Debug, Clone, Copy)]
pub enum Wish {
    To(u8),
    State(u64),
    Event(u64),
    First(u64),
    Second(u64),
    Cancel,
    Next(u32),
    Stop,
    /// Calls what never answers, when it enters.
    Call,
}

/// The unit of the timeouts: far more than what a timer is late.
fn time(units: u64) -> Duration {
    Duration::from_millis(10 * units)
}

fn phase(number: u8) -> Phase {
    match number {
        0 => Phase::Idle,
        1 => Phase::Open,
        with => Phase::Busy { with: with.into() },
    }
}

/// Does as it is told, and tells what happens to it.
pub struct Puppet {
    seen: UnboundedSender<String>,
    /// When the latest wish came.
    since: Instant,
    /// What it does when it enters `Open`.
    on_open: Vec<Wish>,
    watched: Option<MonitorRef>,
}

impl Puppet {
    fn tell(&self, what: impl std::fmt::Display, cx: &Cx<Self>) {
        let _ = self.seen.send(format!("{what} {}", cx.state().name()));
    }
}

fn act(wishes: &[Wish], cx: &mut Cx<Puppet>) {
    for wish in wishes {
        match *wish {
            Wish::To(state) => cx.to(phase(state)),
            Wish::State(after) => cx.state_timeout(time(after)),
            Wish::Event(after) => cx.event_timeout(time(after)),
            Wish::First(after) => cx.timeout("first", time(after)),
            Wish::Second(after) => cx.timeout("second", time(after)),
            Wish::Cancel => {
                cx.cancel_timeout(Timeout::State);
                cx.cancel_timeout(Timeout::Event);
                cx.cancel_timeout(Timeout::Named("first"));
            }
            Wish::Next(number) => cx.next_event(PuppetMessage::Note { number }),
            Wish::Stop => cx.stop(Exit::shutdown()),
            Wish::Call => {}
        }
    }
}

#[actor(state = Phase)]
impl Puppet {
    #[init]
    fn start(channel: usize, at_first: Vec<Wish>, on_open: Vec<Wish>, cx: &mut Cx<Self>) -> Self {
        act(&at_first, cx);
        Self { seen: SEEN.lock().unwrap()[channel].clone(), since: Instant::now(), on_open, watched: None }
    }

    #[cast]
    pub fn wish(&mut self, wishes: Vec<Wish>, cx: &mut Cx<Self>) {
        self.tell("wish", cx);
        self.since = Instant::now();
        act(&wishes, cx);
        self.tell("still", cx);
    }

    /// An answer, but not while it is idle.
    #[postpone(Phase::Idle)]
    pub fn ask(&mut self, number: u32, cx: &mut Cx<Self>) -> u32 {
        self.tell(format_args!("ask {number}"), cx);
        number * 2
    }

    #[cast]
    pub fn note(&mut self, number: u32, cx: &mut Cx<Self>) {
        self.tell(format_args!("note {number}"), cx);
    }

    /// Sends it to itself again.
    #[cast]
    pub fn spin(&self, cx: &mut Cx<Self>) {
        let _ = cx.me().spin().send();
    }

    #[cast]
    #[postpone(Phase::Busy { with } if with < number)]
    pub fn above(&mut self, number: u32, cx: &mut Cx<Self>) {
        self.tell(format_args!("above {number}"), cx);
    }

    /// Decides by itself whether it is time.
    pub fn later(&mut self, text: String, reply: Reply<String>, cx: &mut Cx<Self>) {
        if *cx.state() == Phase::Open {
            self.tell(&text, cx);
            return reply.send(text);
        }
        cx.postpone(PuppetMessage::Later { text, reply });
    }

    /// Opens for itself.
    pub fn enter(&mut self, reply: Reply<()>, cx: &mut Cx<Self>) {
        self.tell("enter", cx);
        if *cx.state() == Phase::Open {
            return reply.send(());
        }
        cx.postpone(PuppetMessage::Enter { reply });
        cx.to(Phase::Open);
    }

    /// Calls what never answers.
    #[postpone(Phase::Idle)]
    pub async fn relay(&mut self, cx: &mut Cx<Self>) {
        let heard = MuteClient::connect("mute").hear().await;
        let is_in_time = matches!(heard, Err(CallError::Timeout(left)) if left <= time(40));
        self.tell(if is_in_time { "in time" } else { "too late" }, cx);
    }

    pub async fn relay_later(&mut self, reply: Reply<()>, cx: &mut Cx<Self>) {
        if *cx.state() == Phase::Idle {
            return cx.postpone(PuppetMessage::RelayLater { reply });
        }
        self.relay(cx).await;
        drop(reply);
    }

    #[postpone(Phase::Idle)]
    #[cast]
    pub fn heavy(&mut self, bytes: Vec<u8>, cx: &mut Cx<Self>) {
        self.tell(format_args!("heavy {}", bytes.len()), cx);
    }

    pub fn die(&mut self) {
        panic!("dead");
    }

    #[on(enter)]
    async fn entered(&mut self, from: Option<Phase>, cx: &mut Cx<Self>) {
        self.tell(format_args!("enter from {}", from.as_ref().map_or("none", State::name)), cx);
        if *cx.state() == Phase::Open {
            act(&self.on_open, cx);
            if matches!(self.on_open[..], [Wish::Call]) {
                let heard = MuteClient::connect("mute").hear().timeout(time(50)).await;
                let has_all = matches!(heard, Err(CallError::Timeout(left)) if left == time(50));
                self.tell(if has_all { "in full" } else { "cut short" }, cx);
            }
        }
    }

    #[on(timeout)]
    fn timed_out(&mut self, timeout: Timeout, cx: &mut Cx<Self>) {
        // Never early, and a little late at most.
        let at = self.since.elapsed().as_millis() / 10;
        self.tell(format_args!("{timeout:?} at {at}"), cx);
    }

    #[on(down)]
    fn watched_died(&mut self, _down: Down, cx: &mut Cx<Self>) {
        self.tell("down", cx);
    }

    #[cast]
    pub fn watch(&mut self, pid: Pid, cx: &mut Cx<Self>) {
        self.watched = Some(cx.monitor(pid));
    }

    #[cast]
    pub fn unwatch(&mut self, cx: &mut Cx<Self>) {
        self.watched.take().into_iter().for_each(|monitor| cx.demonitor(monitor));
        self.tell("unwatched", cx);
    }

    #[on(terminate)]
    fn bye(&mut self, reason: &ExitReason, cx: &mut Cx<Self>) {
        self.tell(format_args!("bye {reason:?}"), cx);
    }
}

/// Never answers.
struct Mute(Vec<Reply<()>>);

#[actor]
impl Mute {
    #[init]
    fn start() -> Self {
        Self(Vec::new())
    }

    pub fn hear(&mut self, reply: Reply<()>) {
        self.0.push(reply);
    }
}

struct Stage {
    node: Node,
    puppet: Ref<Puppet>,
    seen: UnboundedReceiver<String>,
}

async fn stage_with(on_open: &[Wish], options: SpawnOptions) -> Result<Stage> {
    let node = Node::builder().in_runtime().build().await?;
    let (channel, mut seen) = channel();
    let puppet = node.spawn_with::<Puppet>((channel, Vec::new(), on_open.to_vec()), options).await?;
    told(&mut seen, &["enter from none Idle"]).await;
    Ok(Stage { node, puppet, seen })
}

async fn stage() -> Result<Stage> {
    stage_with(&[], SpawnOptions::default()).await
}

impl Stage {
    fn wish(&self, wishes: &[Wish]) {
        self.puppet.wish(wishes.to_vec()).send().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_state_is_entered_and_a_change_holds_when_the_message_is_done() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::To(1)]);
    told(&mut stage.seen, &["wish Idle", "still Idle", "enter from Idle Open"]).await;
    // The state that it is in, and one that only differs in what it holds.
    stage.wish(&[Wish::To(1)]);
    stage.wish(&[Wish::To(7), Wish::To(8)]);
    stage.wish(&[Wish::To(8)]);
    stage.wish(&[Wish::To(9)]);
    told(&mut stage.seen, &["wish Open", "still Open", "wish Open", "still Open", "enter from Open Busy"]).await;
    told(&mut stage.seen, &["wish Busy", "still Busy", "wish Busy", "still Busy", "enter from Busy Busy"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn init_may_begin_in_another_state() -> Result {
    let node = Node::builder().in_runtime().build().await?;
    let (channel, mut seen) = channel();
    let puppet = node.spawn::<Puppet>((channel, vec![Wish::To(1)], vec![Wish::To(5), Wish::State(3)])).await?;
    told(&mut seen, &["enter from none Open", "enter from Open Busy", "State at 3 Busy"]).await;
    assert_eq!(node.info(puppet.pid()).and_then(|info| info.state), Some("Busy"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_init_asks_for_holds_from_the_first_state_on() -> Result {
    let node = Node::builder().in_runtime().build().await?;
    let (channel, mut seen) = channel();
    let wishes = vec![Wish::State(2), Wish::First(1), Wish::Next(4), Wish::Next(5)];
    let _puppet = node.spawn::<Puppet>((channel, wishes, Vec::new())).await?;
    told(&mut seen, &["enter from none Idle", "note 4 Idle", "note 5 Idle"]).await;
    told(&mut seen, &["Named(\"first\") at 1 Idle", "State at 2 Idle"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_postponed_comes_first_and_in_order_after_a_change() -> Result {
    let mut stage = stage().await?;
    let asked: Vec<_> = (1..=3)
        .map(|number| {
            let puppet = stage.puppet.clone();
            async move { puppet.ask(number).await }
        })
        .collect();
    let mut asked: Vec<_> = asked.into_iter().map(Box::pin).collect();
    for ask in &mut asked {
        assert!(futures_util::poll!(ask.as_mut()).is_pending());
    }
    stage.puppet.note(0).send()?;
    told(&mut stage.seen, &["note 0 Idle"]).await;
    assert_eq!(stage.node.info(stage.puppet.pid()).map(|info| info.waiting), Some(3), "they wait");
    // No change, no retry; then one, with something in the mailbox that is younger.
    stage.wish(&[Wish::To(0)]);
    stage.wish(&[Wish::To(1)]);
    stage.puppet.note(4).send()?;
    told(&mut stage.seen, &["wish Idle", "still Idle", "wish Idle", "still Idle", "enter from Idle Open"]).await;
    told(&mut stage.seen, &["ask 1 Open", "ask 2 Open", "ask 3 Open", "note 4 Open"]).await;
    for (ask, expected) in asked.into_iter().zip([2, 4, 6]) {
        assert_eq!(ask.await?, expected);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_guard_sees_the_state_and_the_arguments() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::To(5)]);
    for number in [7, 3, 6, 5] {
        stage.puppet.above(number).send()?;
    }
    told(&mut stage.seen, &["wish Idle", "still Idle", "enter from Idle Busy", "above 3 Busy", "above 5 Busy"]).await;
    stage.wish(&[Wish::To(6)]);
    told(&mut stage.seen, &["wish Busy", "still Busy", "enter from Busy Busy", "above 6 Busy"]).await;
    stage.wish(&[Wish::To(0)]);
    told(&mut stage.seen, &["wish Busy", "still Busy", "enter from Busy Idle", "above 7 Idle"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_postponed_again_keeps_its_place() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::To(2)]);
    for number in [7, 5] {
        stage.puppet.above(number).send()?;
    }
    stage.wish(&[Wish::To(3)]);
    stage.puppet.above(6).send()?;
    told(&mut stage.seen, &["wish Idle", "still Idle", "enter from Idle Busy"]).await;
    told(&mut stage.seen, &["wish Busy", "still Busy", "enter from Busy Busy"]).await;
    stage.wish(&[Wish::To(1)]);
    told(&mut stage.seen, &["wish Busy", "still Busy", "enter from Busy Open"]).await;
    told(&mut stage.seen, &["above 7 Open", "above 5 Open", "above 6 Open"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_message_may_wait_for_the_change_that_it_makes() -> Result {
    let mut stage = stage().await?;
    stage.puppet.enter().await?;
    told(&mut stage.seen, &["enter Idle", "enter from Idle Open", "enter Open"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn code_may_give_a_message_back_with_its_reply_and_its_deadline() -> Result {
    let mut stage = stage().await?;
    let (one, two) = (stage.puppet.clone(), stage.puppet.clone());
    let mut first = Box::pin(async move { one.later("first".into()).await });
    let mut second = Box::pin(async move { two.later("second".into()).timeout(Duration::from_millis(50)).await });
    assert!(futures_util::poll!(first.as_mut()).is_pending());
    assert!(futures_util::poll!(second.as_mut()).is_pending());
    assert_eq!(second.await, Err(CallError::Timeout(Duration::from_millis(50))));
    stage.wish(&[Wish::To(1)]);
    told(&mut stage.seen, &["wish Idle", "still Idle", "enter from Idle Open", "first Open", "second Open"]).await;
    assert_eq!(first.await?, "first");
    Ok(())
}

/// Calls that are made while it is handled at last end with the one that waited.
#[tokio::test(start_paused = true)]
async fn what_is_postponed_keeps_its_deadline() -> Result {
    for by_code in [false, true] {
        let mut stage = stage().await?;
        let mute = stage.node.spawn::<Mute>(()).await?;
        stage.node.register("mute", mute.pid())?;
        let puppet = stage.puppet.clone();
        let relayed = async move {
            if by_code {
                puppet.relay_later().timeout(time(100)).await
            } else {
                puppet.relay().timeout(time(100)).await
            }
        };
        let mut relayed = Box::pin(relayed);
        assert!(futures_util::poll!(relayed.as_mut()).is_pending());
        tokio::time::sleep(time(60)).await;
        stage.wish(&[Wish::To(1)]);
        assert_eq!(relayed.await, Err(CallError::Timeout(time(100))));
        told(&mut stage.seen, &["wish Idle", "still Idle", "enter from Idle Open", "in time Open"]).await;
    }
    Ok(())
}

/// The message that led there is done: who waits for it does not limit what is done in the new state.
#[tokio::test(start_paused = true)]
async fn entering_has_no_deadline() -> Result {
    let mut stage = stage_with(&[Wish::Call], SpawnOptions::default()).await?;
    let mute = stage.node.spawn::<Mute>(()).await?;
    stage.node.register("mute", mute.pid())?;
    assert_eq!(stage.puppet.enter().timeout(time(10)).await, Err(CallError::Timeout(time(10))));
    told(&mut stage.seen, &["enter Idle", "enter from Idle Open", "in full Open", "enter Open"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn next_events_come_before_what_was_postponed_and_what_waits() -> Result {
    let mut stage = stage_with(&[Wish::Next(5)], SpawnOptions::default()).await?;
    stage.puppet.heavy(vec![0; 3]).send()?;
    stage.wish(&[Wish::Next(1), Wish::To(1), Wish::Next(2)]);
    stage.puppet.note(9).send()?;
    told(&mut stage.seen, &["wish Idle", "still Idle", "enter from Idle Open"]).await;
    told(&mut stage.seen, &["note 5 Open", "note 1 Open", "note 2 Open", "heavy 3 Open", "note 9 Open"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_change_takes_the_state_timeout_away_and_one_of_the_same_message_is_the_new_states() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::State(10)]);
    stage.wish(&[Wish::State(20), Wish::To(1)]);
    told(&mut stage.seen, &["wish Idle", "still Idle", "wish Idle", "still Idle", "enter from Idle Open"]).await;
    told(&mut stage.seen, &["State at 20 Open"]).await;
    stage.wish(&[Wish::State(10)]);
    stage.wish(&[Wish::To(2), Wish::First(30)]);
    told(&mut stage.seen, &["wish Open", "still Open", "wish Open", "still Open", "enter from Open Busy"]).await;
    told(&mut stage.seen, &["Named(\"first\") at 30 Busy"]).await;
    // Set again, it is later; going to the same state leaves it.
    stage.wish(&[Wish::State(10)]);
    stage.wish(&[Wish::State(25), Wish::To(2)]);
    told(&mut stage.seen, &["wish Busy", "still Busy", "wish Busy", "still Busy", "State at 25 Busy"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_but_a_change_takes_the_state_timeout_away() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::State(10), Wish::Second(5)]);
    stage.puppet.note(1).send()?;
    stage.puppet.heavy(Vec::new()).send()?;
    told(&mut stage.seen, &["wish Idle", "still Idle", "note 1 Idle", "Named(\"second\") at 5 Idle"]).await;
    told(&mut stage.seen, &["State at 10 Idle"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_takes_the_event_timeout_away() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::Event(10)]);
    told(&mut stage.seen, &["wish Idle", "still Idle", "Event at 10 Idle"]).await;
    // A message, one that is postponed, a down, another timeout.
    stage.wish(&[Wish::Event(10)]);
    stage.puppet.note(1).send()?;
    told(&mut stage.seen, &["wish Idle", "still Idle", "note 1 Idle"]).await;
    stage.wish(&[Wish::Event(10), Wish::First(20)]);
    stage.puppet.heavy(Vec::new()).send()?;
    told(&mut stage.seen, &["wish Idle", "still Idle", "Named(\"first\") at 20 Idle"]).await;
    let other = stage.node.spawn_fn("other", |_| std::future::pending::<()>())?;
    stage.puppet.watch(other).send()?;
    stage.wish(&[Wish::Event(10), Wish::First(20)]);
    told(&mut stage.seen, &["wish Idle", "still Idle"]).await;
    stage.node.kill(other);
    told(&mut stage.seen, &["down Idle", "Named(\"first\") at 20 Idle"]).await;
    // A change alone does not.
    stage.wish(&[Wish::Event(10), Wish::To(2), Wish::Second(50)]);
    told(&mut stage.seen, &["wish Idle", "still Idle", "enter from Idle Busy", "heavy 0 Busy"]).await;
    told(&mut stage.seen, &["Named(\"second\") at 50 Busy"]).await;
    stage.wish(&[Wish::Event(10), Wish::To(3)]);
    told(&mut stage.seen, &["wish Busy", "still Busy", "enter from Busy Busy", "Event at 10 Busy"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn named_timeouts_outlast_events_and_states_and_are_set_anew_by_their_name() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::First(10), Wish::Second(20)]);
    stage.wish(&[Wish::To(1), Wish::First(30)]);
    told(&mut stage.seen, &["wish Idle", "still Idle", "wish Idle", "still Idle", "enter from Idle Open"]).await;
    told(&mut stage.seen, &["Named(\"second\") at 20 Open", "Named(\"first\") at 30 Open"]).await;
    stage.wish(&[Wish::First(10), Wish::State(10), Wish::Second(15)]);
    stage.wish(&[Wish::Event(10), Wish::Cancel]);
    told(&mut stage.seen, &["wish Open", "still Open", "wish Open", "still Open"]).await;
    told(&mut stage.seen, &["Named(\"second\") at 15 Open"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_comes_before_the_mailbox() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::Event(0), Wish::First(0), Wish::Next(1)]);
    stage.puppet.note(2).send()?;
    told(&mut stage.seen, &["wish Idle", "still Idle", "note 1 Idle", "Named(\"first\") at 0 Idle", "note 2 Idle"])
        .await;
    stage.wish(&[Wish::Event(0)]);
    stage.puppet.note(3).send()?;
    told(&mut stage.seen, &["wish Idle", "still Idle", "Event at 0 Idle", "note 3 Idle"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_came_in_time_is_not_overtaken() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::State(1)]);
    told(&mut stage.seen, &["wish Idle", "still Idle"]).await;
    for number in [1, 2, 3] {
        stage.puppet.note(number).send()?;
    }
    // It is due before the machine has had its turn.
    tokio::time::advance(time(1)).await;
    told(&mut stage.seen, &["note 1 Idle", "note 2 Idle", "note 3 Idle", "State at 1 Idle"]).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_flood_does_not_hold_a_timeout_back() -> Result {
    let mut stage = stage().await?;
    stage.wish(&[Wish::State(1)]);
    told(&mut stage.seen, &["wish Idle", "still Idle"]).await;
    // From here on its mailbox is never empty.
    stage.puppet.spin().send()?;
    tokio::time::advance(time(1)).await;
    told(&mut stage.seen, &["State at 1 Idle"]).await;
    Ok(())
}

/// It is behind what waited when it came due, and part of that is never read.
#[tokio::test]
async fn a_timeout_does_not_wait_for_what_was_taken_back() -> Result {
    let mut stage = stage().await?;
    let (begin, begins) = tokio::sync::oneshot::channel();
    let puppet = stage.puppet.clone();
    let watched = stage.node.spawn_fn("watched", move |_| async move {
        let _ = begins.await;
        // All in one turn, which lasts until the timeout is due: the puppet has its turn after that, and finds this and the down.
        puppet.unwatch().send().unwrap();
        let since = std::time::Instant::now();
        while since.elapsed() < time(2) {
            std::hint::spin_loop();
        }
    })?;
    stage.puppet.watch(watched).send()?;
    stage.wish(&[Wish::State(1)]);
    told(&mut stage.seen, &["wish Idle", "still Idle"]).await;
    begin.send(()).unwrap();
    told(&mut stage.seen, &["unwatched Idle"]).await;
    let timeout = tokio::time::timeout(Duration::from_secs(30), stage.seen.recv()).await;
    assert!(timeout.is_ok_and(|seen| seen.is_some_and(|seen| seen.starts_with("State at"))), "it was forgotten");
    Ok(())
}

/// Bytes and moved messages, postponed and given back.
#[tokio::test(start_paused = true)]
async fn postponed_messages_take_places_of_the_bound() -> Result {
    let options = SpawnOptions::default().mailbox(Bound::new(4));
    let mut stage = stage_with(&[], options).await?;
    let by_bytes = PuppetClient::from_address(Address::pid_on(&stage.node, stage.puppet.pid()));
    by_bytes.heavy(vec![0; 1]).send()?;
    by_bytes.heavy(vec![0; 2]).send()?;
    let puppet = stage.puppet.clone();
    let mut later = Box::pin(async move { puppet.later("later".into()).await });
    assert!(futures_util::poll!(later.as_mut()).is_pending());
    stage.puppet.note(0).send()?;
    told(&mut stage.seen, &["note 0 Idle"]).await;
    let waiting = |stage: &Stage| stage.node.info(stage.puppet.pid()).map(|info| info.waiting);
    assert_eq!(waiting(&stage), Some(3));
    stage.puppet.heavy(vec![0; 3]).send()?;
    assert!(matches!(stage.puppet.heavy(vec![0; 4]).send(), Err(SendError::Full)));
    assert!(matches!(stage.puppet.note(1).send(), Err(SendError::Full)), "also for what would not wait");
    assert_eq!(waiting(&stage), Some(4));
    // What is full of what waits for another state can still be ended, and the callers are told.
    let ended = stage.node.ended(stage.puppet.pid());
    stage.node.exit(stage.puppet.pid(), ExitReason::Shutdown);
    assert_eq!(ended.await, ExitReason::Shutdown);
    assert_eq!(later.await, Err(CallError::Exited(ExitReason::Shutdown)));
    Ok(())
}

/// A timeout frees what a full mailbox holds, and senders that wait get in.
#[tokio::test(start_paused = true)]
async fn a_full_machine_goes_on_after_a_change() -> Result {
    let options = SpawnOptions::default().mailbox(Bound::new(2).overflow(Overflow::Block));
    let node = Node::builder().in_runtime().build().await?;
    let (channel, mut seen) = channel();
    let puppet = node.spawn_with::<Machine>(channel, options).await?;
    for number in 0..5 {
        puppet.put(number).await?;
    }
    told(&mut seen, &["put 0", "put 1", "put 2", "put 3", "put 4"]).await;
    Ok(())
}

#[derive(Default, PartialEq, State)]
enum Gate {
    #[default]
    Shut,
    Open,
}

/// Opens after a second.
struct Machine {
    seen: UnboundedSender<String>,
}

#[actor(state = Gate)]
impl Machine {
    #[init]
    fn start(channel: usize, cx: &mut Cx<Self>) -> Self {
        cx.state_timeout(Duration::from_secs(1));
        Self { seen: SEEN.lock().unwrap()[channel].clone() }
    }

    #[cast]
    #[postpone(Gate::Shut)]
    pub fn put(&mut self, number: u32) {
        let _ = self.seen.send(format!("put {number}"));
    }

    #[on(timeout)]
    fn timed_out(&mut self, cx: &mut Cx<Self>) {
        cx.to(Gate::Open);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_no_change() -> Result {
    let mut stage = stage().await?;
    let ended = stage.node.ended(stage.puppet.pid());
    stage.wish(&[Wish::To(1), Wish::Stop]);
    told(&mut stage.seen, &["wish Idle", "still Idle", "bye Shutdown Idle"]).await;
    assert_eq!(ended.await, ExitReason::Shutdown);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_tells_those_whose_messages_wait() -> Result {
    let stage = stage().await?;
    let puppet = stage.puppet.clone();
    let mut ask = Box::pin(async move { puppet.ask(1).await });
    assert!(futures_util::poll!(ask.as_mut()).is_pending());
    let died = stage.puppet.die().await;
    assert!(matches!(&died, Err(CallError::Exited(ExitReason::Panicked(text))) if text.contains("dead")), "{died:?}");
    assert!(matches!(ask.await, Err(CallError::Exited(ExitReason::Panicked(_)))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn its_state_is_seen_from_outside() -> Result {
    let mut stage = stage().await?;
    let state = |stage: &Stage| stage.node.info(stage.puppet.pid()).and_then(|info| info.state);
    assert_eq!(state(&stage), Some("Idle"));
    stage.wish(&[Wish::To(3)]);
    told(&mut stage.seen, &["wish Idle", "still Idle", "enter from Idle Busy"]).await;
    assert_eq!(state(&stage), Some("Busy"));
    let other = stage.node.spawn_fn("other", |_| std::future::pending::<()>())?;
    assert_eq!(stage.node.info(other).and_then(|info| info.state), None);
    Ok(())
}

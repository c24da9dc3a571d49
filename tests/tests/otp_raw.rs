//! Processes that are functions: what they receive and in which order, how they end, and who is told.

use rusm::otp::SpawnOptions;
use rusm::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Arguments cross boundaries, and a channel can't: it is given by its number.
static SEEN: Mutex<Vec<UnboundedSender<String>>> = Mutex::new(Vec::new());

fn channel() -> (usize, UnboundedReceiver<String>) {
    let (sender, receiver) = unbounded_channel();
    let mut all = SEEN.lock().unwrap();
    all.push(sender);
    (all.len() - 1, receiver)
}

fn tell(channel: usize, what: impl ToString) {
    let _ = SEEN.lock().unwrap()[channel].send(what.to_string());
}

async fn heard<const N: usize>(receiver: &mut UnboundedReceiver<String>) -> [String; N] {
    let mut all = [const { String::new() }; N];
    for place in &mut all {
        *place = receiver.recv().await.expect("somebody tells");
    }
    all
}

async fn node() -> Node {
    Node::builder().build().await.expect("a node")
}

#[wire]
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    Say(String),
    Urgent(u32),
    Link(Pid),
    Unlink(Pid),
    Watch(Pid),
    WatchAndStop(Pid),
    Trap(bool),
    Fail(String),
    Panic,
    Done,
}

/// Does what it is told, and tells all it sees.
#[actor]
async fn subject(mut inbox: Inbox<Job>, channel: usize) -> std::result::Result<(), Exit> {
    loop {
        let job = match inbox.next().await {
            Event::Message(job) => job,
            Event::Exit(exit) => {
                tell(channel, format!("exit {}", exit.reason));
                continue;
            }
            Event::Down(down) => {
                tell(channel, format!("down {}", down.reason));
                continue;
            }
            Event::Stop(reason) => {
                tell(channel, format!("stop {reason}"));
                return Err(reason.into());
            }
        };
        match job {
            Job::Say(text) => tell(channel, text),
            Job::Urgent(number) => tell(channel, number),
            Job::Link(pid) => inbox.link(pid),
            Job::Unlink(pid) => inbox.unlink(pid),
            Job::Watch(pid) => drop(inbox.monitor(pid)),
            Job::WatchAndStop(pid) => {
                let monitor = inbox.monitor(pid);
                inbox.demonitor(monitor);
            }
            Job::Trap(on) => {
                let before = inbox.trap_exit(on);
                tell(channel, format!("trapped before: {before}"));
            }
            Job::Fail(text) => return Err(Exit::error(text)),
            Job::Panic => panic!("as told"),
            Job::Done => return Ok(()),
        }
    }
}

/// Once it is told to begin, it receives what is urgent, then the rest.
#[actor]
async fn sorter(mut inbox: Inbox<Job>, channel: usize, urgent: usize, rest: usize) {
    inbox.receive_match(|job| *job == Job::Done).await;
    for _ in 0..urgent {
        let job = inbox.receive_match(|job| matches!(job, Job::Urgent(_))).await;
        tell(channel, format!("{job:?}"));
    }
    for _ in 0..rest {
        let job = inbox.receive().await;
        tell(channel, format!("{job:?}"));
    }
}

fn say(text: &str) -> Job {
    Job::Say(text.to_owned())
}

#[tokio::test]
async fn messages_keep_their_order_and_what_is_skipped_keeps_its() -> Result {
    let (channel, mut seen) = channel();
    let sorter = node().await.spawn::<sorter>((channel, 2, 3)).await?;
    for job in [say("a"), Job::Urgent(1), say("b"), Job::Urgent(2), say("c"), Job::Done] {
        sorter.send(job).send()?;
    }
    let expected = ["Urgent(1)", "Urgent(2)", "Say(\"a\")", "Say(\"b\")", "Say(\"c\")"];
    assert_eq!(heard(&mut seen).await, expected);
    Ok(())
}

static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Waits for the one that is urgent while all others come before it, in many wake-ups.
#[actor]
async fn counting(mut inbox: Inbox<Job>, channel: usize) {
    inbox
        .receive_match(|job| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            matches!(job, Job::Urgent(_))
        })
        .await;
    tell(channel, inbox.waiting());
    while let Job::Say(_) = inbox.receive().await {}
    tell(channel, inbox.waiting());
}

#[tokio::test]
async fn a_receive_asks_about_each_message_once() -> Result {
    const MANY: usize = 10_000;
    let (channel, mut seen) = channel();
    let counting = node().await.spawn::<counting>(channel).await?;
    for round in 0..MANY {
        counting.send(say("")).send()?;
        if round % 100 == 0 {
            // It looks at what is there, over and over.
            tokio::task::yield_now().await;
        }
    }
    counting.send(Job::Urgent(1)).send()?;
    counting.send(Job::Done).send()?;
    assert_eq!(heard(&mut seen).await, [(MANY + 1).to_string(), "0".to_owned()]);
    assert_eq!(ASKED.load(Ordering::Relaxed), MANY + 1);
    Ok(())
}

static GATE: Semaphore = Semaphore::const_new(0);

/// Receives for a while, then says what came; without any patience only once the gate is open.
#[actor]
async fn patient(mut inbox: Inbox<Job>, channel: usize, patience: Duration) {
    if patience.is_zero() {
        GATE.acquire().await.expect("nobody closes it").forget();
    }
    let job = inbox.receive_match(|job| matches!(job, Job::Urgent(_))).timeout(patience).await;
    tell(channel, format!("{job:?}"));
    let job = inbox.receive().timeout(patience).await;
    tell(channel, format!("{job:?}"));
}

#[tokio::test(start_paused = true)]
async fn a_receive_ends_at_its_time_and_takes_nothing_with_it() -> Result {
    let (channel, mut seen) = channel();
    let began = tokio::time::Instant::now();
    let patient = node().await.spawn::<patient>((channel, Duration::from_secs(60))).await?;
    patient.send(say("hello")).send()?;
    assert_eq!(heard(&mut seen).await, ["None", "Some(Say(\"hello\"))"]);
    assert_eq!(began.elapsed().as_secs(), 60);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_waits_comes_even_if_there_is_no_time() -> Result {
    let (channel, mut seen) = channel();
    let node = node().await;
    let patient = node.spawn::<patient>((channel, Duration::ZERO)).await?;
    for _ in 0..1000 {
        patient.send(say("no")).send()?;
    }
    patient.send(Job::Urgent(7)).send()?;
    GATE.add_permits(1);
    assert_eq!(heard(&mut seen).await, ["Some(Urgent(7))", "Some(Say(\"no\"))"]);
    Ok(())
}

/// Gives up each receive as soon as it has looked, and says what it got in the end.
#[actor]
async fn fickle(mut inbox: Inbox<Job>, channel: usize) {
    for _ in 0..3 {
        tokio::select! {
            biased;
            _ = inbox.receive_match(|job| *job == Job::Panic) => unreachable!("nobody sends that"),
            () = tokio::task::yield_now() => {}
        }
    }
    // One receive that was ready and not chosen.
    tokio::select! {
        biased;
        () = std::future::ready(()) => {}
        _ = inbox.receive() => unreachable!("the other was first"),
    }
    loop {
        match inbox.receive().await {
            Job::Done => return,
            job => tell(channel, format!("{job:?}")),
        }
    }
}

#[tokio::test]
async fn a_receive_that_is_dropped_takes_nothing() -> Result {
    let (channel, mut seen) = channel();
    let node = node().await;
    let fickle = node.spawn::<fickle>(channel).await?;
    let ended = node.ended(fickle.pid());
    for job in [say("a"), say("b"), Job::Done] {
        fickle.send(job).send()?;
    }
    assert_eq!(heard(&mut seen).await, ["Say(\"a\")", "Say(\"b\")"]);
    assert_eq!(ended.await, ExitReason::Normal);
    Ok(())
}

#[tokio::test]
async fn exits_end_it_or_are_told_to_it() -> Result {
    let node = node().await;
    let (channel, mut seen) = channel();
    let plain = node.spawn::<subject>(channel).await?;
    let other = node.spawn::<subject>(channel).await?;
    plain.send(Job::Link(other.pid())).send()?;
    plain.send(say("linked")).send()?;
    assert_eq!(heard(&mut seen).await, ["linked"]);
    let ended = node.ended(plain.pid());
    other.send(Job::Fail("broken".into())).send()?;
    assert_eq!(ended.await, ExitReason::Error("broken".into()));

    let trapping = node.spawn::<subject>(channel).await?;
    let other = node.spawn::<subject>(channel).await?;
    for job in [Job::Trap(true), Job::Trap(true), Job::Link(other.pid()), say("linked")] {
        trapping.send(job).send()?;
    }
    assert_eq!(heard(&mut seen).await, ["trapped before: false", "trapped before: true", "linked"]);
    other.send(Job::Fail("broken".into())).send()?;
    assert_eq!(heard(&mut seen).await, ["exit error: broken"]);
    trapping.send(Job::Link(other.pid())).send()?;
    assert_eq!(heard(&mut seen).await, ["exit no such process"]);
    let ended = node.ended(trapping.pid());
    node.exit(trapping.pid(), ExitReason::Shutdown);
    assert_eq!(heard(&mut seen).await, ["stop shutdown"]);
    assert_eq!(ended.await, ExitReason::Shutdown);

    let again = node.spawn::<subject>(channel).await?;
    for job in [Job::Trap(true), Job::Trap(false)] {
        again.send(job).send()?;
    }
    assert_eq!(heard(&mut seen).await, ["trapped before: false", "trapped before: true"]);
    let ended = node.ended(again.pid());
    node.exit(again.pid(), ExitReason::Shutdown);
    assert_eq!(ended.await, ExitReason::Shutdown);
    assert!(seen.try_recv().is_err(), "it was not asked");
    Ok(())
}

#[tokio::test]
async fn downs_come_once_and_not_after_demonitor() -> Result {
    let node = node().await;
    let (channel, mut seen) = channel();
    let watcher = node.spawn::<subject>(channel).await?;
    let watched = node.spawn::<subject>(channel).await?;
    let ended = node.ended(watched.pid());
    for job in [Job::Watch(watched.pid()), Job::WatchAndStop(watched.pid()), say("watching")] {
        watcher.send(job).send()?;
    }
    assert_eq!(heard(&mut seen).await, ["watching"]);
    watched.send(Job::Panic).send()?;
    let reason = ended.await;
    assert!(matches!(&reason, ExitReason::Panicked(text) if text.contains("as told")), "{reason}");
    for job in [Job::Watch(watched.pid()), Job::WatchAndStop(watched.pid()), say("the end")] {
        watcher.send(job).send()?;
    }
    assert_eq!(heard(&mut seen).await, [format!("down {reason}"), "the end".into(), "down no such process".into()]);
    watcher.send(Job::Done).send()?;
    assert_eq!(Ref::ended(&watcher).await, ExitReason::Normal);
    assert!(seen.try_recv().is_err(), "the others were taken away");
    Ok(())
}

/// Skips signals with a receive of messages before it gives them back.
#[actor]
async fn forgetful(mut inbox: Inbox<Job>, channel: usize, dead: Pid) {
    inbox.trap_exit(true);
    let kept = inbox.monitor(dead);
    let dropped = inbox.monitor(dead);
    inbox.link(dead);
    // The three signals are refused by this one.
    tell(channel, format!("{:?}", inbox.receive().await));
    inbox.demonitor(dropped);
    inbox.unlink(dead);
    match inbox.next().await {
        Event::Down(down) if down.monitor == kept => tell(channel, "kept"),
        other => tell(channel, format!("{other:?}")),
    }
    let other = inbox.next_match(|event| !event.is_message()).timeout(Duration::ZERO).await;
    tell(channel, format!("{other:?}"));
}

#[tokio::test]
async fn signals_that_were_skipped_can_still_be_taken_away() -> Result {
    let node = node().await;
    let (channel, mut seen) = channel();
    let dead = node.spawn::<subject>(channel).await?;
    dead.send(Job::Done).send()?;
    node.ended(dead.pid()).await;
    let forgetful = node.spawn::<forgetful>((channel, dead.pid())).await?;
    forgetful.send(say("go")).send()?;
    assert_eq!(heard(&mut seen).await, ["Say(\"go\")", "kept", "None"]);
    Ok(())
}

#[tokio::test]
async fn a_kill_finds_it_wherever_it_waits() -> Result {
    let node = node().await;
    let (channel, mut seen) = channel();
    let watcher = node.spawn::<subject>(channel).await?;
    let trapping = node.spawn::<subject>(channel).await?;
    watcher.send(Job::Watch(trapping.pid())).send()?;
    trapping.send(Job::Trap(true)).send()?;
    assert_eq!(heard(&mut seen).await, ["trapped before: false"]);
    let ended = node.ended(trapping.pid());
    node.kill(trapping.pid());
    assert_eq!(ended.await, ExitReason::Killed);
    assert_eq!(heard(&mut seen).await, ["down killed"]);
    let refused = trapping.send(Job::Done).send();
    assert!(matches!(refused, Err(SendError::NoProcess(_))), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn what_was_skipped_still_counts_against_the_bound() -> Result {
    let (channel, mut seen) = channel();
    let node = node().await;
    let sorter = node.spawn_with::<sorter>((channel, 0, 2), SpawnOptions::default().mailbox(2)).await?;
    sorter.send(say("a")).send()?;
    sorter.send(say("b")).send()?;
    // It has looked at both and waits for another one.
    tokio::task::yield_now().await;
    assert_eq!(sorter.send(Job::Done).send(), Err(SendError::Full));
    let ended = node.ended(sorter.pid());
    node.kill(sorter.pid());
    ended.await;
    assert!(seen.try_recv().is_err());
    Ok(())
}

/// Hands a client of itself to an actor, through whose answer it hears.
#[actor]
async fn asking(mut inbox: Inbox<u32>, channel: usize) {
    let me: AskingClient = inbox.me();
    let child = inbox.spawn_link::<Doubler>(()).await.expect("spawns");
    inbox.register("asking").expect("the name is free");
    me.send(child.double(20).await.expect("answers")).send().expect("it lives");
    AskingClient::connect("asking").send(2).send().expect("it has the name");
    let sum = inbox.receive().await + inbox.receive().await;
    tell(channel, sum);
    let grandchild = inbox.spawn::<asked>(inbox.pid()).await.expect("spawns");
    tell(channel, inbox.receive().await);
    drop(grandchild);
    inbox.receive().await;
}

/// Answers whoever started it.
#[actor]
async fn asked(inbox: Inbox<u32>, by: Pid) {
    let client = AskingClient::from_address(rusm::Address::pid_on(inbox.node(), by));
    client.send(7).send().expect("it waits");
}

pub struct Doubler;

#[actor]
impl Doubler {
    #[init]
    fn start() -> Self {
        Self
    }

    pub fn double(&self, value: u32) -> u32 {
        2 * value
    }
}

#[tokio::test]
async fn it_calls_spawns_and_has_a_name() -> Result {
    let (channel, mut seen) = channel();
    let node = node().await;
    let asking = node.spawn::<asking>(channel).await?;
    let ended = node.ended(asking.pid());
    assert_eq!(heard(&mut seen).await, ["42", "7"]);
    asking.send(0).send()?;
    assert_eq!(ended.await, ExitReason::Normal);
    assert_eq!(node.whereis("asking"), None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_starts_it_again() -> Result {
    let (channel, mut seen) = channel();
    let node = node().await;
    let tree = Supervisor::new().child(ChildSpec::actor::<subject>("subject", move || channel).named("s"));
    let supervisor = node.supervise(tree).await?;
    let client = SubjectClient::named(&node, "s")?;
    let first = node.whereis("s").expect("it runs");
    client.send(say("first")).send()?;
    let ended = node.ended(first);
    client.send(Job::Panic).send()?;
    ended.await;
    while node.whereis("s").is_none() {
        tokio::task::yield_now().await;
    }
    client.send(say("second")).send()?;
    assert_eq!(heard(&mut seen).await, ["first", "second"]);
    drop(supervisor);
    Ok(())
}

//! Processes through the public API: calls, exits, links, monitors, names, limits.

use rusm::otp::SpawnOptions;
use rusm::prelude::*;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Does what it is told, the good and the bad.
pub struct Subject {
    kept: Vec<Reply<u32>>,
}

#[actor]
impl Subject {
    #[init]
    async fn start(fail: Option<String>) -> std::result::Result<Self, Exit> {
        match fail.as_deref() {
            Some("panic") => panic!("no start today"),
            Some(text) => Err(Exit::error(text)),
            None => Ok(Self { kept: Vec::new() }),
        }
    }

    pub fn echo(&self, value: u32) -> u32 {
        value
    }

    /// Which process it is.
    pub fn slot(&self, cx: &mut Cx<Self>) -> u32 {
        cx.pid().slot()
    }

    pub fn give_back(&self, cx: &mut Cx<Self>, name: String) -> bool {
        cx.unregister(&name).is_ok()
    }

    /// Asks by a client that nobody has given a node.
    pub async fn ask_slot(&self) -> u32 {
        static IT: LazyLock<SubjectClient> = LazyLock::new(|| SubjectClient::connect("it"));
        IT.slot().await.unwrap_or(u32::MAX)
    }

    pub async fn hang(&self) -> u32 {
        std::future::pending().await
    }

    pub fn panic(&self, text: String) -> u32 {
        panic!("{text}")
    }

    pub fn keep(&mut self, reply: Reply<u32>) {
        self.kept.push(reply);
    }

    pub fn answer_kept(&mut self, value: u32) -> u32 {
        let kept = std::mem::take(&mut self.kept);
        let count = kept.len() as u32;
        kept.into_iter().for_each(|reply| reply.send(value));
        count
    }

    pub fn lose(&self, reply: Reply<u32>) {
        drop(reply);
    }

    pub async fn ask(&self, name: String, wait: Duration) -> std::result::Result<u32, String> {
        SubjectClient::connect(&name).hang().timeout(wait).await.map_err(|error| error.to_string())
    }

    /// Gives the reply to a task that is no process and panics.
    pub fn entrust(&self, reply: Reply<u32>) {
        tokio::spawn(async move {
            let _reply = reply;
            panic!("nobody's end");
        });
    }

    /// Panics with the reply in hand, and lives on.
    pub fn survive(&self, reply: Reply<u32>) {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _reply = reply;
            panic!("caught");
        }));
        assert!(caught.is_err());
    }

    #[cast]
    pub fn take(&self, grenade: Grenade) {
        drop(grenade);
    }

    pub fn stop(&self, cx: &mut Cx<Self>, text: String) -> bool {
        cx.stop(Exit::error(text));
        true
    }
}

/// Panics when it is dropped.
#[wire]
pub struct Grenade {
    armed: bool,
}

impl Drop for Grenade {
    fn drop(&mut self) {
        assert!(!self.armed, "bang");
    }
}

/// Takes its time to go: tells when its drop begins, and waits until it may end.
pub struct Reluctant {
    _gate: Gate,
}

struct Gate;

static DROPPING: std::sync::Mutex<Option<(std::sync::mpsc::Sender<()>, std::sync::mpsc::Receiver<()>)>> =
    std::sync::Mutex::new(None);

impl Drop for Gate {
    fn drop(&mut self) {
        let Some((began, may_end)) = DROPPING.lock().unwrap().take() else { return };
        began.send(()).unwrap();
        may_end.recv().unwrap();
    }
}

#[actor]
impl Reluctant {
    #[init]
    fn start() -> Self {
        Self { _gate: Gate }
    }

    pub fn ping(&self) {}
}

/// Tells a channel what it sees; given by a static because arguments cross boundaries.
pub struct Watcher {
    seen: UnboundedSender<String>,
}

static SEEN: std::sync::Mutex<Vec<UnboundedSender<String>>> = std::sync::Mutex::new(Vec::new());

fn channel() -> (usize, UnboundedReceiver<String>) {
    let (sender, receiver) = unbounded_channel();
    let mut all = SEEN.lock().unwrap();
    all.push(sender);
    (all.len() - 1, receiver)
}

#[actor]
impl Watcher {
    #[init]
    fn start(channel: usize) -> Self {
        Self { seen: SEEN.lock().unwrap()[channel].clone() }
    }

    pub fn link(&self, cx: &mut Cx<Self>, to: Pid) {
        cx.link(to);
    }

    pub fn unlink(&self, cx: &mut Cx<Self>, from: Pid) {
        cx.unlink(from);
    }

    pub fn watch(&self, cx: &mut Cx<Self>, pid: Pid) {
        cx.monitor(pid);
    }

    pub fn watch_and_stop(&self, cx: &mut Cx<Self>, pid: Pid) {
        let monitor = cx.monitor(pid);
        cx.demonitor(monitor);
    }

    /// Has a signal of an end in the mailbox when it unlinks and demonitors.
    pub async fn outlive(&self, cx: &mut Cx<Self>, victim: Pid) {
        cx.link(victim);
        let monitor = cx.monitor(victim);
        let ended = cx.node().ended(victim);
        cx.node().kill(victim);
        ended.await;
        cx.unlink(victim);
        cx.demonitor(monitor);
    }

    pub async fn child(&self, cx: &mut Cx<Self>, link: bool) -> std::result::Result<Pid, String> {
        let child = if link { cx.spawn_link::<Subject>(None).await } else { cx.spawn::<Subject>(None).await };
        child.map(|child| child.pid()).map_err(|error| error.to_string())
    }

    pub fn ping(&self) {}

    #[on(exit)]
    fn linked(&mut self, exit: ExitSignal) {
        let _ = self.seen.send(format!("exit {}", exit.reason));
    }

    #[on(down)]
    fn watched(&mut self, down: Down) {
        let _ = self.seen.send(format!("down {}", down.reason));
    }

    #[on(terminate)]
    fn bye(&mut self, reason: &ExitReason) {
        let _ = self.seen.send(format!("terminate {reason}"));
    }
}

async fn node() -> Node {
    Node::builder().build().await.unwrap()
}

#[tokio::test]
async fn a_call_ends_with_the_callees_reason() -> Result {
    let node = node().await;
    let subject = node.spawn::<Subject>(None).await?;
    let call = subject.panic("boom".into()).await.unwrap_err();
    let CallError::Exited(ExitReason::Panicked(text)) = &call else { panic!("{call}") };
    assert!(text.starts_with("boom, at ") && text.contains("otp_processes.rs"), "{text}");
    assert!(matches!(subject.echo(1).await, Err(CallError::NoProcess(_))));
    Ok(())
}

#[tokio::test]
async fn a_kill_ends_a_process_that_never_answers() -> Result {
    let node = node().await;
    let subject = node.spawn::<Subject>(None).await?;
    let (pid, ended) = (subject.pid(), node.ended(subject.pid()));
    let call = tokio::spawn(async move { subject.hang().await });
    // The call is under way once the mailbox was emptied by the process that now hangs.
    tokio::task::yield_now().await;
    node.kill(pid);
    assert_eq!(ended.await, ExitReason::Killed);
    let call = call.await?.unwrap_err();
    assert!(matches!(call, CallError::Exited(ExitReason::Killed) | CallError::NoProcess(_)), "{call}");
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn deadlines_are_five_seconds_and_nested_calls_inherit_them() -> Result {
    let node = node().await;
    let begun = tokio::time::Instant::now();
    let subject = node.spawn::<Subject>(None).await?;
    assert_eq!(subject.hang().await, Err(CallError::Timeout(Duration::from_secs(5))));
    assert_eq!(begun.elapsed(), Duration::from_secs(5));

    let (asker, hung) = (node.spawn::<Subject>(None).await?, node.spawn::<Subject>(None).await?);
    node.register("hung", hung.pid())?;
    let begun = tokio::time::Instant::now();
    let outer = asker.ask("hung".into(), Duration::from_secs(60)).timeout(Duration::from_secs(2)).await;
    assert_eq!(outer, Err(CallError::Timeout(Duration::from_secs(2))));
    // The nested call, of a minute, ended with its caller's: the asker is free again.
    assert_eq!(asker.echo(7).await, Ok(7));
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    Ok(())
}

#[tokio::test]
async fn replies_can_wait_and_be_lost_but_never_hang() -> Result {
    let node = node().await;
    let subject = node.spawn::<Subject>(None).await?;
    let (kept, count) = tokio::join!(async { subject.keep().await }, async {
        while subject.answer_kept(9).await.unwrap() == 0 {}
        1
    });
    assert_eq!((kept, count), (Ok(9), 1));
    assert_eq!(subject.lose().await, Err(CallError::NoReply));
    Ok(())
}

#[tokio::test]
async fn a_start_that_fails_tells_why() -> Result {
    let node = node().await;
    let failed = node.spawn::<Subject>(Some("no disk".into())).await.unwrap_err();
    assert_eq!(failed, SpawnError::Init(ExitReason::Error("no disk".into())));
    let crashed = node.spawn::<Subject>(Some("panic".into())).await.unwrap_err();
    assert!(matches!(&crashed, SpawnError::Init(ExitReason::Panicked(text)) if text.starts_with("no start today")));
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn an_actor_ends_itself_after_its_answer() -> Result {
    let node = node().await;
    let subject = node.spawn::<Subject>(None).await?;
    let ended = node.ended(subject.pid());
    assert_eq!(subject.stop("enough".into()).await, Ok(true));
    assert_eq!(ended.await, ExitReason::Error("enough".into()));
    Ok(())
}

#[tokio::test]
async fn links_and_monitors_tell_once_and_the_truth() -> Result {
    let node = node().await;
    let (number, mut seen) = channel();
    let watcher = node.spawn::<Watcher>(number).await?;
    let subject = node.spawn::<Subject>(None).await?;
    watcher.link(subject.pid()).await?;
    watcher.watch(subject.pid()).await?;
    watcher.watch_and_stop(subject.pid()).await?;
    subject.panic("x".into()).await.unwrap_err();
    let mut both = [seen.recv().await.unwrap(), seen.recv().await.unwrap()];
    both.sort();
    assert!(both[0].starts_with("down panicked: x") && both[1].starts_with("exit panicked: x"), "{both:?}");

    // The dead answer at once.
    watcher.watch(subject.pid()).await?;
    assert_eq!(seen.recv().await.unwrap(), "down no such process");
    watcher.link(subject.pid()).await?;
    assert_eq!(seen.recv().await.unwrap(), "exit no such process");

    // After an unlink nothing comes.
    let other = node.spawn::<Subject>(None).await?;
    watcher.link(other.pid()).await?;
    watcher.unlink(other.pid()).await?;
    let ended = node.ended(other.pid());
    node.kill(other.pid());
    ended.await;
    watcher.ping().await?;
    assert!(seen.try_recv().is_err());

    // `normal` asks nothing; `shutdown` lets it clean up.
    node.exit(watcher.pid(), ExitReason::Normal);
    watcher.ping().await?;
    let ended = node.ended(watcher.pid());
    node.exit(watcher.pid(), ExitReason::Shutdown);
    assert_eq!(ended.await, ExitReason::Shutdown);
    assert_eq!(seen.recv().await.unwrap(), "terminate shutdown");
    Ok(())
}

#[tokio::test]
async fn signals_that_were_not_read_are_taken_away() -> Result {
    let node = node().await;
    let (number, mut seen) = channel();
    let watcher = node.spawn::<Watcher>(number).await?;
    let victim = node.spawn::<Subject>(None).await?;
    watcher.outlive(victim.pid()).await?;
    watcher.ping().await?;
    assert!(seen.try_recv().is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_a_panic_drops_is_no_reply_unless_the_process_ends() -> Result {
    let node = node().await;
    let begun = tokio::time::Instant::now();
    let subject = node.spawn::<Subject>(None).await?;
    assert_eq!(subject.entrust().await, Err(CallError::NoReply));
    assert_eq!(subject.survive().await, Err(CallError::NoReply));
    assert_eq!((subject.echo(1).await, begun.elapsed()), (Ok(1), Duration::ZERO));
    Ok(())
}

#[tokio::test]
async fn unread_messages_that_panic_keep_nobody_from_being_told() -> Result {
    let node = node().await;
    let (number, mut seen) = channel();
    let watcher = node.spawn::<Watcher>(number).await?;
    let subject = node.spawn::<Subject>(None).await?;
    watcher.watch(subject.pid()).await?;
    let ended = node.ended(subject.pid());
    for _ in 0..2 {
        subject.take(Grenade { armed: true }).send()?;
    }
    node.kill(subject.pid());
    assert_eq!(ended.await, ExitReason::Killed);
    assert_eq!(seen.recv().await.unwrap(), "down killed");
    assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_is_told_when_it_is_complete() -> Result {
    let node = node().await;
    let (began, has_begun) = std::sync::mpsc::channel();
    let (end, may_end) = std::sync::mpsc::channel();
    let reluctant = node.spawn::<Reluctant>(()).await?;
    *DROPPING.lock().unwrap() = Some((began, may_end));
    node.kill(reluctant.pid());
    tokio::task::spawn_blocking(move || has_begun.recv()).await??;
    // Nobody finds it any more, but what it holds is not free yet.
    assert!(!node.is_alive(reluctant.pid()));
    let mut ended = std::pin::pin!(node.ended(reluctant.pid()));
    let early = std::future::poll_fn(|cx| std::task::Poll::Ready(ended.as_mut().poll(cx).is_ready())).await;
    end.send(())?;
    assert!(!early);
    assert_eq!(ended.await, ExitReason::Killed);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_asks_those_that_outlived_their_parents() -> Result {
    let node = node().await;
    let begun = tokio::time::Instant::now();
    let (number, _seen) = channel();
    let parent = node.spawn::<Watcher>(number).await?;
    parent.child(false).await??;
    assert_eq!(node.shutdown(Duration::MAX).await, 0);
    assert_eq!((node.alive(), begun.elapsed()), (0, Duration::ZERO));
    Ok(())
}

#[tokio::test]
async fn linked_children_die_with_their_parent_and_others_live() -> Result {
    let node = node().await;
    let (number, _seen) = channel();
    let parent = node.spawn::<Watcher>(number).await?;
    let (linked, free) = (parent.child(true).await??, parent.child(false).await??);
    let ended = node.ended(linked);
    node.kill(parent.pid());
    assert_eq!(ended.await, ExitReason::Killed);
    assert!(node.is_alive(free));
    Ok(())
}

#[tokio::test]
async fn names_are_unique_and_their_holders_alone() -> Result {
    let node = node().await;
    let (first, second) = (node.spawn::<Subject>(None).await?, node.spawn::<Subject>(None).await?);
    node.register("it", first.pid())?;
    assert_eq!(node.register("it", second.pid()), Err(NameError::Taken("it".into())));
    for bad in ["", "a\nb", &"x".repeat(256)] {
        assert!(matches!(node.register(bad, first.pid()), Err(NameError::Invalid(_))), "{bad:?}");
    }
    let it = SubjectClient::named(&node, "it")?;
    assert_eq!(it.echo(3).await, Ok(3));
    let ended = node.ended(first.pid());
    node.kill(first.pid());
    ended.await;
    assert_eq!(node.whereis("it"), None);
    assert!(matches!(it.echo(3).await, Err(CallError::NoProcess(who)) if who.contains("it")));
    node.register("it", second.pid())?;
    assert_eq!(it.echo(4).await, Ok(4), "a client by name finds the next holder");
    assert_eq!(node.register("dead", first.pid()), Err(NameError::NoProcess));
    let taken = node.spawn_with::<Subject>(None, SpawnOptions::default().name("it")).await.unwrap_err();
    assert_eq!((taken, node.alive()), (SpawnError::Name(NameError::Taken("it".into())), 1));
    Ok(())
}

#[tokio::test]
async fn a_client_by_name_follows_the_name() -> Result {
    let node = node().await;
    let (first, second) = (node.spawn::<Subject>(None).await?, node.spawn::<Subject>(None).await?);
    let it = SubjectClient::named(&node, "it")?;
    for _ in 0..3 {
        for holder in [&first, &second] {
            assert!(matches!(it.slot().await, Err(CallError::NoProcess(_))));
            node.register("it", holder.pid())?;
            assert_eq!((it.slot().await, it.clone().slot().await), (Ok(holder.pid().slot()), Ok(holder.pid().slot())));
            assert_eq!(it.give_back("it".into()).await, Ok(true));
        }
    }
    assert!(node.is_alive(first.pid()) && node.is_alive(second.pid()));
    Ok(())
}

/// The same client in processes of several nodes, whose slots are alike.
#[tokio::test]
async fn a_client_without_a_node_asks_that_of_its_process() -> Result {
    let (one, other) = (node().await, node().await);
    let (asks, held) = (one.spawn::<Subject>(None).await?, one.spawn::<Subject>(None).await?);
    one.register("it", held.pid())?;
    let (other_held, _) = (other.spawn::<Subject>(None).await?, other.spawn::<Subject>(None).await?);
    let other_asks = other.spawn::<Subject>(None).await?;
    for _ in 0..2 {
        assert_eq!(asks.ask_slot().await, Ok(held.pid().slot()));
        assert_eq!(other_asks.ask_slot().await, Ok(u32::MAX), "nobody has the name there");
    }
    other.register("it", other_held.pid())?;
    for _ in 0..2 {
        assert_eq!(asks.ask_slot().await, Ok(held.pid().slot()));
        assert_eq!(other_asks.ask_slot().await, Ok(other_held.pid().slot()));
    }
    assert_ne!(held.pid().slot(), other_held.pid().slot(), "else this shows nothing");
    Ok(())
}

#[tokio::test]
async fn a_bounded_mailbox_refuses_exactly_beyond_its_bound() -> Result {
    let node = node().await;
    let subject = node.spawn_with::<Subject>(None, SpawnOptions::default().mailbox(2)).await?;
    let calls = (0..5).map(|_| {
        let subject = subject.clone();
        tokio::spawn(async move { subject.hang().timeout(Duration::from_millis(20)).await })
    });
    let mut full = 0;
    for call in calls.collect::<Vec<_>>() {
        full += usize::from(call.await? == Err(CallError::Full));
    }
    // One is in hand and two wait, or, if the process did not run in between, two wait.
    assert!((2..=3).contains(&full), "{full}");
    Ok(())
}

#[tokio::test]
async fn pids_are_never_given_twice() -> Result {
    let node = node().await;
    let mut all = std::collections::BTreeSet::new();
    for _ in 0..5000 {
        let subject = node.spawn::<Subject>(None).await?;
        let ended = node.ended(subject.pid());
        assert!(all.insert(subject.pid()));
        node.kill(subject.pid());
        ended.await;
    }
    let slots: std::collections::BTreeSet<_> = all.iter().map(|pid| pid.slot()).collect();
    assert_eq!(node.alive(), 0);
    assert!(slots.len() < 2500, "{} slots for one process at a time", slots.len());
    Ok(())
}

#[tokio::test]
async fn shutdown_ends_everything_and_refuses_more() -> Result {
    let node = node().await;
    let (number, mut seen) = channel();
    node.spawn::<Watcher>(number).await?;
    for _ in 0..10 {
        node.spawn::<Subject>(None).await?;
    }
    assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
    assert_eq!(seen.recv().await.unwrap(), "terminate shutdown");
    assert_eq!(node.alive(), 0);
    assert_eq!(node.spawn::<Subject>(None).await.unwrap_err(), SpawnError::NodeDown);
    Ok(())
}

#[test]
fn a_node_lives_in_a_runtime_or_brings_its_own() -> Result {
    let build = |builder: rusm::otp::NodeBuilder| {
        let mut build = std::pin::pin!(builder.build());
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match build.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(built) => built,
            std::task::Poll::Pending => panic!("it waits for nothing"),
        }
    };
    assert_eq!(build(Node::builder().in_runtime()).unwrap_err(), rusm::otp::BuildError::NoRuntime);
    let node = build(Node::builder())?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        node.spawn::<Subject>(None).await?;
        assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
        Ok(())
    })
}

//! What must not be done, and what happens then.

use rusm::otp::{Address, Bound, Overflow, SpawnOptions};
use rusm::prelude::*;
use std::sync::Mutex;
use std::time::Duration;
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

/// Panics where it is told to.
#[wire]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trap {
    Nowhere,
    Init,
    Down,
    Terminate,
    Drop,
}

pub struct Careless {
    trap: Trap,
    channel: usize,
}

impl Drop for Careless {
    fn drop(&mut self) {
        tell(self.channel, "dropped");
        assert!(self.trap != Trap::Drop, "in drop");
    }
}

#[actor]
impl Careless {
    #[init]
    fn start(trap: Trap, channel: usize) -> Self {
        let this = Self { trap, channel };
        assert!(trap != Trap::Init, "in init");
        this
    }

    pub fn value(&self) -> u64 {
        7
    }

    pub fn watch(&self, cx: &mut Cx<Self>, pid: Pid) {
        cx.monitor(pid);
    }

    pub fn link(&self, cx: &mut Cx<Self>, pid: Pid) {
        cx.link(pid);
    }

    /// All that it can do to itself but end.
    pub fn myself(&self, cx: &mut Cx<Self>) {
        let me = cx.pid();
        cx.link(me);
        cx.unlink(me);
        let monitor = cx.monitor(me);
        cx.demonitor(monitor);
        cx.exit(Pid::from_parts(9, 9, 9, 9), ExitReason::Killed);
        cx.demonitor(monitor);
        cx.demonitor(MonitorRef::from_raw(u64::MAX));
        cx.unlink(Pid::from_parts(9, 9, 9, 9));
    }

    pub fn register(&self, cx: &mut Cx<Self>, name: String) -> std::result::Result<(), String> {
        cx.register(&name).map_err(|error| error.to_string())
    }

    pub fn unregister(&self, cx: &mut Cx<Self>, name: String) -> std::result::Result<(), String> {
        cx.unregister(&name).map_err(|error| error.to_string())
    }

    pub fn lose(&self, reply: Reply<u64>) {
        drop(reply);
    }

    pub fn leak(&self, reply: Reply<u64>) {
        std::mem::forget(reply);
    }

    #[on(down)]
    fn down(&mut self, down: Down) {
        tell(self.channel, format!("down {}", down.reason));
        assert!(self.trap != Trap::Down, "in down");
    }

    #[on(exit)]
    fn exit(&mut self, exit: ExitSignal) {
        tell(self.channel, format!("exit {}", exit.reason));
    }

    #[on(terminate)]
    fn bye(&mut self, reason: &ExitReason) {
        tell(self.channel, format!("terminate {reason}"));
        assert!(!matches!(self.trap, Trap::Terminate), "in terminate");
    }
}

fn client(node: &Node, pid: Pid) -> CarelessClient {
    CarelessClient::from_address(Address::pid_on(node, pid))
}

async fn nodes() -> [Node; 2] {
    [Node::builder().in_runtime().build().await.unwrap(), Node::builder().workers(8).build().await.unwrap()]
}

fn starts(reason: &ExitReason, text: &str) -> bool {
    matches!(reason, ExitReason::Panicked(why) if why.starts_with(text))
}

#[tokio::test]
async fn dead_and_foreign_pids() -> Result {
    for node in nodes().await {
        let (number, mut seen) = channel();
        let one = node.spawn::<Careless>((Trap::Nowhere, number)).await?;
        let dead = node.spawn::<Careless>((Trap::Nowhere, channel().0)).await?.pid();
        node.kill(dead);
        node.ended(dead).await;
        let other = Node::builder().build().await?;
        let foreign = other.spawn::<Careless>((Trap::Nowhere, channel().0)).await?.pid();
        let live = one.pid();
        let wrong = [
            dead,
            foreign,
            Pid::from_parts(0, 0, 0, 0),
            Pid::from_parts(u32::MAX, u32::MAX, u32::MAX, u64::MAX),
            // Its slot with another generation, and it on another node.
            Pid::from_parts(live.node(), live.incarnation(), live.slot(), live.generation() ^ 1),
            Pid::from_parts(live.node(), live.incarnation(), live.slot(), live.generation() ^ (1 << 40)),
            Pid::from_parts(live.node() ^ 1, live.incarnation(), live.slot(), live.generation()),
            Pid::from_parts(live.node(), live.incarnation() ^ 1, live.slot(), live.generation()),
        ];
        for pid in wrong {
            assert!(!node.is_alive(pid));
            assert_eq!(node.ended(pid).await, ExitReason::NoProcess);
            node.kill(pid);
            node.exit(pid, ExitReason::Shutdown);
            assert_eq!(node.register("wrong", pid), Err(NameError::NoProcess));
            assert!(matches!(client(&node, pid).value().await, Err(CallError::NoProcess(_))));
            assert!(matches!(client(&node, pid).value().timeout(Duration::ZERO).await, Err(CallError::NoProcess(_))));
            assert_eq!(client(&node, pid).address().depth(), None);
            one.watch(pid).await?;
            assert_eq!(seen.recv().await.unwrap(), "down no such process");
            one.link(pid).await?;
            assert_eq!(seen.recv().await.unwrap(), "exit no such process");
        }
        assert!(one.value().await? == 7 && other.is_alive(foreign));
        assert_eq!((node.whereis("wrong"), node.names()), (None, Vec::new()));
        for node in [node, other] {
            node.shutdown(Duration::from_secs(60)).await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn names_twice_and_of_others() -> Result {
    for node in nodes().await {
        let spawn = || node.spawn::<Careless>((Trap::Nowhere, channel().0));
        let (one, two) = (spawn().await?, spawn().await?);
        let name = || "name".to_owned();
        assert_eq!(one.register(name()).await?, Ok(()));
        let again = one.register(name()).await?.unwrap_err();
        assert_eq!(two.register(name()).await?, Err(again));
        assert!(two.unregister(name()).await?.is_err() && one.unregister("no name".into()).await?.is_err());
        assert_eq!(node.whereis("name"), Some(one.pid()));
        assert_eq!(one.unregister(name()).await?, Ok(()));
        assert!(one.unregister(name()).await?.is_err());
        assert_eq!(two.register(name()).await?, Ok(()));
        assert_eq!(node.whereis("name"), Some(two.pid()));
        for bad in ["", "a\nb", &"x".repeat(300)] {
            assert!(CarelessClient::named(&node, bad).is_err() && one.register(bad.into()).await?.is_err());
        }
        node.shutdown(Duration::from_secs(60)).await;
    }
    Ok(())
}

#[tokio::test]
async fn what_one_does_to_oneself() -> Result {
    for node in nodes().await {
        let (number, mut seen) = channel();
        let one = node.spawn::<Careless>((Trap::Nowhere, number)).await?;
        one.myself().await?;
        assert_eq!(one.value().await?, 7);
        assert!(seen.try_recv().is_err());
        one.watch(one.pid()).await?;
        one.link(one.pid()).await?;
        let ended = node.ended(one.pid());
        node.exit(one.pid(), ExitReason::Shutdown);
        assert_eq!(ended.await, ExitReason::Shutdown);
        assert_eq!(seen.recv().await.unwrap(), "terminate shutdown");
        node.shutdown(Duration::from_secs(60)).await;
    }
    Ok(())
}

#[tokio::test]
async fn panics_wherever_they_are() -> Result {
    for node in nodes().await {
        // What panics, what it ends with, what is seen, and what a watcher is told.
        let cases = [
            (Trap::Terminate, "in terminate", vec!["terminate shutdown", "dropped"]),
            (Trap::Drop, "in drop", vec!["terminate shutdown", "dropped"]),
            (Trap::Down, "in down", vec!["down killed", "dropped"]),
        ];
        for (trap, text, expected) in cases {
            let (number, mut seen) = channel();
            let (watching, mut told) = channel();
            let one = node.spawn::<Careless>((trap, number)).await?;
            let victim = node.spawn::<Careless>((Trap::Nowhere, channel().0)).await?;
            let watcher = node.spawn::<Careless>((Trap::Nowhere, watching)).await?;
            watcher.watch(one.pid()).await?;
            one.register("it".into()).await?.unwrap();
            one.watch(victim.pid()).await?;
            let ended = node.ended(one.pid());
            if trap == Trap::Down {
                node.kill(victim.pid());
            } else {
                node.exit(one.pid(), ExitReason::Shutdown);
            }
            let reason = ended.await;
            assert!(starts(&reason, text), "{reason}");
            for expected in expected {
                assert_eq!(seen.recv().await.unwrap(), expected, "{trap:?}");
            }
            assert_eq!(told.recv().await.unwrap(), format!("down {reason}"));
            assert!(node.whereis("it").is_none() && matches!(one.value().await, Err(CallError::NoProcess(_))));
        }
        // Killed, its drop is not its end.
        let one = node.spawn::<Careless>((Trap::Drop, channel().0)).await?;
        let ended = node.ended(one.pid());
        node.kill(one.pid());
        assert_eq!(ended.await, ExitReason::Killed);
        let failed = node.spawn::<Careless>((Trap::Init, channel().0)).await.unwrap_err();
        assert!(matches!(&failed, SpawnError::Init(reason) if starts(reason, "in init")), "{failed}");
        node.shutdown(Duration::from_secs(60)).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn replies_that_are_lost() -> Result {
    let node = Node::builder().build().await?;
    let one = node.spawn::<Careless>((Trap::Nowhere, channel().0)).await?;
    assert_eq!(one.lose().await, Err(CallError::NoReply));
    // One that is leaked is known at the deadline only.
    let limit = Duration::from_secs(2);
    assert_eq!(one.leak().timeout(limit).await, Err(CallError::Timeout(limit)));
    assert_eq!(one.value().await?, 7);
    Ok(())
}

async fn poll_once(mut future: std::pin::Pin<&mut impl Future>) {
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
}

#[tokio::test]
async fn futures_that_are_leaked_or_given_up() -> Result {
    for node in nodes().await {
        let one = node.spawn::<Careless>((Trap::Nowhere, channel().0)).await?;
        let client: &'static CarelessClient = Box::leak(Box::new(one.client().clone()));
        for _ in 0..100 {
            let mut call = Box::pin(client.value().into_future());
            poll_once(call.as_mut()).await;
            std::mem::forget(call);
            // Never polled, and polled once.
            drop(client.value().into_future());
            let mut call = Box::pin(client.value().into_future());
            poll_once(call.as_mut()).await;
        }
        assert_eq!(one.value().await?, 7);
        // A start that is given up is no process.
        let alive = node.alive();
        let start = tokio::time::timeout(Duration::ZERO, node.spawn::<Slow>(())).await;
        assert!(start.is_err());
        while node.alive() > alive {
            tokio::task::yield_now().await;
        }
        assert_eq!(node.shutdown(Duration::from_secs(60)).await, 0);
    }
    Ok(())
}

pub struct Slow;

#[actor]
impl Slow {
    #[init]
    async fn start() -> Self {
        std::future::pending().await
    }

    pub fn value(&self) -> u64 {
        7
    }
}

#[tokio::test]
async fn no_room_at_all() -> Result {
    for node in nodes().await {
        for overflow in [Overflow::Reject, Overflow::Block, Overflow::DropNew, Overflow::DropOld] {
            let options = SpawnOptions::default().mailbox(Bound::new(0).overflow(overflow));
            let one = node.spawn_with::<fetching>(channel().0, options).await?;
            let sent = one.send(1).send();
            assert_eq!(sent.is_ok(), overflow == Overflow::DropNew, "{overflow:?}");
            // Nobody waits for room that can't be.
            assert_eq!(one.send(1).await.is_ok(), overflow == Overflow::DropNew);
            let ended = node.ended(one.pid());
            node.kill(one.pid());
            assert_eq!(ended.await, ExitReason::Killed);
        }
        assert_eq!(node.undelivered().0, 8);
        node.shutdown(Duration::from_secs(60)).await;
    }
    Ok(())
}

#[actor]
async fn fetching(mut inbox: Inbox<u32>, channel: usize) {
    loop {
        tell(channel, inbox.receive().await);
    }
}

/// Gives its inbox away and ends; who has it hears nothing any more, but does no harm.
#[actor]
async fn leaver(inbox: Inbox<u32>, channel: usize) {
    let (first, gone) = tokio::sync::oneshot::channel();
    let mut inbox = inbox;
    let node = inbox.node().clone();
    let me = inbox.pid();
    tokio::spawn(async move {
        tell(channel, inbox.receive().await);
        let _ = first.send(());
        node.ended(me).await;
        // It sees its own end, but can still be held and asked.
        inbox.link(me);
        inbox.monitor(me);
        tell(channel, format!("{:?}", inbox.register("late")));
        tell(channel, inbox.waiting());
        tell(channel, format!("{:?}", inbox.receive().timeout(Duration::ZERO).await));
        drop(inbox);
        tell(channel, "gone");
    });
    let _ = gone.await;
}

#[tokio::test]
async fn an_inbox_that_outlives_its_process() -> Result {
    for node in nodes().await {
        let (number, mut seen) = channel();
        let one = node.spawn::<leaver>(number).await?;
        let ended = node.ended(one.pid());
        one.send(1).send()?;
        assert_eq!(ended.await, ExitReason::Normal);
        let expected = ["1", "Err(NoProcess)", "0", "None", "gone"];
        for expected in expected {
            assert_eq!(seen.recv().await.unwrap(), expected);
        }
        assert!(matches!(one.send(2).send(), Err(SendError::NoProcess(_))));
        assert_eq!(node.shutdown(Duration::from_secs(60)).await, 0);
        assert_eq!(node.alive(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_hook_that_panics() -> Result {
    let node = Node::builder().workers(2).on_undelivered(|_| panic!("in a hook")).build().await?;
    let one = node.spawn_with::<fetching>(channel().0, SpawnOptions::default().mailbox(0)).await?;
    assert_eq!(one.send(1).send(), Err(SendError::Full));
    let ended = node.ended(one.pid());
    node.kill(one.pid());
    assert_eq!(ended.await, ExitReason::Killed);
    assert_eq!(node.undelivered(), (1, 0));
    Ok(())
}

#[tokio::test]
async fn nobody_runs_here() -> Result {
    assert!(Node::try_current().is_none());
    let connected = CarelessClient::connect("anybody");
    let Err(CallError::NoProcess(why)) = connected.value().await else { panic!("there is no node") };
    assert!(why.contains("named(&node"), "{why}");
    Ok(())
}

//! The scheduler: what runs inside processes, who gets a turn, what ends them, and how nodes begin and end.

use rusm::otp::{NodeBuilder, Priority, SpawnOptions};
use rusm::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Arguments cross boundaries, and a channel can't: it is given by its number.
static SEEN: Mutex<Vec<UnboundedSender<u64>>> = Mutex::new(Vec::new());

fn channel() -> (usize, UnboundedReceiver<u64>) {
    let (sender, receiver) = unbounded_channel();
    let mut all = SEEN.lock().unwrap();
    all.push(sender);
    (all.len() - 1, receiver)
}

fn sender(channel: usize) -> UnboundedSender<u64> {
    SEEN.lock().unwrap()[channel].clone()
}

/// One test counts threads: those of the others' nodes would be among them. So each ends its nodes.
static NODES: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

/// A node in the runtime, with one worker of its own, and with more than there are cores.
async fn nodes() -> [(&'static str, Node); 3] {
    let build = |builder: NodeBuilder| async { builder.build().await.unwrap() };
    [
        ("in the runtime", build(Node::builder().in_runtime()).await),
        ("one worker", build(Node::builder().workers(1)).await),
        ("eight workers", build(Node::builder().workers(8)).await),
    ]
}

/// Waits for what another thread does.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::task::yield_now().await;
    }
}

#[actor]
async fn speaker(_inbox: Inbox<()>, port: u16, channel: usize) {
    let mut socket = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (numbers, mut receiver) = tokio::sync::mpsc::channel(1);
    let task = tokio::spawn(async move {
        for number in 0..3_u8 {
            numbers.send(number).await.unwrap();
        }
    });
    while let Some(number) = receiver.recv().await {
        tokio::time::sleep(Duration::from_millis(1)).await;
        socket.write_u8(number).await.unwrap();
        assert_eq!(socket.read_u8().await.unwrap(), number);
    }
    task.await.unwrap();
    let blocking = tokio::task::spawn_blocking(|| 7).await.unwrap();
    let late = tokio::time::timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
    assert!(late.is_err());
    let _ = sender(channel).send(blocking);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_time_and_tasks_just_work() -> Result {
    let _nodes = NODES.read().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let server = tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while let Ok(byte) = socket.read_u8().await {
                    socket.write_u8(byte).await.unwrap();
                }
            });
        }
    });
    for (which, node) in nodes().await {
        let (number, mut seen) = channel();
        let mut ends = Vec::new();
        for _ in 0..100 {
            let speaker = node.spawn::<speaker>((port, number)).await?;
            ends.push(Ref::ended(&speaker));
        }
        for _ in 0..100 {
            assert_eq!(seen.recv().await, Some(7), "{which}");
        }
        for end in ends {
            assert_eq!(end.await, ExitReason::Normal, "{which}");
        }
        assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
    }
    server.abort();
    Ok(())
}

/// Always has a message: each one it handles is the next one.
pub struct Busy {
    turns: u64,
    seen: UnboundedSender<u64>,
}

#[actor]
impl Busy {
    #[init]
    fn start(channel: usize) -> Self {
        Self { turns: 0, seen: sender(channel) }
    }

    #[cast]
    pub fn again(&mut self, cx: &mut Cx<Self>) {
        self.turns += 1;
        cx.me().again().send().unwrap();
    }

    #[cast]
    pub fn tell(&mut self, number: u64) {
        let _ = self.seen.send(number);
    }

    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Leaves a handle of its node.
    pub fn node_of(&self, cx: &mut Cx<Self>) {
        *NODE.lock().unwrap() = Some(cx.node().clone());
    }

    pub async fn keep(&self) {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_process_that_always_has_messages_starves_nobody() -> Result {
    let _nodes = NODES.read().await;
    for (which, node) in nodes().await {
        let (number, mut seen) = channel();
        let mut busy = Vec::new();
        for _ in 0..16 {
            let one = node.spawn::<Busy>(number).await?;
            one.again().send()?;
            busy.push(one);
        }
        // A task of the runtime, a timer, and a process all get on.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let other = node.spawn::<Busy>(number).await?;
        other.tell(1).after(Duration::from_millis(1))?;
        assert_eq!(seen.recv().await, Some(1), "{which}");
        for one in &busy {
            while one.turns().timeout(Duration::MAX).await? < 3 {}
        }
        assert_eq!(node.shutdown(Duration::from_secs(60)).await, 0);
    }
    Ok(())
}

#[tokio::test]
async fn high_before_normal_and_low_is_not_starved() -> Result {
    let _nodes = NODES.read().await;
    for (which, node) in nodes().await {
        let (number, mut seen) = channel();
        let spawn = |priority| node.spawn_with::<Busy>(number, SpawnOptions::default().priority(priority));
        // Busy ones of each kind; a low one and a normal one still get their turns.
        for priority in [Priority::High, Priority::Normal, Priority::Low, Priority::High] {
            spawn(priority).await?.again().send()?;
        }
        for priority in [Priority::Low, Priority::Normal, Priority::High] {
            let one = spawn(priority).await?;
            one.tell(priority as u64).send()?;
            assert_eq!(seen.recv().await, Some(priority as u64), "{which}: {priority:?}");
        }
        assert_eq!(node.shutdown(Duration::from_secs(60)).await, 0);
    }
    Ok(())
}

#[actor]
async fn waker_of_many(inbox: Inbox<()>, channel: usize) {
    let spawn = |priority: Priority, number: u64| {
        let sender = sender(channel);
        let options = SpawnOptions::default().priority(priority);
        let node = inbox.node().clone();
        async move {
            let one = node.spawn_with::<told>((), options).await.unwrap();
            (one, sender, number)
        }
    };
    let mut all = Vec::new();
    for number in 0..10 {
        all.push(spawn(Priority::Normal, number).await);
        all.push(spawn(Priority::High, 100 + number).await);
    }
    // All are there and wait; now they are woken in one turn.
    tokio::time::sleep(Duration::from_millis(1)).await;
    for (one, _, number) in &all {
        one.send((channel as u64, *number)).send().unwrap();
    }
}

#[actor]
async fn told(mut inbox: Inbox<(u64, u64)>) {
    let (channel, number) = inbox.receive().await;
    let _ = sender(channel as usize).send(number);
}

#[tokio::test]
async fn of_those_that_wait_the_high_ones_are_first() -> Result {
    let _nodes = NODES.read().await;
    let node = Node::builder().workers(1).build().await?;
    let (number, mut seen) = channel();
    node.spawn::<waker_of_many>(number).await?;
    let mut order = Vec::new();
    for _ in 0..20 {
        order.push(seen.recv().await.unwrap());
    }
    // One in 32 turns is for the others.
    let early = order.iter().take(10).filter(|number| **number < 100).count();
    assert!(early <= 1, "{order:?}");
    Ok(())
}

#[actor]
async fn endless(_inbox: Inbox<()>, kind: u32) {
    match kind {
        0 => std::future::pending().await,
        1 => loop {
            tokio::task::yield_now().await;
        },
        2 => tokio::time::sleep(Duration::from_secs(3600)).await,
        _ => loop {
            // Wakes itself without an end.
            let mut woken = false;
            std::future::poll_fn(|cx| {
                cx.waker().wake_by_ref();
                if std::mem::replace(&mut woken, true) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        },
    }
}

#[tokio::test]
async fn a_kill_comes_at_the_next_await() -> Result {
    let _nodes = NODES.read().await;
    for (_, node) in nodes().await {
        for kind in 0..4 {
            for _ in 0..20 {
                let one = node.spawn::<endless>(kind).await?;
                let ended = node.ended(one.pid());
                node.kill(one.pid());
                assert_eq!(ended.await, ExitReason::Killed);
            }
        }
        assert_eq!(node.alive(), 0);
    }
    Ok(())
}

static HOGS: AtomicBool = AtomicBool::new(true);

/// Never awaits, until it is let go; its child waits on its worker.
#[actor]
async fn hog(inbox: Inbox<()>, channel: usize) {
    let child = inbox.spawn::<told>(()).await.unwrap();
    child.send((channel as u64, 5)).send().unwrap();
    while HOGS.load(Ordering::Relaxed) {
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn a_hog_is_reported_and_its_children_run() -> Result {
    let _nodes = NODES.read().await;
    let (reports, mut reported) = unbounded_channel();
    let node = Node::builder()
        .workers(2)
        .hog_after(Duration::from_millis(10))
        .on_hog(move |hog| drop(reports.send(hog)))
        .build()
        .await?;
    let (number, mut seen) = channel();
    let options = SpawnOptions::default().label("a hog");
    let line = line!() + 1;
    let hog = node.spawn_with::<hog>(number, options).await?;
    assert_eq!(seen.recv().await, Some(5), "its child runs elsewhere");
    let report = reported.recv().await.unwrap();
    assert_eq!((report.pid, &*report.label), (hog.pid(), "a hog"));
    assert!(report.spawned_at.file().ends_with("otp_scheduler.rs") && report.spawned_at.line() == line);
    assert!(report.held >= Duration::from_millis(10));
    // A kill finds it once it awaits or returns.
    let ended = node.ended(hog.pid());
    HOGS.store(false, Ordering::Relaxed);
    assert_eq!(ended.await, ExitReason::Normal);
    assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
    Ok(())
}

#[cfg(target_os = "linux")]
fn workers() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("rusm-worker")).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn threads_go_when_the_last_handle_and_process_have_gone() -> Result {
    let _nodes = NODES.write().await;
    until(|| workers() == 0).await;
    let node = Node::builder().workers(8).build().await?;
    until(|| workers() == 8).await;
    let (number, mut seen) = channel();
    let busy = node.spawn::<Busy>(number).await?;
    let gone = node.spawn::<endless>(0).await?;
    let ended = node.ended(gone.pid());
    node.kill(gone.pid());
    ended.await;
    drop(node);
    // A process is left, and reached by its client alone.
    busy.tell(3).send()?;
    assert_eq!(seen.recv().await, Some(3));
    assert_eq!(workers(), 8);
    // It gives a handle away.
    busy.node_of().await?;
    let node = NODE.lock().unwrap().take().unwrap();
    node.kill(busy.pid());
    drop(node);
    until(|| workers() == 0).await;
    assert!(matches!(busy.tell(4).send(), Err(SendError::NoProcess(_))));

    // A shutdown does it, too, whoever has a handle still.
    let node = Node::builder().workers(8).build().await?;
    for _ in 0..20 {
        node.spawn::<endless>(0).await?;
    }
    node.shutdown(Duration::from_secs(5)).await;
    until(|| workers() == 0).await;
    assert_eq!(node.alive(), 0);
    Ok(())
}

static NODE: Mutex<Option<Node>> = Mutex::new(None);

#[test]
fn a_node_in_a_runtime_ends_with_it() {
    let (number, mut seen) = channel();
    let (runtime, other) = [(); 2]
        .map(|()| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
        .into();
    let (node, busy, idle) = runtime.block_on(async {
        let node = Node::builder().in_runtime().build().await.unwrap();
        let busy = node.spawn::<Busy>(number).await.unwrap();
        busy.again().send().unwrap();
        busy.tell(1).send().unwrap();
        let idle = node.spawn::<endless>(0).await.unwrap();
        (node, busy, idle)
    });
    assert_eq!(seen.blocking_recv(), Some(1));
    let call = other.spawn({
        let busy = busy.clone();
        async move { busy.keep().timeout(Duration::MAX).await }
    });
    let ends = [busy.pid(), idle.pid()].map(|pid| node.ended(pid));
    drop(runtime);
    other.block_on(async {
        for end in ends {
            assert_eq!(end.await, ExitReason::Killed);
        }
        // Neither who waited nor who comes later hangs.
        assert!(call.await.unwrap().is_err());
        assert!(matches!(busy.turns().await, Err(CallError::NoProcess(_))));
        assert_eq!(node.spawn::<endless>(0).await.unwrap_err(), SpawnError::NodeDown);
        assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
    });
    assert_eq!(node.alive(), 0);
}

#[tokio::test]
async fn nothing_starts_after_a_shutdown() -> Result {
    let _nodes = NODES.read().await;
    for (which, node) in nodes().await {
        let (number, _seen) = channel();
        node.spawn::<Busy>(number).await?.again().send()?;
        assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0, "{which}");
        assert_eq!(node.spawn::<endless>(0).await.unwrap_err(), SpawnError::NodeDown);
        assert_eq!(node.spawn_fn("late", |_| async {}).unwrap_err(), SpawnError::NodeDown);
        let run = node.run("late", Duration::from_secs(1), async {}).await;
        assert!(matches!(run, Err(CallError::NoProcess(_))), "{run:?}");
        assert_eq!(node.alive(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn wakes_from_any_thread() -> Result {
    const ROUNDS: u64 = 2000;
    let _nodes = NODES.read().await;
    for (which, node) in nodes().await {
        let (number, mut seen) = channel();
        let one = node.spawn::<Busy>(number).await?;
        // Messages from threads that know no runtime, and wakes of what is no mailbox.
        let (wakes, mut woken) = tokio::sync::mpsc::channel::<u64>(1);
        let done = sender(number);
        node.spawn_fn("woken", move |_| async move {
            let mut sum = 0;
            while let Some(value) = woken.recv().await {
                sum += value;
            }
            let _ = done.send(sum);
        })?;
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (one, wakes) = (one.client().clone(), wakes.clone());
                std::thread::spawn(move || {
                    for value in 0..ROUNDS {
                        one.tell(1 << 32).send().unwrap();
                        wakes.blocking_send(value).unwrap();
                    }
                })
            })
            .collect();
        drop(wakes);
        let mut sums = 0;
        let mut told = 0;
        while sums == 0 || told < 4 * ROUNDS {
            match seen.recv().await.unwrap() {
                value if value == 1 << 32 => told += 1,
                sum => sums += sum,
            }
        }

        assert_eq!(sums, 4 * ROUNDS * (ROUNDS - 1) / 2, "{which}");
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(node.shutdown(Duration::from_secs(60)).await, 0);
    }
    Ok(())
}

static TURNS: AtomicUsize = AtomicUsize::new(0);

/// Processes that pass on their turn among eight workers: all of them get to the end.
#[tokio::test]
async fn many_on_more_workers_than_cores() -> Result {
    let _nodes = NODES.read().await;
    let node = Node::builder().workers(8).build().await?;
    let before = TURNS.load(Ordering::Relaxed);
    let mut ends = Vec::new();
    for _ in 0..500 {
        let pid = node.spawn_fn("passing", |this| async move {
            for _ in 0..20 {
                let pid = this
                    .node()
                    .spawn_fn("child", |_| async {
                        let _ = TURNS.fetch_add(1, Ordering::Relaxed);
                    })
                    .unwrap();
                this.node().ended(pid).await;
                tokio::task::yield_now().await;
            }
        })?;
        ends.push(node.ended(pid));
    }
    for end in ends {
        let end = end.await;
        assert!(matches!(end, ExitReason::Normal | ExitReason::NoProcess), "{end}");
    }
    assert_eq!(TURNS.load(Ordering::Relaxed) - before, 500 * 20);
    until(|| node.alive() == 0).await;
    Ok(())
}

#[tokio::test]
async fn a_closure_that_panics_is_a_process_that_panicked() -> Result {
    let _nodes = NODES.read().await;
    let node = Node::builder().workers(1).build().await?;
    let life = |_: rusm::This| -> std::future::Ready<()> { panic!("before its first turn") };
    // It may have ended already.
    match node.ended(node.spawn_fn("broken", life)?).await {
        ExitReason::Panicked(text) => assert!(text.contains("before its first turn"), "{text}"),
        other => assert_eq!(other, ExitReason::NoProcess),
    }
    until(|| node.alive() == 0).await;
    assert_eq!(node.shutdown(Duration::from_secs(60)).await, 0);
    Ok(())
}

/// Tells every word on.
#[actor]
async fn echoes(mut inbox: Inbox<u64>, channel: usize) {
    loop {
        let word = inbox.receive().await;
        let _ = sender(channel).send(word);
    }
}

#[tokio::test]
async fn tasks_of_a_worker_s_runtime_set_timers_and_spawn_beside_a_sleeping_loop() -> Result {
    let _nodes = NODES.read().await;
    let node = Node::builder().workers(1).build().await?;
    let (number, mut seen) = channel();
    let echoes = node.spawn::<echoes>(number).await?;
    let (client, of) = (echoes.client().clone(), node.clone());
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    node.spawn_fn("parent", move |_| async move {
        // In the runtime of the worker, but not in a turn of a process.
        tokio::spawn(async move {
            let _ = gone.await;
            let _ = client.send(1).after(Duration::from_millis(5));
            let _ = of.spawn_fn("child", move |_| async move {
                let _ = sender(number).send(2);
            });
        });
    })?;
    until(|| node.alive() == 1).await;
    let _ = go.send(());
    let mut both = [seen.recv().await, seen.recv().await];
    both.sort_unstable();
    assert_eq!(both, [Some(1), Some(2)]);
    assert_eq!(node.shutdown(Duration::from_secs(60)).await, 0);
    Ok(())
}

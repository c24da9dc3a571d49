//! Ends: of nodes, of processes that others look at meanwhile, and of code of others that panics at one.

use rusm::otp::backend::{Backend, ComponentInfo, Job};
use rusm::otp::{Bound, Hog, Overflow, Process, SpawnOptions};
use rusm::prelude::*;
use std::collections::HashMap;
use std::future::Future;
use std::panic::panic_any;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One test counts what others open: one at a time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Runs nothing: a node drops it when it has ended.
struct Witness(Option<oneshot::Sender<()>>);

impl Backend for Witness {
    fn component(&self, _name: &str) -> Option<ComponentInfo> {
        None
    }

    fn run(&self, _job: Job, _process: Process) -> Pin<Box<dyn Future<Output = ExitReason> + Send>> {
        Box::pin(std::future::ready(ExitReason::Normal))
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.0.take().map(|ended| ended.send(()));
    }
}

/// A node, and what is ready once it has ended.
async fn witnessed(workers: usize) -> (Node, oneshot::Receiver<()>) {
    let (ended, witness) = oneshot::channel();
    let builder = Node::builder().backend(Arc::new(Witness(Some(ended))));
    let builder = if workers == 0 { builder.in_runtime() } else { builder.workers(workers) };
    (builder.build().await.unwrap(), witness)
}

/// Nodes and inboxes that processes give away.
static NODES: Mutex<Vec<Node>> = Mutex::new(Vec::new());
static INBOXES: Mutex<Vec<Inbox<()>>> = Mutex::new(Vec::new());

#[actor]
async fn leaver(mut inbox: Inbox<()>) {
    inbox.receive().await;
}

/// Gives a handle of its node away before it leaves.
#[actor]
async fn giver(mut inbox: Inbox<()>) {
    inbox.receive().await;
    NODES.lock().unwrap().push(inbox.node().clone());
    inbox.receive().await;
}

/// Lets somebody else be it.
#[actor]
async fn lender(mut inbox: Inbox<()>) {
    inbox.receive().await;
    INBOXES.lock().unwrap().push(inbox);
}

#[tokio::test]
async fn a_node_ends_with_its_last_process_wherever_that_ends() -> Result {
    let _alone = ALONE.lock().await;
    for round in 0..200 {
        for workers in [0, 2, 8] {
            let (node, ended) = witnessed(workers).await;
            let processes = [node.spawn::<leaver>(()).await?, node.spawn::<leaver>(()).await?];
            let begin = Arc::new(Barrier::new(2));
            let dropping = std::thread::spawn({
                let begin = begin.clone();
                move || {
                    begin.wait();
                    drop(node);
                }
            });
            // Before, while and after they end.
            if round % 3 > 0 {
                begin.wait();
            }
            for process in processes {
                process.send(()).send()?;
            }
            if round % 3 == 0 {
                begin.wait();
            }
            dropping.join().unwrap();
            ended.await?;
        }
    }
    Ok(())
}

/// A start that fails on a thread that is no worker is the last that the node has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_ends_with_a_start_that_fails_elsewhere() -> Result {
    let _alone = ALONE.lock().await;
    for _ in 0..100 {
        let (node, ended) = witnessed(2).await;
        let process = node.spawn::<lender>(()).await?;
        drop(node);
        process.send(()).send()?;
        let inbox = loop {
            if let Some(inbox) = INBOXES.lock().unwrap().pop() {
                break inbox;
            }
            tokio::task::yield_now().await;
        };
        let no_name = || SpawnOptions::default().name("");
        while !matches!(inbox.spawn_with::<leaver>((), no_name()).await, Err(SpawnError::NodeDown)) {}
        ended.await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_handle_that_a_process_gives_away_keeps_its_node() -> Result {
    let _alone = ALONE.lock().await;
    for workers in [0, 1, 8] {
        let (node, mut ended) = witnessed(workers).await;
        let process = node.spawn::<giver>(()).await?;
        drop(node);
        // The node has no handle now, and gets one again.
        process.send(()).send()?;
        let node = loop {
            if let Some(node) = NODES.lock().unwrap().pop() {
                break node;
            }
            tokio::task::yield_now().await;
        };
        process.send(()).send()?;
        assert_eq!(Ref::ended(&process).await, ExitReason::Normal);
        for _ in 0..100 {
            let process = node.spawn::<leaver>(()).await?;
            process.send(()).send()?;
            assert_eq!(Ref::ended(&process).await, ExitReason::Normal);
        }
        assert!(ended.try_recv().is_err());
        drop(node);
        ended.await?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_node_that_has_ended_keeps_no_descriptor() -> Result {
    let _alone = ALONE.lock().await;
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let one_more = async || -> Result {
        let (node, ended) = witnessed(2).await;
        let process = node.spawn::<leaver>(()).await?;
        process.send(()).send()?;
        Ref::ended(&process).await;
        drop(node);
        Ok(ended.await?)
    };
    const NODES: usize = 100;
    one_more().await?;
    let before = open();
    for _ in 0..NODES {
        one_more().await?;
    }
    // Their threads give back the rest. Others who run here have some, but not one for each node.
    while open() > before + NODES / 2 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

static BANGS: AtomicUsize = AtomicUsize::new(0);

/// Panics when it is woken, and when it is dropped.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        BANGS.fetch_add(1, Ordering::SeqCst);
        panic!("in a waker");
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            BANGS.fetch_add(1, Ordering::SeqCst);
            panic!("in a drop");
        }
    }
}

/// Polls what is not ready through a waker that panics; its drop is not this thread's.
fn poll_badly(future: Pin<&mut impl Future>) {
    let waker = std::mem::ManuallyDrop::new(Waker::from(Arc::new(Bomb)));
    assert!(future.poll(&mut Context::from_waker(&waker)).is_pending());
}

pub struct Vault {
    kept: Vec<Reply<u64>>,
    _bomb: Bomb,
}

#[actor]
impl Vault {
    #[init]
    fn start() -> Self {
        Self { kept: Vec::new(), _bomb: Bomb }
    }

    pub fn keep(&mut self, reply: Reply<u64>) {
        self.kept.push(reply);
    }

    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    #[cast]
    pub fn panic(&self) {
        panic_any(Bomb);
    }
}

#[actor]
async fn full(_inbox: Inbox<u64>) {
    std::future::pending().await
}

/// Whoever wakes or drops it does so on the one worker: as many bangs as there are, it goes on.
#[tokio::test]
async fn what_panics_at_an_end_takes_no_worker_along() -> Result {
    let _alone = ALONE.lock().await;
    let node = Node::builder().workers(1).build().await?;
    for _ in 0..20 {
        let before = BANGS.load(Ordering::SeqCst);
        // Its code has a bomb, and so has its panic; who waits for its end, and who waits for its answer, is one.
        let process = node.spawn::<Vault>(()).await?;
        let (mut end, mut again) = (pin!(node.ended(process.pid())), pin!(Ref::ended(&process)));
        poll_badly(end.as_mut());
        poll_badly(again.as_mut());
        let mut call = pin!(process.keep().into_future());
        poll_badly(call.as_mut());
        while process.kept().await? == 0 {}
        process.panic().send()?;
        assert!(matches!(Ref::ended(&process).await, ExitReason::Panicked(_)));
        // Who waits for room is one.
        let options = SpawnOptions::default().mailbox(Bound::new(1).overflow(Overflow::Block));
        let process = node.spawn_with::<full>((), options).await?;
        process.send(1).send()?;
        let mut sending = pin!(process.send(2).into_future());
        poll_badly(sending.as_mut());
        node.kill(process.pid());
        assert_eq!(Ref::ended(&process).await, ExitReason::Killed);
        let process = node.spawn::<leaver>(()).await?;
        process.send(()).send()?;
        assert_eq!(Ref::ended(&process).await, ExitReason::Normal);
        // The payload, the call or the code, two that wait for the end, and the sender.
        let bangs = BANGS.load(Ordering::SeqCst) - before;
        assert!(bangs >= 5, "{bangs}");
    }
    Ok(())
}

/// What each spinner says of itself.
static SPINNERS: Mutex<Option<HashMap<Pid, u64>>> = Mutex::new(None);

#[actor]
async fn spinner(inbox: Inbox<()>, number: u64) {
    SPINNERS.lock().unwrap().get_or_insert_default().insert(inbox.pid(), number);
    // For as long as the watch needs to see it, more or less: it ends about when it is looked at.
    let (began, micros) = (Instant::now(), 1_000 + number % 40 * 100);
    while began.elapsed() < Duration::from_micros(micros) {
        std::hint::spin_loop();
    }
}

/// The watch looks at cells of processes that end meanwhile, and their memory is used again.
#[tokio::test]
async fn a_hog_that_ends_while_it_is_looked_at() -> Result {
    let _alone = ALONE.lock().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let seen = seen.clone();
        move |hog: Hog| {
            seen.lock().unwrap().push((hog.pid, hog.label.to_string()));
            // A hook that panics does not end the watch.
            panic!("in a hook");
        }
    };
    let node = Node::builder().workers(2).hog_after(Duration::ZERO).on_hog(hook).build().await?;
    let mut number = 0;
    while seen.lock().unwrap().len() < 50 {
        let mut both = Vec::new();
        for _ in 0..2 {
            let options = SpawnOptions::default().label(&number.to_string());
            both.push(node.spawn_with::<spinner>(number, options).await?);
            number += 1;
        }
        for process in both {
            assert_eq!(Ref::ended(&process).await, ExitReason::Normal);
        }
    }
    let spinners = SPINNERS.lock().unwrap();
    for (pid, label) in seen.lock().unwrap().iter() {
        let number = spinners.as_ref().and_then(|spinners| spinners.get(pid));
        assert_eq!(number.map(u64::to_string).as_ref(), Some(label), "{pid}");
    }
    Ok(())
}

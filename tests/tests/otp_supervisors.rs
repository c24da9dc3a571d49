//! Supervisors through the public API.

use rusm::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Such a worker does not stop.
const STUBBORN: usize = usize::MAX - 1;

/// Ends as it is told.
pub struct Worker {
    generation: usize,
}

#[actor]
impl Worker {
    #[init]
    fn start(generation: usize) -> std::result::Result<Self, Exit> {
        if generation == usize::MAX { Err(Exit::error("no start")) } else { Ok(Self { generation }) }
    }

    pub fn generation(&self) -> usize {
        self.generation
    }

    #[cast]
    pub fn crash(&self) {
        panic!("told to crash")
    }

    #[cast]
    pub fn finish(&self, cx: &mut Cx<Self>) {
        cx.stop(Exit::normal());
    }

    pub async fn hang(&self) {
        std::future::pending().await
    }

    #[on(terminate)]
    async fn bye(&mut self, reason: &ExitReason) {
        let _ = reason;
        if self.generation == STUBBORN {
            std::future::pending::<()>().await;
        }
    }
}

/// Never comes up, but the first time.
pub struct Sleeper;

#[actor]
impl Sleeper {
    #[init]
    async fn start(again: bool) -> Self {
        if again {
            std::future::pending::<()>().await;
        }
        Self
    }

    #[cast]
    pub fn crash(&self) {
        panic!("told to crash")
    }

    #[on(terminate)]
    fn bye(&mut self, _reason: &ExitReason) {}
}

/// Its n-th start is told n.
fn counted(start: impl Fn(usize) -> usize + Send + Sync + 'static) -> impl Fn() -> usize + Send + Sync + 'static {
    let starts = AtomicUsize::new(0);
    move || start(starts.fetch_add(1, Ordering::SeqCst))
}

fn worker(id: &'static str) -> ChildSpec {
    let starts = AtomicUsize::new(0);
    ChildSpec::actor::<Worker>(id, move || starts.fetch_add(1, Ordering::SeqCst)).named(id)
}

async fn node() -> Node {
    Node::builder().build().await.unwrap()
}

fn client(node: &Node, name: &str) -> WorkerClient {
    WorkerClient::named(node, name).unwrap()
}

const OFTEN: Intensity = Intensity::new(1000, Duration::from_secs(5));

#[tokio::test]
async fn a_client_by_name_survives_restarts_and_arguments_are_asked_anew() -> Result {
    let node = node().await;
    let tree = node.supervise(Supervisor::new().intensity(OFTEN).child(worker("a")).child(worker("b"))).await?;
    let (a, b) = (client(&node, "a"), client(&node, "b"));
    for generation in 0..50 {
        assert_eq!(a.generation().await?, generation);
        let before = node.whereis("a");
        a.crash().send()?;
        tree.restarted("a", before).await?;
    }
    assert_eq!(b.generation().await?, 0, "one for one");
    assert_eq!(tree.which_children()[0].restarts, 50);
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn strategies_restart_whom_they_concern() -> Result {
    for (strategy, expected) in
        [(Strategy::OneForOne, [0, 1, 0]), (Strategy::OneForAll, [1, 1, 1]), (Strategy::RestForOne, [0, 1, 1])]
    {
        let node = node().await;
        let tree =
            ["a", "b", "c"].into_iter().fold(Supervisor::new().strategy(strategy), |tree, id| tree.child(worker(id)));
        let tree = node.supervise(tree).await?;
        let before: Vec<_> = tree.which_children().into_iter().map(|child| child.pid).collect();
        client(&node, "b").crash().send()?;
        for (i, id) in ["a", "b", "c"].into_iter().enumerate() {
            if expected[i] == 1 {
                tree.restarted(id, before[i]).await?;
            }
        }
        for (id, generation) in ["a", "b", "c"].into_iter().zip(expected) {
            assert_eq!(client(&node, id).generation().await?, generation, "{strategy:?} {id}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn too_many_restarts_end_the_supervisor_and_its_children() -> Result {
    let node = node().await;
    let tree =
        Supervisor::new().intensity(Intensity::new(2, Duration::from_secs(5))).child(worker("a")).child(worker("b"));
    let tree = node.supervise(tree).await?;
    let ended = node.ended(tree.pid());
    for _ in 0..2 {
        let before = node.whereis("a");
        client(&node, "a").crash().send()?;
        tree.restarted("a", before).await?;
    }
    client(&node, "a").crash().send()?;
    assert_eq!(ended.await, ExitReason::Shutdown);
    assert_eq!(node.alive(), 0, "nothing is orphaned");
    assert_eq!(tree.restarted("a", None).await, Err(CallError::Exited(ExitReason::Shutdown)));
    Ok(())
}

#[tokio::test]
async fn orderly_ends_by_restart_type() -> Result {
    let node = node().await;
    let tree = Supervisor::new()
        .child(worker("transient").restart(Restart::Transient))
        .child(worker("temporary").restart(Restart::Temporary))
        .child(worker("permanent"));
    let tree = node.supervise(tree).await?;
    for name in ["transient", "temporary"] {
        let ended = node.ended(node.whereis(name).unwrap());
        client(&node, name).finish().send()?;
        assert_eq!(ended.await, ExitReason::Normal);
    }
    let before = node.whereis("permanent");
    client(&node, "permanent").finish().send()?;
    tree.restarted("permanent", before).await?;
    // The permanent child's end came last, so the others' have been seen.
    let running: Vec<_> =
        tree.which_children().iter().map(|child| (child.id.to_string(), child.pid.is_some())).collect();
    assert_eq!(
        running,
        [("transient".to_owned(), false), ("permanent".to_owned(), true)],
        "a temporary child is forgotten"
    );
    Ok(())
}

#[tokio::test]
async fn a_child_that_does_not_start_ends_those_before_it() -> Result {
    let node = node().await;
    let tree = Supervisor::new().child(worker("a")).child(ChildSpec::actor::<Worker>("b", || usize::MAX));
    let failed = node.supervise(tree).await.unwrap_err();
    assert!(failed.to_string().contains("\"b\" did not start") && failed.to_string().contains("no start"), "{failed}");
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn a_killed_supervisor_takes_its_tree_along() -> Result {
    let node = node().await;
    let inner = || Supervisor::new().child(worker("leaf"));
    let tree =
        node.supervise(Supervisor::new().child(worker("a")).child(ChildSpec::supervisor("inner", inner))).await?;
    let leaf = node.whereis("leaf").unwrap();
    let (ended, leaf_ended) = (node.ended(node.whereis("a").unwrap()), node.ended(leaf));
    node.kill(tree.pid());
    // The inner supervisor had time to stop its own child in order.
    assert_eq!((ended.await, leaf_ended.await), (ExitReason::Killed, ExitReason::Shutdown));
    assert!(tree.which_children().iter().all(|child| child.pid.is_none()));
    assert_eq!(tree.restarted("a", None).await, Err(CallError::Exited(ExitReason::Killed)));
    assert_eq!(tree.stop().await, ExitReason::Killed);
    assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
    Ok(())
}

#[tokio::test]
async fn escalation_restarts_the_subtree() -> Result {
    let node = node().await;
    let inner = || Supervisor::new().intensity(Intensity::new(0, Duration::from_secs(5))).child(worker("leaf"));
    let tree = node.supervise(Supervisor::new().child(ChildSpec::supervisor("inner", inner))).await?;
    let before = tree.which_children()[0].pid;
    client(&node, "leaf").crash().send()?;
    tree.restarted("inner", before).await?;
    assert_eq!(client(&node, "leaf").generation().await?, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_will_not_stop_is_killed_in_its_time() -> Result {
    let node = node().await;
    let stubborn = ChildSpec::actor::<Worker>("stubborn", || STUBBORN).shutdown(Duration::from_secs(3));
    let tree = node.supervise(Supervisor::new().child(worker("a")).child(stubborn)).await?;
    let begun = tokio::time::Instant::now();
    let ended = node.ended(tree.which_children()[1].pid.unwrap());
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!((ended.await, begun.elapsed()), (ExitReason::Killed, Duration::from_secs(3)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_for_an_init_that_hangs() -> Result {
    let node = node().await;
    let starts = AtomicUsize::new(0);
    let sleeper = ChildSpec::actor::<Sleeper>("sleeper", move || starts.fetch_add(1, Ordering::SeqCst) > 0)
        .named("sleeper")
        .shutdown(Duration::from_secs(3));
    let tree = node.supervise(Supervisor::new().child(worker("a")).child(sleeper)).await?;
    let sleeper = node.whereis("sleeper");
    SleeperClient::named(&node, "sleeper")?.crash().send()?;
    while node.whereis("sleeper") == sleeper || node.whereis("sleeper").is_none() {
        tokio::task::yield_now().await;
    }
    let begun = tokio::time::Instant::now();
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    // It wants to clean up, so it was asked, and killed in its time.
    assert_eq!((begun.elapsed(), node.alive()), (Duration::from_secs(3), 0));

    let hanging = Supervisor::new().child(ChildSpec::actor::<Sleeper>("b", || true).shutdown(Shutdown::Brutal));
    let starting = {
        let node = node.clone();
        tokio::spawn(async move { node.supervise(hanging).await.map(|tree| tree.pid()) })
    };
    while node.alive() < 2 {
        tokio::task::yield_now().await;
    }
    let begun = tokio::time::Instant::now();
    assert_eq!(node.shutdown(Duration::from_secs(60)).await, 0);
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(starting.await?, Err(SpawnError::Init(ExitReason::Shutdown)));
    Ok(())
}

#[tokio::test]
async fn a_start_that_always_fails_at_once_lets_others_run() -> Result {
    let node = node().await;
    let args = counted(|start| if start == 0 { 0 } else { panic!("no arguments") });
    let tree = Supervisor::new()
        .intensity(Intensity::new(usize::MAX, Duration::from_secs(5)))
        .child(ChildSpec::actor::<Worker>("a", args).named("a"));
    let tree = node.supervise(tree).await?;
    client(&node, "a").crash().send()?;
    while node.whereis("a").is_some() {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn a_group_starts_from_its_begin_when_one_of_it_does_not_start() -> Result {
    for (strategy, expected) in [(Strategy::OneForAll, 2), (Strategy::RestForOne, 1)] {
        let node = node().await;
        let failing = counted(|start| if start == 1 { usize::MAX } else { start });
        let tree = Supervisor::new()
            .strategy(strategy)
            .intensity(OFTEN)
            .child(worker("a"))
            .child(ChildSpec::actor::<Worker>("b", failing).named("b"));
        let tree = node.supervise(tree).await?;
        let before = node.whereis("b");
        client(&node, "a").crash().send()?;
        tree.restarted("b", before).await?;
        assert_eq!(client(&node, "a").generation().await?, expected, "{strategy:?}");
        assert_eq!(client(&node, "b").generation().await?, 2, "{strategy:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_storm_of_crashes_loses_no_child() -> Result {
    let node = node().await;
    let names = ["a", "b", "c", "d"];
    let tree = names
        .into_iter()
        .fold(Supervisor::new().strategy(Strategy::RestForOne).intensity(OFTEN), |tree, id| tree.child(worker(id)));
    let tree = node.supervise(tree).await?;
    for round in 0..200 {
        // Some of these meet a child that is being restarted, or none.
        let _ = client(&node, names[round % 4]).crash().send();
        let _ = client(&node, names[(round * 3 + 1) % 4]).crash().send();
        tokio::task::yield_now().await;
    }
    for name in names {
        // Whole again: each child answers, at the latest once the last restart is through.
        while client(&node, name).generation().await.is_err() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(node.alive(), 5);
    tree.stop().await;
    assert_eq!(node.alive(), 0);
    Ok(())
}

//! Dynamic supervisors through the public API.

use rusm::otp::dynamic::{DynamicChild, DynamicSupervisor};
use rusm::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const OFTEN: Duration = Duration::from_secs(60);

async fn node() -> Node {
    Node::builder().build().await.unwrap()
}

/// Ends as it is told.
pub struct Worker {
    from: u64,
}

#[actor]
impl Worker {
    #[init]
    fn start(from: u64) -> std::result::Result<Self, Exit> {
        if from == u64::MAX { Err(Exit::error("no start")) } else { Ok(Self { from }) }
    }

    pub fn from(&self) -> u64 {
        self.from
    }

    #[cast]
    pub fn crash(&self) {
        panic!("told to crash")
    }

    #[cast]
    pub fn finish(&self, cx: &mut Cx<Self>) {
        cx.stop(Exit::normal());
    }

    #[on(terminate)]
    async fn bye(&mut self, _reason: &ExitReason) {
        match self.from {
            98 => panic!("crashed while it was stopped"),
            99 => std::future::pending::<()>().await,
            _ => {}
        }
    }
}

/// Never comes up.
pub struct Sleeper;

#[actor]
impl Sleeper {
    #[init]
    async fn start(_nothing: ()) -> Self {
        std::future::pending().await
    }

    pub fn nothing(&self) {}
}

/// Its n-th start is told n, and is told of.
fn counted() -> (DynamicChild<Worker>, tokio::sync::mpsc::UnboundedReceiver<u64>) {
    let (starts, (told, heard)) = (AtomicUsize::new(0), tokio::sync::mpsc::unbounded_channel());
    let child = DynamicChild::new(move || {
        let start = starts.fetch_add(1, Ordering::SeqCst) as u64;
        let _ = told.send(start);
        start
    });
    (child, heard)
}

#[tokio::test]
async fn a_temporary_child_is_not_started_again_and_leaves_its_place() -> Result {
    let node = node().await;
    let dynamic = node.supervise_dynamic(DynamicSupervisor::new().max_children(1))?;
    let child = dynamic.start_child::<Worker>(1).await?;
    assert!(matches!(dynamic.start_child::<Worker>(2).await, Err(SpawnError::Capacity(_))));
    assert_eq!(dynamic.which_children(), [child.pid()]);
    assert_eq!(dynamic.terminate_child(child.pid()).await?, ExitReason::Shutdown);
    assert!(matches!(dynamic.terminate_child(child.pid()).await, Err(CallError::NoProcess(_))));
    assert_eq!(dynamic.count_children(), 0);
    let failed = dynamic.start_child::<Worker>(u64::MAX).await;
    assert!(matches!(failed, Err(SpawnError::Init(ExitReason::Error(_)))), "{failed:?}");
    assert_eq!(dynamic.count_children(), 0);
    let again = dynamic.start_child::<Worker>(3).await?;
    assert_eq!(again.from().await?, 3);
    assert_eq!(dynamic.stop().await, ExitReason::Shutdown);
    assert_eq!(node.alive(), 0);
    assert!(matches!(dynamic.start_child::<Worker>(2).await, Err(SpawnError::Init(ExitReason::Shutdown))));
    Ok(())
}

#[tokio::test]
async fn restart_types_are_those_of_the_child_or_of_the_supervisor() -> Result {
    let node = node().await;
    let config = DynamicSupervisor::new().restart(Restart::Permanent).intensity(Intensity::new(100, OFTEN));
    let dynamic = node.supervise_dynamic(config)?;
    let (child, mut starts) = counted();
    let child = dynamic.start(child.named("permanent")).await?;
    child.finish().send()?;
    let (transient, mut transients) = counted();
    let transient = dynamic.start(transient.restart(Restart::Transient).named("transient")).await?;
    transient.crash().send()?;
    for expected in [0, 1] {
        assert_eq!(starts.recv().await, Some(expected));
        assert_eq!(transients.recv().await, Some(expected));
    }
    // The name is held before the new process runs; wait for that, not for a time.
    while node.whereis("transient").is_none_or(|pid| pid == transient.pid()) {
        tokio::task::yield_now().await;
    }
    let second = node.whereis("transient").ok_or("no transient")?;
    let ended = node.ended(second);
    WorkerClient::named(&node, "transient")?.finish().send()?;
    assert_eq!(ended.await, ExitReason::Normal);
    while dynamic.count_children() > 1 {
        tokio::task::yield_now().await;
    }
    dynamic.stop().await;
    assert!(transients.try_recv().is_err(), "an orderly end of a transient child is its last");
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn too_many_restarts_end_the_supervisor_and_all_children() -> Result {
    let node = node().await;
    let dynamic = node.supervise_dynamic(DynamicSupervisor::new().intensity(Intensity::new(2, OFTEN)))?;
    let ended = node.ended(dynamic.pid());
    for from in 0..10 {
        dynamic.start_child::<Worker>(from).await?;
    }
    // Comes up once; after that its start fails, which counts, and fails, until it is too much.
    let starts = AtomicUsize::new(0);
    let first = move || if starts.fetch_add(1, Ordering::SeqCst) == 0 { 0 } else { u64::MAX };
    let child = dynamic.start(DynamicChild::<Worker>::new(first).restart(Restart::Permanent)).await?;
    child.crash().send()?;
    assert_eq!(ended.await, ExitReason::Shutdown);
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn slow_starts_do_not_wait_for_each_other_and_a_given_up_one_is_killed() -> Result {
    let node = node().await;
    let dynamic = node.supervise_dynamic(DynamicSupervisor::new())?;
    let mut slow = Box::pin(dynamic.start_child::<Sleeper>(()));
    assert!(futures_util::poll!(&mut slow).is_pending());
    let pid = dynamic.which_children()[0];
    let ended = node.ended(pid);
    assert_eq!(dynamic.start_child::<Worker>(5).await?.from().await?, 5);
    drop(slow);
    assert_eq!(ended.await, ExitReason::Killed);
    let mut slow = Box::pin(dynamic.start(DynamicChild::<Sleeper>::new(|| ()).restart(Restart::Permanent)));
    assert!(futures_util::poll!(&mut slow).is_pending());
    let stopped = dynamic.stop();
    let (started, stopped) = tokio::join!(slow, stopped);
    assert!(matches!(started, Err(SpawnError::Init(_))), "{started:?}");
    assert_eq!((stopped, node.alive()), (ExitReason::Shutdown, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn all_are_stopped_at_the_same_time_and_killed_when_it_is_over() -> Result {
    let node = node().await;
    let limit = Duration::from_secs(2);
    let dynamic = node.supervise_dynamic(DynamicSupervisor::new().shutdown(limit))?;
    let mut ends = Vec::new();
    for from in [99, 1, 98, 99, 99] {
        ends.push((from, node.ended(dynamic.start_child::<Worker>(from).await?.pid())));
    }
    let begin = tokio::time::Instant::now();
    assert_eq!(dynamic.stop().await, ExitReason::Shutdown);
    let took = begin.elapsed();
    assert!(took >= limit && took < limit * 2, "{took:?}");
    for (from, end) in ends {
        match (from, end.await) {
            (99, ExitReason::Killed) | (1, ExitReason::Shutdown) | (98, ExitReason::Panicked(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_can_have_a_time_of_its_own() -> Result {
    let node = node().await;
    let seconds = Duration::from_secs;
    let dynamic = node.supervise_dynamic(DynamicSupervisor::new().shutdown(seconds(10)))?;
    let begin = tokio::time::Instant::now();
    let mut ends = Vec::new();
    for (own, takes) in [(Some(Shutdown::Brutal), 0), (Some(Shutdown::Timeout(seconds(3))), 3), (None, 10)] {
        for restart in [Restart::Temporary, Restart::Permanent] {
            let mut child = DynamicChild::<Worker>::new(|| 99).restart(restart);
            if let Some(own) = own {
                child = child.shutdown(own);
            }
            let ended = Ref::ended(&dynamic.start(child).await?);
            ends.push(async move { (ended.await, begin.elapsed().as_secs(), takes) });
        }
    }
    let first = DynamicChild::<Worker>::new(|| 99).shutdown(seconds(1));
    let first = dynamic.start(first).await?;
    assert_eq!(dynamic.terminate_child(first.pid()).await?, ExitReason::Killed);
    assert_eq!(begin.elapsed().as_secs(), 1);
    let (stopped, ends) = tokio::join!(dynamic.stop(), futures_util::future::join_all(ends));
    for (reason, took, takes) in ends {
        assert_eq!((reason, took), (ExitReason::Killed, 1 + takes));
    }
    assert_eq!((stopped, node.alive()), (ExitReason::Shutdown, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_killed_supervisor_leaves_nothing_alive_that_refuses_to_end() -> Result {
    let node = node().await;
    let dynamic = node.supervise_dynamic(DynamicSupervisor::new())?;
    let mut ends = Vec::new();
    for from in [99, 1, 99] {
        ends.push(Ref::ended(&dynamic.start_child::<Worker>(from).await?));
    }
    let slow = DynamicChild::<Worker>::new(|| 99).shutdown(Duration::from_secs(60));
    ends.push(Ref::ended(&dynamic.start(slow).await?));
    let brutal = DynamicChild::<Worker>::new(|| 99).restart(Restart::Permanent).shutdown(Shutdown::Brutal);
    ends.push(Ref::ended(&dynamic.start(brutal).await?));
    let begin = tokio::time::Instant::now();
    node.kill(dynamic.pid());
    let ends = ends.into_iter().map(|end| async move { (end.await, begin.elapsed().as_secs()) });
    let ends = futures_util::future::join_all(ends).await;
    let killed = |after| (ExitReason::Killed, after);
    assert_eq!(ends, [killed(5), killed(0), killed(5), killed(60), killed(0)]);
    assert_eq!(node.alive(), 0);
    Ok(())
}

/// What a hundred thousand children cost is what each of them costs: all are started, one again, and all stop at once.
#[tokio::test]
async fn a_crowd() -> Result {
    const CROWD: u64 = 100_000;
    let node = node().await;
    let dynamic = node.supervise_dynamic(DynamicSupervisor::new())?;
    for from in 0..CROWD {
        dynamic.start_child::<Worker>(1000 + from).await?;
    }
    let (child, mut starts) = counted();
    let child = dynamic.start(child.restart(Restart::Permanent)).await?;
    assert_eq!(dynamic.count_children() as u64, CROWD + 1);
    child.crash().send()?;
    assert_eq!((starts.recv().await, starts.recv().await), (Some(0), Some(1)));
    assert_eq!(dynamic.stop().await, ExitReason::Shutdown);
    assert_eq!((dynamic.count_children(), node.alive()), (0, 0));
    Ok(())
}

#[tokio::test]
async fn a_killed_supervisor_leaves_nothing_alive() -> Result {
    let node = node().await;
    let dynamic = node.supervise_dynamic(DynamicSupervisor::new())?;
    let mut ends = Vec::new();
    for from in 0..90 {
        ends.push(node.ended(dynamic.start_child::<Worker>(from).await?.pid()));
    }
    ends.push(node.ended(dynamic.start_fn("job", |_| std::future::pending::<()>())?));
    let ended = node.ended(dynamic.pid());
    node.kill(dynamic.pid());
    assert_eq!(ended.await, ExitReason::Killed);
    for end in ends {
        end.await;
    }
    assert_eq!(node.alive(), 0);
    Ok(())
}

/// Starts, crashes, terminations and kills at the same time on several threads; then nobody is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_lost_or_left_in_a_storm() -> Result {
    let node = node().await;
    let config = DynamicSupervisor::new().restart(Restart::Permanent).intensity(Intensity::new(1_000_000, OFTEN));
    let dynamic = node.supervise_dynamic(config)?;
    let failed = Arc::new(Mutex::new(Vec::new()));
    let mut storms = Vec::new();
    for storm in 0..4u64 {
        let (node, dynamic, failed) = (node.clone(), dynamic.clone(), failed.clone());
        storms.push(tokio::spawn(async move {
            for round in 0..200u64 {
                let child = match round % 2 {
                    0 => dynamic.start(DynamicChild::<Worker>::new(|| 0)).await,
                    // Not one of those that end in their own way.
                    _ => dynamic.start_child::<Worker>(1000 + round).await,
                };
                match child {
                    Ok(child) if (round + storm) % 3 == 0 => node.kill(child.pid()),
                    Ok(child) if (round + storm) % 3 == 1 => drop(child.crash().send()),
                    Ok(child) => drop(dynamic.terminate_child(child.pid()).await),
                    Err(error) => failed.lock().unwrap().push(error),
                }
            }
        }));
    }
    for storm in storms {
        storm.await?;
    }
    assert!(failed.lock().unwrap().is_empty(), "{failed:?}");
    // Who is permanent and was not terminated is there again, and nobody else.
    let expected = (0..4u64).flat_map(|storm| (0..200u64).map(move |round| (storm, round)));
    let expected = expected.filter(|(storm, round)| round % 2 == 0 && (round + storm) % 3 != 2).count();
    while node.alive() != expected + 1 || dynamic.count_children() != expected {
        tokio::task::yield_now().await;
    }
    assert_eq!(dynamic.stop().await, ExitReason::Shutdown);
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn a_key_has_one_partition_and_one_that_is_killed_comes_back_empty() -> Result {
    let node = node().await;
    let partitions = node.supervise_partitions(4, DynamicSupervisor::new())?;
    for key in 0..40u64 {
        let child = partitions.start_child::<Worker>(&key, key).await?;
        assert!(partitions.partition(&key).which_children().contains(&child.pid()));
    }
    let counts: Vec<_> = partitions.partitions().map(|partition| partition.count_children()).collect();
    assert_eq!((counts.len(), counts.iter().sum()), (4, 40));
    let killed = partitions.partition(&7u64);
    let left = 40 - killed.count_children();
    let ended = node.ended(killed.pid());
    node.kill(killed.pid());
    assert_eq!(ended.await, ExitReason::Killed);
    while partitions.partition(&7u64).pid() == killed.pid() {
        tokio::task::yield_now().await;
    }
    assert_eq!(partitions.start_child::<Worker>(&7u64, 7).await?.from().await?, 7);
    assert_eq!(partitions.partitions().map(|partition| partition.count_children()).sum::<usize>(), left + 1);
    assert_eq!(partitions.stop().await, ExitReason::Shutdown);
    assert_eq!(node.alive(), 0);
    Ok(())
}

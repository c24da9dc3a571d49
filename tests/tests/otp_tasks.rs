//! Tasks and their supervisor through the public API.

use futures_util::{StreamExt, poll};
use rusm::otp::tasks::{Task, TaskSupervisor, await_many};
use rusm::prelude::*;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const LONG: Duration = Duration::from_secs(60);

async fn node() -> Node {
    Node::builder().build().await.unwrap()
}

#[tokio::test]
async fn a_task_gives_its_value_or_why_it_has_none() -> Result {
    let node = node().await;
    assert_eq!(node.task(async { 7 })?.await?, 7);
    let crashed = node.task(async { panic!("as told") })?.await;
    assert!(matches!(crashed, Err::<(), _>(CallError::Exited(ExitReason::Panicked(_)))), "{crashed:?}");
    let mut task = node.task(async { 8 })?;
    assert_eq!(task.yield_for(LONG).await, Some(Ok(8)));
    assert_eq!(task.await, Err(CallError::NoReply));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn too_late_kills_it_and_a_yield_does_not() -> Result {
    let node = node().await;
    let mut task = node.task(pending::<()>())?.timeout(Duration::from_secs(1));
    let ended = node.ended(task.pid());
    assert_eq!(task.yield_for(Duration::from_millis(1)).await, None);
    assert!(node.is_alive(task.pid()));
    assert!(matches!((&mut task).await, Err(CallError::Timeout(_))));
    assert_eq!(ended.await, ExitReason::Killed);
    let task = node.task(pending::<()>())?;
    assert_eq!(task.shutdown(LONG).await, Err(ExitReason::Shutdown));
    let tasks = [node.task(pending::<()>())?, node.task(async {})?];
    let outcomes = await_many(tasks, Duration::from_secs(1)).await;
    assert!(matches!(outcomes[..], [Err(CallError::Timeout(_)), Ok(())]), "{outcomes:?}");
    Ok(())
}

#[tokio::test]
async fn a_linked_task_and_its_caller_do_not_outlive_each_other() -> Result {
    for is_supervised in [false, true] {
        let node = node().await;
        let tasks = TaskSupervisor::start(&node)?;
        // A crash of the task is the caller's end.
        let (go, gate) = tokio::sync::oneshot::channel::<()>();
        let supervisor = tasks.clone();
        let caller = node.spawn_fn("caller", move |_| async move {
            let work = async move {
                let _ = gate.await;
                panic!("as told")
            };
            let _task: Task<()> = if is_supervised { supervisor.spawn(work) } else { Task::spawn(work) }.unwrap();
            pending::<()>().await
        })?;
        let ended = node.ended(caller);
        drop(go);
        assert!(matches!(ended.await, ExitReason::Panicked(_)), "supervised: {is_supervised}");
        // The caller's end is the task's, and dropping a task is not the caller's.
        let (told, pids) = tokio::sync::oneshot::channel();
        let supervisor = tasks.clone();
        let caller = node.spawn_fn("caller", move |_| async move {
            let begin = || if is_supervised { supervisor.spawn(pending()) } else { Task::spawn(pending::<()>()) };
            drop(begin().unwrap());
            let task = begin().unwrap();
            let _ = told.send(task.pid());
            pending::<()>().await
        })?;
        let task = node.ended(pids.await?);
        node.kill(caller);
        assert_eq!(task.await, ExitReason::Killed);
        tasks.children().stop().await;
        assert_eq!(node.alive(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn a_supervisor_takes_its_tasks_along() -> Result {
    let node = node().await;
    let tasks = TaskSupervisor::start(&node)?;
    let task = tasks.spawn_nolink(pending::<()>())?;
    let crashed = tasks.spawn_nolink(async { panic!("as told") })?.await;
    assert!(matches!(crashed, Err::<(), _>(CallError::Exited(ExitReason::Panicked(_)))), "{crashed:?}");
    let (told, heard) = tokio::sync::oneshot::channel();
    tasks.start_child(async move {
        let _ = told.send(3);
    })?;
    assert_eq!(heard.await?, 3);
    assert_eq!(tasks.children().stop().await, ExitReason::Shutdown);
    assert_eq!(task.await, Err(CallError::Exited(ExitReason::Shutdown)));
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn a_stream_is_in_order_and_holds_no_more_than_it_may() -> Result {
    let node = node().await;
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counter, peak) = (now.clone(), most.clone());
    let stream = node.async_stream(0..50u32, 4, move |item| {
        let (now, most) = (counter.clone(), peak.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..item % 7 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            assert!(item != 13, "as told");
            item
        }
    });
    let outcomes: Vec<_> = stream.collect().await;
    for (item, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Ok(value) => assert_eq!(*value as usize, item),
            Err(error) => assert!(item == 13 && matches!(error, CallError::Exited(ExitReason::Panicked(_)))),
        }
    }
    assert_eq!((outcomes.len(), now.load(Ordering::SeqCst)), (50, 0));
    assert!((1..=4).contains(&most.load(Ordering::SeqCst)));
    Ok(())
}

#[tokio::test]
async fn an_unordered_stream_does_not_wait_for_the_slow_and_its_drop_kills_them() -> Result {
    let node = node().await;
    let mut stream = node.async_stream([0, 1, 2], 2, |item| async move {
        if item == 0 {
            pending::<()>().await;
        }
        item
    });
    assert!(poll!(stream.next()).is_pending());
    stream = stream.unordered();
    assert_eq!(stream.next().await, Some(Ok(1)));
    assert_eq!(stream.next().await, Some(Ok(2)));
    let slow: Vec<_> = node.processes().into_iter().map(|pid| node.ended(pid)).collect();
    assert_eq!(slow.len(), 1);
    drop(stream);
    for end in slow {
        assert_eq!(end.await, ExitReason::Killed);
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_under_a_supervisor_ends_with_it() -> Result {
    let node = node().await;
    let config = rusm::otp::dynamic::DynamicSupervisor::new().max_children(2);
    let tasks = TaskSupervisor::start_with(&node, config)?;
    let mut stream = tasks.async_stream(0..3u32, 3, |item| async move {
        if item == 1 {
            pending::<()>().await;
        }
        item
    });
    assert_eq!(stream.next().await, Some(Ok(0)));
    // The first one may have left already when the third came.
    assert!((1..=2).contains(&tasks.children().count_children()));
    assert_eq!(tasks.children().stop().await, ExitReason::Shutdown);
    assert_eq!(stream.next().await, Some(Err(CallError::Exited(ExitReason::Shutdown))));
    assert!(matches!(stream.next().await, Some(Err(_))), "it was refused, or ended with the supervisor");
    assert_eq!((stream.next().await, node.alive()), (None, 0));
    Ok(())
}

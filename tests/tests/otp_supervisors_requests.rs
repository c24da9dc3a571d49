//! What supervisors are asked at run time.

mod otp_supervisors_support;

use otp_supervisors_support::*;
use rusm::otp::supervisor::{ChildCount, ChildError};
use rusm::prelude::*;
use std::time::Duration;

#[tokio::test]
async fn children_come_and_go_at_run_time() -> Result {
    let (node, world) = (node().await, World::new());
    let tree = supervise(&node, Supervisor::new().intensity(OFTEN), [world.child("a")]).await;

    let b = tree.start_child(world.child("b")).await?;
    assert_eq!(tree.which_children()[1].pid, Some(b), "behind all others");
    assert_eq!(tree.start_child(world.child("b")).await, Err(ChildError::Running(b)));
    assert_eq!(tree.restart_child("b").await, Err(ChildError::Running(b)));
    assert_eq!(tree.delete_child("b").await, Err(ChildError::Running(b)));

    let ended = node.ended(b);
    tree.terminate_child("b").await?;
    assert_eq!(ended.await, ExitReason::Shutdown);
    assert_eq!(tree.which_children()[1].pid, None, "it is kept");
    tree.terminate_child("b").await?;
    assert_eq!(tree.start_child(world.child("b")).await, Err(ChildError::AlreadyPresent));
    let again = tree.restart_child("b").await?;
    assert_ne!(again, b);
    tree.terminate_child("b").await?;
    tree.delete_child("b").await?;

    let unknown = ChildError::NotFound("b".into());
    assert_eq!(tree.terminate_child("b").await, Err(unknown.clone()));
    assert_eq!(tree.restart_child("b").await, Err(unknown.clone()));
    assert_eq!(tree.delete_child("b").await, Err(unknown));
    assert!(matches!(tree.restarted("b", None).await, Err(CallError::NoProcess(_))));
    assert_eq!(world.log(), "+a +b -b +b -b");

    tree.start_child(world.child("t").restart(Restart::Temporary)).await?;
    tree.terminate_child("t").await?;
    assert_eq!(tree.restart_child("t").await, Err(ChildError::NotFound("t".into())), "temporary");
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!((world.log().as_str(), node.alive()), ("+t -t -a", 0));
    let ended = Err(ChildError::Supervisor(CallError::Exited(ExitReason::Shutdown)));
    assert_eq!(tree.start_child(world.child("c")).await.map(drop), ended);
    Ok(())
}

#[tokio::test]
async fn a_child_that_does_not_start_is_forgotten_or_stays_down() -> Result {
    let (node, world) = (node().await, World::new());
    let tree = supervise(&node, Supervisor::new(), [world.child("a")]).await;
    let failed = Err(ChildError::Start(SpawnError::Init(ExitReason::Error("no start".into()))));
    for n in [0, 2] {
        world.on_start("b", n, OnStart::Fail);
    }
    assert_eq!(tree.start_child(world.child("b")).await, failed);
    assert_eq!(tree.delete_child("b").await, Err(ChildError::NotFound("b".into())));
    tree.start_child(world.child("b")).await?;
    tree.terminate_child("b").await?;
    assert_eq!(tree.restart_child("b").await, failed);
    assert_eq!(tree.which_children()[1].pid, None);
    tree.restart_child("b").await?;
    assert_eq!(running(&tree).len(), 2);
    Ok(())
}

#[tokio::test]
async fn children_are_counted_by_what_they_are() -> Result {
    let (node, world) = (node().await, World::new());
    let tree =
        supervise(&node, Supervisor::new(), [world.child("a"), ChildSpec::supervisor("s", Supervisor::new)]).await;
    tree.start_child(world.child("b")).await?;
    tree.terminate_child("a").await?;
    let count = tree.count_children();
    assert_eq!((count.specs, count.active, count.supervisors, count.workers), (3, 2, 1, 2));
    let seen: Vec<_> =
        tree.which_children().into_iter().map(|child| (child.id.to_string(), child.is_supervisor)).collect();
    assert_eq!(seen, [("a".to_owned(), false), ("s".to_owned(), true), ("b".to_owned(), false)]);
    tree.stop().await;
    assert_eq!(tree.count_children().active, 0);
    assert_ne!(tree.count_children(), ChildCount::default(), "what it had can still be seen");
    Ok(())
}

#[tokio::test]
async fn what_can_not_be_is_refused() {
    let (node, world) = (node().await, World::new());
    let significant = |restart| world.child("a").restart(restart).significant(true);
    for (tree, child, text) in [
        (Supervisor::new().child(world.child("a")), world.child("a"), "two children of the id \"a\""),
        (Supervisor::new(), significant(Restart::Transient), "needs a supervisor with auto-shutdown"),
        (Supervisor::new().auto_shutdown(AutoShutdown::AnySignificant), significant(Restart::Permanent), "never done"),
    ] {
        let error = node.supervise(tree.child(child)).await.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    let tree = supervise(&node, Supervisor::new(), []).await;
    let refused = tree.start_child(significant(Restart::Transient)).await;
    assert!(matches!(&refused, Err(ChildError::Refused(_))), "{refused:?}");
    assert_eq!((world.log().as_str(), node.alive()), ("", 1), "nothing was started");
}

#[tokio::test(start_paused = true)]
async fn while_a_child_waits_for_its_restart_all_else_is_taken() -> Result {
    let (node, world) = (node().await, World::new());
    let minute = Duration::from_secs(60);
    let tree = Supervisor::new().intensity(OFTEN).backoff(Backoff::new(minute, 3 * minute));
    let tree = supervise(&node, tree, ["a", "b"].map(|id| world.child(id))).await;
    let begun = tokio::time::Instant::now();

    end(&node, &tree, "a", How::Panic).await;
    settled(&tree).await;
    assert!(tree.which_children()[0].is_restarting);
    let down = tree.client::<Probe>("a").expect("it is known").starts().await;
    assert!(matches!(down, Err(CallError::NoProcess(_))), "{down:?}");
    for refused in [
        tree.start_child(world.child("a")).await.map(drop),
        tree.restart_child("a").await.map(drop),
        tree.delete_child("a").await,
    ] {
        assert_eq!(refused, Err(ChildError::Restarting));
    }
    tree.start_child(world.child("c")).await?;
    end(&node, &tree, "b", How::Error).await;
    settled(&tree).await;
    assert_eq!((world.log().as_str(), begun.elapsed()), ("+a +b +c", Duration::ZERO), "nobody waited");

    tree.terminate_child("a").await?;
    let b = tree.restarted("b", None).await?;
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert_eq!(world.log(), "+b", "the first one was called off");
    end(&node, &tree, "b", How::Panic).await;
    tree.restarted("b", Some(b)).await?;
    assert_eq!(begun.elapsed().as_secs(), 180, "twice as long");

    end(&node, &tree, "b", How::Panic).await;
    settled(&tree).await;
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!((begun.elapsed().as_secs(), node.alive()), (180, 0), "a stop does not wait");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_group_waits_down() -> Result {
    let (node, world) = (node().await, World::new());
    let second = Duration::from_secs(1);
    let tree = Supervisor::new().strategy(Strategy::OneForAll).intensity(OFTEN).backoff(Backoff::new(second, second));
    let tree = supervise(&node, tree, ["a", "b", "c"].map(|id| world.child(id))).await;
    end(&node, &tree, "b", How::Panic).await;
    settled(&tree).await;
    assert!(tree.which_children().iter().all(|child| child.pid.is_none() && child.is_restarting));
    for id in ["a", "b", "c"] {
        tree.restarted(id, None).await?;
    }
    assert_eq!(world.log(), "+a +b +c -c -a +a +b +c");
    Ok(())
}

#[tokio::test]
async fn a_start_that_always_fails_lets_requests_through() -> Result {
    let (node, world) = (node().await, World::new());
    for n in 1..100_000 {
        world.on_start("a", n, OnStart::Fail);
    }
    let tree = supervise(&node, Supervisor::new().intensity(OFTEN), [world.child("a")]).await;
    end(&node, &tree, "a", How::Panic).await;
    tree.start_child(world.child("b")).await?;
    tree.terminate_child("a").await?;
    tree.delete_child("a").await?;
    assert_eq!(running(&tree).len(), 1);
    assert!(world.log().ends_with("!a"));
    Ok(())
}

#[tokio::test]
async fn a_request_to_one_that_stops_ends_with_it() -> Result {
    let (node, world) = (node().await, World::new());
    world.on_start("slow", 0, OnStart::Hang);
    let tree = supervise(&node, Supervisor::new(), [world.child("a")]).await;
    let (asking, child) = (tree.clone(), world.child("slow").shutdown(Shutdown::Brutal));
    let asked = tokio::spawn(async move { asking.start_child(child).await });
    world.wait("+slow").await;
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!(asked.await?, Err(ChildError::Supervisor(CallError::Exited(ExitReason::Shutdown))));
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn a_hundred_thousand_children() -> Result {
    const MANY: usize = 100_000;
    let node = node().await;
    let spec = |n: usize| ChildSpec::actor::<Idle>(&n.to_string(), || ());
    let tree = supervise(&node, Supervisor::new().intensity(OFTEN), (0..MANY - 1).map(spec)).await;
    tree.start_child(spec(MANY - 1)).await?;
    assert_eq!(tree.count_children().active, MANY);
    let (one, last) = (tree.client::<Idle>("50000").expect("known"), tree.client::<Idle>("99999").expect("known"));
    for _ in 0..100 {
        for (id, client) in [("50000", &one), ("99999", &last)] {
            let before = client.address().pid();
            client.crash().send()?;
            tree.restarted(id, before).await?;
        }
    }
    tree.stop().await;
    assert_eq!(node.alive(), 0);
    Ok(())
}

/// One of many.
pub struct Idle;

#[actor]
impl Idle {
    #[init]
    fn start() -> Self {
        Self
    }

    #[cast]
    pub fn crash(&self) {
        panic!("as asked")
    }
}

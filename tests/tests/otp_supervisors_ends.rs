//! How trees end: each way to stop a child, each way a supervisor ends, and that nothing is left of it.

mod otp_supervisors_support;

use otp_supervisors_support::*;
use rusm::prelude::*;
use std::time::Duration;
use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn each_child_is_stopped_its_own_way_last_first() -> Result {
    let (node, world) = (node().await, World::new());
    for id in ["brutal", "refuses", "slow"] {
        world.on_stop(id, 0, OnStop::Refuse);
    }
    let children = [
        world.child("polite").shutdown(Shutdown::Infinite),
        world.child("slow").shutdown(2 * SECOND),
        world.child("brutal").shutdown(Shutdown::Brutal),
        world.child("refuses").shutdown(SECOND),
        world.child("kind"),
    ];
    let tree = supervise(&node, Supervisor::new(), children).await;
    let reasons: Vec<_> = tree.which_children().iter().map(|child| node.ended(child.pid.unwrap())).collect();
    let begun = Instant::now();
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!(begun.elapsed(), 3 * SECOND);
    assert_eq!(world.log(), "+polite +slow +brutal +refuses +kind -kind -refuses -slow -polite");
    let mut ended = Vec::new();
    for reason in reasons {
        ended.push(reason.await);
    }
    let (asked, killed) = (ExitReason::Shutdown, ExitReason::Killed);
    assert_eq!(ended, [asked.clone(), killed.clone(), killed.clone(), killed, asked]);
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_killed_supervisor_leaves_nobody() -> Result {
    let (node, world) = (node().await, World::new());
    for id in ["refuses", "brutal", "leaf"] {
        world.on_stop(id, 0, OnStop::Refuse);
    }
    let leaf = world.child("leaf").shutdown(SECOND);
    let children = [
        world.child("polite"),
        world.child("refuses").shutdown(2 * SECOND),
        world.child("brutal").shutdown(Shutdown::Brutal),
        ChildSpec::supervisor("inner", move || Supervisor::new().child(leaf.clone())),
    ];
    let tree = supervise(&node, Supervisor::new(), children).await;
    let ends: Vec<_> = ["polite", "refuses", "brutal", "leaf"].map(|id| node.ended(world.pid(id).unwrap())).into();
    let begun = Instant::now();
    node.kill(tree.pid());
    for end in ends {
        // Time is virtual: nobody waits for it.
        tokio::time::timeout(60 * SECOND, end).await.expect("it is killed in its time");
    }
    assert_eq!(begun.elapsed(), 2 * SECOND, "the longest time that one of them has");
    assert_eq!(tree.stop().await, ExitReason::Killed);
    assert_eq!(node.alive(), 0);
    Ok(())
}

#[tokio::test]
async fn one_that_is_killed_while_it_starts_or_stops_children_leaves_nobody() -> Result {
    for (stops, line) in [(false, "+b"), (true, "-b")] {
        let (node, world) = (node().await, World::new());
        world.on_start("b", 1, OnStart::Hang);
        world.on_stop("b", 0, OnStop::Refuse);
        let children = ["a", "b", "c"].map(|id| world.child(id).shutdown(Duration::from_millis(10)));
        let tree = Supervisor::new().strategy(Strategy::OneForAll).intensity(OFTEN);
        let tree = supervise(&node, tree, children).await;
        let ended = node.ended(tree.pid());
        world.log();
        if !stops {
            end(&node, &tree, "b", How::Panic).await;
        } else {
            end(&node, &tree, "c", How::Panic).await;
        }
        world.wait(line).await;
        node.kill(tree.pid());
        assert_eq!(ended.await, ExitReason::Killed);
        while node.alive() > 0 {
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn one_that_ends_with_its_parent_is_not_forgotten_by_its_children() -> Result {
    let (node, world) = (node().await, World::new());
    let leaves = ["x", "y"].map(|id| world.child(id));
    let inner = move || leaves.iter().cloned().fold(Supervisor::new(), Supervisor::child);
    let tree = supervise(&node, Supervisor::new(), [world.child("a"), ChildSpec::supervisor("inner", inner)]).await;
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!((world.log().as_str(), node.alive()), ("+a +x +y -y -x -a", 0));
    Ok(())
}

#[tokio::test]
async fn crashes_during_a_restart_and_during_a_stop_are_seen() -> Result {
    let (node, world) = (node().await, World::new());
    // While b starts again, c and a die; while c is stopped for that, a dies.
    world.on_start("b", 1, OnStart::Kill("c".into()));
    world.on_start("b", 2, OnStart::Kill("a".into()));
    world.on_stop("c", 1, OnStop::Kill("a".into()));
    let tree = Supervisor::new().intensity(OFTEN);
    let tree = supervise(&node, tree, ["a", "b", "c"].map(|id| world.child(id))).await;
    for other in ["c", "a"] {
        let before = world.pid(other);
        end(&node, &tree, "b", How::Panic).await;
        tree.restarted(other, before).await?;
    }
    assert_eq!(world.log(), "+a +b +c +b +c +b +a");
    assert_eq!(tree.terminate_child("c").await, Ok(()));
    settled(&tree).await;
    assert_eq!(world.log(), "-c +a");
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!((world.log().as_str(), node.alive()), ("-b -a", 0));
    Ok(())
}

#[tokio::test]
async fn significant_children_end_their_supervisor() -> Result {
    use AutoShutdown::{AllSignificant, AnySignificant};
    for (auto_shutdown, ends, is_over) in [
        (AnySignificant, vec![("plain", How::Normal), ("a", How::Panic)], false),
        (AnySignificant, vec![("a", How::Normal)], true),
        (AnySignificant, vec![("b", How::Panic)], true),
        (AllSignificant, vec![("a", How::Normal)], false),
        (AllSignificant, vec![("b", How::Error), ("a", How::Shutdown)], true),
    ] {
        let (node, world) = (node().await, World::new());
        let children = [
            world.child("plain").restart(Restart::Temporary),
            world.child("a").restart(Restart::Transient).significant(true),
            world.child("b").restart(Restart::Temporary).significant(true),
            world.child("rest"),
        ];
        let tree = supervise(&node, Supervisor::new().auto_shutdown(auto_shutdown), children).await;
        let ended = node.ended(tree.pid());
        for (id, how) in ends {
            end(&node, &tree, id, how).await;
        }
        if is_over {
            assert_eq!((ended.await, node.alive()), (ExitReason::Shutdown, 0), "{auto_shutdown:?}");
        } else {
            settled(&tree).await;
            assert!(node.is_alive(tree.pid()));
            // On request none of them counts.
            tree.terminate_child("a").await?;
            settled(&tree).await;
            assert!(node.is_alive(tree.pid()));
        }
    }
    Ok(())
}

#[tokio::test]
async fn escalation_goes_up_until_somebody_can_cope() -> Result {
    let (node, world) = (node().await, World::new());
    let none = Intensity::new(0, SECOND);
    let leaf = world.child("leaf");
    let inner = move || Supervisor::new().intensity(none).child(leaf.clone());
    let middle = move || Supervisor::new().intensity(none).child(ChildSpec::supervisor("inner", inner.clone()));
    let tree = supervise(&node, Supervisor::new(), [world.child("a"), ChildSpec::supervisor("middle", middle)]).await;
    let before = tree.which_children()[1].pid;
    world.kill(&node, "leaf").await;
    tree.restarted("middle", before).await?;
    assert_eq!((world.log().as_str(), node.alive()), ("+a +leaf +leaf", 5));
    let ended = node.ended(tree.pid());
    world.kill(&node, "leaf").await;
    assert_eq!(
        (ended.await, node.alive()),
        (ExitReason::Shutdown, 0),
        "one restart in five seconds is what the root has"
    );
    Ok(())
}

#[tokio::test]
async fn a_storm_leaves_a_whole_tree_or_none() -> Result {
    const IDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        for intensity in [OFTEN, Intensity::new(40, 3600 * SECOND)] {
            let node = Node::builder().workers(2).build().await?;
            let world = World::new();
            let tree = Supervisor::new().strategy(strategy).intensity(intensity);
            let tree = supervise(&node, tree, IDS.map(|id| world.child(id))).await;
            let ended = node.ended(tree.pid());
            let mut ends = Vec::new();
            for round in 0..3000 {
                if let Some(pid) = world.pid(IDS[round * 7 % 6]) {
                    ends.push(node.ended(pid));
                    node.kill(pid);
                }
                if round % 5 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            // A kill comes at the next await, and the supervisor hears of it then.
            for end in ends {
                end.await;
            }
            if intensity == OFTEN {
                settled(&tree).await;
                for id in IDS {
                    tree.restarted(id, None).await?;
                }
                settled(&tree).await;
                assert_eq!((running(&tree).len(), node.alive()), (6, 7), "{strategy:?}");
                assert!(tree.which_children().iter().all(|child| child.restarts > 0), "it was a storm");
                tree.stop().await;
            } else {
                // Until it has had enough.
                while node.is_alive(tree.pid()) {
                    world.kill(&node, "c").await;
                    settled(&tree).await;
                }
                assert_eq!(ended.await, ExitReason::Shutdown);
            }
            assert_eq!(node.alive(), 0, "{strategy:?}");
        }
    }
    Ok(())
}

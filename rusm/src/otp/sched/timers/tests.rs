use super::*;
use crate::otp::Node;
use crate::wire::ExitReason;
use std::time::Duration;
use tokio::task::yield_now;

const FAR: Duration = Duration::from_secs(3600);

fn held(node: &Node) -> usize {
    node.inner().scheduler().workers.iter().map(|worker| worker.wheel.lock().len()).sum()
}

async fn node() -> Node {
    Node::builder().workers(2).build().await.unwrap()
}

/// Wherever a process set them: what it did not take back goes with it, before its end can be seen.
#[tokio::test]
async fn timers_go_with_their_owner() {
    let node = node().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    for count in 0..50_usize {
        let tell = tell.clone();
        let owner = node
            .spawn_fn("owner", move |this| async move {
                let cell = this.cell.clone();
                let mut set = Vec::new();
                for _ in 0..count {
                    let due = Due::Owned(Box::new(|| ()), cell.clone());
                    let at = Moment::of(Instant::now()).after(FAR);
                    set.push(cell.inner().scheduler().set_owned(cell.ptr(), at, due).ok().unwrap());
                    yield_now().await;
                }
                for one in set.iter().step_by(3) {
                    assert!(cell.inner().scheduler().cancel_timer(*one).is_some());
                    assert!(cell.inner().scheduler().cancel_timer(*one).is_none());
                }
                tell.send(set.len()).unwrap();
                std::future::pending::<()>().await;
            })
            .unwrap();
        let (ended, cell) = (node.ended(owner), node.table().get_ending(owner).unwrap());
        assert_eq!(told.recv().await, Some(count));
        assert_eq!(held(&node), count - count.div_ceil(3));
        node.kill(owner);
        assert_eq!(ended.await, ExitReason::Killed);
        assert_eq!((held(&node), cell.timers.is_empty()), (0, true));
    }
}

/// Processes on all workers set and cancel timers of one that ends meanwhile: each is cancelled, refused or taken by the end.
#[tokio::test]
async fn a_timer_that_is_set_while_its_owner_ends() {
    let node = node().await;
    for _ in 0..100 {
        let owner = node.spawn_fn("owner", |_| std::future::pending::<()>()).unwrap();
        let cell = node.table().get_ending(owner).unwrap();
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        for step in 1..5 {
            let (cell, tell) = (cell.clone(), tell.clone());
            let setter = move |_| async move {
                let scheduler = cell.inner().scheduler();
                for number in 0_usize.. {
                    let due = Due::Owned(Box::new(|| ()), cell.clone());
                    let had_ended = cell.has_ended();
                    let Ok(timer) = scheduler.set_owned(cell.ptr(), Moment::of(Instant::now()).after(FAR), due) else {
                        break;
                    };
                    if had_ended {
                        return tell.send(false).unwrap();
                    }
                    if number % step == 0 {
                        drop(scheduler.cancel_timer(timer));
                    }
                    if number == 20 {
                        tell.send(true).unwrap();
                    }
                    yield_now().await;
                }
                tell.send(true).unwrap();
            };
            node.spawn_fn("setter", setter).unwrap();
        }
        for _ in 0..4 {
            assert_eq!(told.recv().await, Some(true), "set for one that has ended");
        }
        let ended = node.ended(owner);
        node.kill(owner);
        assert_eq!(ended.await, ExitReason::Killed);
        for _ in 0..4 {
            assert_eq!(told.recv().await, Some(true), "set for one that has ended");
        }
        assert_eq!((held(&node), cell.timers.is_empty()), (0, true));
    }
}

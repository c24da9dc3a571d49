//! How children start beside others: on which worker, and what is seen of it.

mod otp_supervisors_support;

use otp_supervisors_support::*;
use rusm::otp::supervisor::SupervisorRef;
use rusm::prelude::*;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

static RAN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());

#[actor]
async fn runs(mut inbox: Inbox<()>) {
    *RAN.0.lock().unwrap() = true;
    RAN.1.notify_all();
    inbox.receive().await;
}

/// A child runs elsewhere while its supervisor is busy with the arguments of the next one.
#[tokio::test]
async fn a_child_does_not_wait_for_the_start_of_the_next_one() -> Result {
    let node = Node::builder().workers(2).build().await?;
    let waits = || {
        let ran = RAN.0.lock().unwrap();
        let (ran, _) = RAN.1.wait_timeout_while(ran, Duration::from_secs(30), |ran| !*ran).unwrap();
        assert!(*ran, "it waits for this worker");
    };
    let children = [ChildSpec::actor::<runs>("runs", || ()), ChildSpec::actor::<runs>("waits", waits)];
    let tree = supervise(&node, Supervisor::new(), children).await;
    tree.stop().await;
    Ok(())
}

#[actor]
async fn ends(mut inbox: Inbox<()>) {
    inbox.receive().await;
}

/// Whoever looks while a child is started again finds none, not the one that has ended.
#[tokio::test]
async fn a_child_that_is_being_started_again_has_no_process() -> Result {
    let node = Node::builder().in_runtime().build().await?;
    let known: Arc<OnceLock<SupervisorRef>> = Arc::default();
    let (seen, mut sees) = tokio::sync::mpsc::unbounded_channel();
    let looks = known.clone();
    let args = move || {
        if let Some(tree) = looks.get() {
            let child = tree.which_children().remove(0);
            seen.send((child.pid, child.is_restarting, tree.count_children().active)).unwrap();
        }
    };
    let tree = supervise(&node, Supervisor::new(), [ChildSpec::actor::<ends>("ends", args)]).await;
    known.set(tree.clone()).unwrap();
    node.kill(tree.which_children()[0].pid.unwrap());
    assert_eq!(sees.recv().await, Some((None, true, 0)));
    tree.stop().await;
    Ok(())
}

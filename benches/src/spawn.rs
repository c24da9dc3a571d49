//! Claim: a process, native or sandboxed, is cheap enough to have one per request.
//!
//! One round trip is: start it, hear that it is up, ask it to end, hear that it has ended. The peer does the same with a
//! tokio task: two oneshots, and the task's handle for its end.

use crate::report::Row;
use crate::rounds::{Deadline, Variant, alternate, rate, task_counts};
use crate::{Failure, Options, component};
use rusm::otp::Node;
use rusm::wire::{ExitReason, encode};
use rusm_bench_hello::MemoryCounter;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub(crate) const CLAIM: &str = "spawn: a process, native or sandboxed, is cheap enough to have one per request";

/// # Errors
/// A process that could not be started.
pub(crate) fn run(runtime: &Runtime, node: &Node, options: &Options) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for tasks in task_counts() {
        let mut variants: [Variant<'_>; 3] = [
            Box::new(|span| rate(runtime, tasks, span, |deadline| sandboxed(node.clone(), deadline))),
            Box::new(|span| rate(runtime, tasks, span, |deadline| native(node.clone(), deadline))),
            Box::new(|span| rate(runtime, tasks, span, tokio_task)),
        ];
        let samples = alternate(options.rounds, options.span(), &mut variants)?;
        let peers: [(_, &[_]); 1] = [("tokio-task", &samples[2])];
        rows.push(Row::rates(format!("spawn-component-by-{tasks}"), &samples[0], &peers));
        rows.push(Row::rates(format!("spawn-native-by-{tasks}"), &samples[1], &peers));
    }
    Ok(rows)
}

async fn sandboxed(node: Node, mut deadline: Deadline) -> Result<u64, Failure> {
    let component = node.component(component::NAME);
    let args = encode(&())?;
    let mut done = 0;
    while deadline.is_ahead() {
        let pid = component.spawn_encoded(args.clone()).await?;
        node.exit(pid, ExitReason::Shutdown);
        node.ended(pid).await;
        done += 1;
    }
    Ok(done)
}

async fn native(node: Node, mut deadline: Deadline) -> Result<u64, Failure> {
    let mut done = 0;
    while deadline.is_ahead() {
        let pid = node.spawn::<MemoryCounter>(()).await?.pid();
        node.exit(pid, ExitReason::Shutdown);
        node.ended(pid).await;
        done += 1;
    }
    Ok(done)
}

async fn tokio_task(mut deadline: Deadline) -> Result<u64, Failure> {
    let mut done = 0;
    while deadline.is_ahead() {
        let (up, is_up) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let _ = up.send(());
            let _ = stopped.await;
        });
        is_up.await?;
        let _ = stop.send(());
        task.await?;
        done += 1;
    }
    Ok(done)
}

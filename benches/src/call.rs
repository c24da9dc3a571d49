//! Claim: a typed call costs at most three round trips over bare channels, one into a sandbox at most ten.
//!
//! Each caller has a callee of its own and calls it over and over. The peer is what one would write by hand: a task that
//! takes requests from an mpsc channel, each with a oneshot for its answer. It has no deadline, no type check and
//! survives no panic; ours do.

use crate::report::Row;
use crate::rounds::{Deadline, Variant, alternate, rate};
use crate::{Failure, Options, component};
use rusm::otp::Node;
use rusm::wire::ExitReason;
use rusm_bench_hello::{CounterClient, MemoryCounter};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

pub(crate) const CLAIM: &str =
    "call: a typed call costs at most three round trips over bare channels, one into a sandbox at most ten";

/// One pair mostly waits for wakeups; sixteen keep all cores busy.
const PAIRS: [usize; 2] = [1, 16];

/// # Errors
/// A call that failed.
pub(crate) fn run(runtime: &Runtime, node: &Node, options: &Options) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    for pairs in PAIRS {
        let mut variants: [Variant<'_>; 3] = [
            Box::new(|span| rate(runtime, pairs, span, |deadline| sandboxed(node.clone(), deadline))),
            Box::new(|span| rate(runtime, pairs, span, |deadline| native(node.clone(), deadline))),
            Box::new(|span| rate(runtime, pairs, span, channels)),
        ];
        let samples = alternate(options.rounds, options.span(), &mut variants)?;
        let peers: [(_, &[_]); 1] = [("mpsc-oneshot", &samples[2])];
        rows.push(Row::rates(format!("call-component-{pairs}-pairs"), &samples[0], &peers));
        rows.push(Row::rates(format!("call-native-{pairs}-pairs"), &samples[1], &peers));
    }
    Ok(rows)
}

async fn sandboxed(node: Node, deadline: Deadline) -> Result<u64, Failure> {
    let counter: CounterClient = node.component(component::NAME).spawn(()).await?;
    let done = calls(&counter, deadline).await;
    if let Some(pid) = rusm::Client::address(&counter).pid() {
        node.exit(pid, ExitReason::Shutdown);
    }
    done
}

async fn native(node: Node, deadline: Deadline) -> Result<u64, Failure> {
    let counter = node.spawn::<MemoryCounter>(()).await?;
    let done = calls(&counter, deadline).await;
    node.exit(counter.pid(), ExitReason::Shutdown);
    done
}

async fn calls(counter: &CounterClient, mut deadline: Deadline) -> Result<u64, Failure> {
    let mut done = 0;
    while deadline.is_ahead() {
        done += 1;
        let total = counter.add(1).await?;
        if total != done {
            return Err(format!("call {done} answered {total}").into());
        }
    }
    Ok(done)
}

async fn channels(mut deadline: Deadline) -> Result<u64, Failure> {
    let (calls, mut called) = mpsc::unbounded_channel::<(u64, oneshot::Sender<u64>)>();
    let callee = tokio::spawn(async move {
        let mut total = 0;
        while let Some((by, answer)) = called.recv().await {
            total += by;
            let _ = answer.send(total);
        }
    });
    let mut done = 0;
    while deadline.is_ahead() {
        done += 1;
        let (answer, answered) = oneshot::channel();
        calls.send((1, answer))?;
        let total = answered.await?;
        if total != done {
            return Err(format!("call {done} answered {total}").into());
        }
    }
    drop(calls);
    callee.await?;
    Ok(done)
}

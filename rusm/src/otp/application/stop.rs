//! Stopping one tree: asked, waited for, killed.

use super::report::{Killed, Stopped, Unread};
use crate::otp::cell::CellRef;
use crate::otp::undelivered::Keeping;
use crate::otp::{Instant, Node};
use crate::wire::{ExitReason, Pid};
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How long what was killed may take to be gone: a native process goes at its next await.
const GONE: Duration = Duration::from_secs(1);

/// How long is left for all, and who says that there is none.
pub(super) struct Time<'a> {
    until: Instant,
    hurry: Pin<&'a mut (dyn Future<Output = ()> + Send)>,
    is_over: bool,
}

impl<'a> Time<'a> {
    pub(super) fn new(drain: Duration, hurry: Pin<&'a mut (dyn Future<Output = ()> + Send)>) -> Self {
        let until = Instant::now() + drain.min(crate::otp::timer::FAR);
        Self { until, hurry, is_over: false }
    }

    /// What comes of it in time.
    async fn within<T>(&mut self, wait: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(wait);
        if self.is_over {
            return None;
        }
        tokio::select! {
            biased;
            value = &mut wait => return Some(value),
            () = &mut self.hurry => {}
            () = tokio::time::sleep_until(self.until) => {}
        }
        self.is_over = true;
        None
    }
}

/// Stops the tree of an application.
pub(super) async fn stop(node: &Node, name: Arc<str>, root: &CellRef, time: &mut Time<'_>) -> Stopped {
    let began = Instant::now();
    let mut known = BTreeSet::from([root.pid()]);
    grow(node, &mut known);
    let unread = Keeping::begin(node, known.iter().copied());
    node.exit(root.pid(), ExitReason::Shutdown);
    time.within(root.gone()).await;
    // At the deadline all that is there; in time what has outlived the tree, because it was not linked into it.
    let mut killed: Vec<Killed> = Vec::new();
    let until = Instant::now() + GONE;
    loop {
        let mut left = grow(node, &mut known);
        left.retain(|cell| killed.iter().all(|killed| killed.pid != cell.pid()));
        if left.is_empty() || Instant::now() > until {
            break;
        }
        for cell in &left {
            node.kill(cell.pid());
        }
        for cell in left {
            let is_gone = tokio::time::timeout_at(until, cell.gone()).await.is_ok();
            killed.push(Killed { pid: cell.pid(), label: cell.label(), is_gone });
        }
    }
    let unread = unread.unread().into_iter().map(|(pid, label, messages)| Unread { pid, label, messages }).collect();
    Stopped { name, reason: root.ended(), took: began.elapsed(), killed, unread }
}

/// Adds whoever descends from those that are known; those of all of them that are alive.
fn grow(node: &Node, known: &mut BTreeSet<Pid>) -> Vec<CellRef> {
    let all = node.table().all();
    let mut children: HashMap<Pid, Vec<Pid>> = HashMap::new();
    for cell in &all {
        if let Some(parent) = cell.parent() {
            children.entry(parent).or_default().push(cell.pid());
        }
    }
    let mut left: Vec<Pid> = known.iter().copied().collect();
    while let Some(parent) = left.pop() {
        let fresh = children.remove(&parent).unwrap_or_default();
        known.extend(fresh.iter().copied());
        left.extend(fresh);
    }
    all.into_iter().filter(|cell| known.contains(&cell.pid())).collect()
}

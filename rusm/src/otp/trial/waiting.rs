//! Who waits for what, for the report of a run in which nothing moves any more.

use super::Trial;
use crate::otp::cell::CellPtr;
use crate::otp::guard::hold;
use crate::wire::Pid;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A process that has not ended.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) pid: Pid,
    pub(crate) label: Arc<str>,
    pub(crate) turns: u64,
    pub(crate) unread: usize,
    wants: Wants,
}

#[derive(Debug, Clone)]
enum Wants {
    Answer(Pid, Arc<str>),
    Messages,
    Turn,
    Unknown,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) waits for ", self.pid, self.label)?;
        match &self.wants {
            Wants::Answer(pid, label) => write!(f, "the answer of {pid} ({label})")?,
            Wants::Messages => f.write_str("messages")?,
            Wants::Turn => f.write_str("its turn")?,
            Wants::Unknown => f.write_str("something that is not its mailbox")?,
        }
        if self.unread > 0 {
            write!(f, ", {} unread", self.unread)?;
        }
        Ok(())
    }
}

impl Trial {
    /// The processes of all nodes of the run.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        let nodes = self.nodes().into_iter();
        nodes.flat_map(|node| node.table().all()).map(|cell| waiting(cell.ptr())).collect()
    }
}

fn waiting(cell: CellPtr<'_>) -> Waiting {
    let calls = cell.calls.load(Ordering::Acquire);
    let guard = hold();
    let callee = (calls != 0).then(|| cell.inner().table().look_marked(calls, &guard)).flatten();
    let wants = match callee {
        _ if !cell.state.is_idle() => Wants::Turn,
        Some(callee) => Wants::Answer(callee.pid(), callee.label()),
        None if cell.mailbox().is_parked(cell) => Wants::Messages,
        None => Wants::Unknown,
    };
    let (turns, unread) = (cell.turns.load(Ordering::Relaxed), cell.mailbox().depth(cell));
    Waiting { pid: cell.pid(), label: cell.label(), turns, unread, wants }
}

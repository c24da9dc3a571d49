//! Messages that nobody will read: counted, and offered to a hook.

use super::Node;
use super::cell::CellPtr;
use crate::wire::Pid;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Messages that were lost.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Undelivered {
    /// The process that they were for.
    pub pid: Pid,
    /// What it is called in logs.
    pub label: Arc<str>,
    /// How many.
    pub messages: u64,
    /// Why.
    pub why: Why,
}

/// Why messages were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// The mailbox was full.
    Full,
    /// The process ended before it read them.
    Ended,
}

/// Told of every loss, by the thread that noticed: it must be quick and must not block.
pub(crate) type Hook = Arc<dyn Fn(Undelivered) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Losses {
    pub(crate) hook: Option<Hook>,
    full: AtomicU64,
    ended: AtomicU64,
}

impl Losses {
    pub(crate) fn new(hook: Option<Hook>) -> Self {
        Self { hook, ..Self::default() }
    }
}

/// A loss, seen from the mailbox.
pub(crate) struct Lost {
    pub(crate) why: Why,
    pub(crate) messages: usize,
}

impl Node {
    #[cold]
    pub(crate) fn lost(&self, cell: CellPtr<'_>, lost: Lost) {
        let losses = self.losses();
        let (messages, why) = (lost.messages as u64, lost.why);
        match why {
            Why::Full => &losses.full,
            Why::Ended => &losses.ended,
        }
        .fetch_add(messages, Ordering::Relaxed);
        if let Some(hook) = &losses.hook {
            let undelivered = Undelivered { pid: cell.pid(), label: cell.label(), messages, why };
            // A hook that panics is not the process's fault.
            if let Err(crash) = super::crash::guard(|| hook(undelivered)) {
                tracing::error!(target: "rusm::crash", reason = %crash.reason, "the hook of undelivered messages panicked");
            }
        }
    }

    /// How many messages were lost since the node began: to full mailboxes, and unread at the end of their process.
    pub fn undelivered(&self) -> (u64, u64) {
        let losses = self.losses();
        (losses.full.load(Ordering::Relaxed), losses.ended.load(Ordering::Relaxed))
    }
}

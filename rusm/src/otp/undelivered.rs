//! Messages that nobody will read: counted, and offered to a hook.
//!
//! # What happens to messages
//! - A process crashes, is killed, or ends by itself: what waits in its mailbox is dropped with it, and so is what it has in hand. A caller among
//!   the senders gets [`CallError::Exited`](super::CallError::Exited) with the reason; who has cast is not told. What waited is counted as
//!   [`Why::Ended`], what it had in hand is not: it was read.
//! - A process is asked to stop (by its supervisor, [`Node::exit`], [`Node::shutdown`]): one that has `#[on(terminate)]` or traps exits reads what came before
//!   the request and ends with what came after it unread; any other ends at its next await. What it did not read is counted as [`Why::Ended`].
//! - A process is restarted: its successor begins with an empty mailbox, since what its predecessor had not read may be what it died of.
//!   From the end of the one to the start of the other nobody has the name: senders get
//!   [`SendError::NoProcess`](super::SendError::NoProcess), callers [`CallError::NoProcess`](super::CallError::NoProcess). Such are
//!   counted as [`Node::unreached`]; nothing is kept for later.
//! - A full mailbox refuses or sheds by its [`Bound`](super::Bound): counted as [`Why::Full`], whether the sender is told or not.
//! - Exits, downs and answers are no messages here; they are not counted.

use super::Node;
use super::cell::CellPtr;
use super::guard::hold;
use super::lock;
use crate::wire::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

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
    nobody: AtomicU64,
    /// How many ledgers there are.
    kept: AtomicUsize,
    ledgers: Mutex<Vec<Arc<Ledger>>>,
}

impl Losses {
    pub(crate) fn new(hook: Option<Hook>) -> Self {
        Self { hook, ..Self::default() }
    }

    /// A message did not go out, because there is no such process. Its sender is told.
    pub(crate) fn found_nobody(&self) {
        self.nobody.fetch_add(1, Ordering::Relaxed);
    }
}

/// A loss, seen from the mailbox.
pub(crate) struct Lost {
    pub(crate) why: Why,
    pub(crate) messages: usize,
}

/// What some processes, and those that they spawn while it is kept, leave unread.
pub(crate) struct Ledger {
    /// Whom it is about.
    members: BTreeSet<Pid>,
    unread: Mutex<BTreeMap<Pid, (Arc<str>, u64)>>,
}

/// Keeps a ledger until it is dropped.
pub(crate) struct Keeping {
    node: Node,
    ledger: Arc<Ledger>,
}

impl Keeping {
    pub(crate) fn begin(node: &Node, members: impl IntoIterator<Item = Pid>) -> Self {
        let members = members.into_iter().collect();
        let ledger = Arc::new(Ledger { members, unread: Mutex::default() });
        let losses = node.losses();
        lock(&losses.ledgers).push(Arc::clone(&ledger));
        losses.kept.fetch_add(1, Ordering::SeqCst);
        Self { node: node.clone(), ledger }
    }

    /// Who has left how many messages unread, in the order of their pids.
    pub(crate) fn unread(&self) -> Vec<(Pid, Arc<str>, u64)> {
        lock(&self.ledger.unread).iter().map(|(pid, (label, messages))| (*pid, label.clone(), *messages)).collect()
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        let losses = self.node.losses();
        losses.kept.fetch_sub(1, Ordering::SeqCst);
        lock(&losses.ledgers).retain(|ledger| !Arc::ptr_eq(ledger, &self.ledger));
    }
}

impl Ledger {
    /// Whether this process or one of its ancestors is a member.
    fn is_about(&self, cell: CellPtr<'_>) -> bool {
        let guard = hold();
        let members = &self.members;
        let mut next = Some(cell.pid());
        // Deeper than that no tree is that has grown while it was stopped.
        for _ in 0..64 {
            let Some(pid) = next else { return false };
            if members.contains(&pid) {
                return true;
            }
            next = if pid == cell.pid() {
                cell.parent()
            } else {
                cell.node().table().look_ending(pid, &guard).and_then(|cell| cell.parent())
            };
        }
        false
    }

    fn note(&self, cell: CellPtr<'_>, messages: u64) {
        let pid = cell.pid();
        if !self.is_about(cell) {
            return;
        }
        let label = cell.label();
        lock(&self.unread).entry(pid).or_insert((label, 0)).1 += messages;
    }
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
        if why == Why::Ended && losses.kept.load(Ordering::SeqCst) > 0 {
            lock(&losses.ledgers).iter().for_each(|ledger| ledger.note(cell, messages));
        }
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

    /// How many messages and calls have not gone out since the node began, because their receiver was gone, or nobody had the name: during a
    /// restart, say. Each of their senders was told.
    pub fn unreached(&self) -> u64 {
        self.losses().nobody.load(Ordering::Relaxed)
    }
}

//! Looking inside: what a process and a worker are and have used.
//!
//! Nothing here is a picture of one moment: processes go on while they are looked at, each is seen at a moment of its own.

mod tree;
mod usage;

pub use tree::{Tree, TreeEntry};
pub use usage::{By, Snapshot, Usage};

use super::Node;
use super::cell::{CellPtr, Priority};
use super::sched::clock;
use crate::otp::guard::hold;
use crate::wire::Pid;
use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A process at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The process.
    pub pid: Pid,
    /// What it is called in logs.
    pub label: Arc<str>,
    /// What its state is called, if it is a state machine.
    pub state: Option<&'static str>,
    /// The method whose message it has in hand, or `#[init]`, `#[on(exit)]`, `#[on(down)]` or `#[on(terminate)]`. None of a process that waits for
    /// the next one, and of a function with an inbox.
    pub handling: Option<Cow<'static, str>>,
    /// Who spawned it; it may have ended.
    pub parent: Option<Pid>,
    /// The processes that it has spawned and that are alive, oldest first.
    pub children: Vec<Pid>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// How long ago.
    pub age: Duration,
    /// Which processes it runs before.
    pub priority: Priority,
    /// The names that it holds, sorted.
    pub names: Vec<Arc<str>>,
    /// The groups that it is in, sorted.
    pub groups: Vec<Arc<str>>,
    /// How many messages wait for it.
    pub waiting: usize,
    /// How many messages its full mailbox has refused or shed.
    pub shed: u64,
    /// How long its code has run, the turn in hand not included.
    pub run_time: Duration,
    /// How often it had its turn: how often it was woken, or went on after others.
    pub turns: u64,
    /// How many bytes the node holds for it, roughly: its cell with its code's state, its links and monitors, its mailbox's places and messages
    /// in bytes. What messages and state have on the heap is not seen from outside.
    pub memory: usize,
    /// The processes that it is linked to.
    pub links: Vec<Pid>,
    /// The processes that watch it, one for each monitor.
    pub watchers: Vec<Pid>,
    /// The processes that it watches, one for each monitor.
    pub watching: Vec<Pid>,
}

/// A worker since its node began.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WorkerInfo {
    /// How many processes wait in its queues; a process that is next but not queued is not counted.
    pub queued: usize,
    /// How many turns it gave.
    pub turns: u64,
    /// How long it was busy with them.
    pub busy: Duration,
    /// How often it went to sleep.
    pub parks: u64,
    /// How often it took work from another one.
    pub stolen: u64,
}

impl Node {
    /// A process at this moment; None if it has ended.
    ///
    /// Costs some short locks, and a look at every slot of the process table for its children.
    pub fn info(&self, pid: Pid) -> Option<ProcessInfo> {
        let guard = hold();
        let mut info = self.table().look(pid, &guard).map(info)?;
        let mut children = Vec::new();
        self.table().each(|cell| {
            if cell.parent() == Some(pid) && !cell.has_ended() {
                children.push((cell.born(), cell.pid()));
            }
        });
        children.sort_unstable();
        info.children = children.into_iter().map(|(_, pid)| pid).collect();
        Some(info)
    }

    /// All processes that have not ended, in no order. Looks at every slot of the process table.
    pub fn processes(&self) -> Vec<Pid> {
        self.table().all().iter().map(|cell| cell.pid()).collect()
    }

    /// The workers that run the processes.
    pub fn workers(&self) -> Vec<WorkerInfo> {
        let workers = self.inner().scheduler().workers.iter();
        let info = |worker: &super::sched::Worker| WorkerInfo {
            queued: worker.queued(),
            turns: worker.own.turns.load(Ordering::Relaxed),
            busy: clock::duration(worker.own.busy.load(Ordering::Relaxed)),
            parks: worker.own.parks.load(Ordering::Relaxed),
            stolen: worker.own.stolen.load(Ordering::Relaxed),
        };
        workers.map(|worker| info(worker)).collect()
    }
}

/// All but its children.
fn info(cell: CellPtr<'_>) -> ProcessInfo {
    let peers = cell.known_side(|side| side.signals.peers());
    let (links, watchers, watching) = peers.unwrap_or_default();
    let (pid, naming) = (cell.pid(), cell.node().naming());
    let (names, groups) = match cell.is_member() {
        true => (naming.names.of(pid), naming.groups.of(pid)),
        false => Default::default(),
    };
    ProcessInfo {
        pid,
        label: cell.label(),
        state: cell.state_name(),
        handling: cell.handling(),
        parent: cell.parent(),
        children: Vec::new(),
        spawned_at: cell.spawned_at(),
        age: age(cell),
        priority: cell.priority(),
        names,
        groups,
        waiting: cell.mailbox().depth(cell),
        shed: cell.mailbox().shed(cell),
        run_time: clock::duration(cell.run_ticks.load(Ordering::Relaxed)),
        turns: cell.turns.load(Ordering::Relaxed),
        memory: memory(cell),
        links,
        watchers,
        watching,
    }
}

/// How long ago it was spawned.
pub(crate) fn age(cell: CellPtr<'_>) -> Duration {
    clock::duration(clock::ticks().saturating_sub(cell.born()))
}

fn memory(cell: CellPtr<'_>) -> usize {
    cell.size() + cell.mailbox().size(cell)
}

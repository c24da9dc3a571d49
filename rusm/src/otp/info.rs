//! Looking inside: what a process and a worker have used, and what waits.

use super::Node;
use super::cell::{CellPtr, Priority};
use super::sched::clock;
use crate::wire::Pid;
use crossbeam_epoch as epoch;
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
    /// Who spawned it.
    pub parent: Option<Pid>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// Which processes it runs before.
    pub priority: Priority,
    /// How many messages wait for it.
    pub waiting: usize,
    /// How many messages its full mailbox has refused or shed.
    pub shed: u64,
    /// How long its code has run, the turn in hand not included.
    pub run_time: Duration,
    /// How often it had its turn.
    pub turns: u64,
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
    /// A process at this moment; None if it has ended. Costs two short locks.
    pub fn info(&self, pid: Pid) -> Option<ProcessInfo> {
        let guard = epoch::pin();
        self.table().look(pid, &guard).map(info)
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

fn info(cell: CellPtr<'_>) -> ProcessInfo {
    let peers = cell.known_side(|side| side.signals.peers());
    let (links, watchers, watching) = peers.unwrap_or_default();
    ProcessInfo {
        pid: cell.pid(),
        label: cell.label(),
        state: cell.state_name(),
        parent: cell.parent(),
        spawned_at: cell.spawned_at(),
        priority: cell.priority(),
        waiting: cell.mailbox().depth(),
        shed: cell.mailbox().shed(),
        run_time: clock::duration(cell.run_ticks.load(Ordering::Relaxed)),
        turns: cell.turns.load(Ordering::Relaxed),
        links,
        watchers,
        watching,
    }
}

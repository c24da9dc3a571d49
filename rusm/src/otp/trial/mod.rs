//! A run of a test: what the nodes made in it draw from its seed, and what it sees of them.
//!
//! A run has one thread: its runtime is a current-thread one, and the nodes made there live in it with one worker each. The
//! thread's [`Trial`] is found through a thread local, so production code asks for it nowhere but where a node, a table or a map
//! is made, and where a process ends.
//!
//! # What makes a run the same again
//! - Time is tokio's paused one, which moves only while the thread parks, to the next timer.
//! - The next process is chosen by `explore`, beside the worker's loop, which also says how many turns a worker takes before
//!   tokio gets a look. Nothing that is measured in ticks decides anything.
//! - Wakes come from this thread, in its order. What tokio itself does in a current-thread runtime is first in, first out.
//! - Hashers and the secret half of pids are drawn from the seed.
//!
//! # Idle moments
//! [`Trial::parks`] is called before the thread parks, when no task can run. If the test's body is not about to run either, the
//! run is idle: who waits for that is woken, which makes the park return at once and no time pass.
//!
//! Who watches for a change is woken after turns, and at idle moments, because tasks that are no processes change things as
//! well; but not again and again, or time could never pass beside it. A look that finds nothing changes nothing, unless it is one
//! of several in the body and another one went on: so there are [`LOOKS`] of them before time may pass.

mod draw;
mod seeded;
mod waiting;

pub(crate) use draw::{Draw, mix};
pub(crate) use seeded::{RandomState, secret};

pub(crate) use super::mailbox::Rule;

use super::cell::CellPtr;
use super::node::Inner;
use super::{Instant, lock};
use crate::wire::{ExitReason, Pid};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Trial>>> = const { RefCell::new(None) };
}

/// How many of the last turns are kept for a report.
const RECENT: usize = 16;
/// How often watchers look before time passes.
const LOOKS: u32 = 2;
/// How many idle moments in a row end a run that only looks at itself.
const IDLE: u64 = 100_000;

/// Which stream of the seed is whose.
pub(crate) mod stream {
    /// Hashers, pids, faults, and what the test draws.
    pub(super) const REST: u64 = 0;
    /// The schedule of the first node; those of the others follow.
    pub(crate) const SCHEDULE: u64 = 1;
}

/// One run of a test.
pub(crate) struct Trial {
    seed: u64,
    /// From so many turns on the run has failed.
    most_turns: u64,
    turns: AtomicU64,
    /// How often somebody was told of an idle moment; and how often since the last turn.
    idle: AtomicU64,
    idle_in_a_row: AtomicU64,
    draw: Mutex<Draw>,
    seen: Mutex<Seen>,
    body: Arc<Body>,
}

#[derive(Default)]
struct Seen {
    nodes: Vec<&'static Inner>,
    ends: BTreeMap<Pid, End>,
    /// In the order of their ends.
    crashes: Vec<Pid>,
    expected: BTreeSet<Pid>,
    denies_crashes: bool,
    recent: VecDeque<Pid>,
    trace: u64,
    /// When the last turn was.
    moved_at: Option<Instant>,
    verdict: Option<Verdict>,
    idlers: Vec<Waker>,
    /// Who looks whenever something may have changed.
    watchers: Vec<Waker>,
    /// How often they looked since something happened.
    looks: u32,
    /// The next poll of the body is a look.
    looking: bool,
}

/// How a process ended.
#[derive(Debug, Clone)]
pub(crate) struct End {
    pub(crate) label: Arc<str>,
    pub(crate) reason: ExitReason,
}

/// Why a run is over before its body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This process crashed, and none may.
    Crashed(Pid),
    /// So many turns, and no end.
    Endless(u64),
}

/// The test's body: woken by what it awaits.
#[derive(Default)]
struct Body {
    woken: AtomicBool,
    /// Wakes the task that polls it.
    outer: Mutex<Option<Waker>>,
}

impl Body {
    fn wake_outer(&self) {
        let outer = lock(&self.outer).clone();
        if let Some(outer) = outer {
            outer.wake();
        }
    }
}

impl Wake for Body {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.wake_outer();
    }
}

/// Makes a trial that of this thread until it is dropped.
pub(crate) struct Entered(Option<Arc<Trial>>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// The trial of this thread.
pub(crate) fn current() -> Option<Arc<Trial>> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Whether the nodes that are made here are part of a test's run.
pub(crate) fn is_on() -> bool {
    current().is_some()
}

/// A process has ended.
pub(crate) fn ended(cell: CellPtr<'_>, reason: &ExitReason) {
    if let Some(trial) = current() {
        trial.ended(cell, reason);
    }
}

impl Trial {
    pub(crate) fn new(seed: u64, most_turns: u64) -> Arc<Self> {
        let (turns, idle, idle_in_a_row, seen, body) = Default::default();
        let draw = Mutex::new(Draw::new(seed, stream::REST));
        Arc::new(Self { seed, most_turns, turns, idle, idle_in_a_row, draw, seen, body })
    }

    pub(crate) fn enter(self: &Arc<Self>) -> Entered {
        Entered(CURRENT.replace(Some(self.clone())))
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Draws from the seed.
    pub(crate) fn draw<R>(&self, act: impl FnOnce(&mut Draw) -> R) -> R {
        act(&mut lock(&self.draw))
    }

    /// A node is part of this run from now on: what its schedule is drawn from.
    pub(crate) fn joined(&self, node: &'static Inner) -> Draw {
        let mut seen = lock(&self.seen);
        seen.nodes.push(node);
        Draw::new(self.seed, stream::SCHEDULE + seen.nodes.len() as u64 - 1)
    }

    /// A process gets its turn; false if it is one too many.
    pub(crate) fn turn(&self, cell: CellPtr<'_>) -> bool {
        let turns = self.turns.fetch_add(1, Ordering::Relaxed) + 1;
        self.idle_in_a_row.store(0, Ordering::Relaxed);
        let now = Instant::now();
        let pid = cell.pid();
        let watchers = {
            let mut seen = lock(&self.seen);
            seen.moved_at = Some(now);
            seen.trace = mix(seen.trace ^ u64::from(pid.incarnation()) << 32 ^ u64::from(pid.slot()));
            if seen.recent.len() == RECENT {
                seen.recent.pop_front();
            }
            seen.recent.push_back(pid);
            seen.looks = 0;
            std::mem::take(&mut seen.watchers)
        };
        watchers.into_iter().for_each(Waker::wake);
        if turns >= self.most_turns {
            self.fail(Verdict::Endless(turns));
        }
        turns < self.most_turns
    }

    fn ended(&self, cell: CellPtr<'_>, reason: &ExitReason) {
        let pid = cell.pid();
        let end = End { label: cell.label(), reason: reason.clone() };
        let mut seen = lock(&self.seen);
        let crashed = !reason.is_orderly() && !matches!(reason, ExitReason::Killed) && !seen.expected.contains(&pid);
        seen.ends.insert(pid, end);
        if !crashed {
            return;
        }
        seen.crashes.push(pid);
        let denied = seen.denies_crashes;
        drop(seen);
        if denied {
            self.fail(Verdict::Crashed(pid));
        }
    }

    /// The run has failed; the first reason counts.
    fn fail(&self, verdict: Verdict) {
        lock(&self.seen).verdict.get_or_insert(verdict);
        self.body.wake_outer();
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        lock(&self.seen).verdict.clone()
    }

    /// From now on a crash fails the run, and so does one that has happened.
    pub(crate) fn deny_crashes(&self) {
        let first = {
            let mut seen = lock(&self.seen);
            seen.denies_crashes = true;
            seen.crashes.first().copied()
        };
        if let Some(pid) = first {
            self.fail(Verdict::Crashed(pid));
        }
    }

    /// The crash of this process is the test's own doing.
    pub(crate) fn expect_crash(&self, pid: Pid) {
        let mut seen = lock(&self.seen);
        seen.expected.insert(pid);
        seen.crashes.retain(|crashed| *crashed != pid);
    }

    /// How a process ended, if it did.
    pub(crate) fn end_of(&self, pid: Pid) -> Option<End> {
        lock(&self.seen).ends.get(&pid).cloned()
    }

    /// The processes that crashed, in the order of their ends.
    pub(crate) fn crashes(&self) -> Vec<(Pid, End)> {
        let seen = lock(&self.seen);
        seen.crashes.iter().filter_map(|pid| Some((*pid, seen.ends.get(pid)?.clone()))).collect()
    }

    /// Which processes had the last turns, the latest last.
    pub(crate) fn recent(&self) -> Vec<Pid> {
        lock(&self.seen).recent.iter().copied().collect()
    }

    /// How many turns were given, and a number that their order makes.
    pub(crate) fn trace(&self) -> (u64, u64) {
        (self.turns.load(Ordering::Relaxed), lock(&self.seen).trace)
    }

    pub(crate) fn idle_moments(&self) -> u64 {
        self.idle.load(Ordering::Relaxed)
    }

    /// When the last turn was.
    pub(crate) fn moved_at(&self) -> Option<Instant> {
        lock(&self.seen).moved_at
    }

    pub(crate) fn nodes(&self) -> Vec<&'static Inner> {
        lock(&self.seen).nodes.clone()
    }

    /// The waker that the body is polled with, if it is to be polled; `outer` wakes the task that polls it.
    pub(crate) fn body_woken(&self, outer: &Waker) -> Option<Waker> {
        let before = lock(&self.body.outer).replace(outer.clone());
        drop(before);
        if !self.body.woken.swap(false, Ordering::SeqCst) {
            return None;
        }
        let mut seen = lock(&self.seen);
        if !std::mem::take(&mut seen.looking) {
            seen.looks = 0;
        }
        Some(Waker::from(self.body.clone()))
    }

    /// Has the body polled.
    pub(crate) fn wake_body(&self) {
        self.body.clone().wake();
    }

    /// The thread is about to park.
    pub(crate) fn parks(&self) {
        if self.body.woken.load(Ordering::SeqCst) {
            return;
        }
        let (idlers, watchers) = {
            let mut seen = lock(&self.seen);
            let idlers = std::mem::take(&mut seen.idlers);
            let looks = seen.looks < LOOKS && !seen.watchers.is_empty();
            seen.looks = if looks { seen.looks + 1 } else { 0 };
            seen.looking = looks && idlers.is_empty();
            (idlers, if looks { std::mem::take(&mut seen.watchers) } else { Vec::new() })
        };
        if !idlers.is_empty() {
            self.idle.fetch_add(1, Ordering::Relaxed);
            if self.idle_in_a_row.fetch_add(1, Ordering::Relaxed) == IDLE {
                return self.fail(Verdict::Endless(self.turns.load(Ordering::Relaxed)));
            }
        }
        idlers.into_iter().chain(watchers).for_each(Waker::wake);
    }

    /// Wakes at the next idle moment.
    pub(crate) fn wake_idle(&self, waker: &Waker) {
        let mut seen = lock(&self.seen);
        if !seen.idlers.iter().any(|idler| idler.will_wake(waker)) {
            seen.idlers.push(waker.clone());
        }
    }

    /// Wakes when something may have changed.
    pub(crate) fn wake_changed(&self, waker: &Waker) {
        let mut seen = lock(&self.seen);
        if !seen.watchers.iter().any(|watcher| watcher.will_wake(waker)) {
            seen.watchers.push(waker.clone());
        }
    }
}

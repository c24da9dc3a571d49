//! What the end of a child means, and what is to be started when: pure.
//!
//! Each child is in one phase:
//!
//! | phase | its process | left by |
//! |---|---|---|
//! | `Down` | none, and none is wanted | `restart_child`, `delete_child`, a restart of its group |
//! | `Running` | this one | its end, a stop |
//! | `Restarting` | none; one is to be started when this is due | a start, `terminate_child` |
//!
//! A child that is temporary has no phase but `Running` once it was started: whatever ends it, it is forgotten.
//!
//! An end that asks for a restart, and a start that failed, are counted in the [`Window`]; then those that run and
//! are concerned are to be stopped, in reverse order, and all that are concerned become `Restarting`. So what is still to be
//! done is nowhere but here: an end, a request or a stop that comes in between finds it and changes it.
//!
//! The children of a group (one-for-all, rest-for-one) that are `Restarting` are due at one time, since none may start
//! before those that it depends on.
//!
//! Ids, processes and due times are indexed: a restart of one child among many costs the logarithm of their number.

use super::backoff::Pace;
use super::intensity::Window;
use super::{AutoShutdown, Backoff, Intensity, Restart, Strategy};
use crate::otp::Instant;
use crate::otp::table::Table;
use crate::wire::{ExitReason, Pid};
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A child's place in the order of starts.
pub(super) type Key = u64;

/// What a supervisor decides of its children, each with what `T` holds of it.
#[derive(Debug)]
pub(super) struct Plan<T> {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    window: Window,
    children: BTreeMap<Key, Child<T>>,
    ids: HashMap<Arc<str>, Key, RandomState>,
    running: Running,
    /// Those that are `Restarting`.
    due: Queue,
    /// How many significant children are not `Down`.
    significant: usize,
    next: Key,
    turns: u64,
}

#[derive(Debug)]
struct Child<T> {
    id: Arc<str>,
    rules: Rules,
    phase: Phase,
    pace: Pace,
    data: T,
}

/// What a child was declared to be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rules {
    pub(super) restart: Restart,
    pub(super) significant: bool,
    pub(super) backoff: Option<Backoff>,
}

impl Rules {
    /// Why such a child can't be under such a supervisor, if it can't.
    pub(super) fn refused(self, auto_shutdown: AutoShutdown) -> Option<&'static str> {
        match (self.significant, self.restart, auto_shutdown) {
            (false, ..) => None,
            (true, Restart::Permanent, _) => Some("a permanent child is never done, so it can't be significant"),
            (true, _, AutoShutdown::Never) => Some("a significant child needs a supervisor with auto-shutdown"),
            (true, ..) => None,
        }
    }
}

/// When something is to be started: what was decided first comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    pub(super) at: Instant,
    turn: u64,
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Down,
    Running(Pid),
    Restarting(Due),
}

/// What is to be done about a child that has ended, or was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(super) enum Then {
    /// It stays as it is.
    Rest,
    /// It is to be forgotten.
    Forget,
    /// Stop these, in this order; each is [`stopped`](Plan::stopped) with this due time. Those that do not run are `Restarting`.
    Restart { stop: Vec<Key>, due: Due },
    /// Too many restarts: the supervisor ends.
    GiveUp,
}

/// What the end of a process means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(super) struct Ended {
    pub(super) child: Key,
    pub(super) then: Then,
    /// The supervisor's work is done.
    pub(super) is_done: bool,
}

/// Who runs as which child, by slot and count of the process, which those of other nodes have as well.
///
/// A child that was started again ends the next time sooner than all others, so the latest one is kept outside of the map.
#[derive(Debug, Default)]
struct Running {
    latest: Option<(u64, Key)>,
    others: HashMap<u64, Key, RandomState>,
}

impl Running {
    fn get(&self, pid: Pid) -> Option<Key> {
        let counted = Table::counted(pid);
        match self.latest {
            Some((latest, key)) if latest == counted => Some(key),
            _ => self.others.get(&counted).copied(),
        }
    }

    fn insert(&mut self, pid: Pid, key: Key) {
        if let Some((before, key)) = self.latest.replace((Table::counted(pid), key)) {
            self.others.insert(before, key);
        }
    }

    fn remove(&mut self, pid: Pid) {
        let counted = Table::counted(pid);
        match self.latest {
            Some((latest, _)) if latest == counted => self.latest = None,
            _ => drop(self.others.remove(&counted)),
        }
    }
}

/// What is to be started, in order. Mostly that is one, which takes no allocation.
#[derive(Debug, Default)]
struct Queue {
    one: Option<(Due, Key)>,
    others: BTreeSet<(Due, Key)>,
}

impl Queue {
    fn insert(&mut self, entry: (Due, Key)) {
        if self.one.is_none() && self.others.is_empty() {
            self.one = Some(entry);
        } else {
            self.others.insert(entry);
        }
    }

    fn remove(&mut self, entry: (Due, Key)) {
        if self.one == Some(entry) {
            self.one = None;
        } else {
            self.others.remove(&entry);
        }
    }

    fn first(&self) -> Option<(Due, Key)> {
        if self.others.is_empty() {
            return self.one;
        }
        self.one.into_iter().chain(self.others.first().copied()).min()
    }

    fn last(&self) -> Option<(Due, Key)> {
        self.one.max(self.others.last().copied())
    }

    fn iter(&self) -> impl Iterator<Item = (Due, Key)> + '_ {
        self.one.into_iter().chain(self.others.iter().copied())
    }
}

impl<T> Plan<T> {
    pub(super) fn new(strategy: Strategy, auto_shutdown: AutoShutdown, intensity: Intensity) -> Self {
        let (children, ids, running, due) = Default::default();
        let window = Window::new(intensity);
        Self { strategy, auto_shutdown, window, children, ids, running, due, significant: 0, next: 0, turns: 0 }
    }

    /// Adds a child behind all others, `Down`; None if there is one of this id.
    pub(super) fn add(&mut self, id: Arc<str>, rules: Rules, data: impl FnOnce(Key) -> T) -> Option<Key> {
        if self.ids.contains_key(&id) {
            return None;
        }
        let key = self.next;
        self.next += 1;
        self.ids.insert(id.clone(), key);
        let data = data(key);
        self.children.insert(key, Child { id, rules, phase: Phase::Down, pace: Pace::default(), data });
        Some(key)
    }

    /// Takes a child out.
    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        self.set(key, Phase::Down);
        let child = self.children.remove(&key)?;
        self.ids.remove(&child.id);
        Some(child.data)
    }

    pub(super) fn find(&self, id: &str) -> Option<Key> {
        self.ids.get(id).copied()
    }

    pub(super) fn auto_shutdown(&self) -> AutoShutdown {
        self.auto_shutdown
    }

    /// How many restarts the window holds.
    pub(super) fn restarts(&self) -> usize {
        self.window.len()
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.children.keys().copied().collect()
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        self.children.get(&key).map(|child| &child.data)
    }

    pub(super) fn phase(&self, key: Key) -> Option<Phase> {
        self.children.get(&key).map(|child| child.phase)
    }

    pub(super) fn look(&self, key: Key) -> Option<(&T, Phase)> {
        self.children.get(&key).map(|child| (&child.data, child.phase))
    }

    pub(super) fn is_running(&self, pid: Pid) -> bool {
        self.running.get(pid).is_some_and(|key| self.phase(key) == Some(Phase::Running(pid)))
    }

    /// All that run, last first.
    pub(super) fn to_stop(&self) -> Vec<Key> {
        running(self.children.iter())
    }

    /// All that are to be started some time.
    pub(super) fn waiting(&self) -> Vec<Key> {
        self.due.iter().map(|(_, key)| key).collect()
    }

    /// When something is to be started.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| due.at)
    }

    /// What is to be started first of all that is due.
    pub(super) fn next_start(&self, now: Instant) -> Option<Key> {
        self.due.first().filter(|(due, _)| due.at <= now).map(|(_, key)| key)
    }

    /// Whether this one is to be started now.
    pub(super) fn is_due(&self, key: Key, now: Instant) -> bool {
        matches!(self.phase(key), Some(Phase::Restarting(due)) if due.at <= now)
    }

    /// Whether those that are due start together, and nothing else happens in between.
    pub(super) fn is_group(&self) -> bool {
        self.strategy != Strategy::OneForOne
    }

    /// A child is up; what is kept of it.
    pub(super) fn started(&mut self, key: Key, pid: Pid, now: impl FnOnce() -> Instant) -> Option<&T> {
        let child = self.set(key, Phase::Running(pid))?;
        if child.rules.backoff.is_some() {
            child.pace.started(now());
        }
        Some(&child.data)
    }

    /// A child was stopped, to be started again at that time or not at all; whether it is to be forgotten.
    #[must_use]
    pub(super) fn stopped(&mut self, key: Key, due: Option<Due>) -> bool {
        self.set(key, due.map_or(Phase::Down, Phase::Restarting));
        self.is_temporary(key)
    }

    /// A process has ended by itself; None if it is not, or no longer, a child's.
    pub(super) fn ended(&mut self, pid: Pid, reason: &ExitReason, now: Instant) -> Option<Ended> {
        let key = self.running.get(pid)?;
        let child = self.children.get(&key).filter(|child| child.phase == Phase::Running(pid))?;
        let rules = child.rules;
        let again = match rules.restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_orderly(),
            Restart::Temporary => false,
        };
        if again && !self.is_group() {
            return Some(Ended { child: key, then: self.restart(key, now), is_done: false });
        }
        self.set(key, Phase::Down);
        if again {
            return Some(Ended { child: key, then: self.restart(key, now), is_done: false });
        }
        let is_done = rules.significant
            && match self.auto_shutdown {
                AutoShutdown::Never => false,
                AutoShutdown::AnySignificant => true,
                AutoShutdown::AllSignificant => self.significant == 0,
            };
        let then = if rules.restart == Restart::Temporary { Then::Forget } else { Then::Rest };
        Some(Ended { child: key, then, is_done })
    }

    /// What to do about a child that is to run and does not: it has ended, or it did not start again.
    pub(super) fn restart(&mut self, key: Key, now: Instant) -> Then {
        if !self.window.allow(now) {
            self.set(key, Phase::Down);
            return Then::GiveUp;
        }
        let delay = match self.children.get_mut(&key) {
            Some(child) => child.pace.next(child.rules.backoff, now),
            None => return Then::Rest,
        };
        // What is that far away is as good as never.
        let at = now.checked_add(delay).unwrap_or_else(|| now + crate::otp::timer::FAR);
        self.turns += 1;
        let mut due = Due { at, turn: self.turns };
        if !self.is_group() {
            self.set(key, Phase::Restarting(due));
            return Then::Restart { stop: Vec::new(), due };
        }
        due.at = self.due.last().map_or(at, |(last, _)| at.max(last.at));
        let first = if self.strategy == Strategy::OneForAll { 0 } else { key };
        let stop = running(self.children.range(first..));
        let waiting = self.children.range(first..).filter(|(_, child)| child.can_wait()).map(|(key, _)| *key);
        let waiting: BTreeSet<_> = waiting.chain(self.due.iter().map(|(_, key)| key)).collect();
        for key in waiting {
            self.set(key, Phase::Restarting(due));
        }
        Then::Restart { stop, due }
    }

    fn is_temporary(&self, key: Key) -> bool {
        self.children.get(&key).is_some_and(|child| child.rules.restart == Restart::Temporary)
    }

    /// The one place that changes a phase, and the indexes with it.
    fn set(&mut self, key: Key, phase: Phase) -> Option<&mut Child<T>> {
        let child = self.children.get_mut(&key)?;
        let before = std::mem::replace(&mut child.phase, phase);
        match before {
            Phase::Down => {}
            Phase::Running(pid) => self.running.remove(pid),
            Phase::Restarting(at) => self.due.remove((at, key)),
        }
        match phase {
            Phase::Down => {}
            Phase::Running(pid) => self.running.insert(pid, key),
            Phase::Restarting(at) => self.due.insert((at, key)),
        }
        if child.rules.significant {
            self.significant -= usize::from(before != Phase::Down);
            self.significant += usize::from(phase != Phase::Down);
        }
        Some(child)
    }
}

impl<T> Child<T> {
    fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running(_))
    }

    /// It does not run, and is to be started with its group.
    fn can_wait(&self) -> bool {
        !self.is_running() && self.rules.restart != Restart::Temporary
    }
}

/// Those that run, last first.
fn running<'a, T: 'a>(children: impl DoubleEndedIterator<Item = (&'a Key, &'a Child<T>)>) -> Vec<Key> {
    children.rev().filter(|(_, child)| child.is_running()).map(|(key, _)| *key).collect()
}

#[cfg(test)]
mod tests;

//! What the end of a child means: pure.

use super::Restart;
use crate::wire::{ExitReason, Pid};

/// Whom the end of a child concerns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Only itself.
    #[default]
    OneForOne,
    /// All children: they are stopped and started again.
    OneForAll,
    /// Itself and those that were started after it.
    RestForOne,
}

/// What to do about an end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(super) enum Verdict {
    /// Not, or no longer, a child: nothing.
    Stranger,
    /// It stays as it is.
    Rest,
    /// Stop these, in this order, then start those, in that order.
    Restart { stop: Vec<usize>, start: Vec<usize> },
}

/// The children of a supervisor as far as decisions need them.
#[derive(Debug)]
pub(super) struct Plan {
    strategy: Strategy,
    children: Vec<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    restart: Restart,
    running: Option<Pid>,
    /// A temporary child that ended is forgotten: no later restart starts it.
    forgotten: bool,
}

impl Plan {
    pub(super) fn new(strategy: Strategy, restarts: impl IntoIterator<Item = Restart>) -> Self {
        let children = restarts.into_iter().map(|restart| State { restart, running: None, forgotten: false }).collect();
        Self { strategy, children }
    }

    pub(super) fn started(&mut self, child: usize, pid: Pid) {
        self.children[child].running = Some(pid);
    }

    pub(super) fn stopped(&mut self, child: usize) {
        let state = &mut self.children[child];
        state.running = None;
        state.forgotten |= state.restart == Restart::Temporary;
    }

    pub(super) fn is_running(&self, pid: Pid) -> bool {
        self.children.iter().any(|state| state.running == Some(pid))
    }

    pub(super) fn running(&self, child: usize) -> Option<Pid> {
        self.children[child].running
    }

    /// All that run, last first.
    pub(super) fn to_stop(&self) -> Vec<usize> {
        (0..self.children.len()).rev().filter(|child| self.children[*child].running.is_some()).collect()
    }

    /// A process has ended by itself.
    pub(super) fn ended(&mut self, pid: Pid, reason: &ExitReason) -> (Option<usize>, Verdict) {
        let Some(child) = self.children.iter().position(|state| state.running == Some(pid)) else {
            return (None, Verdict::Stranger);
        };
        self.stopped(child);
        let again = match self.children[child].restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_orderly(),
            Restart::Temporary => false,
        };
        let verdict = if again { self.restart(child) } else { Verdict::Rest };
        (Some(child), verdict)
    }

    /// What to do about a child that is to run and does not: it has ended, or it did not start again.
    pub(super) fn restart(&self, child: usize) -> Verdict {
        let concerned = match self.strategy {
            Strategy::OneForOne => child..child + 1,
            Strategy::OneForAll => 0..self.children.len(),
            Strategy::RestForOne => child..self.children.len(),
        };
        let stop = concerned.clone().rev().filter(|i| self.children[*i].running.is_some()).collect();
        // A temporary sibling that is stopped here is not started again.
        let start = concerned
            .filter(|i| self.children[*i].restart != Restart::Temporary && !self.children[*i].forgotten)
            .collect();
        Verdict::Restart { stop, start }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Restart::{Permanent, Temporary, Transient};
    use Strategy::{OneForAll, OneForOne, RestForOne};

    const fn pid(slot: usize) -> Pid {
        Pid::from_parts(0, 0, slot as u32, 1)
    }

    fn plan(strategy: Strategy, restarts: &[Restart]) -> Plan {
        let mut plan = Plan::new(strategy, restarts.iter().copied());
        for child in 0..restarts.len() {
            plan.started(child, pid(child));
        }
        plan
    }

    fn again(stop: &[usize], start: &[usize]) -> Verdict {
        Verdict::Restart { stop: stop.to_vec(), start: start.to_vec() }
    }

    #[test]
    fn ends_by_strategy() {
        let mixed = [Permanent, Transient, Temporary, Permanent];
        let crash = ExitReason::Error("x".into());
        let cases = [
            (OneForOne, 1, again(&[], &[1])),
            (OneForAll, 1, again(&[3, 2, 0], &[0, 1, 3])),
            (RestForOne, 1, again(&[3, 2], &[1, 3])),
            (RestForOne, 3, again(&[], &[3])),
            (OneForAll, 2, Verdict::Rest),
        ];
        for (strategy, child, verdict) in cases {
            assert_eq!(
                plan(strategy, &mixed).ended(pid(child), &crash),
                (Some(child), verdict),
                "{strategy:?} {child}"
            );
        }
    }

    #[test]
    fn ends_by_restart_and_reason() {
        let crash = || ExitReason::Panicked("x".into());
        let cases = [
            (Permanent, ExitReason::Normal, true),
            (Permanent, crash(), true),
            (Transient, ExitReason::Normal, false),
            (Transient, ExitReason::Shutdown, false),
            (Transient, ExitReason::Killed, true),
            (Transient, crash(), true),
            (Temporary, crash(), false),
        ];
        for (restart, reason, is_restarted) in cases {
            let (_, verdict) = plan(OneForOne, &[restart]).ended(pid(0), &reason);
            assert_eq!(verdict == again(&[], &[0]), is_restarted, "{restart:?} {reason}");
        }
    }

    #[test]
    fn a_group_whose_restart_fails_begins_again() {
        for (strategy, expected) in
            [(OneForOne, again(&[], &[1])), (OneForAll, again(&[0], &[0, 1, 2])), (RestForOne, again(&[], &[1, 2]))]
        {
            let mut plan = Plan::new(strategy, [Permanent; 3]);
            plan.started(0, pid(0));
            assert_eq!(plan.restart(1), expected, "{strategy:?}");
        }
    }

    #[test]
    fn a_replaced_child_is_a_stranger() {
        let mut plan = plan(OneForOne, &[Permanent]);
        plan.started(0, pid(7));
        assert_eq!(plan.ended(pid(0), &ExitReason::Killed), (None, Verdict::Stranger));
        assert_eq!(plan.running(0), Some(pid(7)));
    }

    #[test]
    fn a_temporary_child_that_ended_stays_away() {
        let mut plan = plan(OneForAll, &[Temporary, Permanent]);
        let _ = plan.ended(pid(0), &ExitReason::Normal);
        assert_eq!(plan.ended(pid(1), &ExitReason::Normal).1, again(&[], &[1]));
    }
}

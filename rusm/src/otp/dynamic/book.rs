//! Who the children are, and what an end of one means: pure.
//!
//! A child is written down before it can run, so its end always finds it. One that is to be started again is `Starting` until its
//! `#[init]` is done, which only its starter knows: an end that comes first waits in the book for the starter's word.

use crate::otp::supervisor::{Restart, Shutdown};
use crate::otp::trial::RandomState;
use crate::wire::{ExitReason, Pid};
use std::collections::HashMap;

/// How a child is stopped, if not as the supervisor says; few have that.
pub(super) type Own = Option<Box<Shutdown>>;

/// What is known of a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry<S> {
    /// It is not started again.
    Temporary(Own),
    /// It is to be started again once it has come up.
    Starting(Own),
    /// It ended before its starter said whether it had come up.
    Ended(Box<ExitReason>),
    /// How it is started again.
    Kept(S),
}

/// What is to be started again, and when.
pub(super) trait Rule {
    fn restart(&self) -> Restart;
    /// How it is stopped, if not as the supervisor says.
    fn shutdown(&self) -> Option<Shutdown>;
}

impl<S: Rule> Entry<S> {
    /// It is not started again, whatever it was.
    fn let_go(&mut self) {
        let own = match self {
            Self::Temporary(own) | Self::Starting(own) => own.take(),
            Self::Ended(_) => None,
            Self::Kept(spec) => spec.shutdown().map(Box::new),
        };
        *self = Self::Temporary(own);
    }

    fn shutdown(&self) -> Option<Shutdown> {
        match self {
            Self::Temporary(own) | Self::Starting(own) => own.as_deref().copied(),
            Self::Ended(_) => None,
            Self::Kept(spec) => spec.shutdown(),
        }
    }
}

/// How far the supervisor's own end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    /// Its children are asked to end.
    Asked,
    /// Its children are killed.
    Killing,
}

/// Why no child is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

/// What an end means.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Verdict<S> {
    /// No child, or one that is not started again.
    Nothing,
    /// It is started again; its place is reserved.
    Again(S),
}

#[derive(Debug)]
pub(super) struct Book<S> {
    children: HashMap<Pid, Entry<S>, RandomState>,
    /// Places of those that are about to be written down.
    reserved: usize,
    max: usize,
    phase: Phase,
}

impl<S: Rule> Book<S> {
    pub(super) fn new(max: usize) -> Self {
        Self { children: HashMap::default(), reserved: 0, max, phase: Phase::Open }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn len(&self) -> usize {
        self.children.len() + self.reserved
    }

    pub(super) fn pids(&self) -> Vec<Pid> {
        self.children.keys().copied().collect()
    }

    /// Keeps a place for a child that is to be started.
    pub(super) fn reserve(&mut self) -> Result<(), Refused> {
        if self.phase != Phase::Open {
            return Err(Refused::Closed);
        }
        if self.len() >= self.max {
            return Err(Refused::Full);
        }
        self.reserved += 1;
        Ok(())
    }

    /// Keeps the place of a child whose restart failed and is tried again.
    pub(super) fn reserve_again(&mut self) {
        self.reserved += 1;
    }

    /// Gives a reserved place back.
    pub(super) fn release(&mut self) {
        self.reserved = self.reserved.saturating_sub(1);
    }

    /// A child takes its reserved place, before it can run.
    pub(super) fn begin(&mut self, pid: Pid, entry: Entry<S>) {
        self.release();
        let mut entry = entry;
        if self.phase != Phase::Open {
            entry.let_go();
        }
        self.children.insert(pid, entry);
    }

    /// It has ended, and is not started again.
    pub(super) fn forget(&mut self, pid: Pid) {
        self.children.remove(&pid);
    }

    /// It has come up. If it has ended since, what its end means.
    pub(super) fn started(&mut self, pid: Pid, spec: S) -> Verdict<S> {
        match self.children.get_mut(&pid) {
            Some(entry @ Entry::Starting(_)) => {
                *entry = Entry::Kept(spec);
                Verdict::Nothing
            }
            Some(Entry::Ended(reason)) => {
                let again = is_again(spec.restart(), reason);
                self.children.remove(&pid);
                self.verdict(again.then_some(spec))
            }
            _ => Verdict::Nothing,
        }
    }

    /// A linked process has ended.
    pub(super) fn ended(&mut self, pid: Pid, reason: &ExitReason) -> Verdict<S> {
        if let Some(entry @ Entry::Starting(_)) = self.children.get_mut(&pid) {
            *entry = Entry::Ended(Box::new(reason.clone()));
            return Verdict::Nothing;
        }
        let spec = match self.children.remove(&pid) {
            Some(Entry::Kept(spec)) => is_again(spec.restart(), reason).then_some(spec),
            _ => None,
        };
        self.shrink();
        self.verdict(spec)
    }

    fn verdict(&mut self, spec: Option<S>) -> Verdict<S> {
        match spec {
            Some(spec) => {
                self.reserved += 1;
                Verdict::Again(spec)
            }
            None => Verdict::Nothing,
        }
    }

    /// It is not started again, whatever it was: how it is stopped, if not as the supervisor says. None if there is no such
    /// child.
    pub(super) fn let_go(&mut self, pid: Pid) -> Option<Option<Shutdown>> {
        match self.children.get_mut(&pid)? {
            Entry::Ended(_) => {
                self.children.remove(&pid);
                None
            }
            entry => {
                entry.let_go();
                Some(entry.shutdown())
            }
        }
    }

    /// Nobody is started any more, once or again: who is left, and how each is stopped, if not as the supervisor says.
    pub(super) fn close(&mut self, phase: Phase) -> Vec<(Pid, Option<Shutdown>)> {
        self.phase = phase;
        self.children.retain(|_, entry| !matches!(entry, Entry::Ended(_)));
        self.children.values_mut().for_each(Entry::let_go);
        self.children.iter().map(|(pid, entry)| (*pid, entry.shutdown())).collect()
    }

    /// After a crowd has left, its room is given back.
    fn shrink(&mut self) {
        let (len, capacity) = (self.children.len(), self.children.capacity());
        if capacity > 1024 && len < capacity / 8 {
            self.children.shrink_to(len * 2);
        }
    }
}

fn is_again(restart: Restart, reason: &ExitReason) -> bool {
    match restart {
        Restart::Permanent => true,
        Restart::Transient => !reason.is_orderly(),
        Restart::Temporary => false,
    }
}

#[cfg(test)]
mod tests;

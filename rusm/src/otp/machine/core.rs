//! The rules of a state machine, without a clock and without a mailbox.
//!
//! # What is there
//! `ready`: what comes before the mailbox, first to last. `postponed`: what waits for another state, oldest first. What a
//! message's code asks for is noted in `to`, `events` and `asked`, and holds once [`settle`](Machine::settle) is called after it.
//!
//! # The order, as in OTP's `gen_statem`
//! 1. A changed state takes the state timeout away.
//! 2. All that was postponed goes before what is ready.
//! 3. The events that were asked for go before that.
//! 4. The timeouts that were asked for are set, a state timeout for the state that the machine is in by now.
//! 5. The new state is entered, and what that asks for follows the same rules.
//!
//! An event timeout is taken away by whatever is taken up, also if it is postponed right away.
//!
//! # When a timeout's turn is
//! A timeout that is due is behind everything that waited in the mailbox at the moment when that was noticed: it counts down as
//! these are taken, and is taken at once if the mailbox turns out to be empty. So a message that came in time is never overtaken, and a flood
//! does not hold a timeout back. One of zero time comes before the mailbox.

use super::super::context::Deadline;
use super::super::crash;
use super::super::mailbox::Size;
use super::super::moment::Moment;
use crate::state::{State, Timeout};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// A message that waits here instead of in the mailbox.
pub(super) struct Held<M> {
    pub(super) message: M,
    pub(super) deadline: Deadline,
    /// As the mailbox counts it.
    pub(super) size: Size,
}

/// A timeout that is set.
#[derive(Debug)]
struct Set {
    timeout: Timeout,
    at: Moment,
    /// Of zero time.
    is_zero: bool,
    /// How many items of the mailbox come before it; None while it is not due.
    behind: Option<usize>,
}

/// What a state machine is beside the actor: its state, what waits for another one, and its timeouts.
pub struct Machine<S, M> {
    state: S,
    has_begun: bool,
    to: Option<S>,
    ready: VecDeque<Held<M>>,
    postponed: VecDeque<Held<M>>,
    events: VecDeque<Held<M>>,
    asked: Vec<(Timeout, Option<(Moment, bool)>)>,
    timeouts: Vec<Set>,
    /// What the mailbox counted for the message in hand.
    pub(super) in_hand: Size,
}

impl<S: State, M> Default for Machine<S, M> {
    fn default() -> Self {
        Self {
            state: S::default(),
            has_begun: false,
            to: None,
            ready: VecDeque::new(),
            postponed: VecDeque::new(),
            events: VecDeque::new(),
            asked: Vec::new(),
            timeouts: Vec::new(),
            in_hand: (false, 0),
        }
    }
}

impl<S: State, M> Machine<S, M> {
    pub(super) fn state(&self) -> &S {
        &self.state
    }

    /// The latest wish counts.
    pub(super) fn to(&mut self, state: S) {
        self.to = Some(state);
    }

    pub(super) fn postpone(&mut self, held: Held<M>) {
        self.postponed.push_back(held);
    }

    pub(super) fn next_event(&mut self, held: Held<M>) {
        self.events.push_back(held);
    }

    /// Sets a timeout in place of the one of its kind.
    pub(super) fn set(&mut self, timeout: Timeout, after: Duration, at: Moment) {
        self.ask(timeout, Some((at, after.is_zero())));
    }

    pub(super) fn cancel(&mut self, timeout: Timeout) {
        self.ask(timeout, None);
    }

    fn ask(&mut self, timeout: Timeout, set: Option<(Moment, bool)>) {
        self.asked.retain(|(asked, _)| *asked != timeout);
        self.asked.push((timeout, set));
    }

    /// How many messages it keeps.
    pub(super) fn kept(&self) -> usize {
        self.ready.len() + self.postponed.len() + self.events.len()
    }

    /// Makes what was asked for hold. If a state is to be entered now: from which one, None the first time.
    pub(super) fn settle(&mut self) -> Option<Option<S>> {
        let wish = self.to.take();
        let entered = if std::mem::replace(&mut self.has_begun, true) {
            let changed = wish.filter(|to| *to != self.state);
            changed.map(|to| {
                self.timeouts.retain(|set| set.timeout != Timeout::State);
                prepend(&mut self.ready, &mut self.postponed);
                Some(std::mem::replace(&mut self.state, to))
            })
        } else {
            self.state = wish.unwrap_or_default();
            Some(None)
        };
        prepend(&mut self.ready, &mut self.events);
        for (timeout, set) in self.asked.drain(..) {
            self.timeouts.retain(|set| set.timeout != timeout);
            if let Some((at, is_zero)) = set {
                self.timeouts.push(Set { timeout, at, is_zero, behind: is_zero.then_some(0) });
            }
        }
        entered
    }

    /// What comes before timeouts and the mailbox.
    pub(super) fn pop_ready(&mut self) -> Option<Held<M>> {
        self.ready.pop_front()
    }

    /// Something is taken up.
    pub(super) fn take_up(&mut self) {
        self.timeouts.retain(|set| set.timeout != Timeout::Event);
    }

    /// One item of the mailbox was taken.
    pub(super) fn count_down(&mut self) {
        for set in &mut self.timeouts {
            set.behind = set.behind.map(|behind| behind.saturating_sub(1));
        }
    }

    /// When it has to look again, at the latest.
    pub(super) fn next_due(&self) -> Option<Moment> {
        self.timeouts.iter().filter(|set| set.behind.is_none()).map(|set| set.at).min()
    }

    /// Puts what is due behind the `waiting` items of the mailbox.
    pub(super) fn ripen(&mut self, now: Moment, waiting: impl FnOnce() -> usize) {
        if self.next_due().is_none_or(|at| at > now) {
            return;
        }
        let waiting = waiting();
        for set in self.timeouts.iter_mut().filter(|set| set.behind.is_none() && set.at <= now) {
            set.behind = Some(waiting);
        }
    }

    /// The timeout whose turn it is, which is set no more; if the mailbox is empty, nothing is before it.
    pub(super) fn fire(&mut self, mailbox_is_empty: bool) -> Option<Timeout> {
        let turn = |set: &Set| set.behind.is_some_and(|behind| behind == 0 || mailbox_is_empty);
        let candidates = self.timeouts.iter().enumerate().filter(|(_, set)| turn(set));
        let (first, _) = candidates.min_by_key(|(_, set)| (!set.is_zero, set.at))?;
        Some(self.timeouts.remove(first).timeout)
    }
}

/// Puts all of `first` before `queue`.
fn prepend<T>(queue: &mut VecDeque<T>, first: &mut VecDeque<T>) {
    while let Some(last) = first.pop_back() {
        queue.push_front(last);
    }
}

/// One by one: a second panic while the first one unwinds would abort.
impl<S, M> Drop for Machine<S, M> {
    fn drop(&mut self) {
        for queue in [&mut self.ready, &mut self.postponed, &mut self.events] {
            for held in queue.drain(..) {
                if let Err(panic) = crash::guard(|| drop(held)) {
                    tracing::error!(target: "rusm::crash", reason = %panic.reason, "a message panicked while it was dropped");
                }
            }
        }
    }
}

impl<S: State, M> fmt::Debug for Machine<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("state", &self.state.name()).finish_non_exhaustive()
    }
}

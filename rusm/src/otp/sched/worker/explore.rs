//! In a test's run: the next process is drawn from the seed.
//!
//! Half of the seeds choose among all that can run, each alike. The other half give each process a rank and run the first; at
//! moments that are drawn as well, the process that just ran falls behind all others. That is the scheduler of Burckhardt,
//! Kothari, Musuvathi and Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding bugs" (2010), but
//! for two things: processes that come later draw their ranks then, and falls never cease, so that one that waits actively
//! starves nobody. It holds one process back for long, which choices that are all alike hardly ever do.
//!
//! Priorities are hints, and are left out of account: what depends on them is a race.

use super::{Core, Turn};
use crate::otp::cell::CellPtr;
use crate::otp::node::Inner;
use crate::otp::trial::{self, Draw, Trial};
use std::cell::RefCell;
use std::sync::Arc;

/// What chooses, if the node is part of a run.
pub(super) struct Explorer(Option<Box<Exploring>>);

struct Exploring {
    trial: Arc<Trial>,
    choice: RefCell<Choice>,
}

struct Choice {
    draw: Draw,
    /// What can run.
    ready: Vec<Turn>,
    ranks: Option<Ranks>,
    /// Tokio gets a look once in so many turns, on average.
    slice: u64,
}

/// The lowest is first.
struct Ranks {
    /// By the processes' slots; 0: none yet.
    of: Vec<u64>,
    /// Greater than all that were drawn, and counting.
    last: u64,
    /// Somebody falls once in so many turns, on average.
    fall: u64,
}

/// Drawn ranks are below, those of fallen processes above.
const FALLEN: u64 = 1 << 32;

impl Explorer {
    pub(super) fn new(node: &'static Inner) -> Self {
        Self(trial::current().map(|trial| {
            let choice = RefCell::new(Choice::new(trial.joined(node)));
            Box::new(Exploring { trial, choice })
        }))
    }

    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }
}

impl Choice {
    fn new(mut draw: Draw) -> Self {
        let slice = 1 << (2 * draw.below(3));
        let fall = 1 << (2 + draw.below(5));
        let ranks = draw.one_in(2).then(|| Ranks { of: Vec::new(), last: FALLEN, fall });
        Self { draw, ready: Vec::new(), ranks, slice }
    }

    /// Which of those that can run is next.
    fn next(&mut self) -> Option<Turn> {
        let Self { draw, ready, ranks, .. } = self;
        if ready.is_empty() {
            return None;
        }
        let at = match ranks {
            None => draw.below(ready.len() as u64) as usize,
            Some(ranks) => {
                let first =
                    ready.iter().enumerate().min_by_key(|(_, turn)| ranks.of(turn, draw)).map_or(0, |(at, _)| at);
                if draw.one_in(ranks.fall) {
                    ranks.fall(&ready[first]);
                }
                first
            }
        };
        Some(ready.swap_remove(at))
    }
}

impl Ranks {
    fn slot(turn: &Turn) -> usize {
        // SAFETY: a process that is queued lives.
        unsafe { CellPtr::new(turn.0) }.place().slot as usize
    }

    /// A process has the rank of the one before it in its slot.
    fn of(&mut self, turn: &Turn, draw: &mut Draw) -> u64 {
        let slot = Self::slot(turn);
        if self.of.len() <= slot {
            self.of.resize(slot + 1, 0);
        }
        if self.of[slot] == 0 {
            self.of[slot] = 1 + draw.below(FALLEN - 1);
        }
        self.of[slot]
    }

    fn fall(&mut self, turn: &Turn) {
        self.last += 1;
        self.of[Self::slot(turn)] = self.last;
    }
}

impl Core {
    /// Which process is next, and whether tokio gets a look after its turn.
    #[cold]
    pub(super) fn explore(&self) -> Option<Turn> {
        let exploring = self.explorer.0.as_deref()?;
        let mut choice = exploring.choice.borrow_mut();
        let queued = self.queues.iter().flat_map(|queue| std::iter::from_fn(|| queue.pop()));
        let injected = std::iter::from_fn(|| self.injected());
        choice.ready.extend(queued.chain(self.next.take()).chain(injected));
        let next = choice.next()?;
        // SAFETY: a process that is queued lives.
        let goes_on = exploring.trial.turn(unsafe { CellPtr::new(next.0) });
        let slice = choice.slice;
        let is_last = choice.draw.one_in(slice) || !goes_on;
        // In place of ticks, for all that ask whether the slice is over.
        self.slice_end.set(if is_last { 0 } else { u64::MAX });
        Some(next)
    }
}

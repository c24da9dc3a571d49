//! The timers of a node: wheels, one for each worker, and who finds which timer in them.
//!
//! Timers with an owner die with it, so the end of a process has to find them all: they are a [`Ring`]. To set and to cancel one takes
//! the lock of its wheel and nothing else.

mod ring;

pub(crate) use ring::Ring;

use super::wheel::{Key, Wheel};
use super::{Scheduler, worker};
use crate::otp::cell::{Cell, CellPtr, CellRef};
use crate::otp::moment::Moment;
use crate::otp::node::Inner;
use crate::otp::{Instant, crash};
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

/// What a timer does when it is due.
pub(crate) enum Due {
    /// Lets a process look at what it waits for.
    Wake(CellRef),
    /// Anything short.
    Run(Run),
    /// Anything short, unless this process has ended.
    Owned(Run, CellRef),
}

/// What a timer runs.
pub(crate) type Run = Box<dyn FnOnce() + Send>;

/// Where a timer is: its wheel, and its key there.
pub(crate) type Set = (usize, Key);

impl Due {
    /// It is out of a wheel; its owner, whose lock the caller has, knows another one of its ring from now on.
    fn is_out(&self, wheel: usize, other: Option<u32>) {
        if let Self::Owned(_, owner) = self {
            owner.timers.is_out(wheel, other);
        }
    }
}

impl Scheduler {
    /// The first moment of the wheels.
    #[inline]
    pub(super) fn began(&self) -> Moment {
        *self.began.get_or_init(|| Moment::of(Instant::now()))
    }

    /// A moment as the wheels count: milliseconds, rounded up.
    #[inline]
    pub(in crate::otp) fn millis(&self, at: Moment) -> u64 {
        at.number().saturating_sub(self.began().number()).div_ceil(1_000_000)
    }

    /// The moment that the wheels count so.
    pub(in crate::otp) fn moment(&self, millis: u64) -> Moment {
        self.began().after(Duration::from_millis(millis))
    }

    /// Sets a timer that nobody owns, on the wheel of the worker that runs here, or of the first.
    pub(in crate::otp) fn set_timer(&self, inner: &Inner, at: Moment, due: Due) -> Set {
        let at = self.millis(at);
        let here = worker::of(inner, |core| (core.id(), core.is_in_step()));
        let wheel = here.map_or(0, |(worker, _)| worker);
        let key = self.workers[wheel].wheel.lock().insert(at, due);
        self.has_set(wheel, here);
        (wheel, key)
    }

    /// Sets a timer that dies with its owner. If that has ended already, what is left of it comes back, to be dropped under no lock.
    pub(in crate::otp) fn set_owned(&self, owner: CellPtr<'_>, at: Moment, due: Due) -> Result<Set, Option<Due>> {
        let at = self.millis(at);
        let here = worker::of(owner.inner(), |core| (core.id(), core.is_in_step()));
        let first = here.map_or(0, |(worker, _)| worker);
        let (wheel, key) = owner.timers.set(first, at, due, |wheel| self.workers[wheel].wheel.lock());
        self.has_set(wheel, here);
        if owner.has_ended() { Err(self.cancel_timer((wheel, key))) } else { Ok((wheel, key)) }
    }

    /// Lets the worker of this wheel look at it; `here` is which worker runs here, and whether its loop is being polled.
    fn has_set(&self, wheel: usize, here: Option<(usize, bool)>) {
        // A loop that is being polled looks before it sleeps.
        if here != Some((wheel, true)) {
            // It may sleep beyond this one.
            fence(Ordering::SeqCst);
            self.workers[wheel].unpark(&self.idle);
        }
    }

    /// Takes a timer back; None if it fired or was taken back before.
    pub(in crate::otp) fn cancel_timer(&self, (wheel, key): Set) -> Option<Due> {
        let mut timers = self.workers.get(wheel)?.wheel.lock();
        let (due, other) = timers.remove(key)?;
        due.is_out(wheel, other);
        Some(due)
    }

    /// Whether a timer has neither fired nor been taken back.
    pub(in crate::otp) fn has_timer(&self, (wheel, key): Set) -> bool {
        self.workers.get(wheel).is_some_and(|worker| worker.wheel.lock().contains(key))
    }

    /// Takes all timers back that a process owns, which has ended.
    pub(in crate::otp) fn cancel_all_of(&self, owner: &Cell) {
        for due in owner.timers.take_all(|wheel| self.workers[wheel].wheel.lock()) {
            // What it would have sent is the user's.
            let _ = crash::guard(|| drop(due));
        }
    }

    /// Runs the timers of a worker that are due; whether there were any.
    pub(super) fn fire(&self, worker: usize, now: Moment) -> bool {
        let now = now.since(self.began()).as_millis() as u64;
        let mut fired = Vec::new();
        {
            let mut timers = self.workers[worker].wheel.lock();
            timers.advance(now, &mut fired);
            fired.iter().for_each(|(due, other)| due.is_out(worker, *other));
        }
        let any = !fired.is_empty();
        for (due, _) in fired {
            let (ended, run) = match due {
                Due::Wake(cell) => {
                    cell.alarm_at.store(0, Ordering::Release);
                    cell.ptr().wake();
                    continue;
                }
                Due::Owned(run, cell) => (cell.has_ended(), run),
                Due::Run(run) => (false, run),
            };
            // What a timer holds is the user's, and so is the panic of its drop.
            if let Err(crash) = crash::guard(|| if ended { drop(run) } else { run() }) {
                tracing::error!(target: "rusm::crash", reason = %crash.reason, "a timer panicked");
            }
        }
        any
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests;

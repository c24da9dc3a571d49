//! The timers of one process: a ring in one wheel. The process's cell names the place of one of them.
//!
//! # Proof
//! - While a place is named, only who has the lock of the wheel that it is in may change the name: who removes a timer, in
//!   whatever way, names another one of its ring, or none.
//! - While none is named one may be, by one exchange, under the lock of the wheel that it is in. So two that set a first timer
//!   at the same time, the process and a timer that repeats itself, end up in one wheel.
//! - The process's end is seen first and its timers are taken then; who sets one does that first and looks for the end then. So
//!   one of the two finds the timer. Where there is a ring already the lock orders both, else the exchange and the look at the
//!   end do, which are sequentially consistent with the end's two steps.

use super::{Set, Wheel};
use crate::otp::sync::atomic::AtomicU64;
use crate::otp::sync::atomic::Ordering::{Relaxed, Release, SeqCst};
use std::ops::DerefMut;

/// One of the timers, as [`named`] says it.
pub(crate) struct Ring(AtomicU64);

/// A place in a wheel in one word; 0 is none.
fn named(wheel: usize, place: u32) -> u64 {
    (wheel as u64 + 1) << 32 | u64::from(place)
}

/// What [`named`] was made of.
fn place(named: u64) -> Option<(usize, u32)> {
    Some(((named >> 32).checked_sub(1)? as usize, named as u32))
}

impl Ring {
    /// Without timers.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.load(SeqCst) == 0
    }

    /// Sets a timer: in the wheel that has the others, or in this one. `lock` gives the wheels.
    pub(super) fn set<T, W>(&self, here: usize, at: u64, mut timer: T, lock: impl Fn(usize) -> W) -> Set
    where
        W: DerefMut<Target = Wheel<T>>,
    {
        loop {
            let wheel = place(self.0.load(Relaxed)).map_or(here, |(wheel, _)| wheel);
            let mut timers = lock(wheel);
            match place(self.0.load(Relaxed)) {
                Some((of, other)) if of == wheel => return (wheel, timers.insert_beside(at, timer, other)),
                Some(_) => {}
                None => {
                    let key = timers.insert(at, timer);
                    if self.0.compare_exchange(0, named(wheel, key.index()), SeqCst, Relaxed).is_ok() {
                        return (wheel, key);
                    }
                    // Somebody was faster, on another wheel.
                    match timers.remove(key) {
                        Some((back, _)) => timer = back,
                        None => return (wheel, key),
                    }
                }
            }
        }
    }

    /// Takes all timers out.
    pub(super) fn take_all<T, W>(&self, lock: impl Fn(usize) -> W) -> Vec<T>
    where
        W: DerefMut<Target = Wheel<T>>,
    {
        let mut all = Vec::new();
        while let Some((wheel, _)) = place(self.0.load(SeqCst)) {
            let mut timers = lock(wheel);
            if let Some((of, one)) = place(self.0.load(Relaxed))
                && of == wheel
            {
                self.0.store(0, Release);
                all.extend(timers.remove_ring(one));
            }
        }
        all
    }

    /// A timer is out of this wheel, whose lock the caller has; this is another one of the ring.
    pub(super) fn is_out(&self, wheel: usize, other: Option<u32>) {
        self.0.store(other.map_or(0, |place| named(wheel, place)), Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_places() {
        for (wheel, at) in [(0, 0), (0, 7), (1, 0), (1023, u32::MAX)] {
            assert_eq!(place(named(wheel, at)), Some((wheel, at)));
        }
        assert_eq!(place(0), None);
    }
}

#[cfg(all(test, rusm_loom))]
mod loom_tests;

//! A lock for sections of a few instructions: taken with one atomic read-modify-write, given back with a store.
//!
//! An ordinary mutex gives back with a read-modify-write too, to learn whether somebody waits; a process that is linked takes
//! such locks four times in its life, a timer that is set and cancelled twice. Who waits here spins for a moment and then lets the
//! operating system run others until the lock is free. So nothing that blocks, and no foreign code, may run under it; to make
//! room for an entry is the most.

mod boxed;

pub(super) use boxed::SpinBox;

use super::sync::UnsafeCell;
use super::sync::atomic::AtomicBool;
use super::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::ops::{Deref, DerefMut};

/// How often to look before others are let run.
const SPINS: u32 = 100;

pub(super) struct Spin<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the lock hands the value to one thread at a time.
unsafe impl<T: Send> Send for Spin<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Spin<T> {}

impl<T> Spin<T> {
    pub(super) fn new(value: T) -> Self {
        Self { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Waits for the value.
    #[inline]
    pub(super) fn lock(&self) -> Locked<'_, T> {
        if self.taken.compare_exchange(false, true, Acquire, Relaxed).is_err() {
            self.wait();
        }
        Locked(self)
    }

    #[cold]
    fn wait(&self) {
        let mut looks = 0;
        loop {
            if !self.taken.load(Relaxed) && self.taken.compare_exchange_weak(false, true, Acquire, Relaxed).is_ok() {
                return;
            }
            looks += 1;
            if looks % SPINS == 0 { pause() } else { std::hint::spin_loop() }
        }
    }
}

fn pause() {
    #[cfg(not(rusm_loom))]
    std::thread::yield_now();
    #[cfg(rusm_loom)]
    loom::thread::yield_now();
}

pub(super) struct Locked<'a, T>(&'a Spin<T>);

impl<T> Deref for Locked<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held.
        self.0.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for Locked<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held, and this is the one who holds it.
        self.0.value.with_mut(|value| unsafe { &mut *value })
    }
}

/// Also when the section panics: what is under the lock is whole at each of its steps.
impl<T> Drop for Locked<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.taken.store(false, Release);
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let count = Spin::new(0_u64);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..10_000).for_each(|_| *count.lock() += 1));
            }
        });
        assert_eq!(*count.lock(), 80_000);
    }
}

#[cfg(all(test, rusm_loom))]
mod loom_tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn one_at_a_time_and_all_that_was_written_is_seen() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let count = Arc::new(Spin::new(0));
            let other = {
                let count = count.clone();
                loom::thread::spawn(move || *count.lock() += 1)
            };
            *count.lock() += 1;
            other.join().unwrap();
            assert_eq!(*count.lock(), 2);
        });
    }
}

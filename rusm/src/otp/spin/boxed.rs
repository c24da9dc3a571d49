//! [`Spin`](super::Spin) and a box that is made on first use, in one word: the pointer, and in its lowest bit whether it is locked.

use super::{SPINS, pause};
use crate::otp::pool::Pooled;
use crate::otp::sync::atomic::AtomicPtr;
use crate::otp::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

const TAKEN: usize = 1;

pub(in crate::otp) struct SpinBox<T> {
    word: AtomicPtr<T>,
    value: PhantomData<Pooled<T>>,
}

// SAFETY: the lock hands the value to one thread at a time.
unsafe impl<T: Send> Send for SpinBox<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SpinBox<T> {}

impl<T> SpinBox<T> {
    pub(in crate::otp) fn new(value: Option<Pooled<T>>) -> Self {
        const { assert!(align_of::<T>() > TAKEN) };
        let value = value.map_or(null_mut(), |value| value.into_raw().as_ptr());
        Self { word: AtomicPtr::new(value), value: PhantomData }
    }

    /// Waits for the value.
    #[inline]
    pub(in crate::otp) fn lock(&self) -> LockedBox<'_, T> {
        let value = self.word.load(Relaxed);
        if value.addr() & TAKEN == 0 && self.word.compare_exchange(value, taken(value), Acquire, Relaxed).is_ok() {
            return LockedBox { place: self, value };
        }
        self.wait()
    }

    #[cold]
    fn wait(&self) -> LockedBox<'_, T> {
        let mut looks = 0;
        loop {
            let value = self.word.load(Relaxed);
            if value.addr() & TAKEN == 0
                && self.word.compare_exchange_weak(value, taken(value), Acquire, Relaxed).is_ok()
            {
                return LockedBox { place: self, value };
            }
            looks += 1;
            if looks % SPINS == 0 { pause() } else { std::hint::spin_loop() }
        }
    }
}

fn taken<T>(value: *mut T) -> *mut T {
    value.map_addr(|value| value | TAKEN)
}

impl<T> Drop for SpinBox<T> {
    fn drop(&mut self) {
        // Nobody locks what is borrowed as a whole.
        if let Some(value) = NonNull::new(self.word.load(Relaxed)) {
            // SAFETY: it was a box's, and nobody else has it any more.
            drop(unsafe { Pooled::from_raw(value) });
        }
    }
}

pub(in crate::otp) struct LockedBox<'a, T> {
    place: &'a SpinBox<T>,
    value: *mut T,
}

impl<T> LockedBox<'_, T> {
    /// The value, if one was made.
    #[inline]
    pub(in crate::otp) fn get(&mut self) -> Option<&mut T> {
        // SAFETY: what is there is a box's, and this holds its lock.
        unsafe { self.value.as_mut() }
    }

    #[inline]
    pub(in crate::otp) fn get_or_insert_with(&mut self, make: impl FnOnce() -> T) -> &mut T {
        if self.value.is_null() {
            self.value = Pooled::new(make()).into_raw().as_ptr();
        }
        // SAFETY: as in `get`; it is there.
        unsafe { &mut *self.value }
    }
}

/// Also when the section panics: what is under the lock is whole at each of its steps.
impl<T> Drop for LockedBox<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.place.word.store(self.value, Release);
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let count = SpinBox::new(None);
        assert!(count.lock().get().is_none());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..10_000).for_each(|_| *count.lock().get_or_insert_with(|| 0_u64) += 1));
            }
        });
        assert_eq!(count.lock().get(), Some(&mut 80_000));
    }

    #[test]
    fn it_owns_what_it_was_made_with() {
        let value = std::sync::Arc::new(());
        let full = SpinBox::new(Some(Pooled::new(value.clone())));
        assert_eq!(std::sync::Arc::strong_count(full.lock().get().unwrap()), 2);
        drop(full);
        assert_eq!(std::sync::Arc::strong_count(&value), 1);
    }
}

#[cfg(all(test, rusm_loom))]
mod loom_tests {
    use super::*;
    use crate::otp::sync::UnsafeCell;
    use std::sync::Arc;

    /// Each makes it if it is the first; loom sees whether their changes are in order.
    #[test]
    fn one_makes_it_and_all_see_it() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let count = Arc::new(SpinBox::new(None));
            let add = |count: &SpinBox<UnsafeCell<u64>>| {
                let mut locked = count.lock();
                let value = locked.get_or_insert_with(|| UnsafeCell::new(0));
                // SAFETY: the lock is held.
                value.with_mut(|value| unsafe { *value += 1 });
            };
            let other = {
                let count = count.clone();
                loom::thread::spawn(move || add(&count))
            };
            add(&count);
            other.join().unwrap();
            let mut locked = count.lock();
            // SAFETY: as above.
            assert_eq!(locked.get().map(|value| value.with(|value| unsafe { *value })), Some(2));
        });
    }
}

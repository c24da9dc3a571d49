//! A slot for one value, from whoever answers straight to the task that waits.
//!
//! One allocation, and no lock. An answer that is there before anybody asks costs one atomic read-modify-write, one that has
//! to wake its waiter costs three.
//!
//! # The word
//! Two owners share the allocation: the [`Filler`] and the [`Waiter`]. All that they tell each other is in one word, made
//! of bits. None is ever cleared but `WAITING`.
//!
//! | bit | set by | when |
//! |---|---|---|
//! | `FILLED` | filler | the value is written |
//! | `EMPTY` | filler | it was dropped, there is no value; excludes `FILLED` |
//! | `TAKEN` | filler | it has taken the waker out, which it does if `FILLED` or `EMPTY` found `WAITING` |
//! | `WAITING` | waiter | a waker is written; only the waiter clears it, and only before `FILLED` or `EMPTY` |
//! | `LEFT` | waiter | it is gone |
//!
//! `DONE` is `FILLED` or `EMPTY`. The waiter changes `WAITING` by compare-and-swap against a word without `DONE`, so once `DONE`
//! is set, `WAITING` says for ever whether the filler found it.
//!
//! # Who may touch what
//! - The value: the filler until it has set `FILLED`, the waiter after that. If the filler finds `LEFT` when it sets
//!   `FILLED`, the value is still its own, and goes back to whoever gave it.
//! - The waker: the waiter while `WAITING` is not set. While `WAITING` is set without `DONE` nobody writes it, and the waiter may
//!   read it. If `DONE` found `WAITING` the filler owns it, but takes it by a read, as the waiter may still be comparing;
//!   otherwise the waiter owns it. A waiter that leaves copies the bits out and then sets `LEFT` and clears `WAITING` in one
//!   step: if that succeeds the copy is the waker, else it is nothing.
//! - The memory: each owner has a last step, after which it touches nothing. The filler's is `TAKEN` if `DONE` found `WAITING`, and
//!   `DONE` otherwise. The waiter's is `LEFT`, unless it has seen the filler's. Who takes the last step second frees, and who
//!   sees the other's last step needs none. Both are bits of one word, so one of the two comes first and exactly one frees.
//!
//! `will_wake` compares addresses, and a waker that the filler has taken may be gone and its address be another task's. But
//! who polls with that one has got the memory after the other's end, which is after `DONE`: so the poll sees `DONE`.
//!
//! # Orderings
//! Every last step releases what its owner did, and who frees has acquired it. `DONE` releases the value and acquires the waker,
//! `WAITING` releases the waker, and the waiter's loads acquire the value. Clearing `WAITING` needs no ordering: what it guards
//! has not been given to anybody.
//!
//! # Foreign code
//! It is the clone, wake and drop of wakers and the drop of values. It runs when the word says the truth about what is left in the
//! slot, and nothing in the slot is touched after it on its word. So one that panics loses nothing and frees nothing twice.

use super::crash;
use super::sync::atomic::AtomicU32;
use super::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use super::sync::{self, UnsafeCell};
use std::future::Future;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

const FILLED: u32 = 1;
const EMPTY: u32 = 1 << 1;
const TAKEN: u32 = 1 << 2;
const WAITING: u32 = 1 << 3;
const LEFT: u32 = 1 << 4;
const DONE: u32 = FILLED | EMPTY;

/// Makes a slot: one end to give a value, the other to wait for it.
pub(crate) fn slot<T>() -> (Filler<T>, Waiter<T>) {
    let shared = Shared(sync::allocate(Inner {
        word: AtomicU32::new(0),
        value: UnsafeCell::new(MaybeUninit::uninit()),
        waker: UnsafeCell::new(MaybeUninit::uninit()),
    }));
    (Filler(shared), Waiter(Some(shared)))
}

/// Gives the value. Dropped, it tells the waiter that there will be none.
pub(crate) struct Filler<T>(Shared<T>);

/// Waits for the value; a future. Dropped, it tells the filler that nobody waits.
pub(crate) struct Waiter<T>(Option<Shared<T>>);

/// There is no value: the filler was dropped, or the value has been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Empty;

impl<T> std::fmt::Debug for Filler<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Filler")
    }
}

// SAFETY: a value crosses from one end to the other, and with the waiter's last use of it to where that is; wakers are `Send`
// and `Sync`. A shared end gives out nothing of the value.
unsafe impl<T: Send> Send for Filler<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Filler<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Waiter<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Waiter<T> {}

impl<T> Filler<T> {
    /// Gives the value and wakes the waiter.
    ///
    /// # Errors
    /// The value, if the waiter is gone. A waiter that goes later drops it.
    #[inline]
    pub(crate) fn fill(self, value: T) -> Result<(), T> {
        let shared = ManuallyDrop::new(self).0;
        // SAFETY: the filler's end is kept until `finish` takes it, and before `FILLED` the value is the filler's.
        unsafe {
            shared.inner().value.with_mut(|place| (*place).write(value));
            shared.finish(FILLED, |value| value.with_mut(|place| (*place).assume_init_read()))
        }
    }

    /// Whether the waiter is gone. If not, it may be by the next look.
    #[inline]
    pub(crate) fn is_abandoned(&self) -> bool {
        // SAFETY: the filler's end is kept.
        unsafe { self.0.inner() }.word.load(Acquire) & LEFT != 0
    }
}

impl<T> Drop for Filler<T> {
    fn drop(&mut self) {
        // SAFETY: the filler's end is kept until here, and nobody can use it after its drop.
        let _ = unsafe { self.0.finish(EMPTY, |_| ()) };
    }
}

impl<T> Waiter<T> {
    /// Takes the value if it is there, else has the task woken when it is. Only the task that polled last is woken. After
    /// the end it is ready with [`Empty`].
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Empty>> {
        let Some(shared) = self.0 else { return Poll::Ready(Err(Empty)) };
        // SAFETY: as long as it is there, the waiter's end is kept.
        let mut word = unsafe { shared.inner() }.word.load(Acquire);
        if word & DONE == 0 {
            // SAFETY: the word is fresh, and nobody else changes `WAITING`.
            match unsafe { shared.wait(word, cx.waker()) } {
                Ok(()) => return Poll::Pending,
                Err(done) => word = done,
            }
        }
        self.0 = None;
        // SAFETY: the waiter has just given its end up, and the word has `DONE`.
        Poll::Ready(unsafe { shared.leave(word) })
    }

    /// Takes the value if it is there, or says that there will be none; as [`Self::poll`], but nobody is woken.
    #[inline]
    #[cfg(test)]
    pub(crate) fn try_take(&mut self) -> Option<Result<T, Empty>> {
        let Some(shared) = self.0 else { return Some(Err(Empty)) };
        // SAFETY: as long as it is there, the waiter's end is kept.
        let word = unsafe { shared.inner() }.word.load(Acquire);
        if word & DONE == 0 {
            return None;
        }
        self.0 = None;
        // SAFETY: the waiter has just given its end up, and the word has `DONE`.
        Some(unsafe { shared.leave(word) })
    }
}

impl<T> Future for Waiter<T> {
    type Output = Result<T, Empty>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Waiter::poll(self.get_mut(), cx)
    }
}

impl<T> Drop for Waiter<T> {
    #[inline]
    fn drop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        // SAFETY: the waiter has just given its end up. What `abandon` hands out is the value, or nothing; it is dropped here, when
        // the slot needs nobody any more.
        drop(unsafe { shared.abandon() });
    }
}

/// What the two ends share.
struct Inner<T> {
    word: AtomicU32,
    value: UnsafeCell<MaybeUninit<T>>,
    waker: UnsafeCell<MaybeUninit<Waker>>,
}

/// One end of a slot.
struct Shared<T>(NonNull<Inner<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

impl<T> Shared<T> {
    /// # Safety
    /// The end that this belongs to has not taken its last step, unless it is the last of the two. While that step is
    /// taken, the other may free: nothing but the word, an atomic, is borrowed then.
    #[inline(always)]
    unsafe fn inner<'a>(self) -> &'a Inner<T> {
        // SAFETY: the memory lives until both ends have taken their last step, and is shared only.
        unsafe { &*self.0.as_ptr() }
    }

    /// # Safety
    /// As for [`Self::inner`].
    #[inline(always)]
    unsafe fn word<'a>(self) -> &'a AtomicU32 {
        // SAFETY: as for `inner`. The place is reached without borrowing its surroundings.
        unsafe { &(*self.0.as_ptr()).word }
    }

    /// Sets a bit that is not set; the word before. It adds, because x86 has one instruction that adds and tells what was
    /// there, and none that does so for or.
    ///
    /// # Safety
    /// As for [`Self::word`], and only this end sets the bit, once.
    #[inline(always)]
    unsafe fn set(self, bit: u32) -> u32 {
        // SAFETY: promised by the caller.
        unsafe { self.word() }.fetch_add(bit, AcqRel)
    }

    /// The filler's end: sets a bit of `DONE` and wakes who waits. If nobody will ever look, gives what `back` takes out.
    ///
    /// # Safety
    /// The caller is the filler, uses its end for the last time, and has written the value if the bit says so.
    #[inline]
    unsafe fn finish<R>(self, done: u32, back: impl FnOnce(&UnsafeCell<MaybeUninit<T>>) -> R) -> Result<(), R> {
        // SAFETY: the filler takes no step after this one, but for what the word of before leaves to it.
        let before = unsafe { self.set(done) };
        if before & LEFT != 0 {
            // SAFETY: the waiter took its last step first: all of the slot is the filler's.
            return Err(unsafe {
                let back = back(&self.inner().value);
                self.free();
                back
            });
        }
        if before & WAITING != 0 {
            // SAFETY: `DONE` found `WAITING`, so the waker is the filler's, and so is the memory until `TAKEN`. If that finds
            // `LEFT`, the waiter has taken its last step first.
            let waker = unsafe {
                let waker = self.inner().waker.with(|place| (*place).assume_init_read());
                if self.set(TAKEN) & LEFT != 0 {
                    self.free();
                }
                waker
            };
            crash::wake(waker);
        }
        Ok(())
    }

    /// The waiter's end: leaves a waker. Gives the word back if it turns out to have `DONE`.
    ///
    /// # Safety
    /// The caller is the waiter, has not taken its last step, and `word` is what it saw last, without `DONE`.
    unsafe fn wait(self, word: u32, waker: &Waker) -> Result<(), u32> {
        // SAFETY: the waiter's end is kept.
        let inner = unsafe { self.inner() };
        let mut old = None;
        if word & WAITING != 0 {
            // SAFETY: the waiter has written it. The filler may take it meanwhile, but does not write.
            if inner.waker.with(|place| unsafe { (*place).assume_init_ref() }.will_wake(waker)) {
                return Ok(());
            }
        }
        let new = waker.clone();
        if word & WAITING != 0 {
            inner.word.compare_exchange(WAITING, 0, Relaxed, Acquire)?;
            // SAFETY: `WAITING` was cleared before `DONE`, so the waker is the waiter's again.
            old = Some(inner.waker.with_mut(|place| unsafe { (*place).assume_init_read() }));
        }
        // SAFETY: while `WAITING` is not set the place is the waiter's.
        inner.waker.with_mut(|place| unsafe { (*place).write(new) });
        if let Err(done) = inner.word.compare_exchange(0, WAITING, Release, Acquire) {
            // SAFETY: `DONE` came before `WAITING`, so the waker is still the waiter's.
            drop(inner.waker.with_mut(|place| unsafe { (*place).assume_init_read() }));
            return Err(done);
        }
        drop(old);
        Ok(())
    }

    /// The waiter's end: takes the value, if there is one.
    ///
    /// # Safety
    /// The caller is the waiter, uses its end for the last time, and `word` is what it saw last, with `DONE`.
    #[inline]
    unsafe fn leave(self, word: u32) -> Result<T, Empty> {
        // SAFETY: after `FILLED` the value is the waiter's, which takes it once, at its end. Without `WAITING`, or with `TAKEN`, it has
        // seen the filler's last step. Else the word says which of the two last steps came first.
        unsafe {
            let value = match word & FILLED {
                0 => Err(Empty),
                _ => Ok(self.inner().value.with_mut(|place| (*place).assume_init_read())),
            };
            if word & (WAITING | TAKEN) != WAITING || self.set(LEFT) & TAKEN != 0 {
                self.free();
            }
            value
        }
    }

    /// The waiter's end, before it has got anything. Gives a value that came all the same.
    ///
    /// # Safety
    /// The caller is the waiter, and uses its end for the last time.
    unsafe fn abandon(self) -> Result<T, Empty> {
        // SAFETY: the waiter's end is kept until its last step, the exchange or `leave`.
        unsafe {
            let mut word = self.word().load(Acquire);
            if word & DONE == 0 {
                let waker = (word & WAITING != 0).then(|| self.inner().waker.with(|place| place.read()));
                // Only `DONE` can have come between: then the copy is not the waker.
                match self.word().compare_exchange(word, LEFT, Release, Acquire) {
                    Ok(_) => {
                        if let Some(waker) = waker {
                            drop(waker.assume_init());
                        }
                        return Err(Empty);
                    }
                    Err(done) => word = done,
                }
            }
            self.leave(word)
        }
    }

    /// # Safety
    /// Both ends have taken their last step, and this is the second of them. Nothing that needs a drop is left inside.
    #[inline]
    unsafe fn free(self) {
        // Loom does not see a use after the end by itself: it checks here that all uses came before.
        #[cfg(rusm_loom)]
        // SAFETY: nobody else has it any more.
        unsafe {
            let inner = &mut *self.0.as_ptr();
            inner.word.with_mut(|_| ());
            inner.value.with_mut(|_| ());
            inner.waker.with_mut(|_| ());
        }
        // SAFETY: `slot` allocated it, and nobody else has it any more.
        unsafe { sync::free(self.0) };
    }
}

#[cfg(all(test, rusm_loom))]
mod loom_tests;
#[cfg(all(test, not(rusm_loom)))]
mod tests;

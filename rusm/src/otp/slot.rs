//! A slot for one value, from whoever answers straight to the task that waits.
//!
//! One allocation, and no lock. An answer that is there before anybody asks costs one atomic read-modify-write, one that wakes
//! somebody three; and beside the wake itself, one that wakes the process that made the slot costs one. That process is
//! woken though it may not have asked yet.
//!
//! # The word
//! Two owners share the allocation: the [`Filler`] and the [`Waiter`]. All that they tell each other is in one word, made
//! of bits. None is ever cleared but `WAITING` and `CALLER`.
//!
//! | bit | set by | when |
//! |---|---|---|
//! | `FILLED` | filler | the value is written |
//! | `EMPTY` | filler | it was dropped, there is no value; excludes `FILLED` |
//! | `WOKEN` | filler | it has called the waker, which it does if `FILLED` or `EMPTY` found `WAITING` |
//! | `WAITING` | waiter | a waker is written; only the waiter clears it, and only before `FILLED` or `EMPTY` |
//! | `CALLER` | maker | the process that made the slot waits; only the waiter clears it, and only before `FILLED` or `EMPTY` |
//! | `LEFT` | waiter | it is gone |
//!
//! `DONE` is `FILLED` or `EMPTY`. The waiter changes `WAITING` by compare-and-swap against a word without `DONE`, so once `DONE`
//! is set, `WAITING` says for ever whether the filler found it; the same goes for `CALLER`. The two exclude each other.
//!
//! # Who may touch what
//! - The value: the filler until it has set `FILLED`, the waiter after that. If the filler finds `LEFT` when it sets
//!   `FILLED`, the value is still its own, and goes back to whoever gave it.
//! - The waker: the waiter while `WAITING` is not set. While `WAITING` is set nobody writes it, and the waiter may compare it. If
//!   `DONE` found `WAITING`, the filler calls it where it is, and it goes with the memory: mostly to the waiter, whose own it is, and
//!   a process gives a handle to itself back for less than anybody else. Otherwise the waiter owns it. A waiter that leaves copies
//!   the bits out and then sets `LEFT` and clears `WAITING` in one step: if that succeeds the copy is the waker, else it is nothing.
//! - The caller: it is written once, before there are two owners, and keeps the process's memory. A waiter that leaves early lets go of
//!   it as of a waker, so that an answer that nobody waits for keeps nobody; else it goes with the slot. The filler copies whom it
//!   would have to wake, and holds what is retired, before `DONE`: if that finds `CALLER`, the process was there at that moment, and its
//!   memory stays until the filler has woken it, whatever became of the slot meanwhile.
//! - The memory: each owner has a last step, after which it touches nothing. The filler's is `WOKEN` if `DONE` found `WAITING`, and
//!   `DONE` otherwise. The waiter's is `LEFT`, unless it has seen the filler's. Who takes the last step second frees, and who
//!   sees the other's last step needs none. Both are bits of one word, so one of the two comes first and exactly one frees.
//!
//! # Orderings
//! Every last step releases what its owner did, and who frees has acquired it. `DONE` releases the value and acquires the waker,
//! `WAITING` releases the waker, and the waiter's loads acquire the value. Clearing `WAITING` needs no ordering: what it guards
//! has not been given to anybody.
//!
//! # Foreign code
//! It is the clone, wake and drop of wakers and the drop of values. It runs when the word says the truth about what is left in the
//! slot, and nothing in the slot is touched after it on its word; the filler takes its last step whether its wake panics or not. So one
//! that panics loses nothing and frees nothing twice.

use super::crash;
use super::sync::atomic::AtomicU32;
use super::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use super::sync::{self, UnsafeCell};
use caller::{Caller, hold};
use std::future::Future;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

mod caller;

const FILLED: u32 = 1;
const EMPTY: u32 = 1 << 1;
const WOKEN: u32 = 1 << 2;
const WAITING: u32 = 1 << 3;
const LEFT: u32 = 1 << 4;
const CALLER: u32 = 1 << 5;
const DONE: u32 = FILLED | EMPTY;

/// Makes a slot: one end to give a value, the other to wait for it.
pub(crate) fn slot<T>() -> (Filler<T>, Waiter<T>) {
    make(None)
}

/// A slot whose value will mostly be waited for by the task that polls here.
#[inline]
pub(crate) fn slot_for<T>(cx: &Context<'_>) -> (Filler<T>, Waiter<T>) {
    make(Caller::of(cx.waker()))
}

#[inline]
fn make<T>(caller: Option<Caller>) -> (Filler<T>, Waiter<T>) {
    let shared = Shared(sync::allocate(Inner {
        word: AtomicU32::new(if caller.is_some() { CALLER } else { 0 }),
        caller: ManuallyDrop::new(caller),
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
        self.poll_with(cx, take)
    }

    /// [`poll`](Self::poll), with the value given to `take` where it is, which takes it out: a large one is moved once less. Should
    /// `take` panic, the slot is leaked.
    #[inline]
    pub(crate) fn poll_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut ManuallyDrop<T>) -> R,
    ) -> Poll<Result<R, Empty>> {
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
        Poll::Ready(unsafe { shared.leave(word, take) })
    }

    /// Tells the filler that nobody waits any more.
    pub(crate) fn give_up(&mut self) {
        drop(Self(self.0.take()));
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
        Some(unsafe { shared.leave(word, take) })
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
    caller: ManuallyDrop<Option<Caller>>,
    value: UnsafeCell<MaybeUninit<T>>,
    waker: UnsafeCell<MaybeUninit<Waker>>,
}

/// The value as a whole.
#[inline]
fn take<T>(value: &mut ManuallyDrop<T>) -> T {
    // SAFETY: a waiter takes it at its end, which it has once.
    unsafe { ManuallyDrop::take(value) }
}

/// Dropped, it takes the filler's last step after a wake.
struct LastStep<T>(Shared<T>);

impl<T> Drop for LastStep<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: only a filler whose `DONE` found `WAITING` makes this, once. If `WOKEN` finds `LEFT`, the waiter has taken its last
        // step first, and the waker is still inside.
        unsafe {
            if self.0.set(WOKEN) & LEFT != 0 {
                self.0.free_with_waker();
            }
        }
    }
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
        // SAFETY: the filler's end is kept.
        let caller = unsafe { self.inner() }.caller.as_ref().map(|caller| (caller.target(), hold()));
        // SAFETY: the filler takes no step after this one, but for what the word of before leaves to it.
        let before = unsafe { self.set(done) };
        if before & LEFT != 0 {
            // SAFETY: the waiter took its last step first: all of the slot is the filler's.
            return Err(unsafe {
                let back = back(&self.inner().value);
                self.free_bare();
                back
            });
        }
        if let Some((caller, held)) = caller
            && before & CALLER != 0
        {
            // SAFETY: it was held before `DONE`, and `CALLER` says that the process was there then.
            unsafe { caller.wake(&held) };
        } else if before & WAITING != 0 {
            let _last = LastStep(self);
            // SAFETY: `DONE` found `WAITING`, so nobody writes the waker any more, and it stays until `WOKEN`.
            unsafe { self.inner() }.waker.with(|place| crash::wake(unsafe { (*place).assume_init_ref() }));
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
        if word & CALLER != 0 {
            if inner.caller.as_ref().is_some_and(|caller| caller.is(waker)) {
                return Ok(());
            }
            // Somebody else waits from now on.
            inner.word.compare_exchange(CALLER, 0, Relaxed, Acquire)?;
        }
        if word & WAITING != 0 {
            // SAFETY: the waiter has written it. The filler may call it meanwhile, but does not write.
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
    unsafe fn leave<R>(self, word: u32, take: impl FnOnce(&mut ManuallyDrop<T>) -> R) -> Result<R, Empty> {
        // SAFETY: after `FILLED` the value is the waiter's, which takes it once, at its end. Without `WAITING`, or with `WOKEN`, it has
        // seen the filler's last step. Else the word says which of the two last steps came first.
        unsafe {
            let value = match word & FILLED {
                0 => Err(Empty),
                _ => Ok(self.inner().value.with_mut(|place| take(&mut *place.cast()))),
            };
            if word & WAITING == 0 {
                self.free();
            } else if word & WOKEN != 0 || self.set(LEFT) & WOKEN != 0 {
                self.free_with_waker();
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
                let caller = std::ptr::read(&raw const self.inner().caller);
                // Only `DONE` can have come between: then the copies are nothing.
                match self.word().compare_exchange(word, LEFT, Release, Acquire) {
                    Ok(_) => {
                        drop(ManuallyDrop::into_inner(caller));
                        if let Some(waker) = waker {
                            drop(waker.assume_init());
                        }
                        return Err(Empty);
                    }
                    Err(done) => word = done,
                }
            }
            self.leave(word, take)
        }
    }

    /// # Safety
    /// As for [`Self::free`], but that a waker is left inside.
    #[inline]
    unsafe fn free_with_waker(self) {
        // SAFETY: promised by the caller; who frees has all of it.
        let waker = unsafe { self.inner().waker.with_mut(|place| (*place).assume_init_read()) };
        // SAFETY: now nothing is left inside.
        unsafe { self.free() };
        crash::drop_waker(waker);
    }

    /// # Safety
    /// Both ends have taken their last step, and this is the second of them. Nothing that needs a drop is left inside but the caller.
    #[inline]
    unsafe fn free(self) {
        // SAFETY: who frees has all of it, and only a waiter that leaves before `DONE` has taken the caller along.
        let caller = unsafe { std::ptr::read(&raw const self.inner().caller) };
        // SAFETY: now nothing is left inside.
        unsafe { self.free_bare() };
        drop(ManuallyDrop::into_inner(caller));
    }

    /// # Safety
    /// As for [`Self::free`], and the caller is not left inside either.
    #[inline]
    unsafe fn free_bare(self) {
        // Loom does not see a use after the end by itself: it checks here that all uses came before.
        #[cfg(rusm_loom)]
        // SAFETY: nobody else has it any more.
        unsafe {
            let inner = &mut *self.0.as_ptr();
            inner.word.with_mut(|_| ());
            inner.value.with_mut(|_| ());
            inner.waker.with_mut(|_| ());
        }
        // SAFETY: `make` allocated it, and nobody else has it any more.
        unsafe { sync::free(self.0) };
    }
}

#[cfg(all(test, rusm_loom))]
mod loom_tests;
#[cfg(all(test, not(rusm_loom)))]
mod tests;

//! The ways to get hold of a cell: for a moment, counted, with the type of its messages, and at its end.

use super::{Cell, Front};
use crate::otp::gone::Waiters;
use crate::otp::guard::hold;
use crate::otp::mailbox::{AnyMailbox, Mailbox, Wake};
use crate::otp::sched::state::State;
use crate::otp::signal::{Effect, Signal};
use crate::otp::{This, context, crash, sched};
use crate::wire::ExitReason;
use crossbeam_epoch as epoch;
use std::any::TypeId;
use std::fmt;
use std::hint::black_box;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::Context;

/// What a signal leads to outside of the lock.
enum Then {
    Nothing,
    Wake(Wake),
    Turn,
    Pass(Effect),
}

impl From<Option<Wake>> for Then {
    fn from(wake: Option<Wake>) -> Self {
        wake.map_or(Self::Nothing, Self::Wake)
    }
}

/// A cell that somebody has got hold of for as long as `'a`.
#[derive(Clone, Copy)]
pub(crate) struct CellPtr<'a>(NonNull<Cell>, PhantomData<&'a Cell>);

impl<'a> CellPtr<'a> {
    /// # Safety
    /// The cell lives for `'a`, and the pointer is that of its whole allocation.
    pub(crate) unsafe fn new(cell: NonNull<Cell>) -> Self {
        Self(cell, PhantomData)
    }

    pub(crate) fn as_ptr(self) -> NonNull<Cell> {
        self.0
    }

    /// A handle of its own, unless the last one is just being given back.
    #[inline]
    pub(crate) fn acquire(self) -> Option<CellRef> {
        if context::is_running(self.0) {
            return Some(self.another());
        }
        self.refs.acquire().then(|| CellRef(self.0))
    }

    /// A handle of its own, for who has one or has its turn.
    #[inline]
    fn another(self) -> CellRef {
        if context::is_running(self.0) {
            self.refs.add_own();
        } else {
            self.refs.add();
        }
        CellRef(self.0)
    }

    /// Whether this mailbox is its own.
    pub(in crate::otp) fn is_home_of<M>(self, mailbox: &Mailbox<M>) -> bool {
        // SAFETY: the vtable was made for this cell.
        let own = unsafe { (self.kind.vtable.mailbox)(self.0) };
        std::ptr::addr_eq(own.as_ptr(), mailbox)
    }

    /// Its word, for as long as the cell.
    #[inline]
    pub(in crate::otp) fn state_ref(self) -> &'a State {
        // SAFETY: it lives for `'a`.
        unsafe { &self.0.as_ref().state }
    }

    /// Its mailbox, whatever it holds.
    pub(crate) fn mailbox(self) -> &'a dyn AnyMailbox {
        // SAFETY: the vtable was made for this cell; the mailbox lives as long as it.
        unsafe { (self.kind.vtable.mailbox)(self.0).as_ref() }
    }

    /// Its mailbox, if that holds messages of this type.
    #[inline]
    pub(crate) fn typed<M: 'static>(self) -> Option<&'a Mailbox<M>> {
        // SAFETY: the vtable says that this is what lies there.
        (self.kind.vtable.message == const { TypeId::of::<M>() })
            .then(|| unsafe { &self.0.cast::<Front<M>>().as_ref().mailbox })
    }

    /// Lets it have a turn.
    #[inline]
    pub(crate) fn wake(self) {
        if self.state.wake() {
            sched::enqueue(self);
        }
    }

    /// Asks it to end at its next await; the first reason counts, but a kill overrides one that it has not seen yet.
    pub(crate) fn request_end(self, reason: ExitReason) {
        self.side(|side| self.ask_to_end(side, reason));
        self.wake();
    }

    /// Lets a signal arrive; what is left to do about it.
    ///
    /// What is for the mailbox gets there under the lock: an `unlink` or a `demonitor` that comes after finds it there.
    pub(crate) fn receive(self, signal: Signal) -> Option<Effect> {
        let (then, told) = self.side(|side| {
            let effect = side.signals.receive(signal);
            let told = side.known_seen().and_then(|seen| seen.notice(effect.as_ref()));
            let then = match effect {
                None => Then::Nothing,
                Some(Effect::DeliverExit(exit)) => self.mailbox().push_exit(self, exit).into(),
                Some(Effect::DeliverDown(down)) => self.mailbox().push_down(self, down).into(),
                Some(Effect::End(reason)) => {
                    self.ask_to_end(side, reason);
                    Then::Turn
                }
                Some(effect) => Then::Pass(effect),
            };
            (then, told)
        });
        if let Some((taps, what)) = told {
            self.tell(taps, &what);
        }
        match then {
            Then::Nothing => {}
            Then::Wake(wake) => wake.wake(self),
            Then::Turn => self.wake(),
            Then::Pass(effect) => return Some(effect),
        }
        None
    }

    /// Polls its code. Why it ended is left in `ended`, if it did: most turns then move nothing.
    ///
    /// # Safety
    /// The caller has the turn, and the body was not dropped.
    #[inline]
    pub(in crate::otp) unsafe fn poll(self, cx: &mut Context<'_>, ended: &mut Option<ExitReason>) {
        // SAFETY: handed on.
        unsafe { (self.kind.vtable.poll)(self.0, cx, ended) }
    }

    /// Drops its code.
    ///
    /// # Safety
    /// As for `poll`; only once.
    pub(in crate::otp) unsafe fn drop_body(self) {
        // SAFETY: handed on.
        unsafe { (self.kind.vtable.drop_body)(self.0) }
    }
}

impl Deref for CellPtr<'_> {
    type Target = Cell;

    #[inline]
    fn deref(&self) -> &Cell {
        // SAFETY: it lives for `'a`.
        unsafe { self.0.as_ref() }
    }
}

/// A handle to a cell: keeps the allocation, not the process, alive.
pub(crate) struct CellRef(NonNull<Cell>);

// SAFETY: a cell is shared between threads by design; what is not atomic in it has the owners that the module's text names.
unsafe impl Send for CellRef {}
// SAFETY: as above.
unsafe impl Sync for CellRef {}

impl CellRef {
    pub(crate) fn ptr(&self) -> CellPtr<'_> {
        CellPtr(self.0, PhantomData)
    }

    /// Gives the handle away as a pointer; [`from_raw`](Self::from_raw) takes it back.
    pub(in crate::otp) fn into_raw(self) -> NonNull<Cell> {
        ManuallyDrop::new(self).0
    }

    /// # Safety
    /// From `into_raw`, and only once.
    pub(in crate::otp) unsafe fn from_raw(cell: NonNull<Cell>) -> Self {
        Self(cell)
    }
}

impl Deref for CellRef {
    type Target = Cell;

    #[inline]
    fn deref(&self) -> &Cell {
        // SAFETY: the handle keeps it.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for CellRef {
    #[inline]
    fn clone(&self) -> Self {
        self.ptr().another()
    }
}

impl Drop for CellRef {
    #[inline]
    fn drop(&mut self) {
        if context::is_running(self.0) {
            self.refs.give_back_own();
        } else if self.refs.give_back() {
            retire(self.0);
        }
    }
}

/// A process that has ended, but for its last step: dropped, it tells those who wait and gives its own handle back.
pub(crate) struct Finished<'a>(CellPtr<'a>);

impl<'a> Finished<'a> {
    /// # Safety
    /// All else of its end is done, and this is made once.
    pub(in crate::otp) unsafe fn new(cell: CellPtr<'a>) -> Self {
        Self(cell)
    }
}

impl Drop for Finished<'_> {
    #[inline]
    fn drop(&mut self) {
        // The memory stays until those who wait are woken, whoever has the last handle.
        let _guard = hold();
        let last = self.0.refs.tell();
        if last.awaited {
            let waiters = self.0.known_side(|side| side.known_waiters().map(Waiters::take));
            for waiter in waiters.flatten().into_iter().flatten() {
                // Whose waker it is, is not known here.
                let _ = crash::guard(|| waiter.wake());
            }
        }
        if last.free {
            retire(self.0.0);
        }
    }
}

#[cold]
fn retire(cell: NonNull<Cell>) {
    struct Retired(NonNull<Cell>);
    // SAFETY: with the last handle gone nobody else touches it.
    unsafe impl Send for Retired {}
    let retired = Retired(cell);
    let free = move || {
        let cell = { retired }.0;
        // SAFETY: the last handle is gone, so no new one can be made. Whoever had found it in the table before it was taken out, or
        // in a slot while that had a handle, has let go of it by now.
        unsafe { (cell.as_ref().kind.vtable.free)(cell) }
    };
    let guard = epoch::pin();
    // SAFETY: the cell was taken out of the table before its process gave its handle back, and no slot has a handle.
    unsafe { guard.defer_unchecked(free) };
    // Else its counts of guards and of what is deferred, side by side, are read as one right after one of them was written, and wait
    // for that.
    black_box(&guard);
}

impl fmt::Debug for CellRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CellRef").field(&self.pid()).finish()
    }
}

/// A handle to a cell whose mailbox holds messages `M`.
pub(crate) struct Typed<M> {
    this: This,
    message: PhantomData<fn(M)>,
}

impl<M> Typed<M> {
    #[inline]
    pub(crate) fn cell(&self) -> &CellRef {
        &self.this.cell
    }

    #[inline]
    pub(crate) fn this(&self) -> &This {
        &self.this
    }

    /// # Safety
    /// The cell's mailbox holds messages of this type.
    pub(in crate::otp) unsafe fn new(cell: CellRef) -> Self {
        Self { this: This::new(cell), message: PhantomData }
    }

    #[inline]
    pub(crate) fn mailbox(&self) -> &Mailbox<M> {
        // SAFETY: a typed handle is made for the type of the mailbox only.
        unsafe { &(*self.this.cell.0.cast::<Front<M>>().as_ptr()).mailbox }
    }
}

impl<M> Clone for Typed<M> {
    fn clone(&self) -> Self {
        Self { this: This::new(self.this.cell.clone()), message: PhantomData }
    }
}

impl<M> fmt::Debug for Typed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.this.fmt(f)
    }
}

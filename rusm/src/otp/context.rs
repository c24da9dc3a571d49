//! Which process is running here: for nested calls' deadlines, for clients that name no node, and for fairness.

use super::cell::{Cell, CellPtr};
use super::moment::Moment;
use super::{Instant, Node, sched};
use std::ptr::{NonNull, null};
use std::sync::atomic::Ordering;
use std::task::Waker;

thread_local! {
    /// Set while a process's code runs on this thread.
    static CURRENT: std::cell::Cell<*const Cell> = const { std::cell::Cell::new(null()) };
}

/// When a sender stops waiting: the number of a [`Moment`], 0 for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadline(u64);

impl Deadline {
    pub(crate) const NEVER: Self = Self(0);
    /// Nobody waits, and the message is owed to its receiver: see [`Bound`](super::Bound).
    pub(crate) const OWED: Self = Self(Moment::BEYOND);

    #[inline]
    pub(crate) fn new(at: Option<Moment>) -> Self {
        at.map_or(Self::NEVER, |at| Self(at.number()))
    }

    #[inline]
    pub(crate) fn moment(self) -> Option<Moment> {
        (self != Self::NEVER && self != Self::OWED).then(|| Moment::new(self.0))
    }
}

/// Runs a process's code.
#[inline]
pub(super) fn enter<R>(cell: CellPtr<'_>, run: impl FnOnce() -> R) -> R {
    struct Leave(*const Cell);
    impl Drop for Leave {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _leave = Leave(CURRENT.replace(cell.as_ptr().as_ptr()));
    run()
}

/// Whether this process's code runs here: the caller has its turn.
#[inline]
pub(super) fn is_running(cell: NonNull<Cell>) -> bool {
    std::ptr::eq(CURRENT.try_with(std::cell::Cell::get).unwrap_or(null()), cell.as_ptr())
}

/// The running process.
#[inline]
pub(crate) fn with<R>(look: impl FnOnce(CellPtr<'_>) -> R) -> Option<R> {
    let cell = NonNull::new(CURRENT.get().cast_mut())?;
    // SAFETY: it is set only while `enter` runs, whose caller has the cell.
    Some(look(unsafe { CellPtr::new(cell) }))
}

/// The running process's node.
pub(crate) fn node() -> Option<Node> {
    with(|cell| cell.node().clone())
}

/// The deadline that calls made here inherit.
#[inline]
pub(crate) fn deadline() -> Option<Moment> {
    with(|cell| Deadline(cell.deadline.load(Ordering::Relaxed)).moment()).flatten()
}

/// Sets it for the message in hand.
#[inline]
pub(crate) fn set_deadline(deadline: Deadline) {
    with(|cell| cell.deadline.store(deadline.0, Ordering::Relaxed));
}

/// Whether this process's code runs here.
#[inline]
pub(crate) fn is_turn_of(cell: &Cell) -> bool {
    std::ptr::eq(CURRENT.get(), cell)
}

/// Whether this is the waker that the scheduler made for a process: then waking the process is the same.
#[inline]
pub(crate) fn is_waker_of(waker: &Waker, cell: &Cell) -> bool {
    std::ptr::eq(waker.data(), std::ptr::from_ref(cell).cast()) && std::ptr::eq(waker.vtable(), &raw const sched::WAKER)
}

/// Whether what runs here should let others run: by time in a process, by tokio's budget elsewhere.
#[inline]
pub(crate) fn is_turn_over() -> bool {
    sched::is_slice_over().unwrap_or_else(|| !tokio::task::coop::has_budget_remaining())
}

/// The time: at most a millisecond old in a process, exact elsewhere.
#[inline]
pub(crate) fn now() -> Moment {
    sched::now().unwrap_or_else(|| Moment::of(Instant::now()))
}

/// The time, as old as that of [`now`] may be, and whether the turn is over.
#[inline]
pub(crate) fn now_in_turn() -> (Instant, bool) {
    sched::now_in_slice().unwrap_or_else(|| (Instant::now(), is_turn_over()))
}

/// Lets others run first if the turn is over.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if yielded || !is_turn_over() {
            return std::task::Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

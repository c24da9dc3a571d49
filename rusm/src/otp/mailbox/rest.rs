//! What a mailbox has from when something first waits behind its first place: the queue, and the receiver's part.
//!
//! It is made under the lock and stays as long as the mailbox, so that a mailbox that never needed it has a word for it, and whoever has
//! seen it may keep the reference. The queue belongs to who has the lock, the batch to the receiver; see [`super`].

use super::Item;
use super::counted::Counted;
use crate::otp::pool::Pooled;
use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::mem::{MaybeUninit, offset_of};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering};

/// What senders write all the time is 64 bytes away from what the receiver does: on one cache line, a sender on another processor
/// would slow both down by half.
#[repr(C)]
pub(super) struct Rest<M> {
    /// Under the lock.
    pub(super) queue: UnsafeCell<Queue<M>>,
    /// Some of what the receiver has was taken back: it looks under the lock which; written under the lock.
    pub(super) has_flushed: AtomicBool,
    apart: MaybeUninit<[u64; 5]>,
    /// What the receiver has taken and not handed out.
    pub(super) batch: UnsafeCell<VecDeque<Item<M>>>,
    /// How many items the receiver has that were not handed out, for those who ask how many wait.
    pub(super) in_batch: AtomicUsize,
    /// How many of these are messages that it keeps elsewhere.
    pub(super) kept: AtomicUsize,
    /// How often it has looked for an item; here, because the process's word is what senders write.
    streak: AtomicU8,
}

impl<M> Rest<M> {
    /// Counts one look of the receiver: every `most`th time it is to look at the time, too.
    #[inline]
    pub(super) fn is_streak_over(&self, most: u8) -> bool {
        let streak = self.streak.load(Ordering::Relaxed) + 1;
        let is_over = streak >= most;
        self.streak.store(if is_over { 0 } else { streak }, Ordering::Relaxed);
        is_over
    }
}

#[repr(C)]
pub(super) struct Queue<M> {
    pub(super) items: VecDeque<Item<M>>,
    pub(super) counted: Option<Box<Counted<M>>>,
    /// Somebody has asked the receiver to end.
    pub(super) stop: bool,
}

impl<M> Queue<M> {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.counted.as_ref().is_none_or(|counted| counted.urgent.is_empty())
    }

    pub(super) fn make_counted(&mut self) -> &mut Counted<M> {
        self.counted.get_or_insert_default()
    }
}

/// The place of a [`Rest`], made on first use.
pub(super) struct Place<M>(AtomicPtr<Rest<M>>);

impl<M> Place<M> {
    pub(super) fn new(counted: Option<Box<Counted<M>>>) -> Self {
        let this = Self(AtomicPtr::new(null_mut()));
        if counted.is_some() {
            // SAFETY: nobody else has it yet.
            unsafe { (*this.make().queue.get()).counted = counted };
        }
        this
    }

    #[inline]
    pub(super) fn get(&self) -> Option<&Rest<M>> {
        // SAFETY: what is there was made by `make`, and stays until the drop.
        unsafe { self.0.load(Ordering::Acquire).as_ref() }
    }

    /// # Safety
    /// The caller has the mailbox's lock, or nobody else has the mailbox.
    #[inline]
    pub(super) unsafe fn make(&self) -> &Rest<M> {
        self.get().unwrap_or_else(|| self.fresh())
    }

    #[cold]
    fn fresh(&self) -> &Rest<M> {
        const { assert!(offset_of!(Rest<M>, batch) >= 64 + size_of::<VecDeque<Item<M>>>()) };
        let queue = Queue { items: VecDeque::new(), counted: None, stop: false };
        let rest = Pooled::new(Rest {
            queue: UnsafeCell::new(queue),
            has_flushed: AtomicBool::new(false),
            apart: MaybeUninit::uninit(),
            batch: UnsafeCell::default(),
            in_batch: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
            streak: AtomicU8::new(0),
        });
        let rest = rest.into_raw();
        self.0.store(rest.as_ptr(), Ordering::Release);
        // SAFETY: it was just made, and stays until the drop.
        unsafe { rest.as_ref() }
    }
}

impl<M> Drop for Place<M> {
    fn drop(&mut self) {
        if let Some(rest) = NonNull::new(*self.0.get_mut()) {
            // SAFETY: it is from `into_raw`, and nobody has it any more.
            drop(unsafe { Pooled::from_raw(rest) });
        }
    }
}

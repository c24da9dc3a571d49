//! The one who takes out of a mailbox.

use super::counted::{Flushed, Size, UNCOUNTED, size};
use super::{Item, KEEP, Mailbox, drop_all};
use crate::otp::cell::Typed;
use crate::otp::context::{self, Deadline};
use crate::otp::sched::state::Look;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

/// How often it looks for an item before it looks at the time.
const STREAK: u8 = 32;

/// The one who takes out of a mailbox.
pub(crate) struct Receiver<M> {
    pub(super) this: Typed<M>,
}

/// What comes next.
pub(crate) enum Next<M> {
    /// The message that was left in the first place.
    First,
    Item(Item<M>),
}

impl<M> Receiver<M> {
    /// The only one of this cell.
    pub(crate) fn new(this: Typed<M>) -> Self {
        Self { this }
    }

    #[inline]
    pub(crate) fn this(&self) -> &Typed<M> {
        &self.this
    }

    /// What it has taken and not handed out; None if it never took any.
    #[inline]
    pub(super) fn batch(&mut self) -> Option<&mut VecDeque<Item<M>>> {
        // SAFETY: there is one receiver of a mailbox, and it is borrowed as a whole.
        self.this.mailbox().rest.get().map(|rest| unsafe { &mut *rest.batch.get() })
    }

    /// Whether others should get a turn first; if so, it wakes itself again.
    #[inline]
    pub(crate) fn yields(&mut self, cx: &mut Context<'_>) -> bool {
        let is_streak_over = match self.this.mailbox().rest.get() {
            Some(rest) => rest.is_streak_over(STREAK),
            None => self.this.cell().state.is_streak_over(STREAK),
        };
        if !is_streak_over {
            return false;
        }
        let over = context::is_turn_over();
        if over {
            cx.waker().wake_by_ref();
        }
        over
    }

    /// The next item in order. Cancel safe: an item is taken only when it is returned.
    pub(crate) async fn next(&mut self) -> Item<M> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next item in order; a process that always finds one still lets others run.
    #[inline]
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Item<M>> {
        if self.yields(cx) {
            return Poll::Pending;
        }
        self.poll_pop(cx, true).map(|(item, _)| item)
    }

    /// The next item in order; it goes on being counted until its size is released.
    #[inline]
    pub(crate) fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<(Item<M>, Size)> {
        self.poll_pop(cx, false)
    }

    /// [`poll_next`](Self::poll_next), but that a message in the first place is left there, for [`take_left`](Self::take_left) in the
    /// same turn: what is given out of a future is moved twice.
    #[inline]
    pub(crate) fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<Next<M>> {
        if self.yields(cx) {
            return Poll::Pending;
        }
        if self.has_first(cx) {
            return Poll::Ready(Next::First);
        }
        self.poll_pop(cx, true).map(|(item, _)| Next::Item(item))
    }

    /// The message that was left in the first place, and its deadline.
    ///
    /// # Panics
    /// If none was, in this turn.
    #[inline]
    pub(crate) fn take_left(&mut self) -> (M, Deadline) {
        let cell = self.this.cell();
        assert!(context::is_turn_of(cell) && cell.state.look() == Look::First, "a message is in the first place");
        // SAFETY: it is full, and this is the receiver, in its process's turn.
        unsafe { self.this.mailbox().take_first(&cell.state) }
    }

    /// A message that waits in the first place with nothing older: the common case, in the fewest moves.
    #[inline]
    pub(crate) fn take_first(&mut self, cx: &Context<'_>) -> Option<M> {
        // SAFETY: it is full, and this is the receiver, in its process's turn.
        self.has_first(cx).then(|| unsafe { self.this.mailbox().take_first(&self.this.cell().state).0 })
    }

    /// Whether a message waits in the first place with nothing older, in a turn of its process.
    #[inline]
    fn has_first(&mut self, cx: &Context<'_>) -> bool {
        self.batch().is_none_or(|batch| batch.is_empty())
            && self.is_in_turn(cx)
            && self.this.cell().state.look() == Look::First
    }

    #[inline]
    pub(super) fn poll_pop(&mut self, cx: &mut Context<'_>, release: bool) -> Poll<(Item<M>, Size)> {
        loop {
            if let Some(item) = self.pop_batch() {
                return Poll::Ready((item, UNCOUNTED));
            }
            let look = if self.is_in_turn(cx) { self.this.cell().state.look() } else { Look::Locked };
            match look {
                Look::First => {
                    // SAFETY: it is full, and this is the receiver, in its process's turn.
                    let (message, deadline) = unsafe { self.this.mailbox().take_first(&self.this.cell().state) };
                    return Poll::Ready((Item::Local(message, deadline), UNCOUNTED));
                }
                // What a burst has left behind is given back under the lock.
                Look::Nothing if self.batch().is_none_or(|batch| batch.capacity() <= KEEP) => {
                    self.this.cell().state.wait_for_mail();
                    return Poll::Pending;
                }
                Look::Nothing | Look::Locked => match self.refill(cx, release) {
                    Refill::Batch => {}
                    Refill::One(item, senders) => {
                        senders.into_iter().for_each(Waker::wake);
                        let size = if release { UNCOUNTED } else { size(&item) };
                        return Poll::Ready((item, size));
                    }
                    Refill::Parked => return Poll::Pending,
                },
            }
        }
    }

    /// Whether this is a turn of its process, and to wake the process is what the waker does.
    #[inline]
    fn is_in_turn(&self, cx: &Context<'_>) -> bool {
        let cell = self.this.cell();
        context::is_turn_of(cell) && context::is_waker_of(cx.waker(), cell)
    }

    #[inline]
    fn pop_batch(&mut self) -> Option<Item<M>> {
        loop {
            let rest = self.this.mailbox().rest.get()?;
            // SAFETY: there is one receiver of a mailbox, and it is borrowed as a whole.
            let batch = unsafe { &mut *rest.batch.get() };
            let item = batch.pop_front()?;
            rest.in_batch.store(batch.len() + rest.kept.load(Ordering::Relaxed), Ordering::Relaxed);
            if matches!(item, Item::Other(_)) && self.was_flushed(&item) {
                continue;
            }
            return Some(item);
        }
    }

    /// Whether a signal in the batch was taken back since.
    #[cold]
    fn was_flushed(&self, item: &Item<M>) -> bool {
        let Item::Other(other) = item else { return false };
        if !self.this.mailbox().rest.get().is_some_and(|rest| rest.has_flushed.load(Ordering::Acquire)) {
            return false;
        }
        let Some(sign) = Flushed::of(other) else { return false };
        let open = self.this.mailbox().open(self.this.cell().ptr());
        open.counted().is_some_and(|counted| counted.flushed.contains(&sign))
    }

    /// Takes what waits, or leaves word for when something comes: one step under the lock.
    fn refill(&mut self, cx: &mut Context<'_>, release: bool) -> Refill<M> {
        let in_turn = self.is_in_turn(cx);
        // Before the lock: a waker's code is foreign.
        let mut waker = (!in_turn).then(|| cx.waker().clone());
        let cell = self.this.cell();
        let mailbox = self.this.mailbox();
        let mut open = mailbox.open(cell.ptr());
        // Whoever received for it before does not any more.
        let mut other = None;
        let mut counts = false;
        if let Some(counted) = open.counted_mut() {
            counted.flushed.clear();
            other = counted.receiver.take();
            counts = counted.counts;
            if let Some(rest) = mailbox.rest.get() {
                rest.has_flushed.store(false, Ordering::Relaxed);
            }
        }
        let urgent = open.counted_mut().and_then(|counted| counted.urgent.pop_front());
        let refill = if let Some(item) = urgent.or_else(|| open.take_first()) {
            Some(Refill::One(item, VecDeque::new()))
        } else if counts {
            let item = open.queue_mut().and_then(|queue| queue.items.pop_front());
            item.map(|item| Refill::One(item, VecDeque::new()))
        } else if let Some(rest) = mailbox.rest.get()
            && open.waiting() > 0
        {
            // SAFETY: there is one receiver of a mailbox, and it is borrowed as a whole.
            let batch = unsafe { &mut *rest.batch.get() };
            std::mem::swap(&mut open.make_queue().items, batch);
            rest.in_batch.store(batch.len() + rest.kept.load(Ordering::Relaxed), Ordering::Relaxed);
            Some(Refill::Batch)
        } else {
            None
        };
        let refill = match refill {
            Some(Refill::One(item, _)) if counts && release => {
                let senders = open.counted_mut().map(|counted| counted.release(size(&item)));
                Refill::One(item, senders.unwrap_or_default())
            }
            Some(refill) => refill,
            None => {
                if let Some(queue) = open.queue_mut().filter(|queue| queue.items.capacity() > KEEP) {
                    queue.items = VecDeque::new();
                }
                // Its process has ended: there is no more mail, and a waker kept here might keep its task, which keeps this.
                if !open.state.is_closed() {
                    match waker.take() {
                        Some(waker) => open.make_queue().make_counted().receiver = Some(waker),
                        None => cell.state.wait_for_mail(),
                    }
                }
                Refill::Parked
            }
        };
        open.settle();
        drop(open);
        drop((other, waker));
        // What a burst has left behind is given back while nothing waits.
        if matches!(refill, Refill::Parked)
            && let Some(batch) = self.batch().filter(|batch| batch.capacity() > KEEP)
        {
            *batch = VecDeque::new();
        }
        refill
    }

    /// Whether the process was asked to end.
    pub(crate) fn is_stop_asked(&self) -> bool {
        // The request waits like all else until it is taken.
        if self.this.cell().state.look() == Look::Nothing && self.this.mailbox().in_batch() == 0 {
            return false;
        }
        self.this.mailbox().open(self.this.cell().ptr()).queue().is_some_and(|queue| queue.stop)
    }

    /// Waits until the process is asked to end; the request stays in its place in the queue.
    pub(crate) async fn stop_asked(&self) {
        std::future::poll_fn(|cx| {
            let waker = (!self.is_in_turn(cx)).then(|| cx.waker().clone());
            let mut open = self.this.mailbox().open(self.this.cell().ptr());
            if open.queue().is_some_and(|queue| queue.stop) {
                return Poll::Ready(());
            }
            // What waits already is no reason to look again; what comes is.
            let other = match waker {
                None => {
                    open.state.want();
                    open.counted_mut().and_then(|counted| counted.receiver.take())
                }
                Some(waker) if !open.state.is_closed() => open.make_queue().make_counted().receiver.replace(waker),
                closed => closed,
            };
            open.settle();
            drop(open);
            drop(other);
            Poll::Pending
        })
        .await;
    }

    /// An item that was taken waits no more.
    #[inline]
    pub(crate) fn release(&self, size: Size) {
        if size == UNCOUNTED {
            return;
        }
        let senders = {
            let mut open = self.this.mailbox().open(self.this.cell().ptr());
            open.counted_mut().map(|counted| counted.release(size)).unwrap_or_default()
        };
        senders.into_iter().for_each(Waker::wake);
    }

    /// An item that was released waits again, elsewhere.
    pub(crate) fn hold(&self, (is_message, bytes): Size) {
        if (is_message, bytes) == UNCOUNTED {
            return;
        }
        let mut open = self.this.mailbox().open(self.this.cell().ptr());
        if let Some(counted) = open.counted_mut() {
            counted.messages += usize::from(is_message);
            counted.bytes += bytes;
        }
    }

    /// Tells those who ask how many wait that so many are kept elsewhere.
    #[inline]
    pub(crate) fn keep(&mut self, messages: usize) {
        let mailbox = self.this.mailbox();
        let rest = match mailbox.rest.get() {
            Some(rest) => rest,
            None if messages == 0 => return,
            None => mailbox.make_rest(self.this.cell().ptr()),
        };
        // Nobody else writes them.
        let before = rest.kept.load(Ordering::Relaxed);
        if messages != before {
            rest.kept.store(messages, Ordering::Relaxed);
            let others = rest.in_batch.load(Ordering::Relaxed).saturating_sub(before);
            rest.in_batch.store(others + messages, Ordering::Relaxed);
        }
    }

    /// How many items of all kinds can be taken now.
    pub(crate) fn queued(&self) -> usize {
        let mailbox: &Mailbox<M> = self.this.mailbox();
        if self.this.cell().state.look() == Look::Nothing {
            return mailbox.taken();
        }
        let open = mailbox.open(self.this.cell().ptr());
        let urgent = open.counted().map_or(0, |counted| counted.urgent.len());
        let taken = mailbox.taken();
        taken + urgent + usize::from(open.state.has_first()) + open.waiting()
    }
}

/// What is still in the batch goes with its receiver, as what is in the queue goes with the process.
impl<M> Drop for Receiver<M> {
    fn drop(&mut self) {
        let Some(unread) = self.batch().map(std::mem::take) else { return };
        if let Some(rest) = self.this.mailbox().rest.get() {
            // For `close`, which counts what is lost.
            let messages = unread.iter().filter(|item| size(item).0).count();
            rest.in_batch.store(messages + rest.kept.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        if let Some(reason) = drop_all(unread) {
            tracing::error!(target: "rusm::crash", %reason, "a message panicked while it was dropped");
        }
    }
}

impl<M> fmt::Debug for Receiver<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receiver").field(&self.this).finish()
    }
}

enum Refill<M> {
    Batch,
    One(Item<M>, VecDeque<Waker>),
    Parked,
}

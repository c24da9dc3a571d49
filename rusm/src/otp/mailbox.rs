//! The queue of one process: user messages and system signals in one order.
//!
//! Nothing is allocated until a second item waits: a message that finds nothing waiting goes into the mailbox's first place, which
//! lies in the process's own allocation; all else is the [`rest`]. Senders push under the lock in the process's word ([`State`]), which also says whether the
//! push has to wake the process. The one receiver takes from the first place without the lock, and all that waits behind it with one
//! swap of two queues, which it works off alone.
//!
//! A mailbox that counts (a bound, messages in bytes, priority messages) or whose receiver is polled by something else than its
//! process is slow: each item is taken under the lock, so that bounds are exact whoever sends and receives at the same time.
//!
//! System signals have no bound and are never shed, but of several requests to end only the first is kept: the receiver
//! ends with it. Messages in bytes come from components, which must not fill the host's memory: they are refused once
//! [`MAX_BYTES`] of them wait.
//!
//! # Order
//! Older items are in the receiver's batch, then in the first place, then in the queue: the first place is filled only while
//! nothing waits there or in the queue, and the queue is swapped into the batch only when both batch and first place are empty.
//!
//! # Who may touch what
//! The queue, and the first place while it is free: under the lock. The first place while it is full, and the batch: the one
//! [`Receiver`]. The proof is [`State`]'s.

mod counted;
mod receiver;
mod rest;

pub(crate) use counted::Size;
pub(crate) use receiver::{Next, Receiver};

#[cfg(feature = "testing")]
mod faults;
#[cfg(not(feature = "testing"))]
#[path = "mailbox/no_faults.rs"]
mod faults;

use super::bound::{Bound, Overflow};
use super::cell::CellPtr;
use super::context::Deadline;
use super::moment::Moment;
use super::pool::Pooled;
use super::sched::state::{Locked, State};
use super::trace::Traced;
use super::undelivered::{Lost, Why};
use super::{Incoming, context, crash, sched};
use crate::wire::{Down, ExitReason, ExitSignal, MonitorRef, Pid};
use counted::{Counted, Flushed, size};
pub(crate) use faults::Observed;
#[cfg(feature = "testing")]
pub(crate) use faults::Rule;
use rest::{Place, Queue, Rest};
use std::cell::UnsafeCell;
use std::fmt;
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;
use std::task::Waker;

/// How many bytes of messages may wait in one mailbox, their places in the queue included.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// A queue that has grown beyond this is given back once it is empty.
const KEEP: usize = 64;

/// What waits in a mailbox.
#[derive(Debug)]
pub(crate) enum Item<M> {
    /// A message that was moved here, and when its sender stops waiting: see [`context::Deadline`].
    Local(M, context::Deadline),
    /// All that is rare, kept small for what is not.
    Other(Pooled<Other>),
}

#[derive(Debug)]
pub(crate) enum Other {
    /// A message in bytes.
    Wire(Incoming),
    /// A linked process ended.
    Exit(ExitSignal),
    /// A monitored process ended.
    Down(Down),
    /// The process is asked to end.
    Stop(ExitReason),
    /// A message that was moved here, with what its call carries; for actors alone.
    Traced(Traced),
}

/// A mailbox for messages of one type; its lock is in the process's word, so all that is done with it needs the cell that it is in.
#[repr(C)]
pub(crate) struct Mailbox<M> {
    rest: Place<M>,
    first: UnsafeCell<MaybeUninit<(M, context::Deadline)>>,
}

// SAFETY: the module's text says who has what; it is handed from thread to thread by the process's word.
unsafe impl<M: Send> Sync for Mailbox<M> {}

/// A mailbox that the caller has locked.
struct Open<'a, M> {
    mailbox: &'a Mailbox<M>,
    state: Locked<'a>,
}

impl<M> Open<'_, M> {
    /// If there is one.
    #[inline]
    fn queue(&self) -> Option<&Queue<M>> {
        // SAFETY: it is locked.
        self.mailbox.rest.get().map(|rest| unsafe { &*rest.queue.get() })
    }

    /// If there is one.
    #[inline]
    fn queue_mut(&mut self) -> Option<&mut Queue<M>> {
        // SAFETY: it is locked, and this is the one who did.
        self.mailbox.rest.get().map(|rest| unsafe { &mut *rest.queue.get() })
    }

    #[inline]
    fn make_queue(&mut self) -> &mut Queue<M> {
        // SAFETY: it is locked, and this is the one who did.
        unsafe { &mut *self.mailbox.rest.make().queue.get() }
    }

    #[inline]
    fn counted(&self) -> Option<&Counted<M>> {
        self.queue()?.counted.as_deref()
    }

    #[inline]
    fn counted_mut(&mut self) -> Option<&mut Counted<M>> {
        self.queue_mut()?.counted.as_deref_mut()
    }

    /// How many items wait, but for what is urgent and what is in the first place.
    fn waiting(&self) -> usize {
        self.queue().map_or(0, |queue| queue.items.len())
    }

    /// Takes what is in the first place, if something is.
    fn take_first(&mut self) -> Option<Item<M>> {
        if !self.state.has_first() {
            return None;
        }
        // SAFETY: it is full, and the caller is the receiver, or ends the process when no receiver takes any more.
        let (message, deadline) = unsafe { self.mailbox.take_first(self.state.of()) };
        Some(Item::Local(message, deadline))
    }

    /// Whom a push has to wake.
    fn unpark(&mut self) -> Option<Wake> {
        if let Some(counted) = self.counted_mut()
            && let Some(receiver) = counted.receiver.take()
        {
            let is_slow = counted.is_slow();
            self.state.set_slow(is_slow);
            return Some(Wake::Other(receiver));
        }
        self.state.wake().then_some(Wake::Process)
    }

    /// After `counted` or what waits has changed.
    fn settle(&mut self) {
        let is_slow = self.counted().is_some_and(Counted::is_slow);
        let more = self.queue().is_some_and(|queue| !queue.is_empty());
        self.state.set_slow(is_slow);
        self.state.set_more(more);
    }
}

/// Why a message did not get in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PushError {
    /// The process has ended.
    Closed,
    /// There is no room, and this is what the process wants done about it.
    Full(Overflow),
}

/// Whom a push has to wake; the caller may do so once it holds no lock.
#[derive(Debug)]
#[must_use = "who is not woken does not read"]
pub(crate) enum Wake {
    /// The process that the mailbox is of: it is busy already, and to be put into a queue.
    Process,
    /// Somebody who receives for it.
    Other(Waker),
}

impl Wake {
    pub(crate) fn wake(self, cell: CellPtr<'_>) {
        match self {
            Self::Process => sched::enqueue(cell),
            Self::Other(waker) => waker.wake(),
        }
    }
}

/// How a push went: whom to wake, and what had to make room.
type Pushed<M> = Result<(Option<Wake>, Option<Item<M>>), (Item<M>, PushError)>;

impl<M> Mailbox<M> {
    pub(crate) fn new(bound: Option<Bound>) -> Self {
        let counted = bound.map(|bound| Box::new(Counted::bounded(bound)));
        Self { first: UnsafeCell::new(MaybeUninit::uninit()), rest: Place::new(counted) }
    }

    /// Whether it is used under the lock only, from its beginning.
    pub(crate) fn is_slow(&mut self) -> bool {
        self.rest.get().is_some()
    }

    /// How many items the receiver has that were not handed out.
    #[inline]
    fn in_batch(&self) -> usize {
        self.rest.get().map_or(0, |rest| rest.in_batch.load(Ordering::Relaxed))
    }

    #[inline]
    fn open<'a>(&'a self, cell: CellPtr<'a>) -> Open<'a, M> {
        debug_assert!(cell.is_home_of(self), "a mailbox of another process");
        Open { mailbox: self, state: cell.state_ref().lock() }
    }

    /// Those of them that can be taken now.
    fn taken(&self) -> usize {
        self.rest.get().map_or(0, |rest| {
            let (taken, kept) = (rest.in_batch.load(Ordering::Relaxed), rest.kept.load(Ordering::Relaxed));
            taken.saturating_sub(kept)
        })
    }

    /// What is behind the first place, made if there is nothing yet.
    #[cold]
    fn make_rest(&self, cell: CellPtr<'_>) -> &Rest<M> {
        let _open = self.open(cell);
        // SAFETY: it is locked.
        unsafe { self.rest.make() }
    }

    /// # Safety
    /// The first place is full, and the caller's to take from.
    #[inline]
    unsafe fn take_first(&self, state: &State) -> (M, context::Deadline) {
        // SAFETY: as the caller says.
        let first = unsafe { (*self.first.get()).assume_init_read() };
        state.took_first();
        first
    }
}

impl<M: Send + 'static> Mailbox<M> {
    /// Queues a message for the process `cell`, and wakes it. `sender` is woken when there is room again, if there is none now
    /// and the process wants its senders to wait.
    #[cold]
    pub(crate) fn push(
        &self,
        cell: CellPtr<'_>,
        item: Item<M>,
        urgent: bool,
        sender: Option<&Waker>,
    ) -> Result<(), (Item<M>, PushError)> {
        match self.pass(cell, item, urgent) {
            Some(item) => self.push_now(cell, item, urgent, sender),
            None => Ok(()),
        }
    }

    #[inline]
    fn push_now(
        &self,
        cell: CellPtr<'_>,
        item: Item<M>,
        urgent: bool,
        sender: Option<&Waker>,
    ) -> Result<(), (Item<M>, PushError)> {
        // Before the lock: a waker's code is foreign.
        let sender = sender.cloned();
        let (wake, lost) = self.put(cell, item, urgent, sender)?;
        if let Some(wake) = wake {
            wake.wake(cell);
        }
        if let Some(lost) = lost {
            shed(cell, lost);
        }
        Ok(())
    }

    /// Queues an item. What does not fit comes back: dropping a reply wakes its caller, which must not happen under
    /// the lock.
    fn put(&self, cell: CellPtr<'_>, item: Item<M>, urgent: bool, mut sender: Option<Waker>) -> Pushed<M> {
        let mut open = self.open(cell);
        if open.state.is_closed() {
            return Err((item, PushError::Closed));
        }
        let mut lost = None;
        let wire = matches!(&item, Item::Other(other) if matches!(**other, Other::Wire(_)));
        if wire || urgent || open.counted().is_some_and(|counted| counted.counts) {
            let Queue { items, counted, .. } = open.make_queue();
            let counted = counted.get_or_insert_default();
            let room = counted.make_room(items, &item);
            if let (Err(PushError::Full(Overflow::Block)), Some(sender)) = (&room, sender.take()) {
                counted.wait(sender);
            }
            open.settle();
            match room {
                Ok(old) => lost = old,
                Err(error) => return Err((item, error)),
            }
        }
        let queue = open.make_queue();
        match (urgent, &mut queue.counted) {
            (true, Some(counted)) => counted.urgent.push_back(item),
            _ => queue.items.push_back(item),
        }
        open.state.set_more(true);
        let wake = open.unpark();
        drop(open);
        Ok((wake, lost))
    }

    /// Lets senders put messages ahead of the others from now on.
    pub(crate) fn allow_urgent(&self, cell: CellPtr<'_>) {
        let mut open = self.open(cell);
        open.make_queue().make_counted().counts = true;
        open.settle();
    }
}

/// A message that a full mailbox let go.
#[cold]
fn shed<M>(cell: CellPtr<'_>, item: Item<M>) {
    // Dropping it answers its caller.
    if let Err(panic) = crash::guard(|| drop(item)) {
        tracing::error!(target: "rusm::crash", reason = %panic.reason, "a message panicked while it was dropped");
    }
    cell.node().lost(cell, Lost { why: Why::Full, messages: 1 });
}

/// Drops items one by one: a second panic while the first one unwinds would abort. The first panic comes back.
fn drop_all<M>(items: impl IntoIterator<Item = Item<M>>) -> Option<ExitReason> {
    let panics = items.into_iter().map(|item| crash::guard(|| drop(item)).err());
    panics.fold(None, |first, panic| first.or(panic.map(|crash| crash.reason)))
}

/// What the core does with the mailbox of `cell` without knowing its messages.
pub(crate) trait AnyMailbox: Observed + Send + Sync {
    fn push_wire(&self, cell: CellPtr<'_>, message: Incoming) -> Result<(), PushError>;
    /// Gives back whom to wake, so that the caller may hold a lock.
    fn push_exit(&self, cell: CellPtr<'_>, exit: ExitSignal) -> Option<Wake>;
    /// Gives back whom to wake, so that the caller may hold a lock.
    fn push_down(&self, cell: CellPtr<'_>, down: Down) -> Option<Wake>;
    fn push_stop(&self, cell: CellPtr<'_>, reason: ExitReason) -> Option<Wake>;
    /// Takes an exit signal away that was not read.
    fn flush_exit(&self, cell: CellPtr<'_>, from: Pid);
    /// Takes a down away that was not read.
    fn flush_down(&self, cell: CellPtr<'_>, monitor: MonitorRef);
    /// Refuses everything from now on and drops what waits: how many messages that were, and the panic of one's drop.
    /// In two words, which are given back in registers.
    fn close(&self, cell: CellPtr<'_>) -> (usize, Option<Box<ExitReason>>);
    /// How many messages wait.
    fn depth(&self, cell: CellPtr<'_>) -> usize;
    /// How many did not get in because it was full, or were shed for others.
    fn shed(&self, cell: CellPtr<'_>) -> u64;
    /// How many bytes its queue takes, roughly: places in it, and messages in bytes.
    fn size(&self, cell: CellPtr<'_>) -> usize;
}

impl<M: Send + 'static> Mailbox<M> {
    fn push_signal(&self, cell: CellPtr<'_>, signal: Other) -> Option<Wake> {
        let item = self.pass(cell, Item::Other(Pooled::new(signal)), false)?;
        self.put(cell, item, false, None).ok().and_then(|(wake, _)| wake)
    }

    fn flush(&self, cell: CellPtr<'_>, sign: Flushed) {
        self.forget(cell, sign);
        let mut open = self.open(cell);
        if let Some(queue) = open.queue_mut() {
            queue.items.retain(|item| !matches!(item, Item::Other(other) if Flushed::of(other) == Some(sign)));
        }
        // The batch belongs to the receiver: it is told what to pass over.
        if let Some(rest) = self.rest.get().filter(|rest| rest.in_batch.load(Ordering::Relaxed) > 0) {
            let flushed = &mut open.make_queue().make_counted().flushed;
            if !flushed.contains(&sign) {
                flushed.push(sign);
            }
            rest.has_flushed.store(true, Ordering::Release);
        }
        open.settle();
    }
}

impl<M: Send + 'static> AnyMailbox for Mailbox<M> {
    fn push_wire(&self, cell: CellPtr<'_>, message: Incoming) -> Result<(), PushError> {
        self.push(cell, Item::Other(Pooled::new(Other::Wire(message))), false, None).map_err(|(_, error)| error)
    }

    fn push_exit(&self, cell: CellPtr<'_>, exit: ExitSignal) -> Option<Wake> {
        self.push_signal(cell, Other::Exit(exit))
    }

    fn push_down(&self, cell: CellPtr<'_>, down: Down) -> Option<Wake> {
        self.push_signal(cell, Other::Down(down))
    }

    fn push_stop(&self, cell: CellPtr<'_>, reason: ExitReason) -> Option<Wake> {
        // Before the lock: memory may have to be waited for.
        let item = Item::Other(Pooled::new(Other::Stop(reason)));
        let mut open = self.open(cell);
        if open.state.is_closed() || open.queue().is_some_and(|queue| queue.stop) {
            drop(open);
            drop(item);
            return None;
        }
        let queue = open.make_queue();
        queue.stop = true;
        queue.items.push_back(item);
        open.state.set_more(true);
        open.unpark()
    }

    fn flush_exit(&self, cell: CellPtr<'_>, from: Pid) {
        self.flush(cell, Flushed::Exit(from));
    }

    fn flush_down(&self, cell: CellPtr<'_>, monitor: MonitorRef) {
        self.flush(cell, Flushed::Down(monitor));
    }

    fn close(&self, cell: CellPtr<'_>) -> (usize, Option<Box<ExitReason>>) {
        let (first, left) = {
            let mut open = self.open(cell);
            open.state.close();
            let first = open.take_first();
            let left = open.queue_mut().map(|queue| (std::mem::take(&mut queue.items), queue.counted.take()));
            open.settle();
            (first, left)
        };
        if first.is_none() && left.is_none() {
            return (0, None);
        }
        let taken = self.rest.get().map_or(0, |rest| rest.in_batch.swap(0, Ordering::Relaxed));
        let (mut unread, counted) = left.unwrap_or_default();
        if let Some(counted) = counted {
            unread.extend(counted.urgent);
            unread.extend(counted.faults.close());
            let (senders, receiver) = (counted.senders, counted.receiver);
            for sender in senders {
                let _ = crash::guard(|| sender.wake());
            }
            let _ = crash::guard(|| drop(receiver));
        }
        let messages = first.iter().chain(&unread).filter(|item| size(item).0).count();
        (messages + taken, drop_all(first.into_iter().chain(unread)).map(Box::new))
    }

    fn depth(&self, cell: CellPtr<'_>) -> usize {
        let open = self.open(cell);
        let first = usize::from(open.state.has_first());
        match open.counted() {
            Some(counted) if counted.bound.is_some() => counted.messages,
            counted => {
                let urgent = counted.map_or(0, |counted| counted.urgent.len());
                first + open.waiting() + urgent + self.in_batch()
            }
        }
    }

    fn shed(&self, cell: CellPtr<'_>) -> u64 {
        self.open(cell).counted().map_or(0, |counted| counted.shed)
    }

    fn size(&self, cell: CellPtr<'_>) -> usize {
        let open = self.open(cell);
        let bytes = open.counted().map_or(0, |counted| counted.bytes);
        let places = open.queue().map_or(0, |queue| queue.items.capacity());
        bytes + (places + self.in_batch()) * size_of::<Item<M>>()
    }
}

impl<M> fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

/// Puts a message that was moved into the mailbox of its process; one that does not get in comes back.
#[inline]
pub(crate) fn deliver<M: Send + 'static>(
    to: CellPtr<'_>,
    mailbox: &Mailbox<M>,
    message: M,
    deadline: Option<Moment>,
    urgent: bool,
    sender: Option<&Waker>,
) -> Result<(), (M, PushError)> {
    deliver_at(to, mailbox, message, Deadline::new(deadline), urgent, sender)
}

/// [`deliver`], with what is known of the deadline.
#[inline]
pub(crate) fn deliver_at<M: Send + 'static>(
    to: CellPtr<'_>,
    mailbox: &Mailbox<M>,
    message: M,
    deadline: Deadline,
    urgent: bool,
    sender: Option<&Waker>,
) -> Result<(), (M, PushError)> {
    let mut open = mailbox.open(to);
    // The common case by itself: the message is moved once.
    if !urgent && open.state.is_plain() {
        if open.state.is_free() {
            // SAFETY: it is locked, and the first place is free.
            unsafe { (*mailbox.first.get()).write((message, deadline)) };
            open.state.filled_first();
        } else {
            open.make_queue().items.push_back(Item::Local(message, deadline));
            open.state.set_more(true);
        }
        let wakes = open.state.wake();
        drop(open);
        if wakes {
            sched::enqueue(to);
        }
        return Ok(());
    }
    drop(open);
    let item = Item::Local(message, deadline);
    match mailbox.push(to, item, urgent, sender) {
        Err((Item::Local(message, _), error)) => Err((message, error)),
        // What comes back is what was pushed.
        Ok(()) | Err((Item::Other(_), _)) => Ok(()),
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests;

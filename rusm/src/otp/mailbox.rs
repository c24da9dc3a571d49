//! The queue of one process: user messages and system signals in one order.
//!
//! Nothing is allocated until the first item. Senders push under a short lock; the one receiver takes all that waits
//! with one swap of two queues and works it off alone. The lock also holds whether the receiver is parked, so pushing
//! and knowing whether to wake it is one step, and only a push that finds it parked does. Who takes all that waits is parked from
//! then on, so that to work it off and to wait again, within one turn, takes the lock once.
//!
//! A mailbox that counts (a bound, messages in bytes, priority messages) gives up the swap: each item is taken under the lock,
//! so that bounds are exact whoever sends and receives at the same time.
//!
//! System signals have no bound and are never shed, but of several requests to end only the first is kept: the receiver
//! ends with it. Messages in bytes come from components, which must not fill the host's memory: they are refused once
//! [`MAX_BYTES`] of them wait.
//!
//! # Who may touch what
//! `queue`: under its lock. `batch`: the one [`Receiver`].

#[cfg(feature = "testing")]
mod faults;
#[cfg(not(feature = "testing"))]
#[path = "mailbox/no_faults.rs"]
mod faults;

use super::bound::{Bound, Overflow};
use super::cell::{CellPtr, Typed};
use super::spin::{Locked, Spin};
use super::undelivered::{Lost, Why};
use super::{Incoming, Instant, context, crash};
use crate::wire::{Down, ExitReason, ExitSignal, MonitorRef, Pid};
use faults::Faults;
pub(crate) use faults::Observed;
#[cfg(feature = "testing")]
pub(crate) use faults::Rule;
use std::cell::UnsafeCell;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

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
    Other(Box<Other>),
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
}

/// Boxed, so that a mailbox that was never used has a word for it, and a swap moves one.
#[allow(clippy::box_collection, reason = "as said")]
type Items<M> = Box<VecDeque<Item<M>>>;

/// A mailbox for messages of one type.
pub(crate) struct Mailbox<M> {
    queue: Spin<Queue<M>>,
    batch: UnsafeCell<Option<Items<M>>>,
    /// How many items the receiver has that were not handed out, for those who ask how many wait.
    in_batch: AtomicUsize,
}

// SAFETY: what is not behind the lock belongs to the one receiver.
unsafe impl<M: Send> Sync for Mailbox<M> {}

struct Queue<M> {
    items: Option<Items<M>>,
    counted: Option<Box<Counted<M>>>,
    parked: bool,
    /// Somebody has asked the receiver to end.
    stop: bool,
    closed: bool,
}

/// What a mailbox has that few have.
struct Counted<M> {
    /// Items are taken one by one.
    counts: bool,
    bound: Option<Bound>,
    messages: usize,
    bytes: usize,
    shed: u64,
    /// Taken before everything else.
    urgent: VecDeque<Item<M>>,
    /// Senders that wait for room.
    senders: VecDeque<Waker>,
    /// A receiver that something else than its own process polls.
    receiver: Option<Waker>,
    /// Signals that were taken back while they may have been in the receiver's batch.
    flushed: Vec<Flushed>,
    faults: Faults<M>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flushed {
    Exit(Pid),
    Down(MonitorRef),
}

impl<M> Default for Counted<M> {
    fn default() -> Self {
        let (counts, bound, messages, bytes, shed) = Default::default();
        let (urgent, senders, receiver, flushed, faults) = Default::default();
        Self { counts, bound, messages, bytes, shed, urgent, senders, receiver, flushed, faults }
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

/// Whom a push has to wake.
#[derive(Debug)]
pub(crate) enum Wake {
    /// The process that the mailbox is of.
    Process,
    /// Somebody who receives for it.
    Other(Waker),
}

impl Wake {
    pub(crate) fn wake(self, cell: CellPtr<'_>) {
        match self {
            Self::Process => cell.wake(),
            Self::Other(waker) => waker.wake(),
        }
    }
}

/// How a push went: whom to wake, and what had to make room.
type Pushed<M> = Result<(Option<Wake>, Option<Item<M>>), (Item<M>, PushError)>;

impl<M: Send + 'static> Mailbox<M> {
    pub(crate) fn new(bound: Option<Bound>) -> Self {
        let counted = bound.map(|bound| Box::new(Counted { counts: true, bound: Some(bound), ..Counted::default() }));
        let queue = Queue { items: None, counted, parked: false, stop: false, closed: false };
        Self { queue: Spin::new(queue), batch: UnsafeCell::new(None), in_batch: AtomicUsize::new(0) }
    }

    /// Queues a message for the process `cell`, and wakes it. `sender` is woken when there is room again, if there is none now
    /// and the process wants its senders to wait.
    #[inline]
    pub(crate) fn push(
        &self,
        cell: CellPtr<'_>,
        item: Item<M>,
        urgent: bool,
        sender: Option<&Waker>,
    ) -> Result<(), (Item<M>, PushError)> {
        match self.pass(item, urgent) {
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
        let (wake, lost) = self.put(item, urgent, sender)?;
        match wake {
            None => {}
            Some(Wake::Process) => cell.wake(),
            Some(Wake::Other(waker)) => waker.wake(),
        }
        if let Some(lost) = lost {
            shed(cell, lost);
        }
        Ok(())
    }

    /// Queues an item. What does not fit comes back: dropping a reply wakes its caller, which must not happen under
    /// the lock.
    #[inline]
    fn put(&self, item: Item<M>, urgent: bool, sender: Option<&Waker>) -> Pushed<M> {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Err((item, PushError::Closed));
        }
        let mut lost = None;
        let wire = matches!(&item, Item::Other(other) if matches!(**other, Other::Wire(_)));
        if wire || urgent || queue.counts() {
            match queue.make_room(&item) {
                Ok(old) => lost = old,
                Err(error) => {
                    if let (PushError::Full(Overflow::Block), Some(sender)) = (&error, sender) {
                        queue.wait(sender);
                    }
                    return Err((item, error));
                }
            }
        }
        match (urgent, &mut queue.counted) {
            (true, Some(counted)) => counted.urgent.push_back(item),
            _ => queue.items.get_or_insert_default().push_back(item),
        }
        Ok((queue.unpark(), lost))
    }

    /// Lets senders put messages ahead of the others from now on.
    pub(crate) fn allow_urgent(&self) {
        self.queue.lock().counted().counts = true;
    }

    /// How many messages were shed or refused because the mailbox was full.
    pub(crate) fn shed(&self) -> u64 {
        self.queue.lock().counted.as_ref().map_or(0, |counted| counted.shed)
    }
}

impl<M> Queue<M> {
    fn counted(&mut self) -> &mut Counted<M> {
        self.counted.get_or_insert_default()
    }

    #[inline]
    fn counts(&self) -> bool {
        self.counted.as_ref().is_some_and(|counted| counted.counts)
    }

    #[inline]
    fn unpark(&mut self) -> Option<Wake> {
        if !self.parked {
            return None;
        }
        self.parked = false;
        let other = self.counted.as_mut().and_then(|counted| counted.receiver.take());
        Some(other.map_or(Wake::Process, Wake::Other))
    }

    /// Leaves word for when there is room.
    fn wait(&mut self, sender: &Waker) {
        let counted = self.counted();
        // It has not been refused for good.
        counted.shed = counted.shed.saturating_sub(1);
        if !counted.senders.iter().any(|waiting| waiting.will_wake(sender)) {
            counted.senders.push_back(sender.clone());
        }
    }

    /// Counts an item that is to be queued; gives back an older one that had to go for it.
    fn make_room(&mut self, item: &Item<M>) -> Result<Option<Item<M>>, PushError> {
        let (is_message, bytes) = size(item);
        let Self { items, counted, .. } = self;
        let counted = counted.get_or_insert_default();
        counted.counts = true;
        let mut lost = None;
        if is_message {
            let full = counted.bound.as_ref().is_some_and(|bound| counted.messages >= bound.messages);
            if counted.bytes.saturating_add(bytes) > MAX_BYTES {
                counted.shed += 1;
                return Err(PushError::Full(Overflow::Reject));
            }
            if full {
                counted.shed += 1;
                let overflow = counted.bound.map_or(Overflow::Reject, |bound| match bound.overflow {
                    // There will never be room to wait for.
                    Overflow::Block if bound.messages == 0 => Overflow::Reject,
                    overflow => overflow,
                });
                let oldest = match (overflow, items.as_mut()) {
                    (Overflow::DropOld, Some(items)) => {
                        let oldest = items.iter().position(|item| size(item).0);
                        oldest.and_then(|oldest| items.remove(oldest))
                    }
                    _ => None,
                };
                let Some(oldest) = oldest else { return Err(PushError::Full(overflow)) };
                let (_, bytes) = size(&oldest);
                counted.messages -= 1;
                counted.bytes -= bytes;
                lost = Some(oldest);
            }
        }
        counted.messages += usize::from(is_message);
        counted.bytes += bytes;
        Ok(lost)
    }
}

impl<M> Counted<M> {
    /// An item has left: the senders that may try again.
    ///
    /// One for each place. All of them once half of it is free, so that one that has given up after it was woken keeps
    /// nobody waiting.
    fn release(&mut self, (is_message, bytes): Size) -> VecDeque<Waker> {
        self.messages = self.messages.saturating_sub(usize::from(is_message));
        self.bytes = self.bytes.saturating_sub(bytes);
        let bound = self.bound.map_or(0, |bound| bound.messages);
        if self.messages <= bound / 2 {
            return std::mem::take(&mut self.senders);
        }
        if is_message { self.senders.pop_front().into_iter().collect() } else { VecDeque::new() }
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

/// Whether an item is a user message, and how many bytes it holds.
pub(crate) type Size = (bool, usize);

/// Of what nobody counts.
const UNCOUNTED: Size = (false, 0);

fn size<M>(item: &Item<M>) -> Size {
    match item {
        Item::Local(..) => (true, 0),
        Item::Other(other) => match &**other {
            // With its place in the queue, so that empty ones can't fill the memory either.
            Other::Wire(message) => (true, message.body().len() + size_of::<Other>() + size_of::<Item<M>>()),
            Other::Exit(_) | Other::Down(_) | Other::Stop(_) => (false, 0),
        },
    }
}

/// The one who takes out of a mailbox.
pub(crate) struct Receiver<M> {
    this: Typed<M>,
    /// Items that were taken without looking at the time.
    streak: u32,
    /// Messages that it keeps elsewhere.
    kept: u32,
    /// The turn in which it took all that waited and left word to be woken; 0: it has not.
    armed: u32,
}

impl<M> Receiver<M> {
    /// The only one of this cell.
    pub(crate) fn new(this: Typed<M>) -> Self {
        Self { this, streak: 0, kept: 0, armed: 0 }
    }

    pub(crate) fn this(&self) -> &Typed<M> {
        &self.this
    }

    fn batch(&mut self) -> &mut Option<Items<M>> {
        // SAFETY: there is one receiver of a mailbox, and it is borrowed as a whole.
        unsafe { &mut *self.this.mailbox().batch.get() }
    }

    /// Whether others should get a turn first; if so, it wakes itself again.
    #[inline]
    pub(crate) fn is_turn_over(&mut self, cx: &mut Context<'_>) -> bool {
        self.streak += 1;
        if self.streak < 32 {
            return false;
        }
        self.streak = 0;
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
        if self.is_turn_over(cx) {
            return Poll::Pending;
        }
        self.poll_pop(cx, true).map(|(item, _)| item)
    }

    /// The next item in order; it goes on being counted until its size is released.
    pub(crate) fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<(Item<M>, Size)> {
        self.poll_pop(cx, false)
    }

    #[inline]
    fn poll_pop(&mut self, cx: &mut Context<'_>, release: bool) -> Poll<(Item<M>, Size)> {
        loop {
            if let Some(item) = self.pop_batch() {
                return Poll::Ready((item, UNCOUNTED));
            }
            let armed = std::mem::take(&mut self.armed) == self.turn();
            // What a burst has left behind is given back under the lock.
            let small = self.batch().as_ref().is_none_or(|batch| batch.capacity() <= KEEP);
            if armed && small && context::is_waker_of(cx.waker(), self.this.cell()) {
                return Poll::Pending;
            }
            match self.refill(cx, release) {
                Refill::Batch => {}
                Refill::One(item, senders) => {
                    senders.into_iter().for_each(Waker::wake);
                    let size = if release { UNCOUNTED } else { size(&item) };
                    return Poll::Ready((item, size));
                }
                Refill::Parked => return Poll::Pending,
            }
        }
    }

    /// The process's turn, never 0.
    #[inline]
    fn turn(&self) -> u32 {
        self.this.cell().turns.load(Ordering::Relaxed) as u32 | 1 << 31
    }

    #[inline]
    fn pop_batch(&mut self) -> Option<Item<M>> {
        loop {
            let batch = self.batch().as_mut()?;
            let item = batch.pop_front()?;
            let left = batch.len() + self.kept as usize;
            self.this.mailbox().in_batch.store(left, Ordering::Relaxed);
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
        let sign = match &**other {
            Other::Exit(exit) => Flushed::Exit(exit.from),
            Other::Down(down) => Flushed::Down(down.monitor),
            Other::Wire(_) | Other::Stop(_) => return false,
        };
        self.this.mailbox().queue.lock().counted.as_ref().is_some_and(|counted| counted.flushed.contains(&sign))
    }

    /// Takes what waits, or parks: one step under the lock.
    fn refill(&mut self, cx: &mut Context<'_>, release: bool) -> Refill<M> {
        // SAFETY: there is one receiver of a mailbox, and it is borrowed as a whole.
        let batch = unsafe { &mut *self.this.mailbox().batch.get() };
        let mut queue = self.this.mailbox().queue.lock();
        if let Some(counted) = &mut queue.counted {
            counted.flushed.clear();
        }
        if queue.counts() {
            let urgent = queue.counted.as_mut().and_then(|counted| counted.urgent.pop_front());
            let item = urgent.or_else(|| queue.items.as_mut().and_then(|items| items.pop_front()));
            if let Some(item) = item {
                let counted = queue.counted.as_mut().filter(|_| release);
                let senders = counted.map(|counted| counted.release(size(&item))).unwrap_or_default();
                return Refill::One(item, senders);
            }
        } else if queue.items.as_ref().is_some_and(|items| !items.is_empty()) {
            std::mem::swap(&mut queue.items, batch);
            // Word is left now, so that in this turn it need not come back for that: a push from here on makes another turn of
            // the process follow.
            if context::is_waker_of(cx.waker(), self.this.cell()) {
                queue.parked = true;
                self.armed = self.turn();
            }
            // Whoever received for it before does not any more.
            let other = queue.counted.as_mut().and_then(|counted| counted.receiver.take());
            drop(queue);
            drop(other);
            let taken = batch.as_ref().map_or(0, |batch| batch.len()) + self.kept as usize;
            self.this.mailbox().in_batch.store(taken, Ordering::Relaxed);
            return Refill::Batch;
        }
        self.park(queue, cx);
        // What a burst has left behind is given back while nothing waits.
        if batch.as_ref().is_some_and(|batch| batch.capacity() > KEEP) {
            *batch = None;
        }
        Refill::Parked
    }

    /// Leaves word that the next push has to wake this one.
    fn park(&self, mut queue: Locked<'_, Queue<M>>, cx: &Context<'_>) {
        // Its process has ended: there are no more pushes, and a waker kept here might keep its task, which keeps this.
        if queue.closed {
            return;
        }
        queue.parked = true;
        if queue.items.as_ref().is_some_and(|items| items.is_empty() && items.capacity() > KEEP) {
            queue.items = None;
        }
        if context::is_waker_of(cx.waker(), self.this.cell()) {
            if let Some(counted) = &mut queue.counted {
                let old = counted.receiver.take();
                drop(queue);
                drop(old);
            }
            return;
        }
        let waker = cx.waker().clone();
        let old = queue.counted().receiver.replace(waker);
        drop(queue);
        drop(old);
    }

    /// Whether the process was asked to end.
    pub(crate) fn is_stop_asked(&self) -> bool {
        self.this.mailbox().queue.lock().stop
    }

    /// Waits until the process is asked to end; the request stays in its place in the queue.
    pub(crate) async fn stop_asked(&self) {
        std::future::poll_fn(|cx| {
            let queue = self.this.mailbox().queue.lock();
            if queue.stop {
                return Poll::Ready(());
            }
            self.park(queue, cx);
            Poll::Pending
        })
        .await;
    }

    /// An item that was taken waits no more.
    pub(crate) fn release(&self, size: Size) {
        if size == UNCOUNTED {
            return;
        }
        let senders = {
            let mut queue = self.this.mailbox().queue.lock();
            queue.counted.as_mut().map(|counted| counted.release(size)).unwrap_or_default()
        };
        senders.into_iter().for_each(Waker::wake);
    }

    /// Tells those who ask how many wait that so many are kept elsewhere.
    pub(crate) fn keep(&mut self, messages: usize) {
        let kept = u32::try_from(messages).unwrap_or(u32::MAX);
        let before = std::mem::replace(&mut self.kept, kept);
        if kept != before {
            let in_batch = &self.this.mailbox().in_batch;
            let others = in_batch.load(Ordering::Relaxed).saturating_sub(before as usize);
            in_batch.store(others + kept as usize, Ordering::Relaxed);
        }
    }

    /// How many items of all kinds can be taken now.
    pub(crate) fn queued(&self) -> usize {
        let mailbox = self.this.mailbox();
        let queue = mailbox.queue.lock();
        let urgent = queue.counted.as_ref().map_or(0, |counted| counted.urgent.len());
        let taken = mailbox.in_batch.load(Ordering::Relaxed).saturating_sub(self.kept as usize);
        taken + urgent + queue.items.as_ref().map_or(0, |items| items.len())
    }
}

/// What is still in the batch goes with its receiver, as what is in the queue goes with the process.
impl<M> Drop for Receiver<M> {
    fn drop(&mut self) {
        let unread = self.batch().take();
        if unread.is_none() && self.kept == 0 {
            return;
        }
        // For `close`, which counts what is lost.
        let messages = unread.iter().flat_map(|unread| unread.iter()).filter(|item| size(item).0).count();
        let messages = messages + self.kept as usize;
        self.this.mailbox().in_batch.store(messages, Ordering::Relaxed);
        if let Some(reason) = drop_all(unread.map(|unread| *unread).unwrap_or_default()) {
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

/// Drops items one by one: a second panic while the first one unwinds would abort. The first panic comes back.
fn drop_all<M>(items: VecDeque<Item<M>>) -> Option<ExitReason> {
    let panics = items.into_iter().map(|item| crash::guard(|| drop(item)).err());
    panics.fold(None, |first, panic| first.or(panic.map(|crash| crash.reason)))
}

/// What the core does with a mailbox without knowing its messages.
pub(crate) trait AnyMailbox: Observed + Send + Sync {
    fn push_wire(&self, cell: CellPtr<'_>, message: Incoming) -> Result<(), PushError>;
    /// Gives back whom to wake, so that the caller may hold a lock.
    fn push_exit(&self, exit: ExitSignal) -> Option<Wake>;
    /// Gives back whom to wake, so that the caller may hold a lock.
    fn push_down(&self, down: Down) -> Option<Wake>;
    fn push_stop(&self, reason: ExitReason) -> Option<Wake>;
    /// Takes an exit signal away that was not read.
    fn flush_exit(&self, from: Pid);
    /// Takes a down away that was not read.
    fn flush_down(&self, monitor: MonitorRef);
    /// Refuses everything from now on and drops what waits: how many messages that were, and the panic of one's drop.
    fn close(&self) -> (usize, Option<ExitReason>);
    /// How many messages wait.
    fn depth(&self) -> usize;
    /// How many did not get in because it was full, or were shed for others.
    fn shed(&self) -> u64;
}

impl<M: Send + 'static> Mailbox<M> {
    fn push_signal(&self, signal: Other) -> Option<Wake> {
        let item = self.pass(Item::Other(Box::new(signal)), false)?;
        self.put(item, false, None).ok().and_then(|(wake, _)| wake)
    }

    fn flush(&self, sign: Flushed, is_it: impl Fn(&Other) -> bool) {
        self.forget(&is_it);
        let mut queue = self.queue.lock();
        if let Some(items) = &mut queue.items {
            items.retain(|item| !matches!(item, Item::Other(other) if is_it(other)));
        }
        // The batch belongs to the receiver: it is told what to pass over.
        if self.in_batch.load(Ordering::Relaxed) > 0 {
            let flushed = &mut queue.counted().flushed;
            if !flushed.contains(&sign) {
                flushed.push(sign);
            }
        }
    }
}

impl<M: Send + 'static> AnyMailbox for Mailbox<M> {
    fn push_wire(&self, cell: CellPtr<'_>, message: Incoming) -> Result<(), PushError> {
        self.push(cell, Item::Other(Box::new(Other::Wire(message))), false, None).map_err(|(_, error)| error)
    }

    fn push_exit(&self, exit: ExitSignal) -> Option<Wake> {
        self.push_signal(Other::Exit(exit))
    }

    fn push_down(&self, down: Down) -> Option<Wake> {
        self.push_signal(Other::Down(down))
    }

    fn push_stop(&self, reason: ExitReason) -> Option<Wake> {
        let mut queue = self.queue.lock();
        if queue.closed || queue.stop {
            return None;
        }
        queue.stop = true;
        queue.items.get_or_insert_default().push_back(Item::Other(Box::new(Other::Stop(reason))));
        queue.unpark()
    }

    fn flush_exit(&self, from: Pid) {
        self.flush(Flushed::Exit(from), |other| matches!(other, Other::Exit(exit) if exit.from == from));
    }

    fn flush_down(&self, monitor: MonitorRef) {
        self.flush(Flushed::Down(monitor), |other| matches!(other, Other::Down(down) if down.monitor == monitor));
    }

    fn close(&self) -> (usize, Option<ExitReason>) {
        let (unread, counted) = {
            let mut queue = self.queue.lock();
            queue.closed = true;
            (queue.items.take(), queue.counted.take())
        };
        let taken = self.in_batch.load(Ordering::Relaxed);
        if unread.is_none() && counted.is_none() && taken == 0 {
            return (0, None);
        }
        self.in_batch.store(0, Ordering::Relaxed);
        let mut unread = unread.map(|unread| *unread).unwrap_or_default();
        if let Some(counted) = counted {
            unread.extend(counted.urgent);
            unread.extend(counted.faults.close());
            let (senders, receiver) = (counted.senders, counted.receiver);
            for sender in senders {
                let _ = crash::guard(|| sender.wake());
            }
            let _ = crash::guard(|| drop(receiver));
        }
        let messages = unread.iter().filter(|item| size(item).0).count();
        (messages + taken, drop_all(unread))
    }

    fn depth(&self) -> usize {
        let queue = self.queue.lock();
        match &queue.counted {
            Some(counted) if counted.bound.is_some() => counted.messages,
            counted => {
                let urgent = counted.as_ref().map_or(0, |counted| counted.urgent.len());
                let waiting = queue.items.as_ref().map_or(0, |items| items.len());
                waiting + urgent + self.in_batch.load(Ordering::Relaxed)
            }
        }
    }

    fn shed(&self) -> u64 {
        Self::shed(self)
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
    deadline: Option<Instant>,
    urgent: bool,
    sender: Option<&Waker>,
) -> Result<(), (M, PushError)> {
    let deadline = context::Deadline::new(deadline);
    let mut queue = mailbox.queue.lock();
    // The common case by itself: the message is moved once.
    if !queue.closed && !urgent && queue.counted.is_none() {
        queue.items.get_or_insert_default().push_back(Item::Local(message, deadline));
        let parked = std::mem::take(&mut queue.parked);
        drop(queue);
        if parked {
            to.wake();
        }
        return Ok(());
    }
    drop(queue);
    let item = Item::Local(message, deadline);
    match mailbox.push(to, item, urgent, sender) {
        Err((Item::Local(message, _), error)) => Err((message, error)),
        // What comes back is what was pushed.
        Ok(()) | Err((Item::Other(_), _)) => Ok(()),
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests;

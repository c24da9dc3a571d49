//! The queue of one process: user messages and system signals in one order.
//!
//! System signals have no bound and are never shed, but of several requests to end only the first is kept: the
//! receiver ends with it. User messages are refused once `bound` of them wait. Messages in bytes come from components, which must not fill the host's memory: they are also refused once
//! [`MAX_BYTES`] of them wait. Both counts are kept under the same lock as the queue, so they are exact under
//! concurrent senders.

use super::{Incoming, Instant, SendError, crash, lock};
use crate::wire::{Down, ExitReason, ExitSignal, MonitorRef, Pid};
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// How many bytes of messages may wait in one mailbox, their places in the queue included.
pub(crate) const MAX_BYTES: usize = 64 << 20;

/// What waits in a mailbox.
#[derive(Debug)]
pub(crate) enum Item<M> {
    /// A message that was moved here.
    Local { message: M, deadline: Option<Instant> },
    /// A message in bytes.
    Wire(Incoming),
    /// A linked process ended.
    Exit(ExitSignal),
    /// A monitored process ended.
    Down(Down),
    /// The process is asked to end.
    Stop(ExitReason),
}

/// A mailbox for messages of one type.
pub(crate) struct Mailbox<M> {
    bound: usize,
    queue: Mutex<Queue<M>>,
}

struct Queue<M> {
    items: VecDeque<Item<M>>,
    messages: usize,
    bytes: usize,
    receiver: Option<Waker>,
    /// Somebody has asked the receiver to end.
    stop: bool,
    closed: bool,
}

/// Why a message did not get in; the message comes back by being dropped with the caller's reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PushError {
    Closed,
    Full,
}

impl PushError {
    pub(crate) fn into_send_error(self, to: impl std::fmt::Display) -> SendError {
        match self {
            Self::Closed => SendError::NoProcess(to.to_string()),
            Self::Full => SendError::Full,
        }
    }
}

impl<M> Mailbox<M> {
    pub(crate) fn new(bound: Option<usize>) -> Self {
        let queue = Queue { items: VecDeque::new(), messages: 0, bytes: 0, receiver: None, stop: false, closed: false };
        Self { bound: bound.unwrap_or(usize::MAX), queue: Mutex::new(queue) }
    }

    pub(crate) fn push(&self, item: Item<M>) -> Result<(), PushError> {
        match self.put(item) {
            Ok(receiver) => {
                wake(receiver);
                Ok(())
            }
            Err((_, error)) => Err(error),
        }
    }

    /// Queues an item, and gives back whom to wake, or the item: dropping a reply wakes its caller, which must not happen
    /// under the lock.
    fn put(&self, item: Item<M>) -> Result<Option<Waker>, (Item<M>, PushError)> {
        let (is_message, bytes) = size(&item);
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err((item, PushError::Closed));
        }
        if is_message && (queue.messages >= self.bound || queue.bytes.saturating_add(bytes) > MAX_BYTES) {
            return Err((item, PushError::Full));
        }
        queue.messages += usize::from(is_message);
        queue.bytes += bytes;
        queue.items.push_back(item);
        Ok(queue.receiver.take())
    }

    /// Whether the receiver was asked to end.
    pub(crate) fn is_stop_asked(&self) -> bool {
        lock(&self.queue).stop
    }

    /// Waits until the receiver is asked to end; the request stays in its place in the queue.
    pub(crate) async fn stop_asked(&self) {
        std::future::poll_fn(|cx| {
            let mut queue = lock(&self.queue);
            if queue.stop {
                return Poll::Ready(());
            }
            let old = queue.receiver.replace(cx.waker().clone());
            drop(queue);
            drop(old);
            Poll::Pending
        })
        .await;
    }

    /// The next item in order. Cancel safe: an item is taken only when it is returned.
    pub(crate) async fn next(&self) -> Item<M> {
        // A process that always finds a message still lets others run.
        tokio::task::coop::consume_budget().await;
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Item<M>> {
        self.poll_pop(cx, Queue::release).map(|(item, _)| item)
    }

    /// The next item in order; it goes on being counted until its size is released.
    pub(crate) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<(Item<M>, Size)> {
        self.poll_pop(cx, |_, _| ())
    }

    fn poll_pop(&self, cx: &mut Context<'_>, count: fn(&mut Queue<M>, Size)) -> Poll<(Item<M>, Size)> {
        let mut queue = lock(&self.queue);
        match queue.items.pop_front() {
            Some(item) => {
                let size = size(&item);
                count(&mut queue, size);
                Poll::Ready((item, size))
            }
            None => {
                let old = queue.receiver.replace(cx.waker().clone());
                drop(queue);
                drop(old);
                Poll::Pending
            }
        }
    }

    /// An item that was taken waits no more.
    pub(crate) fn release(&self, size: Size) {
        lock(&self.queue).release(size);
    }

    /// How many items of all kinds can be taken now.
    pub(crate) fn queued(&self) -> usize {
        lock(&self.queue).items.len()
    }
}

impl<M> Queue<M> {
    fn release(&mut self, (is_message, bytes): Size) {
        self.messages -= usize::from(is_message);
        self.bytes -= bytes;
    }
}

pub(crate) fn wake(receiver: Option<Waker>) {
    if let Some(receiver) = receiver {
        receiver.wake();
    }
}

/// Whether an item is a user message, and how many bytes it holds.
pub(crate) type Size = (bool, usize);

fn size<M>(item: &Item<M>) -> Size {
    match item {
        Item::Local { .. } => (true, 0),
        // With its place in the queue, so that empty ones can't fill the memory either.
        Item::Wire(message) => (true, message.body().len() + size_of::<Item<M>>()),
        Item::Exit(_) | Item::Down(_) | Item::Stop(_) => (false, 0),
    }
}

/// What the core does with a mailbox without knowing its messages.
pub(crate) trait AnyMailbox: Send + Sync {
    fn push_wire(&self, message: Incoming) -> Result<(), PushError>;
    /// Gives back whom to wake, so that the caller may hold a lock.
    fn push_exit(&self, exit: ExitSignal) -> Option<Waker>;
    /// Gives back whom to wake, so that the caller may hold a lock.
    fn push_down(&self, down: Down) -> Option<Waker>;
    fn push_stop(&self, reason: ExitReason);
    /// Takes an exit signal away that was not read.
    fn flush_exit(&self, from: Pid);
    /// Takes a down away that was not read.
    fn flush_down(&self, monitor: MonitorRef);
    /// Refuses everything from now on and drops what waits; gives back the panic of a message's drop.
    fn close(&self) -> Option<ExitReason>;
    fn depth(&self) -> usize;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<M: Send + 'static> AnyMailbox for Mailbox<M> {
    fn push_wire(&self, message: Incoming) -> Result<(), PushError> {
        self.push(Item::Wire(message))
    }

    fn push_exit(&self, exit: ExitSignal) -> Option<Waker> {
        self.put(Item::Exit(exit)).ok().flatten()
    }

    fn push_down(&self, down: Down) -> Option<Waker> {
        self.put(Item::Down(down)).ok().flatten()
    }

    fn push_stop(&self, reason: ExitReason) {
        let receiver = {
            let mut queue = lock(&self.queue);
            if queue.closed || queue.stop {
                return;
            }
            queue.stop = true;
            queue.items.push_back(Item::Stop(reason));
            queue.receiver.take()
        };
        wake(receiver);
    }

    fn flush_exit(&self, from: Pid) {
        lock(&self.queue).items.retain(|item| !matches!(item, Item::Exit(exit) if exit.from == from));
    }

    fn flush_down(&self, monitor: MonitorRef) {
        lock(&self.queue).items.retain(|item| !matches!(item, Item::Down(down) if down.monitor == monitor));
    }

    fn close(&self) -> Option<ExitReason> {
        let (unread, receiver) = {
            let mut queue = lock(&self.queue);
            queue.closed = true;
            (queue.messages, queue.bytes) = (0, 0);
            (std::mem::take(&mut queue.items), queue.receiver.take())
        };
        drop(receiver);
        // One by one: a second panic while the first one unwinds would abort.
        let panics = unread.into_iter().map(|item| crash::guard(|| drop(item)).err());
        panics.fold(None, |first, panic| first.or(panic.map(|crash| crash.reason)))
    }

    fn depth(&self) -> usize {
        lock(&self.queue).messages
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(message: u32) -> Item<u32> {
        Item::Local { message, deadline: None }
    }

    #[tokio::test]
    async fn messages_and_signals_keep_one_order() {
        let mailbox = Mailbox::new(None);
        mailbox.push(local(1)).unwrap();
        mailbox.push_stop(ExitReason::Shutdown);
        mailbox.push(local(2)).unwrap();
        assert!(matches!(mailbox.next().await, Item::Local { message: 1, .. }));
        assert!(matches!(mailbox.next().await, Item::Stop(ExitReason::Shutdown)));
        assert!(matches!(mailbox.next().await, Item::Local { message: 2, .. }));
    }

    #[tokio::test]
    async fn the_bound_is_exact_and_counts_messages_only() {
        let mailbox = Arc::new(Mailbox::new(Some(100)));
        let senders = (0..8).map(|_| {
            let mailbox = mailbox.clone();
            std::thread::spawn(move || (0..50).filter(|i| mailbox.push(local(*i)).is_ok()).count())
        });
        let senders: Vec<_> = senders.collect();
        mailbox.push_stop(ExitReason::Shutdown);
        let accepted: usize = senders.into_iter().map(|sender| sender.join().unwrap()).sum();
        assert_eq!((accepted, mailbox.depth()), (100, 100));
        mailbox.push_stop(ExitReason::Shutdown);
        assert_eq!(mailbox.push(local(0)), Err(PushError::Full));
    }

    #[tokio::test]
    async fn bytes_are_bounded_and_given_back() {
        let mailbox = Mailbox::<u32>::new(None);
        let bytes = |size| Incoming::new(0, vec![0; size], None, None);
        mailbox.push_wire(bytes(MAX_BYTES - size_of::<Item<u32>>())).unwrap();
        assert_eq!(mailbox.push_wire(bytes(0)), Err(PushError::Full));
        mailbox.push(local(1)).unwrap();
        assert!(matches!(mailbox.next().await, Item::Wire(_)));
        mailbox.push_wire(bytes(1)).unwrap();
    }

    #[tokio::test]
    async fn messages_without_a_body_are_bounded_too() {
        let mailbox = Mailbox::<u32>::new(None);
        let empty = || mailbox.push_wire(Incoming::new(0, Vec::new(), None, None));
        let accepted = (0..=MAX_BYTES / size_of::<Item<u32>>()).filter(|_| empty().is_ok()).count();
        assert_eq!(accepted, MAX_BYTES / size_of::<Item<u32>>());
    }

    #[tokio::test]
    async fn requests_to_end_do_not_pile_up() {
        let mailbox = Mailbox::new(None);
        mailbox.push(local(1)).unwrap();
        assert!(!mailbox.is_stop_asked());
        for reason in [ExitReason::Shutdown, ExitReason::Killed, ExitReason::Normal] {
            mailbox.push_stop(reason);
        }
        mailbox.stop_asked().await;
        assert_eq!(lock(&mailbox.queue).items.len(), 2);
        assert!(matches!(mailbox.next().await, Item::Local { .. }));
        assert!(matches!(mailbox.next().await, Item::Stop(ExitReason::Shutdown)));
    }

    #[tokio::test]
    async fn unread_messages_that_panic_are_all_dropped() {
        struct Grenade(Arc<std::sync::atomic::AtomicUsize>);
        impl Drop for Grenade {
            fn drop(&mut self) {
                self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                panic!("bang");
            }
        }
        let dropped = Arc::default();
        let mailbox = Mailbox::new(None);
        for _ in 0..3 {
            mailbox.push(Item::Local { message: Grenade(Arc::clone(&dropped)), deadline: None }).unwrap();
        }
        assert!(matches!(mailbox.close(), Some(ExitReason::Panicked(text)) if text.starts_with("bang")));
        assert_eq!(dropped.load(std::sync::atomic::Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn what_is_taken_counts_until_it_is_released() {
        let mailbox = Mailbox::new(Some(1));
        mailbox.push(local(1)).unwrap();
        let (_, size) = std::future::poll_fn(|cx| mailbox.poll_take(cx)).await;
        assert_eq!((mailbox.queued(), mailbox.depth()), (0, 1));
        assert_eq!(mailbox.push(local(2)), Err(PushError::Full));
        mailbox.release(size);
        mailbox.push(local(2)).unwrap();
    }

    #[tokio::test]
    async fn a_closed_mailbox_refuses_and_forgets() {
        let mailbox = Mailbox::new(None);
        mailbox.push(local(1)).unwrap();
        assert_eq!(mailbox.close(), None);
        assert_eq!((mailbox.push(local(2)), mailbox.depth()), (Err(PushError::Closed), 0));
    }
}

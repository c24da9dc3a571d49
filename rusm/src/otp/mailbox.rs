//! The queue of one process: user messages and system signals in one order.
//!
//! System signals have no bound and are never shed; user messages are refused once `bound` of them
//! wait. Messages in bytes come from components, which must not fill the host's memory: they are also refused once
//! [`MAX_BYTES`] of them wait. Both counts are kept under the same lock as the queue, so they are exact under
//! concurrent senders.

use super::{Incoming, Instant, SendError, lock};
use crate::wire::{Down, ExitReason, ExitSignal, MonitorRef};
use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// How many bytes of messages may wait in one mailbox.
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
        let queue = Queue { items: VecDeque::new(), messages: 0, bytes: 0, receiver: None, closed: false };
        Self { bound: bound.unwrap_or(usize::MAX), queue: Mutex::new(queue) }
    }

    pub(crate) fn push(&self, item: Item<M>) -> Result<(), PushError> {
        let (is_message, bytes) = size(&item);
        // The refused item is dropped after the lock is given back: dropping a reply wakes its caller.
        let (refused, result) = {
            let mut queue = lock(&self.queue);
            if queue.closed {
                (Some(item), Err(PushError::Closed))
            } else if is_message && (queue.messages >= self.bound || queue.bytes.saturating_add(bytes) > MAX_BYTES) {
                (Some(item), Err(PushError::Full))
            } else {
                queue.messages += usize::from(is_message);
                queue.bytes += bytes;
                queue.items.push_back(item);
                let receiver = queue.receiver.take();
                drop(queue);
                if let Some(receiver) = receiver {
                    receiver.wake();
                }
                (None, Ok(()))
            }
        };
        drop(refused);
        result
    }

    /// The next item in order. Cancel safe: an item is taken only when it is returned.
    pub(crate) async fn next(&self) -> Item<M> {
        // A process that always finds a message still lets others run.
        tokio::task::coop::consume_budget().await;
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Item<M>> {
        let mut queue = lock(&self.queue);
        match queue.items.pop_front() {
            Some(item) => {
                let (is_message, bytes) = size(&item);
                queue.messages -= usize::from(is_message);
                queue.bytes -= bytes;
                Poll::Ready(item)
            }
            None => {
                queue.receiver = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Whether an item is a user message, and how many bytes it holds.
fn size<M>(item: &Item<M>) -> (bool, usize) {
    match item {
        Item::Local { .. } => (true, 0),
        Item::Wire(message) => (true, message.body().len()),
        Item::Exit(_) | Item::Down(_) | Item::Stop(_) => (false, 0),
    }
}

/// What the core does with a mailbox without knowing its messages.
pub(crate) trait AnyMailbox: Send + Sync {
    fn push_wire(&self, message: Incoming) -> Result<(), PushError>;
    fn push_exit(&self, exit: ExitSignal);
    fn push_down(&self, down: Down);
    fn push_stop(&self, reason: ExitReason);
    /// Takes a down away that was not read.
    fn flush_down(&self, monitor: MonitorRef);
    /// Refuses everything from now on and drops what waits.
    fn close(&self);
    fn depth(&self) -> usize;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<M: Send + 'static> AnyMailbox for Mailbox<M> {
    fn push_wire(&self, message: Incoming) -> Result<(), PushError> {
        self.push(Item::Wire(message))
    }

    fn push_exit(&self, exit: ExitSignal) {
        let _ = self.push(Item::Exit(exit));
    }

    fn push_down(&self, down: Down) {
        let _ = self.push(Item::Down(down));
    }

    fn push_stop(&self, reason: ExitReason) {
        let _ = self.push(Item::Stop(reason));
    }

    fn flush_down(&self, monitor: MonitorRef) {
        lock(&self.queue).items.retain(|item| !matches!(item, Item::Down(down) if down.monitor == monitor));
    }

    fn close(&self) {
        let unread = {
            let mut queue = lock(&self.queue);
            queue.closed = true;
            (queue.messages, queue.bytes) = (0, 0);
            queue.receiver = None;
            std::mem::take(&mut queue.items)
        };
        drop(unread);
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
        mailbox.push_wire(bytes(MAX_BYTES)).unwrap();
        assert_eq!(mailbox.push_wire(bytes(1)), Err(PushError::Full));
        mailbox.push(local(1)).unwrap();
        assert!(matches!(mailbox.next().await, Item::Wire(_)));
        mailbox.push_wire(bytes(1)).unwrap();
    }

    #[tokio::test]
    async fn a_closed_mailbox_refuses_and_forgets() {
        let mailbox = Mailbox::new(None);
        mailbox.push(local(1)).unwrap();
        mailbox.close();
        assert_eq!((mailbox.push(local(2)), mailbox.depth()), (Err(PushError::Closed), 0));
    }
}

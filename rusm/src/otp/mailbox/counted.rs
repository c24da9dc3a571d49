//! What few mailboxes have: a bound, messages in bytes, priority messages, senders that wait for room, a receiver elsewhere.

use super::faults::Faults;
use super::{Item, MAX_BYTES, Other, PushError};
use crate::otp::bound::{Bound, Overflow};
use crate::otp::context::Deadline;
use crate::wire::{MonitorRef, Pid};
use std::collections::VecDeque;
use std::task::Waker;

/// Kept beside the queue, under the same lock.
pub(super) struct Counted<M> {
    /// Items are taken one by one.
    pub(super) counts: bool,
    pub(super) bound: Option<Bound>,
    pub(super) messages: usize,
    pub(super) bytes: usize,
    pub(super) shed: u64,
    /// Taken before everything else.
    pub(super) urgent: VecDeque<Item<M>>,
    /// Senders that wait for room.
    pub(super) senders: VecDeque<Waker>,
    /// A receiver that something else than its own process polls.
    pub(super) receiver: Option<Waker>,
    /// Signals that were taken back while they may have been in the receiver's batch.
    pub(super) flushed: Vec<Flushed>,
    pub(super) faults: Faults<M>,
}

/// A signal that was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    Exit(Pid),
    Down(MonitorRef),
}

impl Flushed {
    pub(super) fn of(other: &Other) -> Option<Self> {
        match other {
            Other::Exit(exit) => Some(Self::Exit(exit.from)),
            Other::Down(down) => Some(Self::Down(down.monitor)),
            Other::Wire(_) | Other::Traced(_) | Other::Stop(_) => None,
        }
    }
}

impl<M> Default for Counted<M> {
    fn default() -> Self {
        let (counts, bound, messages, bytes, shed) = Default::default();
        let (urgent, senders, receiver, flushed, faults) = Default::default();
        Self { counts, bound, messages, bytes, shed, urgent, senders, receiver, flushed, faults }
    }
}

impl<M> Counted<M> {
    pub(super) fn bounded(bound: Bound) -> Self {
        Self { counts: true, bound: Some(bound), ..Self::default() }
    }

    /// Whether the mailbox is used under the lock only.
    pub(super) fn is_slow(&self) -> bool {
        self.counts || self.receiver.is_some() || self.faults.is_on()
    }

    /// Counts an item that is to be queued; gives back an older one of `items` that had to go for it.
    pub(super) fn make_room(
        &mut self,
        items: &mut VecDeque<Item<M>>,
        item: &Item<M>,
    ) -> Result<Option<Item<M>>, PushError> {
        let (is_message, bytes) = size(item);
        self.counts = true;
        let mut lost = None;
        if is_message {
            // What is owed gets in where anything does.
            let takes = |bound: &Bound| self.messages < bound.messages || bound.messages > 0 && is_owed(item);
            let full = self.bound.as_ref().is_some_and(|bound| !takes(bound));
            if self.bytes.saturating_add(bytes) > MAX_BYTES {
                self.shed += 1;
                return Err(PushError::Full(Overflow::Reject));
            }
            if full {
                self.shed += 1;
                let overflow = self.bound.map_or(Overflow::Reject, |bound| match bound.overflow {
                    // There will never be room to wait for.
                    Overflow::Block if bound.messages == 0 => Overflow::Reject,
                    overflow => overflow,
                });
                let oldest = match overflow {
                    Overflow::DropOld => {
                        let oldest = items.iter().position(|item| size(item).0 && !is_owed(item));
                        oldest.and_then(|oldest| items.remove(oldest))
                    }
                    _ => None,
                };
                let Some(oldest) = oldest else { return Err(PushError::Full(overflow)) };
                let (_, bytes) = size(&oldest);
                self.messages -= 1;
                self.bytes -= bytes;
                lost = Some(oldest);
            }
        }
        self.messages += usize::from(is_message);
        self.bytes += bytes;
        Ok(lost)
    }

    /// Leaves word for when there is room.
    pub(super) fn wait(&mut self, sender: Waker) {
        // It has not been refused for good.
        self.shed = self.shed.saturating_sub(1);
        if !self.senders.iter().any(|waiting| waiting.will_wake(&sender)) {
            self.senders.push_back(sender);
        }
    }

    /// An item has left: the senders that may try again.
    ///
    /// One for each place. All of them once half of it is free, so that one that has given up after it was woken keeps
    /// nobody waiting.
    pub(super) fn release(&mut self, (is_message, bytes): Size) -> VecDeque<Waker> {
        self.messages = self.messages.saturating_sub(usize::from(is_message));
        self.bytes = self.bytes.saturating_sub(bytes);
        let bound = self.bound.map_or(0, |bound| bound.messages);
        if self.messages <= bound / 2 {
            return std::mem::take(&mut self.senders);
        }
        if is_message { self.senders.pop_front().into_iter().collect() } else { VecDeque::new() }
    }
}

/// Whether an item is a user message, and how many bytes it holds.
pub(crate) type Size = (bool, usize);

/// Of what nobody counts.
pub(super) const UNCOUNTED: Size = (false, 0);

/// Whether it is to get in, and not to be shed.
fn is_owed<M>(item: &Item<M>) -> bool {
    match item {
        Item::Local(_, deadline) => *deadline == Deadline::OWED,
        Item::Other(other) => matches!(&**other, Other::Wire(message) if message.is_owed()),
    }
}

pub(super) fn size<M>(item: &Item<M>) -> Size {
    match item {
        Item::Local(..) => (true, 0),
        Item::Other(other) => match &**other {
            // With its place in the queue, so that empty ones can't fill the memory either.
            Other::Wire(message) => (true, message.body().len() + size_of::<Other>() + size_of::<Item<M>>()),
            Other::Traced(_) => (true, 0),
            Other::Exit(_) | Other::Down(_) | Other::Stop(_) => (false, 0),
        },
    }
}

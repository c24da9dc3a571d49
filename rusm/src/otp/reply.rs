//! Where an answer goes.
//!
//! A reply is owned by whoever will answer. Dropping it unanswered tells the caller: with the callee's exit
//! reason if the callee has ended, with `NoReply` if it lives. At the moment when a
//! panic drops it, it is not known yet whether the process ends of that: its caller waits until it is.

use super::crash;
use super::slot::Filler;
use crate::wire::{CallError, Wire, encode};
use std::fmt;
use tokio::sync::oneshot;

/// What a caller gets through the channel.
#[derive(Debug)]
pub(crate) enum Answer<T> {
    Value(T),
    Failed(CallError),
    /// A panic dropped the reply. When the channel closes, it is known whether the callee ended of it.
    Unwound(oneshot::Receiver<()>),
}

/// The right, and the duty, to answer one call.
///
/// Dropped unanswered, the caller gets [`CallError::NoReply`] or, if the process that it called has ended,
/// [`CallError::Exited`]. Pass it on to let somebody else answer.
pub struct Reply<T>(Way<T>);

enum Way<T> {
    Local(Option<Filler<Answer<T>>>),
    Wire(WireReply),
    Nobody,
}

impl<T: Wire> Reply<T> {
    /// Answers. Nothing happens if the caller has given up.
    pub fn send(mut self, value: T) {
        match &mut self.0 {
            Way::Local(sender) => {
                if let Some(sender) = sender.take() {
                    let _ = sender.fill(Answer::Value(value));
                }
            }
            Way::Wire(reply) => match encode(&value) {
                Ok(body) => reply.answer(Answer::Value(body)),
                Err(error) => {
                    reply.answer(Answer::Failed(CallError::Malformed(format!("the answer can't be encoded: {error}"))));
                }
            },
            Way::Nobody => {}
        }
    }
}

impl<T> Reply<T> {
    pub(crate) fn local(sender: Filler<Answer<T>>) -> Self {
        Self(Way::Local(Some(sender)))
    }

    pub(crate) fn wire(reply: Option<WireReply>) -> Self {
        Self(reply.map_or(Way::Nobody, Way::Wire))
    }

    /// Whether the caller has given up, so that work for it is in vain.
    pub fn is_abandoned(&self) -> bool {
        match &self.0 {
            Way::Local(sender) => sender.as_ref().is_none_or(Filler::is_abandoned),
            Way::Wire(reply) => reply.is_abandoned(),
            Way::Nobody => true,
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Way::Local(sender) = &mut self.0 {
            unwound(sender);
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("abandoned", &self.is_abandoned()).finish()
    }
}

/// A [`Reply`] in bytes, as backends hold it.
pub struct WireReply(Option<Filler<Answer<Vec<u8>>>>);

impl WireReply {
    pub(crate) fn new(sender: Filler<Answer<Vec<u8>>>) -> Self {
        Self(Some(sender))
    }

    /// Answers with the encoded value.
    pub fn send(mut self, body: Vec<u8>) {
        self.answer(Answer::Value(body));
    }

    /// Answers with an error.
    pub fn reject(mut self, error: CallError) {
        self.answer(Answer::Failed(error));
    }

    /// Whether the caller has given up.
    pub fn is_abandoned(&self) -> bool {
        self.0.as_ref().is_none_or(Filler::is_abandoned)
    }

    fn answer(&mut self, answer: Answer<Vec<u8>>) {
        if let Some(sender) = self.0.take() {
            let _ = sender.fill(answer);
        }
    }
}

impl Drop for WireReply {
    fn drop(&mut self) {
        unwound(&mut self.0);
    }
}

impl fmt::Debug for WireReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireReply").field("abandoned", &self.is_abandoned()).finish()
    }
}

fn unwound<T>(sender: &mut Option<Filler<Answer<T>>>) {
    if std::thread::panicking()
        && let Some(sender) = sender.take()
    {
        let (known, unwound) = oneshot::channel();
        let _ = sender.fill(Answer::Unwound(unwound));
        crash::keep(known);
    }
}

//! Messages as they arrive, and where their answers go.

use crate::wire::{Method, Wire, decode, encode};
use rusm_guest::{messages, types::Answer};
use std::fmt;
use std::marker::PhantomData;

/// The messages that an actor understands; the macros write it.
pub trait Message: Sized + Send + 'static {
    /// What can be asked.
    const METHODS: &'static [&'static Method];

    /// Which of them this is.
    fn method(&self) -> &'static Method;

    /// Turns bytes into a message; a rejection has answered the caller already.
    ///
    /// # Errors
    /// An unknown method, or arguments that are not what the method takes.
    fn from_wire(message: Incoming) -> Result<Self, Rejected>;
}

/// A message in bytes.
#[derive(Debug)]
pub struct Incoming {
    method: u32,
    body: Vec<u8>,
    reply: ReplyTo,
}

/// What is left of a message that could not be understood; its caller has been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected(String);

impl Rejected {
    /// What was wrong. The whole of `CallError` can print itself too, but that is 3 KB of every component.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// The reply of a message whose arguments were taken out. Dropped unanswered, it says so.
#[derive(Debug)]
pub struct ReplyTo(Option<u64>);

impl From<rusm_guest::types::Incoming> for Incoming {
    fn from(message: rusm_guest::types::Incoming) -> Self {
        Self { method: message.method, body: message.body, reply: ReplyTo(message.call) }
    }
}

impl Incoming {
    /// The number of the method.
    pub fn method(&self) -> u32 {
        self.method
    }

    /// The arguments: a postcard tuple.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Takes the arguments out.
    ///
    /// # Errors
    /// Bytes that are not what the method takes; the caller is told.
    pub fn arguments<A: Wire>(self, method: &'static Method) -> Result<(A, ReplyTo), Rejected> {
        match decode(&self.body) {
            Ok(arguments) => Ok((arguments, self.reply)),
            Err(error) => Err(self.malformed(method, &error)),
        }
    }

    /// Tells the caller that there is no such method.
    pub fn unknown(self) -> Rejected {
        self.reply.answer(&Answer::UnknownMethod);
        Rejected(format!("refused a message: no method has the number {}", self.method))
    }

    /// Tells the caller of a stream's method that it is not possible here.
    pub(super) fn refuse(self, text: String) -> Rejected {
        self.reply.answer(&Answer::Malformed(text.clone()));
        Rejected(text)
    }

    fn malformed(self, method: &'static Method, error: &dyn fmt::Display) -> Rejected {
        let text = format!("arguments of {}: {error}", method.name);
        self.reply.answer(&Answer::Malformed(text.clone()));
        Rejected(text)
    }
}

impl ReplyTo {
    /// The typed reply.
    pub fn reply<T>(self) -> Reply<T> {
        Reply { to: self, value: PhantomData }
    }

    fn answer(mut self, answer: &Answer) {
        if let Some(call) = self.0.take() {
            messages::reply(call, answer);
        }
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            messages::reply(call, &Answer::Nobody);
        }
    }
}

/// The right, and the duty, to answer one call.
///
/// Dropped unanswered, the caller gets [`CallError::NoReply`](crate::CallError::NoReply) or, if the process that held it ended,
/// [`CallError::Exited`](crate::CallError::Exited). Pass it on to let another part of the process answer later.
pub struct Reply<T> {
    to: ReplyTo,
    value: PhantomData<fn(T)>,
}

impl<T: Wire> Reply<T> {
    /// Answers. Nothing happens if the caller has given up.
    pub fn send(self, value: T) {
        let answer = match encode(&value) {
            Ok(body) => Answer::Value(body),
            Err(error) => Answer::Malformed(format!("the answer can't be encoded: {error}")),
        };
        self.to.answer(&answer);
    }
}

impl<T> Reply<T> {
    /// Whether nobody waits. A component is not told of callers that gave up, so this is true for casts only.
    pub fn is_abandoned(&self) -> bool {
        self.to.0.is_none()
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("abandoned", &self.is_abandoned()).finish()
    }
}

//! Messages as they arrive in bytes, and what they become.

use super::{Instant, Reply, WireReply};
use crate::wire::{CallError, Method, MethodKind, Type, Wire, decode};

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
    reply: Option<WireReply>,
    deadline: Option<Instant>,
    /// A timer has sent it: it gets in.
    is_owed: bool,
}

/// What is left of a message that could not be understood; its caller has been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected(pub(crate) CallError);

/// The reply of a message whose arguments were taken out.
#[derive(Debug)]
pub struct ReplyTo(Option<WireReply>);

impl ReplyTo {
    /// The typed reply.
    pub fn reply<T>(self) -> Reply<T> {
        Reply::wire(self.0)
    }
}

impl Incoming {
    pub(crate) fn new(method: u32, body: Vec<u8>, reply: Option<WireReply>, deadline: Option<Instant>) -> Self {
        Self { method, body, reply, deadline, is_owed: false }
    }

    /// It is to get into a mailbox that is full, too.
    pub(super) fn owed(self, is_owed: bool) -> Self {
        Self { is_owed, ..self }
    }

    pub(super) fn is_owed(&self) -> bool {
        self.is_owed
    }

    /// The number of the method.
    pub fn method(&self) -> u32 {
        self.method
    }

    /// The arguments: a postcard tuple.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Method, arguments, reply and deadline.
    pub fn into_parts(self) -> (u32, Vec<u8>, Option<WireReply>, Option<Instant>) {
        (self.method, self.body, self.reply, self.deadline)
    }

    /// Takes the arguments out.
    ///
    /// # Errors
    /// Bytes that are not what the method takes; the caller is told.
    pub fn arguments<A: Wire>(self, method: &'static Method) -> Result<(A, ReplyTo), Rejected> {
        match decode(&self.body) {
            Ok(arguments) => Ok((arguments, ReplyTo(self.reply))),
            Err(error) => {
                Err(self.reject(CallError::Malformed(format!("arguments of {}: {error}", method.signature()))))
            }
        }
    }

    /// Tells the caller that there is no such method.
    pub fn unknown(self) -> Rejected {
        let number = self.method;
        self.reject(CallError::UnknownMethod(format!("number {number:#010x}")))
    }

    fn reject(self, error: CallError) -> Rejected {
        if let Some(reply) = self.reply {
            reply.reject(error.clone());
        }
        Rejected(error)
    }
}

/// Backends that run components take bytes as they are.
impl Message for Incoming {
    const METHODS: &'static [&'static Method] = &[];

    fn method(&self) -> &'static Method {
        const BYTES: &Method = &Method::new(MethodKind::Cast, "bytes", &[], &Type::Unit, "");
        BYTES
    }

    fn from_wire(message: Incoming) -> Result<Self, Rejected> {
        Ok(message)
    }
}

//! Whom messages go to: a process, or a name that is looked up at each message.

use super::Node;
use crate::wire::{Method, NameError, Pid, SendError, encode};
use rusm_guest::types as wit;
use serde::Serialize;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// A process or a name that takes messages of one type.
pub struct Address<M> {
    to: To,
    message: PhantomData<fn(M)>,
}

#[derive(Clone)]
enum To {
    Pid(Pid),
    Name(Arc<str>),
}

impl<M> Address<M> {
    fn new(to: To) -> Self {
        Self { to, message: PhantomData }
    }

    /// A process of this node.
    pub fn pid_on(_: &Node, pid: Pid) -> Self {
        Self::new(To::Pid(pid))
    }

    /// Whoever holds the name on this node when a message is sent.
    ///
    /// # Errors
    /// A text that can't be a name.
    pub fn named(_: &Node, name: &str) -> Result<Self, NameError> {
        if name.is_empty() || name.len() > 255 || name.contains(char::is_control) {
            return Err(NameError::Invalid(name.into()));
        }
        Ok(Self::connect(name))
    }

    /// Whoever holds the name on the node of this process.
    pub fn connect(name: &str) -> Self {
        Self::new(To::Name(name.into()))
    }

    /// The process, unless the address is a name.
    pub fn pid(&self) -> Option<Pid> {
        match self.to {
            To::Pid(pid) => Some(pid),
            To::Name(_) => None,
        }
    }

    pub(super) fn target(&self) -> wit::Target {
        match &self.to {
            To::Pid(pid) => wit::Target::Pid((*pid).into()),
            To::Name(name) => wit::Target::Name(String::from(&**name)),
        }
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self::new(self.to.clone())
    }
}

impl<M> fmt::Display for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            To::Pid(pid) => pid.fmt(f),
            To::Name(name) => write!(f, "named {name:?}"),
        }
    }
}

impl<M> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// A message of a method, ready to be sent.
pub(super) fn message<A: Serialize>(method: &'static Method, args: &A) -> Result<wit::Message, SendError> {
    match encode(args) {
        Ok(body) => Ok(wit::Message { method: method.id(), fingerprint: method.fingerprint(), body }),
        Err(error) => Err(SendError::Malformed(format!("{}: {error}", method.name))),
    }
}

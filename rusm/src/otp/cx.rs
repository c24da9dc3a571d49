//! What a running actor can do about itself and others.

use super::mailbox::Receiver;
use super::{Actor, Address, Client, This};
use crate::wire::Exit;
use std::fmt;
use std::ops::Deref;

/// The context of a running actor: the one reference that its methods may take. By deref, all of [`This`].
pub struct Cx<A: Actor> {
    pub(super) receiver: Receiver<A::Message>,
    stop: Option<Exit>,
    pub(super) machine: A::Machine,
}

impl<A: Actor> Cx<A> {
    pub(crate) fn new(receiver: Receiver<A::Message>) -> Self {
        Self { receiver, stop: None, machine: A::Machine::default() }
    }

    /// A client of itself, to hand out. Calling oneself and waiting for it is a [`Deadlock`](crate::CallError::Deadlock).
    pub fn me(&self) -> A::Client {
        A::Client::from_address(Address::typed(self.receiver.this().clone()))
    }

    /// A client of itself whose messages come before all others that wait.
    ///
    /// Who is given it may overtake: hand it out sparingly. From the first one on the mailbox is a little slower.
    pub fn urgent(&self) -> A::Client {
        A::Client::from_address(Address::urgent(self.receiver.this().clone()))
    }

    /// Ends the actor once the message in hand is done; `#[on(terminate)]` runs.
    pub fn stop(&mut self, exit: impl Into<Exit>) {
        self.stop.get_or_insert(exit.into());
    }

    pub(crate) fn take_stop(&mut self) -> Option<Exit> {
        self.stop.take()
    }
}

/// What the actor's process can do about itself and others.
impl<A: Actor> Deref for Cx<A> {
    type Target = This;

    fn deref(&self) -> &This {
        self.receiver.this().this()
    }
}

impl<A: Actor> fmt::Debug for Cx<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

//! What a running actor can do about itself and others.

use super::mailbox::Mailbox;
use super::{Actor, Address, Client, This};
use crate::wire::Exit;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The context of a running actor: the one reference that its methods may take. By deref, all of [`This`].
pub struct Cx<A: Actor> {
    this: This,
    mailbox: Arc<Mailbox<A::Message>>,
    stop: Option<Exit>,
}

impl<A: Actor> Cx<A> {
    pub(crate) fn new(this: This, mailbox: Arc<Mailbox<A::Message>>) -> Self {
        Self { this, mailbox, stop: None }
    }

    /// A client of itself, to hand out. Calling oneself and waiting for it can only end at the deadline.
    pub fn me(&self) -> A::Client {
        A::Client::from_address(Address::typed(self.node.clone(), self.cell.clone(), self.mailbox.clone()))
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
        &self.this
    }
}

impl<A: Actor> fmt::Debug for Cx<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

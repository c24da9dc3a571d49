//! What an actor can do besides answering: itself, its links, monitors, names and children.

use super::{Actor, Address, Client, Node, Spawn, This};
use crate::wire::{Exit, Pid};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// The context of a running actor. By deref, all of [`This`].
pub struct Cx<A: Actor> {
    this: This,
    stop: Option<Exit>,
    actor: PhantomData<fn() -> A>,
}

impl<A: Actor> Cx<A> {
    pub(super) fn new() -> Self {
        Self { this: This::new(), stop: None, actor: PhantomData }
    }

    pub(super) fn take_stop(&mut self) -> Option<Exit> {
        self.stop.take()
    }

    /// A client of itself, to give to others.
    pub fn me(&self) -> A::Client {
        A::Client::from_address(Address::pid_on(self.node(), self.pid()))
    }

    /// Ends the actor once the message in hand is done; `#[on(terminate)]` runs.
    pub fn stop(&mut self, exit: impl Into<Exit>) {
        self.stop.get_or_insert(exit.into());
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

/// A started process: its pid and, by deref, its client.
pub struct Ref<P: Spawn> {
    pid: Pid,
    client: P::Client,
}

impl<P: Spawn> Ref<P> {
    pub(super) fn new(node: &Node, pid: Pid) -> Self {
        Self { pid, client: P::Client::from_address(Address::pid_on(node, pid)) }
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The client alone.
    pub fn client(&self) -> &P::Client {
        &self.client
    }
}

impl<P: Spawn> Deref for Ref<P> {
    type Target = P::Client;

    fn deref(&self) -> &P::Client {
        &self.client
    }
}

impl<P: Spawn> Clone for Ref<P> {
    fn clone(&self) -> Self {
        Self { pid: self.pid, client: self.client.clone() }
    }
}

impl<P: Spawn> fmt::Debug for Ref<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref<{}>({})", P::ENTRY.name, self.pid)
    }
}

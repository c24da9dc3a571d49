//! What a running actor can do about itself and others.

use super::mailbox::Mailbox;
use super::node::{Family, SpawnOptions, spawn_actor};
use super::process::{Cell, own_signal};
use super::signal::Signal;
use super::{Actor, Address, Client, NameError, Node, Ref, SpawnError};
use crate::wire::{Exit, ExitReason, MonitorRef, Pid};
use std::fmt;
use std::sync::Arc;

/// The context of a running actor: the one reference that its methods may take.
pub struct Cx<A: Actor> {
    node: Node,
    cell: Arc<Cell>,
    mailbox: Arc<Mailbox<A::Message>>,
    stop: Option<Exit>,
}

impl<A: Actor> Cx<A> {
    pub(crate) fn new(node: Node, cell: Arc<Cell>, mailbox: Arc<Mailbox<A::Message>>) -> Self {
        Self { node, cell, mailbox, stop: None }
    }

    /// Its own pid.
    pub fn pid(&self) -> Pid {
        self.cell.pid()
    }

    /// Its node.
    pub fn node(&self) -> &Node {
        &self.node
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

    /// Starts a process that lives on its own.
    ///
    /// # Errors
    /// See [`SpawnError`]. A process whose start is given up is killed.
    pub async fn spawn<B: Actor>(&self, args: B::Args) -> Result<Ref<B>, SpawnError> {
        self.start(args, false).await
    }

    /// Starts a process that is linked to this one: when one crashes, so does the other.
    ///
    /// # Errors
    /// See [`SpawnError`]. A child that fails to start also sends its exit signal.
    pub async fn spawn_link<B: Actor>(&self, args: B::Args) -> Result<Ref<B>, SpawnError> {
        self.start(args, true).await
    }

    async fn start<B: Actor>(&self, args: B::Args, link: bool) -> Result<Ref<B>, SpawnError> {
        let family = Family { parent: Some(self.cell.clone()), link };
        spawn_actor(&self.node, args, SpawnOptions::default(), family).await
    }

    /// Links itself to another process; if there is none, the exit signal comes at once.
    pub fn link(&self, to: Pid) {
        own_signal(&self.node, &self.cell, |signals| signals.link(to));
    }

    /// Takes a link away; afterwards no exit signal of it arrives.
    pub fn unlink(&self, from: Pid) {
        own_signal(&self.node, &self.cell, |signals| signals.unlink(from));
    }

    /// Watches another process: one [`Down`](crate::Down) arrives at `#[on(down)]` when it ends, at once if there is
    /// none.
    pub fn monitor(&self, pid: Pid) -> MonitorRef {
        let monitor = self.node.next_monitor();
        own_signal(&self.node, &self.cell, |signals| signals.monitor(monitor, pid));
        monitor
    }

    /// Stops watching; a down of it that was not read is taken away.
    pub fn demonitor(&self, monitor: MonitorRef) {
        own_signal(&self.node, &self.cell, |signals| signals.demonitor(monitor));
        self.cell.mailbox().flush_down(monitor);
    }

    /// Asks another process to end; [`ExitReason::Killed`] can't be refused.
    pub fn exit(&self, pid: Pid, reason: ExitReason) {
        self.node.signal(pid, Signal::Exit { from: Some(self.pid()), reason });
    }

    /// Takes a free name; it is given back when the actor ends.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn register(&self, name: &str) -> Result<(), NameError> {
        self.node.register(name, self.pid())
    }

    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        self.cell.depth()
    }
}

impl<A: Actor> fmt::Debug for Cx<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

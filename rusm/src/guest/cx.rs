//! What an actor can do besides answering: itself, its links, monitors, names and children.

use super::{Actor, Address, Client, Level, Node, component, log};
use crate::wire::{Exit, ExitReason, MonitorRef, NameError, Pid, SpawnError};
use rusm_guest::{names, process};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// The context of a running actor.
pub struct Cx<A: Actor> {
    node: Node,
    stop: Option<Exit>,
    actor: PhantomData<fn() -> A>,
}

impl<A: Actor> Cx<A> {
    pub(super) fn new() -> Self {
        Self { node: Node::current(), stop: None, actor: PhantomData }
    }

    pub(super) fn take_stop(&mut self) -> Option<Exit> {
        self.stop.take()
    }

    /// This process.
    pub fn pid(&self) -> Pid {
        process::self_pid().into()
    }

    /// The node it runs on.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// A client of itself, to give to others.
    pub fn me(&self) -> A::Client {
        A::Client::from_address(Address::pid_on(&self.node, self.pid()))
    }

    /// Ends the actor once the message in hand is done; `#[on(terminate)]` runs.
    pub fn stop(&mut self, exit: impl Into<Exit>) {
        self.stop.get_or_insert(exit.into());
    }

    /// Starts another actor of this component, in an instance of its own. It lives on its own.
    ///
    /// # Errors
    /// See [`SpawnError`].
    ///
    /// # Cancel safety
    /// Dropped while it waits, the process starts none the less.
    pub async fn spawn<B: Actor>(&self, args: B::Args) -> Result<Ref<B>, SpawnError> {
        self.start(args, false).await
    }

    /// [`spawn`](Self::spawn), linked to this process: when one crashes, so does the other.
    ///
    /// # Errors
    /// See [`SpawnError`]. A child that fails to start also sends its exit signal.
    pub async fn spawn_link<B: Actor>(&self, args: B::Args) -> Result<Ref<B>, SpawnError> {
        self.start(args, true).await
    }

    async fn start<B: Actor>(&self, args: B::Args, link: bool) -> Result<Ref<B>, SpawnError> {
        let pid = component::spawn(None, Some(B::ENTRY.name), args, link).await?;
        Ok(Ref::new(&self.node, pid))
    }

    /// Links to a process: when one ends abnormally, so does the other.
    pub fn link(&self, pid: Pid) {
        told("link", process::link(pid.into()));
    }

    /// Takes a link away; afterwards no exit signal of it arrives.
    pub fn unlink(&self, pid: Pid) {
        process::unlink(pid.into());
    }

    /// Watches a process: one [`Down`](crate::Down) arrives when it ends, at once if there is none.
    pub fn monitor(&self, pid: Pid) -> MonitorRef {
        MonitorRef::from_raw(process::monitor(pid.into()))
    }

    /// Takes a monitor away, also a `Down` of it that has not been read yet.
    pub fn demonitor(&self, monitor: MonitorRef) {
        process::demonitor(monitor.raw());
    }

    /// Asks a process to end. Others than itself and its children need `allow-process-control`.
    pub fn exit(&self, pid: Pid, reason: ExitReason) {
        told("exit", process::exit(pid.into(), &reason.into()));
    }

    /// Takes a name for this process.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn register(&self, name: &str) -> Result<(), NameError> {
        Ok(names::register(name)?)
    }
}

/// These have no result on the host, where nothing is denied; here a denial goes to the log.
fn told(what: &str, result: Result<(), String>) {
    if let Err(denied) = result {
        log(Level::Warn, &format!("{what}: {denied}"));
    }
}

impl<A: Actor> fmt::Debug for Cx<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

/// A started actor: its pid and, by deref, its client.
pub struct Ref<A: Actor> {
    pid: Pid,
    client: A::Client,
}

impl<A: Actor> Ref<A> {
    fn new(node: &Node, pid: Pid) -> Self {
        Self { pid, client: A::Client::from_address(Address::pid_on(node, pid)) }
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The client alone.
    pub fn client(&self) -> &A::Client {
        &self.client
    }
}

impl<A: Actor> Deref for Ref<A> {
    type Target = A::Client;

    fn deref(&self) -> &A::Client {
        &self.client
    }
}

impl<A: Actor> Clone for Ref<A> {
    fn clone(&self) -> Self {
        Self { pid: self.pid, client: self.client.clone() }
    }
}

impl<A: Actor> fmt::Debug for Ref<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref<{}>({})", A::ENTRY.name, self.pid)
    }
}

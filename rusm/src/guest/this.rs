//! What the process of this component can do about itself and others, whatever drives it.

use super::{Level, Node, Ref, Spawn, component, log};
use crate::wire::{ExitReason, MonitorRef, NameError, Pid, SpawnError};
use rusm_guest::{names, process};
use std::fmt;

/// The running process, as [`Cx`](crate::Cx) and [`Inbox`](crate::Inbox) give it to its code.
pub struct This {
    node: Node,
}

impl This {
    pub(super) fn new() -> Self {
        Self { node: Node::current() }
    }

    /// This process.
    pub fn pid(&self) -> Pid {
        process::self_pid().into()
    }

    /// The node it runs on.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Starts another process of this component, in an instance of its own. It lives on its own.
    ///
    /// # Errors
    /// See [`SpawnError`].
    ///
    /// # Cancel safety
    /// Dropped while it waits, the process starts none the less.
    pub async fn spawn<P: Spawn>(&self, args: P::Args) -> Result<Ref<P>, SpawnError> {
        self.start(args, false).await
    }

    /// [`spawn`](Self::spawn), linked to this process: when one crashes, so does the other.
    ///
    /// # Errors
    /// See [`SpawnError`]. A child that fails to start also sends its exit signal.
    pub async fn spawn_link<P: Spawn>(&self, args: P::Args) -> Result<Ref<P>, SpawnError> {
        self.start(args, true).await
    }

    async fn start<P: Spawn>(&self, args: P::Args, link: bool) -> Result<Ref<P>, SpawnError> {
        let pid = component::spawn(None, Some(P::ENTRY.name), args, link).await?;
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

impl fmt::Debug for This {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("This").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

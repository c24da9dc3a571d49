//! What a running native process can do about itself and others, whatever drives it.

use super::node::{Family, SpawnOptions, spawn_process};
use super::process::{Cell, own_signal};
use super::signal::Signal;
use super::{NameError, Node, Ref, Spawn, SpawnError};
use crate::wire::{ExitReason, MonitorRef, Pid};
use std::fmt;
use std::sync::Arc;

/// The running process, as [`Cx`](crate::Cx) and [`Inbox`](crate::Inbox) give it to its code.
pub struct This {
    pub(super) node: Node,
    pub(super) cell: Arc<Cell>,
}

impl This {
    pub(crate) fn new(node: Node, cell: Arc<Cell>) -> Self {
        Self { node, cell }
    }

    /// Its own pid.
    pub fn pid(&self) -> Pid {
        self.cell.pid()
    }

    /// Its node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Starts a process that lives on its own.
    ///
    /// # Errors
    /// See [`SpawnError`]. A process whose start is given up is killed.
    pub async fn spawn<P: Spawn>(&self, args: P::Args) -> Result<Ref<P>, SpawnError> {
        self.start(args, false).await
    }

    /// Starts a process that is linked to this one: when one crashes, so does the other.
    ///
    /// # Errors
    /// See [`SpawnError`]. A child that fails to start also sends its exit signal.
    pub async fn spawn_link<P: Spawn>(&self, args: P::Args) -> Result<Ref<P>, SpawnError> {
        self.start(args, true).await
    }

    async fn start<P: Spawn>(&self, args: P::Args, link: bool) -> Result<Ref<P>, SpawnError> {
        let family = Family { parent: Some(self.cell.clone()), link };
        spawn_process(&self.node, args, SpawnOptions::default(), family).await
    }

    /// Links itself to another process; if there is none, the exit signal comes at once.
    pub fn link(&self, to: Pid) {
        own_signal(&self.node, &self.cell, |signals| signals.link(to));
    }

    /// Takes a link away; afterwards no exit signal of it arrives.
    pub fn unlink(&self, from: Pid) {
        own_signal(&self.node, &self.cell, |signals| signals.unlink(from));
        self.cell.mailbox().flush_exit(from);
    }

    /// Watches another process: one [`Down`](crate::Down) arrives when it ends, at once if there is none.
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

    /// Takes a free name; it is given back when the process ends.
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

impl fmt::Debug for This {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("This").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

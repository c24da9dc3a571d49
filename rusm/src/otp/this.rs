//! What a running native process can do about itself and others, whatever drives it.

use super::cell::{CellRef, Priority};
use super::node::{Family, SpawnOptions, spawn_process};
use super::process::own_signal;
use super::signal::Signal;
use super::{NameError, Node, Ref, Spawn, SpawnError};
use crate::wire::{ExitReason, MonitorRef, Pid};
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// The running process, as [`Cx`](crate::Cx) and [`Inbox`](crate::Inbox) give it to its code.
pub struct This {
    pub(super) cell: CellRef,
}

impl This {
    pub(crate) fn new(cell: CellRef) -> Self {
        Self { cell }
    }

    /// Its own pid.
    pub fn pid(&self) -> Pid {
        self.cell.pid()
    }

    /// Its node.
    pub fn node(&self) -> &Node {
        self.cell.node()
    }

    /// Starts a process that lives on its own.
    ///
    /// # Errors
    /// See [`SpawnError`]. A process whose start is given up is killed.
    #[track_caller]
    pub fn spawn<P: Spawn>(
        &self,
        args: P::Args,
    ) -> impl Future<Output = Result<Ref<P>, SpawnError>> + Send + use<'_, P> {
        self.spawn_with(args, SpawnOptions::default())
    }

    /// [`spawn`](Self::spawn), with options.
    ///
    /// # Errors
    /// See [`SpawnError`]. A process whose start is given up is killed.
    #[track_caller]
    pub fn spawn_with<P: Spawn>(
        &self,
        args: P::Args,
        options: SpawnOptions,
    ) -> impl Future<Output = Result<Ref<P>, SpawnError>> + Send + use<'_, P> {
        self.start(args, options, false, None, Location::caller())
    }

    /// Starts a process that is linked to this one: when one crashes, so does the other.
    ///
    /// # Errors
    /// See [`SpawnError`]. A child that fails to start also sends its exit signal.
    #[track_caller]
    pub fn spawn_link<P: Spawn>(
        &self,
        args: P::Args,
    ) -> impl Future<Output = Result<Ref<P>, SpawnError>> + Send + use<'_, P> {
        self.start(args, SpawnOptions::default(), true, None, Location::caller())
    }

    /// Starts a process that this one watches from its first moment.
    ///
    /// # Errors
    /// See [`SpawnError`]. No down comes of a child that fails to start.
    #[track_caller]
    pub fn spawn_monitor<P: Spawn>(
        &self,
        args: P::Args,
    ) -> impl Future<Output = Result<(Ref<P>, MonitorRef), SpawnError>> + Send + use<'_, P> {
        let monitor = self.node().next_monitor();
        let start = self.start(args, SpawnOptions::default(), false, Some(monitor), Location::caller());
        async move {
            match start.await {
                Ok(child) => Ok((child, monitor)),
                Err(error) => {
                    self.demonitor(monitor);
                    Err(error)
                }
            }
        }
    }

    fn start<P: Spawn>(
        &self,
        args: P::Args,
        options: SpawnOptions,
        link: bool,
        monitor: Option<MonitorRef>,
        at: &'static Location<'static>,
    ) -> impl Future<Output = Result<Ref<P>, SpawnError>> + Send + use<'_, P> {
        let family = Family { parent: Some(self.cell.clone()), link, monitor };
        spawn_process(self.node(), args, options, family, at)
    }

    /// Links itself to another process; if there is none, the exit signal comes at once.
    pub fn link(&self, to: Pid) {
        own_signal(self.node(), self.cell.ptr(), |signals| signals.link(to));
    }

    /// Takes a link away; afterwards no exit signal of it arrives.
    pub fn unlink(&self, from: Pid) {
        own_signal(self.node(), self.cell.ptr(), |signals| signals.unlink(from));
        self.cell.ptr().mailbox().flush_exit(from);
    }

    /// Watches another process: one [`Down`](crate::Down) arrives when it ends, at once if there is none.
    pub fn monitor(&self, pid: Pid) -> MonitorRef {
        let monitor = self.node().next_monitor();
        own_signal(self.node(), self.cell.ptr(), |signals| signals.monitor(monitor, pid));
        monitor
    }

    /// Stops watching; a down of it that was not read is taken away.
    pub fn demonitor(&self, monitor: MonitorRef) {
        own_signal(self.node(), self.cell.ptr(), |signals| signals.demonitor(monitor));
        self.cell.ptr().mailbox().flush_down(monitor);
    }

    /// Asks another process to end; [`ExitReason::Killed`] can't be refused.
    pub fn exit(&self, pid: Pid, reason: ExitReason) {
        self.node().signal(pid, Signal::Exit { from: Some(self.pid()), reason });
    }

    /// Takes a free name; it is given back when the process ends.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn register(&self, name: &str) -> Result<(), NameError> {
        self.node().register(name, self.pid())
    }

    /// Gives a name back.
    ///
    /// # Errors
    /// A name that this process does not hold.
    pub fn unregister(&self, name: &str) -> Result<(), NameError> {
        self.node().naming().names.release(name, self.pid())
    }

    /// How many messages wait.
    pub fn waiting(&self) -> usize {
        self.cell.ptr().mailbox().depth()
    }

    /// How many messages its full mailbox has refused or shed.
    pub fn shed(&self) -> u64 {
        self.cell.ptr().mailbox().shed()
    }

    /// Says what its state is called, for those who look at it: [`ProcessInfo::state`](super::ProcessInfo). A state machine does so itself.
    pub fn set_state_name(&self, name: &'static str) {
        self.cell.set_state_name(name);
    }

    /// Which processes it runs before, from its next turn on.
    pub fn set_priority(&self, priority: Priority) {
        self.cell.set_priority(priority);
    }
}

impl fmt::Debug for This {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("This").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

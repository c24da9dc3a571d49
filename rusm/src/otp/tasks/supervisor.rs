//! Tasks under a supervisor, which ends them when it ends.

use super::{Task, caller, life};
use crate::otp::cell::CellRef;
use crate::otp::dynamic::run::Kind;
use crate::otp::dynamic::{DynamicSupervisor, DynamicSupervisorRef};
use crate::otp::mailbox::Mailbox;
use crate::otp::node::Start;
use crate::otp::process::own_signal;
use crate::otp::slot::slot;
use crate::otp::{Incoming, Node, SpawnError};
use crate::wire::{ExitReason, Pid};
use std::future::Future;
use std::panic::Location;

/// A dynamic supervisor whose children are tasks: all temporary. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TaskSupervisor {
    children: DynamicSupervisorRef,
}

impl TaskSupervisor {
    /// Starts one with the defaults of [`DynamicSupervisor`].
    ///
    /// # Errors
    /// See [`SpawnError`].
    #[track_caller]
    pub fn start(node: &Node) -> Result<Self, SpawnError> {
        Self::start_with(node, DynamicSupervisor::new())
    }

    /// Starts one with these bounds and times.
    ///
    /// # Errors
    /// See [`SpawnError`].
    #[track_caller]
    pub fn start_with(node: &Node, supervisor: DynamicSupervisor) -> Result<Self, SpawnError> {
        Ok(Self { children: node.supervise_dynamic(supervisor)? })
    }

    /// Its process, its children, its end.
    pub fn children(&self) -> &DynamicSupervisorRef {
        &self.children
    }

    /// Starts a task that is linked to the running process too, if there is one.
    ///
    /// # Errors
    /// As for [`DynamicSupervisorRef::start_child`].
    #[track_caller]
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<Task<T>, SpawnError> {
        self.begin(caller(&self.children.shared.node), future, Location::caller())
    }

    /// Starts a task whose crash is told to who awaits it, and ends nobody.
    ///
    /// # Errors
    /// As for [`DynamicSupervisorRef::start_child`].
    #[track_caller]
    pub fn spawn_nolink<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<Task<T>, SpawnError> {
        self.begin(None, future, Location::caller())
    }

    /// Starts a task that nobody waits for.
    ///
    /// # Errors
    /// As for [`DynamicSupervisorRef::start_child`].
    #[track_caller]
    pub fn start_child(&self, future: impl Future<Output = ()> + Send + 'static) -> Result<Pid, SpawnError> {
        let at = Location::caller();
        self.launch(at, async move {
            future.await;
            ExitReason::Normal
        })
        .map(|cell| cell.pid())
    }

    pub(super) fn begin<T: Send + 'static>(
        &self,
        caller: Option<CellRef>,
        future: impl Future<Output = T> + Send + 'static,
        at: &'static Location<'static>,
    ) -> Result<Task<T>, SpawnError> {
        let (filler, waiter) = slot();
        // It begins when it is linked, or else its end could come before the link.
        let (go, gate) = caller.is_some().then(slot).unzip();
        let cell = self.launch(at, life(filler, gate, future))?;
        if let Some(caller) = &caller {
            own_signal(caller.node(), caller.ptr(), |signals| signals.link(cell.pid()));
        }
        if let Some(go) = go {
            let _ = go.fill(());
        }
        Ok(Task::new(cell, caller, waiter))
    }

    fn launch(
        &self,
        at: &'static Location<'static>,
        life: impl Future<Output = ExitReason> + Send + 'static,
    ) -> Result<CellRef, SpawnError> {
        let shared = &self.children.shared;
        shared.reserve()?;
        shared.launch(Kind::TEMPORARY, |begun| {
            let start = Start { family: shared.family(), ..Start::new(&"task", at) };
            let this = shared.node.start(start, Mailbox::<Incoming>::new(Some(0.into())), |this| {
                begun(this.cell().pid());
                life
            })?;
            Ok(this.cell().clone())
        })
    }
}

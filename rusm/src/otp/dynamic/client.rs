//! What others do with a dynamic supervisor.

use super::DynamicSupervisor;
use super::run::{Kind, Shared, Spec, start};
use crate::otp::cell::{CellRef, Typed};
use crate::otp::mailbox::Mailbox;
use crate::otp::node::{Family, Start, wait_started};
use crate::otp::signal::Trap;
use crate::otp::slot::{Waiter, slot};
use crate::otp::spawn::{Birth, reason};
use crate::otp::supervisor::{Restart, Shutdown};
use crate::otp::{CallError, Incoming, Node, Ref, Spawn, SpawnError, This, context, crash};
use crate::receive::{Ending, ended};
use crate::wire::{ExitReason, Pid};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

impl Node {
    /// Starts a dynamic supervisor, without children.
    ///
    /// # Errors
    /// See [`SpawnError`].
    #[track_caller]
    pub fn supervise_dynamic(&self, supervisor: DynamicSupervisor) -> Result<DynamicSupervisorRef, SpawnError> {
        let shared = start(self, &supervisor, Family::default(), |_| (), Location::caller())?;
        Ok(DynamicSupervisorRef { shared })
    }
}

/// A child that can be started again: its arguments are asked anew at each start.
pub struct DynamicChild<P: Spawn> {
    args: Arc<dyn Fn() -> P::Args + Send + Sync>,
    restart: Option<Restart>,
    shutdown: Option<Shutdown>,
    name: Option<Arc<str>>,
    at: &'static Location<'static>,
}

impl<P: Spawn> DynamicChild<P> {
    /// A child with the restart type of its supervisor.
    #[track_caller]
    pub fn new(args: impl Fn() -> P::Args + Send + Sync + 'static) -> Self {
        Self { args: Arc::new(args), restart: None, shutdown: None, name: None, at: Location::caller() }
    }

    /// When it is started again.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = Some(restart);
        self
    }

    /// How it is stopped, instead of as its supervisor says.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.shutdown = Some(shutdown.into());
        self
    }

    /// Registers it under this name at each start, so that clients by name survive its restarts.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl<P: Spawn> fmt::Debug for DynamicChild<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("DynamicChild");
        shown
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A running dynamic supervisor. Cheap to clone.
#[derive(Clone)]
pub struct DynamicSupervisorRef {
    pub(in crate::otp) shared: Arc<Shared>,
}

type Launched<P> = (Typed<<P as Spawn>::Message>, Option<Waiter<()>>);

/// Starts a process whose place is reserved.
fn launch<P: Spawn>(
    shared: &Shared,
    args: P::Args,
    name: Option<Arc<str>>,
    kind: Kind,
    at: &'static Location<'static>,
) -> Result<Launched<P>, SpawnError> {
    shared.launch(kind, |begun| {
        let trap = Trap { links: P::ENTRY.on_exit, stop: P::ENTRY.on_terminate };
        let start = Start { trap, name, family: shared.family(), ..Start::new(&P::ENTRY.name, at) };
        let (started, is_started) = if P::HAS_INIT { Some(slot()).unzip() } else { (None, None) };
        let this = shared.node.start(start, Mailbox::new(None), |this| {
            begun(this.cell().pid());
            P::live(args, Birth { this, started })
        })?;
        Ok((this, is_started))
    })
}

/// The user's code makes the arguments; its panic is a start that failed.
fn make_args<A>(args: &(dyn Fn() -> A + Send + Sync)) -> Result<A, SpawnError> {
    crash::guard(args).map_err(|crash| SpawnError::Init(crash.reason))
}

/// A start that is given up is not tried again.
struct LetGo<'a>(&'a Shared, Option<Pid>);

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        if let Some(pid) = self.1 {
            self.0.book().let_go(pid);
        }
    }
}

impl DynamicSupervisorRef {
    /// Its process.
    pub fn pid(&self) -> Pid {
        self.shared.pid()
    }

    /// Starts a temporary child and waits for its `#[init]`, and for that of no other child.
    ///
    /// # Errors
    /// See [`SpawnError`]; `Capacity` if it has its `max_children`, `Init(Shutdown)` if it stops or has ended.
    ///
    /// # Cancel safety
    /// A child whose start is given up is killed.
    #[track_caller]
    pub fn start_child<P: Spawn>(
        &self,
        args: P::Args,
    ) -> impl Future<Output = Result<Ref<P>, SpawnError>> + Send + use<'_, P> {
        let at = Location::caller();
        async move {
            context::yield_now().await;
            self.shared.reserve()?;
            let (this, started) = launch::<P>(&self.shared, args, None, Kind::TEMPORARY, at)?;
            self.is_up(this.cell(), started).await?;
            Ok(Ref::new(this))
        }
    }

    /// Starts a child that may be started again.
    ///
    /// # Errors
    /// As for [`start_child`](Self::start_child). One that does not come up the first time is not tried again.
    ///
    /// # Cancel safety
    /// A child whose start is given up is killed, and not started again.
    pub async fn start<P: Spawn>(&self, child: DynamicChild<P>) -> Result<Ref<P>, SpawnError> {
        context::yield_now().await;
        let DynamicChild { args, restart, shutdown, name, at } = child;
        let restart = restart.unwrap_or(self.shared.restart);
        let first = make_args(&*args)?;
        let kind = Kind::new(restart != Restart::Temporary, shutdown.map(Box::new));
        self.shared.reserve()?;
        let (this, started) = launch::<P>(&self.shared, first, name.clone(), kind, at)?;
        let pid = this.cell().pid();
        let mut given_up = LetGo(&self.shared, Some(pid));
        self.is_up(this.cell(), started).await?;
        given_up.1 = None;
        if restart != Restart::Temporary {
            let start = Box::new(move |shared: &Arc<Shared>, kind: Kind| {
                let args = make_args(&*args).inspect_err(|_| shared.book().release())?;
                launch::<P>(shared, args, name.clone(), kind, at).map(drop)
            });
            self.shared.started(pid, Arc::new(Spec { restart, shutdown, start }));
        }
        Ok(Ref::new(this))
    }

    async fn is_up(&self, cell: &CellRef, started: Option<Waiter<()>>) -> Result<(), SpawnError> {
        let Some(started) = started else { return Ok(()) };
        wait_started(&self.shared.node, cell, started).await.inspect_err(|_| self.shared.forget(cell.pid()))
    }

    /// Runs a closure's future as a temporary child.
    ///
    /// # Errors
    /// As for [`start_child`](Self::start_child).
    #[track_caller]
    pub fn start_fn<F>(&self, label: &'static str, life: impl FnOnce(This) -> F) -> Result<Pid, SpawnError>
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        let at = Location::caller();
        self.shared.reserve()?;
        self.shared.launch(Kind::TEMPORARY, |begun| {
            let start = Start { label: Some(label.into()), family: self.shared.family(), ..Start::new(&"task", at) };
            let this = self.shared.node.start(start, Mailbox::<Incoming>::new(Some(0.into())), |this| {
                begun(this.cell().pid());
                // The closure's panic is the process's.
                let life = crash::guard(|| life(This::new(this.cell().clone())));
                async move {
                    match life {
                        Ok(life) => reason(ended(life)).await,
                        Err(crash) => crash.reason,
                    }
                }
            })?;
            Ok(this.cell().pid())
        })
    }

    /// Ends a child within its shutdown time, and does not start it again; why it ended, `NoProcess` if it
    /// was over already.
    ///
    /// # Errors
    /// `NoProcess` if it has no such child.
    ///
    /// # Cancel safety
    /// Once polled the child is asked to end; who gives up waiting does not kill it.
    pub async fn terminate_child(&self, pid: Pid) -> Result<ExitReason, CallError> {
        let shared = &self.shared;
        let mut ended = std::pin::pin!(shared.node.ended(pid));
        let own = shared.book().let_go(pid);
        let Some(own) = own else {
            return Err(CallError::NoProcess(format!("child {pid} of {}", self.pid())));
        };
        let limit = match own.unwrap_or(shared.shutdown) {
            Shutdown::Brutal => None,
            Shutdown::Timeout(limit) => Some(limit),
            Shutdown::Infinite => Some(std::time::Duration::MAX),
        };
        let mut reason = None;
        if let Some(limit) = limit {
            shared.ask(pid);
            reason = tokio::time::timeout(limit, ended.as_mut()).await.ok();
        }
        let reason = match reason {
            Some(reason) => reason,
            None => {
                shared.node.kill(pid);
                ended.await
            }
        };
        shared.forget(pid);
        Ok(reason)
    }

    /// How many children it has, those that are being started included. Costs a short lock.
    pub fn count_children(&self) -> usize {
        self.shared.book().len()
    }

    /// Its children, in no order. Costs time and memory for each of them, under the lock that starts and ends take.
    pub fn which_children(&self) -> Vec<Pid> {
        self.shared.book().pids()
    }

    /// Stops all children at the same time, then itself, and waits for it; why it ended.
    pub async fn stop(&self) -> ExitReason {
        self.shared.node.exit(self.pid(), ExitReason::Shutdown);
        self.shared.this.cell().gone().await
    }
}

impl fmt::Debug for DynamicSupervisorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("DynamicSupervisorRef");
        shown.field("pid", &self.pid()).field("children", &self.count_children()).finish()
    }
}

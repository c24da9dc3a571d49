//! What a supervisor knows of a child: how to start it, when to start it again, how to stop it.

use super::Supervisor;
use crate::otp::cell::CellRef;
use crate::otp::crash;
use crate::otp::node::{Family, SpawnOptions, spawn_process};
use crate::otp::{Node, Spawn, SpawnError};
use crate::wire::Pid;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// When a child is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Whenever it ends.
    #[default]
    Permanent,
    /// Only when it did not end in order: neither `Normal` nor `Shutdown`.
    Transient,
    /// Never.
    Temporary,
}

/// How a child is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// Killed at once.
    Brutal,
    /// Asked to end, and killed after this time.
    Timeout(Duration),
    /// Asked to end, and waited for without limit; right for supervisors.
    Infinite,
}

/// Five seconds.
impl Default for Shutdown {
    fn default() -> Self {
        Self::Timeout(Duration::from_secs(5))
    }
}

impl From<Duration> for Shutdown {
    fn from(limit: Duration) -> Self {
        Self::Timeout(limit)
    }
}

type Starting = Pin<Box<dyn Future<Output = Result<Pid, SpawnError>> + Send>>;
type Start = Arc<dyn Fn(Starter) -> Starting + Send + Sync>;

/// Under whom a child starts.
pub(super) struct Starter {
    pub(super) node: Node,
    pub(super) parent: CellRef,
    /// Where the child was written down.
    pub(super) at: &'static Location<'static>,
    pub(super) name: Option<Arc<str>>,
}

impl Starter {
    fn family(&self) -> Family {
        Family { parent: Some(self.parent.clone()), link: true, monitor: None }
    }
}

/// A child of a supervisor: permanent, with five seconds to stop, unless told otherwise.
#[derive(Clone)]
pub struct Child {
    pub(super) id: Arc<str>,
    pub(super) restart: Restart,
    pub(super) shutdown: Shutdown,
    name: Option<Arc<str>>,
    start: Start,
    at: &'static Location<'static>,
}

impl Child {
    /// A native process; `args` is asked anew at each start, and its panic is a start that failed.
    #[track_caller]
    pub fn actor<P: Spawn>(id: &str, args: impl Fn() -> P::Args + Send + Sync + 'static) -> Self {
        Self::new(id, move |starter| {
            let args = args();
            Box::pin(async move {
                let mut options = SpawnOptions::default();
                if let Some(name) = &starter.name {
                    options = options.name(name);
                }
                Ok(spawn_process::<P>(&starter.node, args, options, starter.family(), starter.at).await?.pid())
            })
        })
    }

    /// A process of a component; the arguments are encoded already.
    #[track_caller]
    pub fn component(id: &str, component: &str, entry: Option<&str>, args: Vec<u8>) -> Self {
        let (component, entry) = (component.to_owned(), entry.map(str::to_owned));
        Self::new(id, move |starter| {
            let mut component = starter.node.component(&component);
            if let Some(entry) = &entry {
                component = component.entry(entry);
            }
            let args = args.clone();
            Box::pin(async move { component.spawn_in(args, starter.family(), starter.name.clone(), starter.at).await })
        })
    }

    /// A supervisor below this one; it may take its time to stop.
    #[track_caller]
    pub fn supervisor(id: &str, tree: impl Fn() -> Supervisor + Send + Sync + 'static) -> Self {
        let child = Self::new(id, move |starter| {
            let tree = tree();
            Box::pin(async move {
                Ok(super::run::start(&starter.node, tree, starter.family(), starter.name.clone(), starter.at)
                    .await?
                    .pid())
            })
        });
        child.shutdown(Shutdown::Infinite)
    }

    #[track_caller]
    fn new(id: &str, start: impl Fn(Starter) -> Starting + Send + Sync + 'static) -> Self {
        let (restart, shutdown) = Default::default();
        Self { id: id.into(), restart, shutdown, name: None, start: Arc::new(start), at: Location::caller() }
    }

    /// When it is started again.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How it is stopped.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.shutdown = shutdown.into();
        self
    }

    /// Registers it under this name at each start, so that clients by name survive its restarts.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(super) fn start(&self, node: &Node, parent: &CellRef) -> Starting {
        let starter = Starter { node: node.clone(), parent: parent.clone(), name: self.name.clone(), at: self.at };
        // The arguments are made by the user's code; its panic is a start that failed.
        crash::guard(|| (self.start)(starter))
            .unwrap_or_else(|crash| Box::pin(std::future::ready(Err(SpawnError::Init(crash.reason)))))
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.id)
            .field("restart", &self.restart)
            .field("shutdown", &self.shutdown)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

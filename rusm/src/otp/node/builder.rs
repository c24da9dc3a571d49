//! How a node is made.

use super::{Inner, Node};
use crate::otp::backend::Backend;
use crate::otp::naming::Naming;
use crate::otp::sched::{self, Hog, HogHook, Scheduler};
use crate::otp::table::Table;
use crate::otp::undelivered::{Hook, Losses, Undelivered};
use crate::otp::{NameError, crash, registry, trial};
use crossbeam_utils::CachePadded;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// Why there is no node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// [`NodeBuilder::in_runtime`] outside of a tokio runtime.
    NoRuntime,
    /// The operating system gives no thread or no poller for a worker.
    Worker(String),
    /// A text that can't be a node's name.
    Name(NameError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime => f.write_str("there is no tokio runtime to live in: call this under `#[tokio::main]`"),
            Self::Worker(error) => write!(f, "no worker for the node's processes: {error}"),
            Self::Name(error) => write!(f, "the node's name: {error}"),
        }
    }
}

impl std::error::Error for BuildError {}

/// How a node is made.
#[derive(Default)]
pub struct NodeBuilder {
    name: Option<String>,
    backend: Option<Arc<dyn Backend>>,
    workers: Option<usize>,
    in_runtime: bool,
    on_undelivered: Option<Hook>,
    hog_after: Option<Duration>,
    on_hog: Option<HogHook>,
}

/// How long a process may hold its worker unreported, unless told.
const HOG_AFTER: Duration = Duration::from_millis(100);

impl NodeBuilder {
    /// What the node is called; `local` unless told.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Who runs its components.
    pub fn backend(mut self, backend: Arc<dyn Backend>) -> Self {
        self.backend = Some(backend);
        self
    }

    /// How many threads of its own the node runs its processes on, each with a tokio runtime; 0 means as many as there are
    /// processors.
    ///
    /// Unless told, a node that is made in a tokio runtime lives in it, and any other has a thread for each processor.
    ///
    /// For an app that is all processes: sockets and timers of a process that holds its worker are all that it keeps waiting. A
    /// message between a process and a task of another runtime crosses threads, which takes tens of microseconds
    /// where the other side sleeps.
    pub fn workers(mut self, workers: usize) -> Self {
        (self.workers, self.in_runtime) = (Some(workers), false);
        self
    }

    /// Runs the processes in the tokio runtime that the node is made in, between the tasks that are there.
    ///
    /// What a node does that is made in one; this makes it an error if there is none. Tasks and processes talk to each other
    /// without crossing from one pool of threads to another. The processes end with the runtime. It needs tokio's time.
    pub fn in_runtime(mut self) -> Self {
        (self.workers, self.in_runtime) = (None, true);
        self
    }

    /// Is told of messages that nobody will read, by the thread that notices: it must be quick.
    pub fn on_undelivered(mut self, hook: impl Fn(Undelivered) + Send + Sync + 'static) -> Self {
        self.on_undelivered = Some(Arc::new(hook));
        self
    }

    /// How long a native process may hold its worker before it is reported as a [`Hog`]; 100 ms unless told.
    pub fn hog_after(mut self, after: Duration) -> Self {
        self.hog_after = Some(after);
        self
    }

    /// Is told of hogs, besides the log.
    pub fn on_hog(mut self, hook: impl Fn(Hog) + Send + Sync + 'static) -> Self {
        self.on_hog = Some(Arc::new(hook));
        self
    }

    /// Makes the node.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(self) -> Result<Node, BuildError> {
        let runtime = Handle::try_current().ok();
        let name = self.name.unwrap_or_else(|| "local".to_owned());
        registry::check(&name).map_err(BuildError::Name)?;
        let in_trial = trial::is_on();
        let lives_in = match (self.in_runtime, self.workers, &runtime) {
            // One thread, so that a seed tells what happens.
            (_, _, Some(runtime)) if in_trial => Some(runtime.clone()),
            (true, _, None) => return Err(BuildError::NoRuntime),
            (_, None, Some(runtime)) => Some(runtime.clone()),
            _ => None,
        };
        let threads = || runtime.as_ref().map(|runtime| runtime.metrics().num_workers());
        let processors = || std::thread::available_parallelism().map_or(1, usize::from);
        let workers = match self.workers.filter(|_| !in_trial) {
            Some(0) => processors(),
            Some(workers) => workers,
            None => threads().unwrap_or_else(processors),
        };
        crash::install_hook();
        let (scheduler, queues) = Scheduler::new(workers.min(1024));
        let inner = Box::leak(Box::new(Inner {
            name: name.into(),
            table: Table::new(0),
            naming: Naming::default(),
            backend: Mutex::new(self.backend),
            scheduler,
            monitors: AtomicU64::new(1),
            handles: CachePadded::new(AtomicUsize::new(1)),
            closed: AtomicBool::new(false),
            drained: Notify::new(),
            losses: Losses::new(self.on_undelivered),
            hog_after: self.hog_after.unwrap_or(HOG_AFTER),
            hog_hook: self.on_hog,
        }));
        let node = Node(inner);
        sched::start(inner, queues, lives_in.as_ref()).map_err(|error| BuildError::Worker(error.to_string()))?;
        Ok(node)
    }
}

impl fmt::Debug for NodeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

//! What a supervisor knows of a child: how to start it, when to start it again, how to stop it.

use super::plan::Rules;
use super::seat::Seat;
use super::typed::{Child, Supervised, Tree};
use super::{Backoff, run};
use crate::otp::cell::CellRef;
use crate::otp::crash;
use crate::otp::node::{Family, SpawnOptions, begin_process, begin_unheld, wait_started};
use crate::otp::{Node, Spawn, SpawnError, sched};
use crate::wire::Pid;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// When a child is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    /// Whenever it ends.
    #[default]
    Permanent,
    /// Only when it did not end in order: neither `Normal` nor `Shutdown`.
    Transient,
    /// Never: once it has ended it is forgotten.
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

/// A start: one that has nothing to wait for is done when it is made.
#[doc(hidden)]
pub struct Starting(Step);

enum Step {
    Done(Option<Result<Pid, SpawnError>>),
    Waits(Pin<Box<dyn Future<Output = Result<Pid, SpawnError>> + Send>>),
}

impl Starting {
    pub(super) fn done(result: Result<Pid, SpawnError>) -> Self {
        Self(Step::Done(Some(result)))
    }

    /// What it came to, if there is nothing to wait for.
    pub(super) fn now(self) -> Result<Result<Pid, SpawnError>, Self> {
        match self.0 {
            Step::Done(Some(result)) => Ok(result),
            step => Err(Self(step)),
        }
    }

    fn waits(start: impl Future<Output = Result<Pid, SpawnError>> + Send + 'static) -> Self {
        Self(Step::Waits(Box::pin(start)))
    }
}

impl Future for Starting {
    type Output = Result<Pid, SpawnError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // Polled once more it would wait for ever.
            Step::Done(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Step::Waits(start) => start.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Starting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starting").field("is_done", &matches!(self.0, Step::Done(_))).finish()
    }
}

type Start = Arc<dyn Fn(Starter) -> Starting + Send + Sync>;

/// Under whom a child starts.
#[doc(hidden)]
pub struct Starter {
    /// Not counted: the supervisor's process runs there.
    pub(super) node: ManuallyDrop<Node>,
    pub(super) parent: CellRef,
    /// Where the child was written down.
    pub(super) at: &'static Location<'static>,
    pub(super) name: Option<Arc<str>>,
    /// Of a tree.
    pub(super) seat: Option<Arc<Seat>>,
}

impl Starter {
    pub(super) fn family(&self) -> Family<'_> {
        Family { parent: Some(&self.parent), link: true, monitor: None }
    }

    /// Starts a native process.
    pub(super) fn process<P: Spawn>(self, args: P::Args) -> Starting {
        let mut options = SpawnOptions::default();
        if let Some(name) = &self.name {
            options = options.name(name);
        }
        if !P::HAS_INIT {
            return Starting::done(begin_unheld::<P>(&self.node, args, options, self.family(), self.at));
        }
        match begin_process::<P>(&self.node, args, options, self.family(), self.at) {
            Err(error) => Starting::done(Err(error)),
            Ok((this, None)) => Starting::done(Ok(this.cell().pid())),
            Ok((this, Some(started))) => Starting::waits(async move {
                wait_started(&self.node, this.cell(), started).await?;
                Ok(this.cell().pid())
            }),
        }
    }

    /// Starts a process of a component.
    pub(super) fn component(self, component: &str, entry: Option<&str>, args: Vec<u8>) -> Starting {
        let mut component = self.node.component(component);
        if let Some(entry) = entry {
            component = component.entry(entry);
        }
        Starting::waits(async move { component.spawn_in(args, self.family(), self.name.clone(), self.at).await })
    }

    /// Starts a supervisor; its children have the seats of those of the supervisor that was here before.
    pub(super) fn tree(self, tree: impl Tree) -> Starting {
        let tree = tree.into_supervisor();
        Starting::waits(async move {
            let board = self.seat.as_ref().map(|seat| seat.nested().clone()).unwrap_or_default();
            Ok(run::start(&self.node, tree, self.family(), self.name.clone(), self.at, board).await?.pid())
        })
    }
}

impl fmt::Debug for Starter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Starter").field("parent", &self.parent.pid()).finish_non_exhaustive()
    }
}

/// What a supervisor is told of a child: permanent, with five seconds to stop, unless told otherwise.
///
/// A supervisor below another one is waited for without limit. In a [`#[supervisor]`](macro@crate::supervisor) these are written by
/// the macro.
#[derive(Clone)]
pub struct ChildSpec {
    pub(super) id: Arc<str>,
    pub(super) shutdown: Shutdown,
    pub(super) rules: Rules,
    pub(super) is_tree: bool,
    name: Option<Arc<str>>,
    start: Start,
    at: &'static Location<'static>,
}

impl ChildSpec {
    /// A native process; `args` is asked anew at each start, and its panic is a start that failed.
    #[track_caller]
    pub fn actor<P: Spawn>(id: &str, args: impl Fn() -> P::Args + Send + Sync + 'static) -> Self {
        Self::new(id, false, move |starter| starter.process::<P>(args()))
    }

    /// A process of a component; the arguments are encoded already.
    #[track_caller]
    pub fn component(id: &str, component: &str, entry: Option<&str>, args: Vec<u8>) -> Self {
        let (component, entry) = (component.to_owned(), entry.map(str::to_owned));
        Self::new(id, false, move |starter| starter.component(&component, entry.as_deref(), args.clone()))
    }

    /// A supervisor below this one; it may take its time to stop.
    #[track_caller]
    pub fn supervisor<T: Tree>(id: &str, tree: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::new(id, true, move |starter| starter.tree(tree()))
    }

    /// Whatever can be supervised: a process, here or in a component, or a tree. Its client: [`SupervisorRef::client`].
    ///
    /// `child` is asked anew at each start, and its panic is a start that failed.
    ///
    /// [`SupervisorRef::client`]: super::SupervisorRef::client
    #[track_caller]
    pub fn of<P: Supervised>(id: &str, child: impl Fn() -> Child<P> + Send + Sync + 'static) -> Self {
        Self::new(id, P::IS_TREE, move |starter| child().start(starter))
    }

    #[track_caller]
    fn new(id: &str, is_tree: bool, start: impl Fn(Starter) -> Starting + Send + Sync + 'static) -> Self {
        let shutdown = if is_tree { Shutdown::Infinite } else { Shutdown::default() };
        let (id, start, at) = (id.into(), Arc::new(start), Location::caller());
        Self { id, shutdown, rules: Rules::default(), is_tree, name: None, start, at }
    }

    /// When it is started again.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.rules.restart = restart;
        self
    }

    /// How it is stopped.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.shutdown = shutdown.into();
        self
    }

    /// Whether its end by itself can end its supervisor, see [`AutoShutdown`](super::AutoShutdown). A permanent child can't be significant.
    pub fn significant(mut self, significant: bool) -> Self {
        self.rules.significant = significant;
        self
    }

    /// How long it waits before it is started again; instead of what its supervisor says for all.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.rules.backoff = Some(backoff);
        self
    }

    /// Registers it under this name at each start, so that clients by name survive its restarts.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(super) fn start(&self, node: &Node, parent: &CellRef, seat: &Arc<Seat>) -> Starting {
        sched::share_next(parent.inner());
        let (node, parent, seat) = (node.uncounted(), parent.clone(), self.is_tree.then(|| seat.clone()));
        let starter = Starter { node, parent, name: self.name.clone(), at: self.at, seat };
        // The arguments are made by the user's code; its panic is a start that failed.
        crash::guard(|| (self.start)(starter))
            .unwrap_or_else(|crash| Starting::done(Err(SpawnError::Init(crash.reason))))
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("id", &self.id)
            .field("rules", &self.rules)
            .field("shutdown", &self.shutdown)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

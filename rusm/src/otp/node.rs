//! A node: the processes, names and components of one running system.

use super::backend::Backend;
use super::call::Limit;
use super::mailbox::{AnyMailbox, Mailbox};
use super::process::{Cell, NewCell, Understands, own_signal};
use super::registry::Registry;
use super::run::Task;
use super::signal::{Signal, Trap};
use super::spawn::Birth;
use super::table::Table;
use super::{Address, Client, ComponentRef, Message, NameError, Spawn, SpawnError, This, context};
use crate::wire::{ExitReason, MonitorRef, Pid};
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// A running system of processes, inside an existing tokio runtime.
///
/// Cheap to clone. Its processes live until they end, or until [`Node::shutdown`].
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    table: Table,
    registry: Registry,
    backend: Option<Arc<dyn Backend>>,
    runtime: Handle,
    monitors: AtomicU64,
    alive: tokio::sync::watch::Sender<usize>,
}

/// Why there is no node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// Not called inside a tokio runtime.
    NoRuntime,
    /// A text that can't be a node's name.
    Name(NameError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime => f.write_str("a node lives inside a tokio runtime: call this under `#[tokio::main]`"),
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
}

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

    /// Makes the node.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(self) -> Result<Node, BuildError> {
        let runtime = Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        let name = self.name.unwrap_or_else(|| "local".to_owned());
        super::registry::check(&name).map_err(BuildError::Name)?;
        super::crash::install_hook();
        Ok(Node(Arc::new(Inner {
            name: name.into(),
            table: Table::new(0),
            registry: Registry::default(),
            backend: self.backend,
            runtime,
            monitors: AtomicU64::new(1),
            alive: tokio::sync::watch::Sender::new(0),
        })))
    }
}

/// How a process is started.
#[derive(Debug, Clone, Default)]
pub struct SpawnOptions {
    name: Option<Arc<str>>,
    label: Option<Arc<str>>,
    mailbox: Option<usize>,
}

impl SpawnOptions {
    /// Registers it under this name before it starts.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What it is called in logs; its type's name unless told.
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.into());
        self
    }

    /// How many messages may wait for it; senders beyond get `Full`. Unbounded unless told.
    pub fn mailbox(mut self, messages: usize) -> Self {
        self.mailbox = Some(messages);
        self
    }
}

/// Who starts a process.
#[derive(Default)]
pub(crate) struct Family {
    pub(crate) parent: Option<Arc<Cell>>,
    pub(crate) link: bool,
}

impl Node {
    /// Begins a node.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }

    /// The node of the running process.
    ///
    /// # Panics
    /// Outside of a process; see [`Node::try_current`].
    pub fn current() -> Self {
        Self::try_current().expect("Node::current() is for code that runs in a process")
    }

    /// The node of the running process, if one is running here.
    pub fn try_current() -> Option<Self> {
        context::node()
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The random number that tells this node from others of its name.
    pub fn incarnation(&self) -> u32 {
        self.0.table.incarnation()
    }

    /// Starts a process: an actor, whose `#[init]` is waited for, or an `#[actor] async fn`, by its name.
    ///
    /// # Errors
    /// See [`SpawnError`].
    ///
    /// # Cancel safety
    /// A process whose start is given up is killed.
    pub async fn spawn<P: Spawn>(&self, args: P::Args) -> Result<Ref<P>, SpawnError> {
        self.spawn_with(args, SpawnOptions::default()).await
    }

    /// [`spawn`](Self::spawn), with options.
    ///
    /// # Errors
    /// See [`SpawnError`].
    pub async fn spawn_with<P: Spawn>(&self, args: P::Args, options: SpawnOptions) -> Result<Ref<P>, SpawnError> {
        spawn_process(self, args, options, Family::default()).await
    }

    /// A component of this node, by name.
    pub fn component(&self, name: &str) -> ComponentRef {
        ComponentRef::new(self.clone(), name)
    }

    /// Gives a name to a process.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn register(&self, name: &str, pid: Pid) -> Result<(), NameError> {
        let cell = self.0.table.get(pid).ok_or(NameError::NoProcess)?;
        let name = self.0.registry.register(name, pid)?;
        cell.add_name(name.clone());
        // The end takes the names after it is known: either it saw this one, or it is seen here.
        if cell.ended().is_some() {
            let _ = self.0.registry.release(&name, pid);
            return Err(NameError::NoProcess);
        }
        Ok(())
    }

    /// Who holds a name.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.0.registry.whereis(name)
    }

    /// All names and who holds them, sorted.
    pub fn names(&self) -> Vec<(Arc<str>, Pid)> {
        self.0.registry.all()
    }

    /// How many processes are alive.
    pub fn alive(&self) -> usize {
        self.0.table.len()
    }

    /// Whether this process is alive.
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.0.table.get(pid).is_some()
    }

    /// Asks a process to end; [`ExitReason::Killed`] can't be refused, `Normal` means nothing.
    pub fn exit(&self, pid: Pid, reason: ExitReason) {
        self.signal(pid, Signal::Exit { from: None, reason });
    }

    /// Ends a process at its next await, whatever it traps.
    pub fn kill(&self, pid: Pid) {
        self.signal(pid, Signal::Kill);
    }

    /// Waits until a process has ended and its links and monitors were told; `NoProcess` if there is none.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn ended(&self, pid: Pid) -> impl Future<Output = ExitReason> + Send + use<> {
        let cell = self.0.table.get_ending(pid);
        async move {
            match cell {
                Some(cell) => cell.gone().await,
                None => ExitReason::NoProcess,
            }
        }
    }

    /// Ends all processes: those that nobody spawned in reverse order of their start, each asked to shut
    /// down and waited for, then those that outlived their parents; what is left at the deadline is killed. Nothing can
    /// be spawned afterwards.
    ///
    /// Returns how many had to be killed. A native process that never awaits can't be ended; it is waited for as
    /// long again as `drain`.
    pub async fn shutdown(&self, drain: Duration) -> usize {
        self.0.table.close();
        let deadline = Limit::new(drain, None).until;
        let mut asked = BTreeSet::new();
        'drain: loop {
            // A process that has outlived its parent is one that nobody looks after, too.
            let is_root = |cell: &Arc<Cell>| cell.parent().is_none_or(|parent| !self.is_alive(parent));
            let all = self.0.table.all().into_iter();
            let mut roots: Vec<_> = all.filter(|cell| is_root(cell) && !asked.contains(&cell.pid())).collect();
            roots.sort_by_key(|cell| std::cmp::Reverse(cell.started()));
            if roots.is_empty() {
                break;
            }
            for root in roots {
                asked.insert(root.pid());
                self.exit(root.pid(), ExitReason::Shutdown);
                if tokio::time::timeout_at(deadline, root.gone()).await.is_err() {
                    break 'drain;
                }
            }
        }
        let left = self.0.table.all();
        for cell in &left {
            self.kill(cell.pid());
        }
        let mut alive = self.0.alive.subscribe();
        let _ = tokio::time::timeout(drain.max(Duration::from_secs(1)), alive.wait_for(|alive| *alive == 0)).await;
        left.len()
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0.table
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn backend(&self) -> Option<&Arc<dyn Backend>> {
        self.0.backend.as_ref()
    }

    pub(crate) fn next_monitor(&self) -> MonitorRef {
        MonitorRef::from_raw(self.0.monitors.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn one_less(&self) {
        self.0.alive.send_modify(|alive| *alive -= 1);
    }

    /// Makes a cell, gives it its name and its link, and lets its body run.
    pub(crate) fn start<M: Message, F>(
        &self,
        new: Start,
        mailbox: Arc<Mailbox<M>>,
        body: impl FnOnce(Arc<Cell>) -> F,
    ) -> Result<Arc<Cell>, SpawnError>
    where
        F: Future<Output = ExitReason> + Send + 'static,
    {
        let parent = new.family.parent;
        // Counted before it is in the table, so that a shutdown that finds it there waits for it.
        self.0.alive.send_modify(|alive| *alive += 1);
        let cell = self.0.table.insert(|pid| {
            Arc::new(Cell::new(
                pid,
                NewCell {
                    label: new.label,
                    parent: parent.as_ref().map(|parent| parent.pid()),
                    trap: new.trap,
                    understands: new.understands,
                    mailbox: mailbox as Arc<dyn AnyMailbox>,
                },
            ))
        });
        let Some(cell) = cell else {
            self.one_less();
            return Err(SpawnError::NodeDown);
        };
        if let Some(parent) = &parent {
            parent.add_child(cell.pid());
            if new.family.link {
                own_signal(self, parent, |signals| signals.link(cell.pid()));
                if parent.ended().is_some() {
                    cell.finish(self, ExitReason::Shutdown, || {});
                    return Err(SpawnError::Init(ExitReason::Shutdown));
                }
            }
        }
        if let Some(name) = &new.name
            && let Err(error) = self.register(name, cell.pid())
        {
            if let Some(parent) = &parent {
                own_signal(self, parent, |signals| signals.unlink(cell.pid()));
            }
            cell.finish(self, ExitReason::Normal, || {});
            return Err(SpawnError::Name(error));
        }
        let task = Task::new(self.clone(), cell.clone(), body(cell.clone()));
        self.0.runtime.spawn(task);
        Ok(cell)
    }
}

/// What [`Node::start`] needs to know.
pub(crate) struct Start {
    pub(crate) label: Arc<str>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) trap: Trap,
    pub(crate) understands: Understands,
    pub(crate) family: Family,
}

pub(crate) async fn spawn_process<P: Spawn>(
    node: &Node,
    args: P::Args,
    options: SpawnOptions,
    family: Family,
) -> Result<Ref<P>, SpawnError> {
    let mailbox = Arc::new(Mailbox::new(options.mailbox));
    let (started, is_started) = tokio::sync::oneshot::channel();
    let start = Start {
        label: options.label.unwrap_or_else(|| P::ENTRY.name.into()),
        name: options.name,
        trap: Trap { links: P::ENTRY.on_exit, stop: P::ENTRY.on_terminate },
        understands: Understands::Native(P::Message::METHODS),
        family,
    };
    let cell = node.start(start, mailbox.clone(), |cell| {
        let birth = Birth { this: This::new(node.clone(), cell), mailbox: mailbox.clone(), started };
        P::live(args, birth)
    })?;
    wait_started(node, &cell, is_started).await?;
    let pid = cell.pid();
    Ok(Ref { client: P::Client::from_address(Address::typed(node.clone(), cell, mailbox)), pid })
}

/// Waits for the start; a start that is given up kills the process.
pub(crate) async fn wait_started(
    node: &Node,
    cell: &Arc<Cell>,
    started: tokio::sync::oneshot::Receiver<()>,
) -> Result<(), SpawnError> {
    let guard = KillOnDrop::new(node, cell);
    if started.await.is_err() {
        return Err(SpawnError::Init(cell.gone().await));
    }
    guard.disarm();
    Ok(())
}

/// Kills a process when it goes out of scope.
pub(crate) struct KillOnDrop<'a> {
    node: &'a Node,
    cell: &'a Cell,
    armed: bool,
}

impl<'a> KillOnDrop<'a> {
    pub(crate) fn new(node: &'a Node, cell: &'a Cell) -> Self {
        Self { node, cell, armed: true }
    }

    pub(crate) fn disarm(mut self) {
        self.armed = false;
    }
}

impl Drop for KillOnDrop<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.node.kill(self.cell.pid());
        }
    }
}

/// A running process: its client, and its pid.
pub struct Ref<P: Spawn> {
    client: P::Client,
    pid: Pid,
}

impl<P: Spawn> Ref<P> {
    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The client alone.
    pub fn client(&self) -> &P::Client {
        &self.client
    }
}

impl<P: Spawn> Deref for Ref<P> {
    type Target = P::Client;

    fn deref(&self) -> &P::Client {
        &self.client
    }
}

impl<P: Spawn> Clone for Ref<P> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), pid: self.pid }
    }
}

impl<P: Spawn> fmt::Debug for Ref<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref<{}>({})", P::ENTRY.name, self.pid)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("name", &self.0.name).field("alive", &self.alive()).finish_non_exhaustive()
    }
}

impl fmt::Debug for NodeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

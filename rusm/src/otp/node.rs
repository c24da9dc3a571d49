//! A node: the processes, names and components of one running system.

use super::backend::Backend;
use super::bound::Bound;
use super::call::Limit;
use super::cell::{self, CellRef, NewCell, Priority, Typed};
use super::mailbox::Mailbox;
use super::naming::Naming;
use super::process::{finish, own_signal};
use super::sched::{self, Hog, HogHook, Scheduler};
use super::signal::{Signal, Trap};
use super::slot::{Waiter, slot};
use super::spawn::Birth;
use super::table::Table;
use super::undelivered::{Losses, Undelivered};
use super::{Client, ComponentRef, Message, NameError, Spawn, SpawnError, context, lock};
use crate::wire::schema::EntrySchema;
use crate::wire::{ExitReason, MonitorRef, Pid};
use crossbeam_utils::CachePadded;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::Location;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// A running system of processes.
///
/// Cheap to clone. Its processes live until they end, or until [`Node::shutdown`]; it ends when all its handles are gone
/// and its last process has ended, which may give a handle away before. What is left of an ended node are some kilobytes.
pub struct Node(&'static Inner);

/// What all handles of a node share.
///
/// Never freed: processes, wakers and replies that outlive their node still know it, as one that has ended, without counting on
/// each of them. What is large (processes, timers, names, the backend) goes with the node's end.
pub(crate) struct Inner {
    name: Arc<str>,
    table: Table,
    naming: Naming,
    backend: Mutex<Option<Arc<dyn Backend>>>,
    scheduler: Scheduler,
    monitors: AtomicU64,
    /// Nodes that are counted; while there is none, the workers go home with the last process.
    handles: CachePadded<AtomicUsize>,
    /// Nothing can be spawned any more.
    closed: AtomicBool,
    drained: Notify,
    losses: Losses,
    hog_after: Duration,
    hog_hook: Option<HogHook>,
}

impl Inner {
    #[inline]
    pub(crate) fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn hog_after(&self) -> Duration {
        self.hog_after
    }

    pub(crate) fn hog_hook(&self) -> Option<&HogHook> {
        self.hog_hook.as_ref()
    }

    /// The last loop is gone: what has not ended ends now, since nobody will run it.
    pub(crate) fn end(&'static self) {
        self.closed.store(true, Ordering::SeqCst);
        for cell in self.table.every() {
            abandon(&cell);
        }
        self.scheduler.clear();
        self.table.clear();
        let backend = lock(&self.backend).take();
        drop(backend);
        self.drained.notify_waiters();
    }

    /// Tells a shutdown that waits, and loops that are to end, when no process is left.
    #[inline]
    pub(crate) fn look_whether_drained(&self) {
        let is_closed = self.closed.load(Ordering::SeqCst);
        if (is_closed || self.scheduler.closing.load(Ordering::SeqCst)) && self.scheduler.alive() == 0 {
            self.drained.notify_waiters();
            self.scheduler.unpark_to_end();
        }
    }

    /// Whether loops that look for work may end: nobody is left who could begin a process.
    ///
    /// A handle may be given away by a process that ends, and begin one and go at any time: so no process lives on both sides of the
    /// look at the handles, and none began in between.
    #[inline]
    pub(crate) fn has_no_use(&self) -> bool {
        self.scheduler.closing.load(Ordering::SeqCst)
            && self
                .scheduler
                .is_empty_while(|| self.closed.load(Ordering::SeqCst) || self.handles.load(Ordering::SeqCst) == 0)
    }

    fn is_over(&self) -> bool {
        self.closed.load(Ordering::SeqCst) && self.scheduler.has_ended()
    }
}

/// Ends a process that no loop will run any more.
fn abandon(cell: &CellRef) {
    if cell.claim() {
        cell.ptr().state_ref().end();
        // SAFETY: no loop is left, so nobody has its turn, and only one gets the claim.
        drop(unsafe { finish(cell.ptr(), ExitReason::Killed, Vec::new()) });
    }
}

impl Clone for Node {
    fn clone(&self) -> Self {
        self.0.handles.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.scheduler.close();
        }
    }
}

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
    on_undelivered: Option<super::undelivered::Hook>,
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
        super::registry::check(&name).map_err(BuildError::Name)?;
        let in_trial = super::trial::is_on();
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
        super::crash::install_hook();
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

/// How a process is started.
#[derive(Debug, Clone, Default)]
pub struct SpawnOptions {
    /// In a box, since most are started without any: a start moves its options several times.
    some: Option<Box<Options>>,
}

#[derive(Debug, Clone, Default)]
struct Options {
    name: Option<Arc<str>>,
    label: Option<Arc<str>>,
    mailbox: Option<Bound>,
    priority: Priority,
}

impl SpawnOptions {
    /// Registers it under this name before it starts.
    pub fn name(mut self, name: &str) -> Self {
        self.some().name = Some(name.into());
        self
    }

    /// What it is called in logs; its type's name unless told.
    pub fn label(mut self, label: &str) -> Self {
        self.some().label = Some(label.into());
        self
    }

    /// How many messages may wait for it, and what happens to the one too many. Unbounded unless told.
    pub fn mailbox(mut self, bound: impl Into<Bound>) -> Self {
        self.some().mailbox = Some(bound.into());
        self
    }

    /// Which processes it runs before.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.some().priority = priority;
        self
    }

    fn some(&mut self) -> &mut Options {
        self.some.get_or_insert_default()
    }

    /// What is asked for beside the bound of the mailbox.
    pub(crate) fn apply(self, start: &mut Start<'_>) {
        if let Some(options) = self.some {
            let Options { name, label, priority, mailbox: _ } = *options;
            (start.name, start.label, start.priority) = (name, label, priority);
        }
    }

    fn bound(&self) -> Option<Bound> {
        self.some.as_ref().and_then(|options| options.mailbox)
    }
}

/// Who starts a process.
#[derive(Default)]
pub(crate) struct Family<'a> {
    pub(crate) parent: Option<&'a CellRef>,
    pub(crate) link: bool,
    /// A monitor that the parent holds from the first moment.
    pub(crate) monitor: Option<MonitorRef>,
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
    /// See [`SpawnError`].
    #[track_caller]
    pub fn spawn_with<P: Spawn>(
        &self,
        args: P::Args,
        options: SpawnOptions,
    ) -> impl Future<Output = Result<Ref<P>, SpawnError>> + Send + use<'_, P> {
        spawn_process(self, args, options, Family::default(), Location::caller())
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
        if !self.mark_member(pid) {
            return Err(NameError::NoProcess);
        }
        self.0.naming.names.register(name, pid, |pid| self.is_alive(pid)).map(drop)
    }

    /// Who holds a name.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.0.naming.names.whereis(name).filter(|pid| self.is_alive(*pid))
    }

    /// All names and who holds them, sorted.
    pub fn names(&self) -> Vec<(Arc<str>, Pid)> {
        let mut names = self.0.naming.names.all();
        names.retain(|(_, pid)| self.is_alive(*pid));
        names
    }

    /// How many processes are alive.
    pub fn alive(&self) -> usize {
        self.0.scheduler.alive()
    }

    /// Whether this process is alive.
    pub fn is_alive(&self, pid: Pid) -> bool {
        self.0.table.look(pid, &crossbeam_epoch::pin()).is_some()
    }

    /// Asks a process to end; [`ExitReason::Killed`] can't be refused, `Normal` means nothing.
    pub fn exit(&self, pid: Pid, reason: ExitReason) {
        self.signal(pid, Signal::Exit { from: None, reason });
    }

    /// Ends a process at its next await, whatever it traps.
    pub fn kill(&self, pid: Pid) {
        self.signal(pid, Signal::Kill);
    }

    /// Waits until a process has ended and its links and monitors were told; `NoProcess` if there is none (any more) when
    /// this is called. [`Ref::ended`] knows the reason of one that has ended before, too.
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
        self.0.closed.store(true, Ordering::SeqCst);
        // In one order with a start's publishing and second look.
        fence(Ordering::SeqCst);
        let deadline = Limit::new(drain, None).until;
        let mut asked = BTreeSet::new();
        'drain: loop {
            // A process that has outlived its parent is one that nobody looks after, too.
            let is_root = |cell: &CellRef| cell.parent().is_none_or(|parent| !self.is_alive(parent));
            let all = self.0.table.all().into_iter();
            let mut roots: Vec<_> = all.filter(|cell| is_root(cell) && !asked.contains(&cell.pid())).collect();
            roots.sort_by_key(|cell| std::cmp::Reverse(cell.born()));
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
        let _ = tokio::time::timeout(drain.max(Duration::from_secs(1)), self.drained()).await;
        self.0.scheduler.close();
        left.len()
    }

    async fn drained(&self) {
        loop {
            let mut drained = pin!(self.0.drained.notified());
            drained.as_mut().enable();
            if self.0.scheduler.alive() == 0 {
                return;
            }
            drained.await;
        }
    }

    /// The same node, without counting: for what ends before it or does not mind.
    pub(crate) fn uncounted(&self) -> ManuallyDrop<Self> {
        ManuallyDrop::new(Self(self.0))
    }

    #[inline]
    pub(crate) fn inner(&self) -> &'static Inner {
        self.0
    }

    pub(crate) fn losses(&self) -> &Losses {
        &self.0.losses
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0.table
    }

    pub(crate) fn naming(&self) -> &Naming {
        &self.0.naming
    }

    /// Has the end of this process take its memberships back; false if it has ended.
    pub(crate) fn mark_member(&self, pid: Pid) -> bool {
        self.0.table.look(pid, &crossbeam_epoch::pin()).is_some_and(|cell| cell.mark_member())
    }

    pub(crate) fn backend(&self) -> Option<Arc<dyn Backend>> {
        lock(&self.0.backend).clone()
    }

    pub(crate) fn next_monitor(&self) -> MonitorRef {
        MonitorRef::from_raw(self.0.monitors.fetch_add(1, Ordering::Relaxed))
    }

    /// A process has ended for good.
    pub(crate) fn one_less(&self) {
        if self.0.scheduler.one_less(self.0) {
            self.0.look_whether_drained();
        }
    }

    /// Makes a process, gives it its name and its link, and lets its body run.
    pub(crate) fn start<M: Message, F>(
        &self,
        new: Start<'_>,
        mailbox: Mailbox<M>,
        body: impl FnOnce(Typed<M>) -> F,
    ) -> Result<Typed<M>, SpawnError>
    where
        F: Future<Output = ExitReason> + Send + 'static,
    {
        let inner = self.0;
        // Counted before it is looked whether the node is closed, so that a shutdown waits for it or it sees the shutdown.
        inner.scheduler.one_more(inner);
        if inner.closed.load(Ordering::SeqCst) {
            self.one_less();
            return Err(SpawnError::NodeDown);
        }
        let Some(place) = sched::worker::with_slots(inner, |held| inner.table.reserve(held)) else {
            self.one_less();
            return Err(SpawnError::Capacity("the process table is full".to_owned()));
        };
        let Family { parent, link, monitor } = new.family;
        // Before it is there, so that both ends are made at once: nobody else knows its pid yet.
        let linked = parent.filter(|_| link).map(|parent| (parent, inner.table.pid(place)));
        let half = linked.and_then(|(parent, pid)| parent.ptr().signals(|signals| signals.link_newborn(pid)));
        let (raw, this) = cell::make(
            NewCell {
                node: self,
                place,
                name: new.kind,
                label: new.label,
                schema: new.schema,
                parent: parent.map(|parent| parent.pid()),
                linked: half,
                trap: new.trap,
                priority: new.priority,
                spawned_at: new.spawned_at,
            },
            mailbox,
            body,
        );
        inner.table.publish(place, raw);
        let cell = this.cell();
        // Its start fails before it was there for anybody: its parent hears of that as an error.
        let unlink = || {
            if let Some((parent, pid)) = linked {
                own_signal(self, parent.ptr(), |signals| signals.unlink(pid));
            }
        };
        let setup = || {
            // Again, now that it can be found: a shutdown that began in between may have looked before.
            fence(Ordering::SeqCst);
            if inner.closed.load(Ordering::SeqCst) {
                unlink();
                return Err((ExitReason::Shutdown, SpawnError::NodeDown));
            }
            if let Some(parent) = parent {
                if let Some(monitor) = monitor {
                    own_signal(self, parent.ptr(), |signals| signals.monitor(monitor, cell.pid()));
                }
                // A parent that has ended links itself to nobody. One that runs here does not end meanwhile. Another one may have told its
                // links before this one could be found: its lock orders that end and this look.
                let may_end = || !context::is_running(parent.ptr().as_ptr());
                let has_ended = || parent.signals(|signals| signals.ended().is_some());
                if link && (half.is_none() || may_end() && has_ended()) {
                    return Err((ExitReason::Shutdown, SpawnError::Init(ExitReason::Shutdown)));
                }
            }
            let Some(name) = &new.name else { return Ok(()) };
            self.register(name, cell.pid()).map_err(|error| {
                unlink();
                (ExitReason::Normal, SpawnError::Name(error))
            })
        };
        if let Err((reason, error)) = setup() {
            if cell.claim() {
                // SAFETY: it was never queued, so nobody else has its turn.
                drop(unsafe { finish(cell.ptr(), reason, Vec::new()) });
            }
            return Err(error);
        }
        sched::enqueue_new(cell.ptr());
        if inner.is_over() {
            abandon(cell);
        }
        Ok(this)
    }
}

/// What [`Node::start`] needs to know.
pub(crate) struct Start<'a> {
    /// What it is called in logs if it has no label.
    pub(crate) kind: &'static &'static str,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) name: Option<Arc<str>>,
    pub(crate) trap: Trap,
    pub(crate) schema: Option<Arc<EntrySchema>>,
    pub(crate) priority: Priority,
    pub(crate) family: Family<'a>,
    pub(crate) spawned_at: &'static Location<'static>,
}

impl Start<'_> {
    pub(crate) fn new(kind: &'static &'static str, spawned_at: &'static Location<'static>) -> Self {
        let (label, name, trap, schema, priority, family) = Default::default();
        Self { kind, label, name, trap, schema, priority, family, spawned_at }
    }
}

pub(crate) async fn spawn_process<P: Spawn>(
    node: &Node,
    args: P::Args,
    options: SpawnOptions,
    family: Family<'_>,
    spawned_at: &'static Location<'static>,
) -> Result<Ref<P>, SpawnError> {
    // Before it begins, so that nothing is begun and given up.
    context::yield_now().await;
    let (this, started) = begin_process::<P>(node, args, options, family, spawned_at)?;
    if let Some(started) = started {
        wait_started(node, this.cell(), started).await?;
    }
    Ok(Ref::new(this))
}

/// A process that has begun, and the word that it is up if it says so itself.
pub(crate) type Begun<P> = (Typed<<P as Spawn>::Message>, Option<Waiter<()>>);

/// Lets a process begin. Whoever takes its word kills it if that is given up: see [`wait_started`].
pub(crate) fn begin_process<P: Spawn>(
    node: &Node,
    args: P::Args,
    options: SpawnOptions,
    family: Family<'_>,
    spawned_at: &'static Location<'static>,
) -> Result<Begun<P>, SpawnError> {
    let mailbox = Mailbox::new(options.bound());
    let trap = Trap { links: P::ENTRY.on_exit, stop: P::ENTRY.on_terminate };
    let mut start = Start::new(&P::ENTRY.name, spawned_at);
    (start.trap, start.family) = (trap, family);
    options.apply(&mut start);
    if !P::HAS_INIT {
        let this = node.start(start, mailbox, |this| P::live(args, Birth { this, started: None }))?;
        return Ok((this, None));
    }
    let (started, is_started) = slot();
    let this = node.start(start, mailbox, |this| P::live(args, Birth { this, started: Some(started) }))?;
    Ok((this, Some(is_started)))
}

/// Waits for the start; a start that is given up kills the process.
pub(crate) async fn wait_started(node: &Node, cell: &CellRef, started: Waiter<()>) -> Result<(), SpawnError> {
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
    cell: &'a CellRef,
    armed: bool,
}

impl<'a> KillOnDrop<'a> {
    pub(crate) fn new(node: &'a Node, cell: &'a CellRef) -> Self {
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
    pub(crate) fn new(this: Typed<P::Message>) -> Self {
        let pid = this.cell().pid();
        Self { client: P::Client::from_address(super::Address::typed(this)), pid }
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The client alone.
    pub fn client(&self) -> &P::Client {
        &self.client
    }

    /// Waits until the process has ended and its links and monitors were told; why it ended, also if that was before.
    ///
    /// Called as `Ref::ended(&process)`, so that it hides no message of that name.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn ended(this: &Self) -> impl Future<Output = ExitReason> + Send + use<P> {
        let cell = this.client.address().cell().cloned();
        async move {
            match cell {
                Some(cell) => cell.gone().await,
                None => ExitReason::NoProcess,
            }
        }
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

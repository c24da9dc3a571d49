//! A node: the processes, names and components of one running system.

mod builder;
mod reference;
mod start;

pub use builder::{BuildError, NodeBuilder};
pub use reference::Ref;
pub use start::SpawnOptions;
pub(crate) use start::{Family, KillOnDrop, Start, begin_process, begin_unheld, spawn_process, wait_started};

use super::backend::Backend;
use super::call::Limit;
use super::cell::CellRef;
use super::guard::hold;
use super::naming::Naming;
use super::process::finish;
use super::sched::{HogHook, Scheduler};
use super::signal::Signal;
use super::table::Table;
use super::undelivered::Losses;
use super::{ComponentRef, NameError, Spawn, SpawnError, context, lock};
use crate::wire::{ExitReason, MonitorRef, Pid};
use crossbeam_utils::CachePadded;
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex};
use std::time::Duration;
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
        // Behind the ends that were counted here: whoever closes the node looks at them after it has said so.
        fence(Ordering::SeqCst);
        let is_closed = self.closed.load(Ordering::SeqCst);
        if (is_closed || self.scheduler.closing.load(Ordering::SeqCst)) && self.scheduler.unfinished() == 0 {
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
        drop(unsafe { finish(cell.ptr(), &ExitReason::Killed, &mut Vec::new()) });
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
        self.0.table.look(pid, &hold()).is_some()
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
        // In one order with a start's publishing and second look, but for a child that its parent is linked to and starts in its turn:
        // that can be seen once the parent has ended.
        fence(Ordering::SeqCst);
        let deadline = Limit::new(drain, None).until.instant();
        let mut asked = BTreeSet::new();
        let mut was_empty = false;
        'drain: loop {
            // A process that has outlived its parent is one that nobody looks after, too.
            let is_root = |cell: &CellRef| cell.parent().is_none_or(|parent| !self.is_alive(parent));
            let all = self.0.table.all().into_iter();
            let mut roots: Vec<_> = all.filter(|cell| is_root(cell) && !asked.contains(&cell.pid())).collect();
            roots.sort_by_key(|cell| std::cmp::Reverse(cell.born()));
            if roots.is_empty() {
                // A look may pass the place of a process that is just being started and find its parent ended: the next one finds it.
                if std::mem::replace(&mut was_empty, true) {
                    break;
                }
                continue;
            }
            was_empty = false;
            for root in roots {
                asked.insert(root.pid());
                self.exit(root.pid(), ExitReason::Shutdown);
                if tokio::time::timeout_at(deadline, root.gone()).await.is_err() {
                    break 'drain;
                }
            }
        }
        let until = Limit::new(drain.max(Duration::from_secs(1)), None).until.instant();
        let mut killed = 0;
        was_empty = false;
        'kill: loop {
            let left = self.0.table.all();
            if left.is_empty() {
                if std::mem::replace(&mut was_empty, true) {
                    break;
                }
                continue;
            }
            was_empty = false;
            killed += left.len();
            left.iter().for_each(|cell| self.kill(cell.pid()));
            for cell in &left {
                if tokio::time::timeout_at(until, cell.gone()).await.is_err() {
                    break 'kill;
                }
            }
        }
        let _ = tokio::time::timeout_at(until, self.drained()).await;
        self.0.scheduler.close();
        killed
    }

    async fn drained(&self) {
        loop {
            let mut drained = pin!(self.0.drained.notified());
            drained.as_mut().enable();
            if self.0.scheduler.unfinished() == 0 {
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
        self.0.table.look(pid, &hold()).is_some_and(|cell| cell.mark_member())
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
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("name", &self.0.name).field("alive", &self.alive()).finish_non_exhaustive()
    }
}

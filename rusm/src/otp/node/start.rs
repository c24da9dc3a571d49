//! How a process begins: what it is told, its two ends of a link, its name, and the wait until it is up.

use super::{Node, Ref, abandon};
use crate::otp::bound::Bound;
use crate::otp::cell::{self, CellRef, NewCell, Priority, Typed};
use crate::otp::guard::hold;
use crate::otp::mailbox::Mailbox;
use crate::otp::process::{finish, own_signal};
use crate::otp::sched;
use crate::otp::signal::Trap;
use crate::otp::slot::{Waiter, slot};
use crate::otp::spawn::Birth;
use crate::otp::{Message, Spawn, SpawnError, context};
use crate::wire::schema::EntrySchema;
use crate::wire::{ExitReason, MonitorRef, Pid};
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

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
    /// What was counted does not come to be.
    fn never_began(&self) {
        self.inner().scheduler().one_gone(self.inner());
        self.one_less();
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
        let (_, this) = self.begin(new, mailbox, body, true)?;
        Ok(ManuallyDrop::into_inner(this))
    }

    /// Makes a process as [`start`](Self::start) does, for a supervisor, which wants no handle.
    fn start_unheld<M: Message, F>(
        &self,
        new: Start<'_>,
        mailbox: Mailbox<M>,
        body: impl FnOnce(Typed<M>) -> F,
    ) -> Result<Pid, SpawnError>
    where
        F: Future<Output = ExitReason> + Send + 'static,
    {
        self.begin(new, mailbox, body, false).map(|(pid, _)| pid)
    }

    /// The handle that comes with its pid is one only if it is `kept`.
    #[inline]
    fn begin<M: Message, F>(
        &self,
        new: Start<'_>,
        mailbox: Mailbox<M>,
        body: impl FnOnce(Typed<M>) -> F,
        kept: bool,
    ) -> Result<(Pid, ManuallyDrop<Typed<M>>), SpawnError>
    where
        F: Future<Output = ExitReason> + Send + 'static,
    {
        let inner = self.0;
        // Counted before it is looked whether the node is closed, so that a shutdown waits for it or it sees the shutdown.
        inner.scheduler.one_more(inner);
        if inner.closed.load(Ordering::SeqCst) {
            self.never_began();
            return Err(SpawnError::NodeDown);
        }
        let Some(place) = sched::worker::with_slots(inner, |held| inner.table.reserve(held)) else {
            self.never_began();
            return Err(SpawnError::Capacity("the process table is full".to_owned()));
        };
        let Family { parent, link, monitor } = new.family;
        // Before it is there, so that both ends are made at once: nobody else knows its pid yet.
        let pid = inner.table.pid(place);
        let linked = parent.filter(|_| link);
        let half = linked.and_then(|parent| parent.ptr().signals(|signals| signals.link_newborn(pid)));
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
            kept,
        );
        // Whoever is not to have a handle sees it all the same, until this is over.
        let _held = (!kept).then(hold);
        inner.table.publish(place, raw);
        let cell = this.cell();
        // A parent that runs here does not end meanwhile.
        let is_parent_here = parent.is_some_and(|parent| context::is_running(parent.ptr().as_ptr()));
        // Its start fails before it was there for anybody: its parent hears of that as an error.
        let unlink = || {
            if let Some(parent) = linked {
                own_signal(self, parent.ptr(), |signals| signals.unlink(pid));
            }
        };
        let setup = || {
            // Again, now that it can be found: a shutdown that began in between may have looked before. A parent that runs here ends later,
            // tells its links then, and the shutdown looks again after that.
            if half.is_none() || !is_parent_here {
                fence(Ordering::SeqCst);
            }
            if inner.closed.load(Ordering::SeqCst) {
                unlink();
                return Err((ExitReason::Shutdown, SpawnError::NodeDown));
            }
            if let Some(parent) = parent {
                if let Some(monitor) = monitor {
                    own_signal(self, parent.ptr(), |signals| signals.monitor(monitor, cell.pid()));
                }
                // A parent that has ended links itself to nobody. Another one may have told its links before this one could be found: its
                // lock orders that end and this look.
                let has_ended = || parent.signals(|signals| signals.ended().is_some());
                if link && (half.is_none() || !is_parent_here && has_ended()) {
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
                drop(unsafe { finish(cell.ptr(), &reason, &mut Vec::new()) });
            }
            if kept {
                drop(ManuallyDrop::into_inner(this));
            }
            return Err(error);
        }
        if kept {
            sched::enqueue_new(cell.ptr())
        } else {
            sched::enqueue_child(cell.ptr())
        }
        if inner.is_over() {
            abandon(cell);
        }
        Ok((pid, this))
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
    let (start, mailbox) = prepare::<P>(options, family, spawned_at);
    if !P::HAS_INIT {
        let this = node.start(start, mailbox, |this| P::live(args, Birth { this, started: None }))?;
        return Ok((this, None));
    }
    let (started, is_started) = slot();
    let this = node.start(start, mailbox, |this| P::live(args, Birth { this, started: Some(started) }))?;
    Ok((this, Some(is_started)))
}

/// Lets a process begin that has nothing to say before it is up, for who wants no handle.
pub(crate) fn begin_unheld<P: Spawn>(
    node: &Node,
    args: P::Args,
    options: SpawnOptions,
    family: Family<'_>,
    spawned_at: &'static Location<'static>,
) -> Result<Pid, SpawnError> {
    let (start, mailbox) = prepare::<P>(options, family, spawned_at);
    node.start_unheld(start, mailbox, |this| P::live(args, Birth { this, started: None }))
}

fn prepare<'a, P: Spawn>(
    options: SpawnOptions,
    family: Family<'a>,
    spawned_at: &'static Location<'static>,
) -> (Start<'a>, Mailbox<P::Message>) {
    let mailbox = Mailbox::new(options.bound());
    let mut start = Start::new(&P::ENTRY.name, spawned_at);
    (start.trap, start.family) = (Trap { links: P::ENTRY.on_exit, stop: P::ENTRY.on_terminate }, family);
    options.apply(&mut start);
    (start, mailbox)
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

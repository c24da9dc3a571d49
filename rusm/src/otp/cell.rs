//! The cell of a process: what the node keeps of it, its mailbox and its code, in one allocation.
//!
//! # Layout
//! `Whole<M, F>` is the [`Cell`] that everybody knows, then the mailbox for messages `M`, then the body, a future `F`.
//! `repr(C)` puts the cell first, so a pointer to the whole is a pointer to the cell; the [`Vtable`] knows the way back.
//! Side data that most processes never have (links, monitors, names, a label of its own) is boxed on first use.
//!
//! # Who may touch what
//! - The body: whoever holds the turn. That is the worker that took the process out of a queue, until it parks it; or
//!   whoever made it, until it is queued first; or the node's last loop, when no other is left. [`State`] hands the turn over.
//! - `side`: under its lock, which guards no foreign code.
//! - The mailbox: see [`Mailbox`].
//! - All else: atomics and what never changes.
//!
//! # How long it lives
//! `refs` counts handles: one is the process itself, given back at the end of its end. The last one retires the
//! allocation to the epoch collector, since somebody may have just found it in the table. Such a finder may make a
//! handle only while the count is above zero ([`CellPtr::acquire`]).

use super::mailbox::{AnyMailbox, Mailbox};
use super::node::Inner;
use super::sched::state::State;
use super::sched::wheel::Key;
use super::signal::{Effect, Signal, Signals, Trap};
use super::table::Place;
use super::{Node, SendError, This, lock, pool, sched};
use crate::wire::schema::EntrySchema;
use crate::wire::{ExitReason, Method, Pid};
use crossbeam_epoch as epoch;
use std::alloc::Layout;
use std::any::TypeId;
use std::cell::UnsafeCell;
use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// Which queue a process waits in for a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Gets every eighth turn while others are busy.
    Low,
    /// What processes have unless told.
    #[default]
    Normal,
    /// Runs before the others; now and then one of them gets a turn all the same.
    High,
}

/// What the node keeps of a process, whatever it runs and reads.
#[repr(C)]
pub(crate) struct Cell {
    pub(super) state: State,
    refs: AtomicU32,
    vtable: &'static Vtable,
    /// The node that it runs on, not counted: see [`Inner`].
    node: ManuallyDrop<Node>,
    slot: u32,
    parent_slot: u32,
    generation: u64,
    /// 0: nobody's child.
    parent_generation: u64,
    spawned_at: &'static Location<'static>,
    name: &'static &'static str,
    /// In ticks of the scheduler's clock.
    born: u64,
    /// How long it has run, in ticks; written by whoever runs it.
    pub(super) run_ticks: AtomicU64,
    pub(super) turns: AtomicU64,
    /// When the caller of the message in hand stops waiting; 0: never. See [`super::context`].
    pub(super) deadline: AtomicU64,
    /// The process whose answer it waits for and reads nothing meanwhile, see [`super::call`]; 0: none.
    pub(super) calls: AtomicU64,
    /// When the wheel will wake it, in milliseconds of the node; 0: not asked for.
    pub(super) alarm_at: AtomicU64,
    side: Mutex<Option<Box<Side>>>,
    /// 0 while it lives; else why it ended, [`END_IN_SIDE`] if the reason has a text.
    end: AtomicU8,
    /// Somebody wants it to end: the reason is in `side`.
    end_asked: AtomicBool,
    /// Everybody was told of its end.
    told: AtomicBool,
    flags: AtomicU8,
}

const END_IN_SIDE: u8 = 255;
const TRAP_LINKS: u8 = 1;
const TRAP_STOP: u8 = 2;
const MEMBER: u8 = 4;
const PRIORITY: u8 = 8 + 16;
const CLAIMED: u8 = 32;
const ACTOR: u8 = 64;
/// Set, under the lock, before side data is made.
const HAS_SIDE: u8 = 128;

/// What few processes have.
pub(super) struct Side {
    pub(super) signals: Signals,
    label: Option<Arc<str>>,
    schema: Option<Arc<EntrySchema>>,
    end: Option<ExitReason>,
    waiters: Vec<Waker>,
    pub(super) alarm: Option<(usize, Key)>,
    pub(super) timers: Timers,
}

/// What is left to do for a process that has ended.
pub(super) struct Left {
    pub(super) effects: Vec<Effect>,
    pub(super) alarm: Option<(usize, Key)>,
    pub(super) timers: Timers,
}

type Timers = HashSet<(usize, Key), super::trial::RandomState>;

/// What is done with a cell without knowing its types.
struct Vtable {
    poll: unsafe fn(NonNull<Cell>, &mut Context<'_>) -> Poll<ExitReason>,
    drop_body: unsafe fn(NonNull<Cell>),
    mailbox: unsafe fn(NonNull<Cell>) -> NonNull<dyn AnyMailbox>,
    free: unsafe fn(NonNull<Cell>),
    message: fn() -> TypeId,
    methods: &'static [&'static Method],
}

/// A cell with its mailbox.
#[repr(C)]
pub(crate) struct Front<M> {
    cell: Cell,
    pub(super) mailbox: Mailbox<M>,
}

#[repr(C)]
struct Whole<M, F> {
    front: Front<M>,
    body: UnsafeCell<ManuallyDrop<F>>,
}

/// What a new cell is made of.
pub(crate) struct NewCell<'a> {
    pub(crate) node: &'a Node,
    pub(crate) place: Place,
    pub(crate) name: &'static &'static str,
    pub(crate) label: Option<Arc<str>>,
    pub(crate) schema: Option<Arc<EntrySchema>>,
    pub(crate) parent: Option<Pid>,
    pub(crate) trap: Trap,
    pub(crate) priority: Priority,
    pub(crate) spawned_at: &'static Location<'static>,
}

struct Types<M, F>(PhantomData<(M, F)>);

impl<M: super::Message, F: Future<Output = ExitReason> + Send + 'static> Types<M, F> {
    const VTABLE: Vtable = Vtable {
        poll: Self::poll,
        drop_body: Self::drop_body,
        mailbox: Self::mailbox,
        free: Self::free,
        message: TypeId::of::<M>,
        methods: M::METHODS,
    };

    /// # Safety
    /// The cell is of these types, and the caller has the turn and has not dropped the body.
    unsafe fn poll(cell: NonNull<Cell>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        let whole = cell.cast::<Whole<M, F>>().as_ptr();
        // SAFETY: the caller has the turn; the body stays where it is until the allocation is freed.
        let body = unsafe { &mut *UnsafeCell::raw_get(&raw const (*whole).body) };
        // SAFETY: as said, it is never moved.
        unsafe { Pin::new_unchecked(&mut **body) }.poll(cx)
    }

    /// # Safety
    /// As for `poll`; the body is gone afterwards.
    unsafe fn drop_body(cell: NonNull<Cell>) {
        let whole = cell.cast::<Whole<M, F>>().as_ptr();
        // SAFETY: the caller has the turn, and does this once.
        unsafe { ManuallyDrop::drop(&mut *UnsafeCell::raw_get(&raw const (*whole).body)) }
    }

    /// # Safety
    /// The cell is of these types.
    unsafe fn mailbox(cell: NonNull<Cell>) -> NonNull<dyn AnyMailbox> {
        let front = cell.cast::<Front<M>>().as_ptr();
        // SAFETY: it points into a live allocation of this type.
        unsafe { NonNull::<Mailbox<M>>::new_unchecked(&raw mut (*front).mailbox) }
    }

    /// # Safety
    /// The cell is of these types, its body is dropped, and nobody can reach it any more.
    unsafe fn free(cell: NonNull<Cell>) {
        let whole = cell.cast::<Whole<M, F>>();
        // SAFETY: nobody can reach it; the body is a `ManuallyDrop` and is left alone.
        unsafe { whole.drop_in_place() };
        // SAFETY: it was taken for this layout in `make`.
        unsafe { pool::give(whole.cast(), Layout::new::<Whole<M, F>>()) };
    }
}

impl Cell {
    pub(crate) fn pid(&self) -> Pid {
        self.node.table().pid(self.place())
    }

    pub(crate) fn place(&self) -> Place {
        Place { slot: self.slot, generation: self.generation }
    }

    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The node that it runs on.
    #[inline]
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    #[inline]
    pub(crate) fn inner(&self) -> &'static Inner {
        self.node.inner()
    }

    pub(crate) fn label(&self) -> Arc<str> {
        let own = lock(&self.side).as_ref().and_then(|side| side.label.clone());
        own.unwrap_or_else(|| (*self.name).into())
    }

    pub(crate) fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    pub(crate) fn born(&self) -> u64 {
        self.born
    }

    pub(crate) fn parent(&self) -> Option<Pid> {
        let place = Place { slot: self.parent_slot, generation: self.parent_generation };
        (self.parent_generation != 0).then(|| self.node.table().pid(place))
    }

    pub(crate) fn is_child_of(&self, parent: &Cell) -> bool {
        self.parent_generation == parent.generation && self.parent_slot == parent.slot
    }

    pub(crate) fn priority(&self) -> Priority {
        match self.flags.load(Ordering::Relaxed) & PRIORITY {
            0 => Priority::Normal,
            8 => Priority::Low,
            _ => Priority::High,
        }
    }

    pub(crate) fn set_priority(&self, priority: Priority) {
        self.flags.fetch_and(!PRIORITY, Ordering::Relaxed);
        self.flags.fetch_or(priority_bits(priority), Ordering::Relaxed);
    }

    /// Whether it has ended; nobody finds it any more then.
    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.end.load(Ordering::Acquire) != 0
    }

    /// Why it ended, if it did.
    pub(crate) fn ended(&self) -> Option<ExitReason> {
        match self.end.load(Ordering::Acquire) {
            0 => None,
            END_IN_SIDE => {
                let side = lock(&self.side);
                side.as_ref().and_then(|side| side.signals.ended().cloned())
            }
            code => reason(code),
        }
    }

    /// Whether the caller is the one who ends a process that nobody will run; so if it has not ended either.
    pub(super) fn claim(&self) -> bool {
        self.flags.fetch_or(CLAIMED, Ordering::SeqCst) & CLAIMED == 0 && !self.has_ended()
    }

    /// Whether it takes one message at a time, so that it reads nothing while it waits for a call.
    pub(super) fn is_actor(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & ACTOR != 0
    }

    /// Says so.
    pub(super) fn mark_actor(&self) {
        self.flags.fetch_or(ACTOR, Ordering::Relaxed);
    }

    /// Notes that it has a name or is in a group; false if it has ended. One of the two sees the other: this sets the flag and looks at
    /// the end, the end is set before the flag is looked at.
    pub(crate) fn mark_member(&self) -> bool {
        self.flags.fetch_or(MEMBER, Ordering::SeqCst);
        self.end.load(Ordering::SeqCst) == 0
    }

    pub(super) fn is_member(&self) -> bool {
        self.flags.load(Ordering::SeqCst) & MEMBER != 0
    }

    /// Its side data, made if there is none.
    pub(super) fn side<R>(&self, act: impl FnOnce(&mut Side) -> R) -> R {
        let mut side = lock(&self.side);
        act(side.get_or_insert_with(|| Box::new(self.new_side())))
    }

    /// Its side data, if there is any.
    pub(super) fn known_side<R>(&self, act: impl FnOnce(&mut Side) -> R) -> Option<R> {
        lock(&self.side).as_mut().map(|side| act(side))
    }

    fn new_side(&self) -> Side {
        // First the flag, then the look at `end` and `told`; their writers do it the other way round.
        let flags = self.flags.fetch_or(HAS_SIDE, Ordering::SeqCst);
        let trap = Trap { links: flags & TRAP_LINKS != 0, stop: flags & TRAP_STOP != 0 };
        let mut signals = Signals::new(self.pid(), self.parent(), trap);
        if let Some(reason) = reason(self.end.load(Ordering::SeqCst)) {
            // It ended without side data: nobody is to be told.
            let _ = signals.end(reason);
        }
        let (label, schema, end, waiters, alarm) = Default::default();
        let timers = HashSet::default();
        Side { signals, label, schema, end, waiters, alarm, timers }
    }

    pub(crate) fn signals<R>(&self, act: impl FnOnce(&mut Signals) -> R) -> R {
        self.side(|side| act(&mut side.signals))
    }

    /// Ends its signal state: what is left to do about it. Only once.
    ///
    /// Whoever makes side data sets its flag first and looks at the end then; this sets the end first and looks at the flag then. So
    /// a process that has none, and ends without a text, takes no lock.
    pub(super) fn end(&self, ended: &ExitReason) -> Option<Left> {
        if let Some(code) = code(ended) {
            self.end.store(code, Ordering::SeqCst);
            if self.flags.load(Ordering::SeqCst) & HAS_SIDE == 0 {
                return None;
            }
        }
        self.side(|side| {
            let left = Left {
                effects: side.signals.end(ended.clone()),
                alarm: side.alarm.take(),
                timers: std::mem::take(&mut side.timers),
            };
            // Under the lock, so that the reason is there for whoever sees it.
            self.end.store(code(ended).unwrap_or(END_IN_SIDE), Ordering::SeqCst);
            Some(left)
        })
    }

    /// Everybody was told: those who wait for its end go on.
    pub(super) fn tell_waiters(&self) {
        self.told.store(true, Ordering::SeqCst);
        if self.flags.load(Ordering::SeqCst) & HAS_SIDE == 0 {
            return;
        }
        for waiter in self.side(|side| std::mem::take(&mut side.waiters)) {
            // Whose waker it is, is not known here.
            let _ = super::crash::guard(|| waiter.wake());
        }
    }

    /// Waits until it has ended and everybody was told.
    pub(crate) async fn gone(&self) -> ExitReason {
        std::future::poll_fn(|cx| {
            if !self.told.load(Ordering::Acquire) {
                self.side(|side| {
                    // Again, now that `tell_waiters` takes the lock.
                    if self.told.load(Ordering::SeqCst) {
                        return;
                    }
                    if !side.waiters.iter().any(|waiter| waiter.will_wake(cx.waker())) {
                        side.waiters.push(cx.waker().clone());
                    }
                });
            }
            if self.told.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.ended().unwrap_or(ExitReason::NoProcess)
    }

    /// The reason that somebody wants it to end with.
    #[inline]
    pub(super) fn asked_to_end(&self) -> Option<ExitReason> {
        if !self.end_asked.load(Ordering::Acquire) {
            return None;
        }
        lock(&self.side).as_ref().and_then(|side| side.end.clone())
    }

    /// Whether this message can be read, and if not, why.
    pub(crate) fn check(&self, method: u32, fingerprint: u64) -> Result<(), SendError> {
        let schema = lock(&self.side).as_ref().and_then(|side| side.schema.clone());
        let theirs = match &schema {
            Some(schema) => schema.method(method).map(|known| (known.fingerprint, known.signature())),
            None => {
                let known = self.vtable.methods.iter().find(|known| known.id() == method);
                known.map(|known| (known.fingerprint(), known.signature()))
            }
        };
        match theirs {
            None => Err(SendError::UnknownMethod(format!("number {method:#010x}"))),
            Some((known, _)) if known == fingerprint => Ok(()),
            Some((_, theirs)) => Err(SendError::Incompatible { ours: String::new(), theirs }),
        }
    }
}

fn priority_bits(priority: Priority) -> u8 {
    match priority {
        Priority::Normal => 0,
        Priority::Low => 8,
        Priority::High => 16,
    }
}

/// Reasons without a text, as one byte.
fn code(reason: &ExitReason) -> Option<u8> {
    match reason {
        ExitReason::Normal => Some(1),
        ExitReason::Shutdown => Some(2),
        ExitReason::Killed => Some(3),
        ExitReason::NoProcess => Some(4),
        ExitReason::NoConnection => Some(5),
        _ => None,
    }
}

fn reason(code: u8) -> Option<ExitReason> {
    Some(match code {
        1 => ExitReason::Normal,
        2 => ExitReason::Shutdown,
        3 => ExitReason::Killed,
        4 => ExitReason::NoProcess,
        5 => ExitReason::NoConnection,
        _ => return None,
    })
}

/// A cell that somebody has got hold of for as long as `'a`.
#[derive(Clone, Copy)]
pub(crate) struct CellPtr<'a>(NonNull<Cell>, PhantomData<&'a Cell>);

impl<'a> CellPtr<'a> {
    /// # Safety
    /// The cell lives for `'a`, and the pointer is that of its whole allocation.
    pub(crate) unsafe fn new(cell: NonNull<Cell>) -> Self {
        Self(cell, PhantomData)
    }

    pub(crate) fn as_ptr(self) -> NonNull<Cell> {
        self.0
    }

    /// A handle of its own, unless the last one is just being given back.
    pub(crate) fn acquire(self) -> Option<CellRef> {
        let mut refs = self.refs.load(Ordering::Relaxed);
        while refs != 0 {
            match self.refs.compare_exchange_weak(refs, refs + 1, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(CellRef(self.0)),
                Err(now) => refs = now,
            }
        }
        None
    }

    /// Its mailbox, whatever it holds.
    pub(crate) fn mailbox(self) -> &'a dyn AnyMailbox {
        // SAFETY: the vtable was made for this cell; the mailbox lives as long as it.
        unsafe { (self.vtable.mailbox)(self.0).as_ref() }
    }

    /// Its mailbox, if that holds messages of this type.
    #[inline]
    pub(crate) fn typed<M: 'static>(self) -> Option<&'a Mailbox<M>> {
        // SAFETY: the vtable says that this is what lies there.
        ((self.vtable.message)() == TypeId::of::<M>()).then(|| unsafe { &self.0.cast::<Front<M>>().as_ref().mailbox })
    }

    /// Lets it have a turn.
    #[inline]
    pub(crate) fn wake(self) {
        if self.state.wake() {
            sched::enqueue(self);
        }
    }

    /// Asks it to end at its next await; the first reason counts, but a kill overrides one that it has not seen yet.
    pub(crate) fn request_end(self, reason: ExitReason) {
        self.side(|side| {
            if side.end.is_none() || reason == ExitReason::Killed {
                side.end = Some(reason);
            }
        });
        self.end_asked.store(true, Ordering::Release);
        self.wake();
    }

    /// Lets a signal arrive; what is left to do about it.
    ///
    /// What is for the mailbox gets there under the lock: an `unlink` or a `demonitor` that comes after finds it there.
    pub(crate) fn receive(self, signal: Signal) -> Option<Effect> {
        let (effect, wake) = self.side(|side| match side.signals.receive(signal) {
            None => (None, None),
            Some(Effect::DeliverExit(exit)) => (None, self.mailbox().push_exit(exit)),
            Some(Effect::DeliverDown(down)) => (None, self.mailbox().push_down(down)),
            Some(effect) => (Some(effect), None),
        });
        if let Some(wake) = wake {
            wake.wake(self);
        }
        effect
    }

    /// Polls its code.
    ///
    /// # Safety
    /// The caller has the turn, and the body was not dropped.
    #[inline]
    pub(super) unsafe fn poll(self, cx: &mut Context<'_>) -> Poll<ExitReason> {
        // SAFETY: handed on.
        unsafe { (self.vtable.poll)(self.0, cx) }
    }

    /// Drops its code.
    ///
    /// # Safety
    /// As for `poll`; only once.
    pub(super) unsafe fn drop_body(self) {
        // SAFETY: handed on.
        unsafe { (self.vtable.drop_body)(self.0) }
    }
}

impl Deref for CellPtr<'_> {
    type Target = Cell;

    #[inline]
    fn deref(&self) -> &Cell {
        // SAFETY: it lives for `'a`.
        unsafe { self.0.as_ref() }
    }
}

/// A handle to a cell: keeps the allocation, not the process, alive.
pub(crate) struct CellRef(NonNull<Cell>);

// SAFETY: a cell is shared between threads by design; what is not atomic in it has the owners that the module's text names.
unsafe impl Send for CellRef {}
// SAFETY: as above.
unsafe impl Sync for CellRef {}

impl CellRef {
    pub(crate) fn ptr(&self) -> CellPtr<'_> {
        CellPtr(self.0, PhantomData)
    }

    /// Gives the handle away as a pointer; [`from_raw`](Self::from_raw) takes it back.
    pub(super) fn into_raw(self) -> NonNull<Cell> {
        ManuallyDrop::new(self).0
    }

    /// # Safety
    /// From `into_raw`, and only once.
    pub(super) unsafe fn from_raw(cell: NonNull<Cell>) -> Self {
        Self(cell)
    }
}

impl Deref for CellRef {
    type Target = Cell;

    #[inline]
    fn deref(&self) -> &Cell {
        // SAFETY: the handle keeps it.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for CellRef {
    #[inline]
    fn clone(&self) -> Self {
        // Whoever clones has one: as in `Arc`, the order does not matter. 2^32 handles of one process do not fit in memory.
        self.refs.fetch_add(1, Ordering::Relaxed);
        Self(self.0)
    }
}

impl Drop for CellRef {
    #[inline]
    fn drop(&mut self) {
        if self.refs.fetch_sub(1, Ordering::Release) == 1 {
            fence(Ordering::Acquire);
            retire(self.0);
        }
    }
}

#[cold]
fn retire(cell: NonNull<Cell>) {
    struct Retired(NonNull<Cell>);
    // SAFETY: with the last handle gone nobody else touches it.
    unsafe impl Send for Retired {}
    let retired = Retired(cell);
    let free = move || {
        let cell = { retired }.0;
        // SAFETY: the last handle is gone, so no new one can be made, and whoever had found it in the table before it was
        // taken out has let go of it by now.
        unsafe { (cell.as_ref().vtable.free)(cell) }
    };
    // SAFETY: the cell was taken out of the table before its process gave its handle back.
    unsafe { epoch::pin().defer_unchecked(free) };
}

impl fmt::Debug for CellRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CellRef").field(&self.pid()).finish()
    }
}

/// A handle to a cell whose mailbox holds messages `M`.
pub(crate) struct Typed<M> {
    this: This,
    message: PhantomData<fn(M)>,
}

impl<M> Typed<M> {
    #[inline]
    pub(crate) fn cell(&self) -> &CellRef {
        &self.this.cell
    }

    #[inline]
    pub(crate) fn this(&self) -> &This {
        &self.this
    }

    /// # Safety
    /// The cell's mailbox holds messages of this type.
    pub(super) unsafe fn new(cell: CellRef) -> Self {
        Self { this: This::new(cell), message: PhantomData }
    }

    #[inline]
    pub(crate) fn mailbox(&self) -> &Mailbox<M> {
        // SAFETY: a typed handle is made for the type of the mailbox only.
        unsafe { &(*self.this.cell.0.cast::<Front<M>>().as_ptr()).mailbox }
    }
}

impl<M> Clone for Typed<M> {
    fn clone(&self) -> Self {
        Self { this: This::new(self.this.cell.clone()), message: PhantomData }
    }
}

impl<M> fmt::Debug for Typed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.this.fmt(f)
    }
}

/// Makes a cell with three handles: that of the process, one for `body`, and the one that is returned.
///
/// Nobody can find it yet, and it counts as queued: a wake before it is queued for the first time means nothing.
pub(crate) fn make<M, F>(
    new: NewCell<'_>,
    mailbox: Mailbox<M>,
    body: impl FnOnce(Typed<M>) -> F,
) -> (NonNull<Cell>, Typed<M>)
where
    M: super::Message,
    F: Future<Output = ExitReason> + Send + 'static,
{
    let flags = if new.trap.links { TRAP_LINKS } else { 0 } | if new.trap.stop { TRAP_STOP } else { 0 };
    let cell = Cell {
        state: State::queued(),
        refs: AtomicU32::new(3),
        vtable: &Types::<M, F>::VTABLE,
        node: new.node.uncounted(),
        slot: new.place.slot,
        generation: new.place.generation,
        parent_slot: new.parent.map_or(0, |parent| parent.slot()),
        parent_generation: new.parent.map_or(0, |parent| parent.generation()),
        spawned_at: new.spawned_at,
        name: new.name,
        born: sched::clock::ticks(),
        run_ticks: AtomicU64::new(0),
        turns: AtomicU64::new(0),
        deadline: AtomicU64::new(0),
        calls: AtomicU64::new(0),
        alarm_at: AtomicU64::new(0),
        side: Mutex::new(None),
        end: AtomicU8::new(0),
        end_asked: AtomicBool::new(false),
        told: AtomicBool::new(false),
        flags: AtomicU8::new(flags | priority_bits(new.priority)),
    };
    let whole: *mut Whole<M, F> = pool::take(Layout::new::<Whole<M, F>>()).cast().as_ptr();
    // SAFETY: the allocation is of this type, and each part is written once before anybody reads it. Should `body` panic,
    // the allocation is leaked.
    let raw = unsafe {
        (&raw mut (*whole).front).write(Front { cell, mailbox });
        NonNull::new_unchecked(whole).cast::<Cell>()
    };
    // SAFETY: these are two of the three handles.
    let typed = || unsafe { Typed::new(CellRef::from_raw(raw)) };
    let made = body(typed());
    // SAFETY: as above; nobody has a pointer to the body yet.
    unsafe { (&raw mut (*whole).body).write(UnsafeCell::new(ManuallyDrop::new(made))) };
    let this = typed();
    if new.label.is_some() || new.schema.is_some() {
        this.cell().side(|side| (side.label, side.schema) = (new.label, new.schema));
    }
    (raw, this)
}

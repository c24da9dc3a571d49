//! The cell of a process: what the node keeps of it, its mailbox and its code, in one allocation.
//!
//! # Layout
//! `Whole<M, F>` is the [`Cell`] that everybody knows, then the mailbox for messages `M`, then the body, a future `F`.
//! `repr(C)` puts the cell first, so a pointer to the whole is a pointer to the cell; the [`Vtable`] knows the way back.
//! What processes of one [`Kind`] share is said once. Side data that most processes never have (links, monitors, names, a label of its own) is boxed on first use.
//!
//! # Who may touch what
//! - The body: whoever holds the turn. That is the worker that took the process out of a queue, until it parks it; or
//!   whoever made it, until it is queued first; or the node's last loop, when no other is left. [`State`] hands the turn over.
//! - `side`: under its lock, which guards no foreign code.
//! - The mailbox: see [`Mailbox`].
//! - All else: atomics and what never changes.
//!
//! # How long it lives
//! [`Refs`] counts handles: one is the process itself, given back at the end of its end ([`Finished`]). The last one retires the
//! allocation to the epoch collector, since somebody may have just found it in the table. Such a finder may make a
//! handle only while the count is above zero ([`CellPtr::acquire`]).

mod handle;
mod kind;

pub(crate) use handle::{CellPtr, CellRef, Finished, Typed};

use kind::{Kind, kind};

use super::gone::{Gone, Waiters};
use super::mailbox::{AnyMailbox, Mailbox};
use super::node::Inner;
use super::pool::Pooled;
use super::refs::Refs;
use super::sched::state::State;
use super::sched::timers::{Ring, Set};
use super::seen::Seen;
use super::signal::{Farewell, Half, Signals, Trap};
use super::spin::SpinBox;
use super::table::Place;
use super::{Node, SendError, pool, sched};
use crate::wire::schema::EntrySchema;
use crate::wire::{ExitReason, Method, Pid};
use std::alloc::Layout;
use std::any::TypeId;
use std::borrow::Cow;
use std::cell::UnsafeCell;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};

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
    refs: Refs,
    kind: &'static Kind,
    /// The node that it runs on, not counted: see [`Inner`].
    node: ManuallyDrop<Node>,
    slot: u32,
    parent_slot: u32,
    generation: u64,
    /// 0: nobody's child.
    parent_generation: u64,
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
    /// The timers that it owns.
    pub(super) timers: Ring,
    side: SpinBox<Side>,
    /// 0 while it lives; else why it ended, [`END_IN_SIDE`] if the reason has a text.
    end: AtomicU8,
    /// 0 unless somebody wants it to end; else why, [`END_IN_SIDE`] if the reason has a text. Written under the lock of `side`.
    end_asked: AtomicU8,
    /// Somebody wants to know of each message: see [`super::seen`].
    watched: AtomicBool,
    flags: AtomicU8,
    /// The number of the message in hand, or one of those of [`super::seen`]; 0: none.
    pub(super) in_hand: AtomicU32,
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
    pub(super) alarm: Option<Set>,
    rare: Option<Box<Rare>>,
}

/// What even of those few have.
#[derive(Default)]
struct Rare {
    label: Option<Arc<str>>,
    schema: Option<Arc<EntrySchema>>,
    /// Why it is wanted to end, if the reason has a text.
    end: Option<ExitReason>,
    waiters: Waiters,
    seen: Option<Box<Seen>>,
}

impl Side {
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn waiters(&mut self) -> &mut Waiters {
        &mut self.rare().waiters
    }

    pub(super) fn seen(&mut self) -> &mut Seen {
        self.rare().seen.get_or_insert_default()
    }

    /// If something was to be seen.
    pub(super) fn known_seen(&mut self) -> Option<&mut Seen> {
        self.rare.as_mut().and_then(|rare| rare.seen.as_deref_mut())
    }

    /// If somebody waits or has waited.
    pub(super) fn known_waiters(&mut self) -> Option<&mut Waiters> {
        self.rare.as_mut().map(|rare| &mut rare.waiters)
    }
}

/// What is left to do for a process that has ended.
pub(super) struct Left {
    /// None if nobody is to be told.
    pub(super) farewell: Option<Farewell>,
    pub(super) alarm: Option<Set>,
}

/// What is done with a cell without knowing its types.
#[derive(Clone, Copy)]
struct Vtable {
    poll: unsafe fn(NonNull<Cell>, &mut Context<'_>, &mut Option<ExitReason>),
    drop_body: unsafe fn(NonNull<Cell>),
    mailbox: unsafe fn(NonNull<Cell>) -> NonNull<dyn AnyMailbox>,
    free: unsafe fn(NonNull<Cell>),
    message: TypeId,
    /// Of the allocation, in bytes.
    size: usize,
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
    /// Its parent has linked itself to it.
    pub(crate) linked: Option<Half>,
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
        message: TypeId::of::<M>(),
        size: size_of::<Whole<M, F>>(),
        methods: M::METHODS,
    };

    /// # Safety
    /// The cell is of these types, and the caller has the turn and has not dropped the body.
    unsafe fn poll(cell: NonNull<Cell>, cx: &mut Context<'_>, ended: &mut Option<ExitReason>) {
        let whole = cell.cast::<Whole<M, F>>().as_ptr();
        // SAFETY: the caller has the turn; the body stays where it is until the allocation is freed.
        let body = unsafe { &mut *UnsafeCell::raw_get(&raw const (*whole).body) };
        // SAFETY: as said, it is never moved.
        if let Poll::Ready(reason) = unsafe { Pin::new_unchecked(&mut **body) }.poll(cx) {
            *ended = Some(reason);
        }
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
        let own = self.known_side(|side| side.rare.as_ref().and_then(|rare| rare.label.clone())).flatten();
        own.unwrap_or_else(|| self.kind.name.into())
    }

    /// A label of its own, if it has one, and the name of its type.
    pub(super) fn labels(&self) -> (Option<Arc<str>>, &'static str) {
        (self.known_side(|side| side.rare.as_ref().and_then(|rare| rare.label.clone())).flatten(), self.kind.name)
    }

    pub(crate) fn spawned_at(&self) -> &'static Location<'static> {
        self.kind.spawned_at
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

    /// Whether it has ended; nobody finds it any more then. In one order with what is written before its end is looked for.
    #[inline]
    pub(crate) fn has_ended(&self) -> bool {
        self.end.load(Ordering::SeqCst) != 0
    }

    /// Why it ended, if it did.
    pub(crate) fn ended(&self) -> Option<ExitReason> {
        match self.end.load(Ordering::Acquire) {
            0 => None,
            END_IN_SIDE => {
                let mut side = self.side.lock();
                side.get().and_then(|side| side.signals.ended().cloned())
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
        let mut side = self.side.lock();
        act(side.get_or_insert_with(|| self.new_side()))
    }

    /// Its side data, if there is any.
    pub(super) fn known_side<R>(&self, act: impl FnOnce(&mut Side) -> R) -> Option<R> {
        self.side.lock().get().map(act)
    }

    fn new_side(&self) -> Side {
        // First the flag, then the look at `end`; its writer does it the other way round.
        let flags = self.flags.fetch_or(HAS_SIDE, Ordering::SeqCst);
        let trap = Trap { links: flags & TRAP_LINKS != 0, stop: flags & TRAP_STOP != 0 };
        let mut signals = Signals::new(self.pid(), self.parent(), trap);
        if let Some(reason) = reason(self.end.load(Ordering::SeqCst)) {
            // It ended without side data: nobody is to be told.
            drop(signals.end(reason));
        }
        Side { signals, alarm: None, rare: None }
    }

    pub(crate) fn signals<R>(&self, act: impl FnOnce(&mut Signals) -> R) -> R {
        self.side(|side| act(&mut side.signals))
    }

    /// Ends its signal state: what is left to do about it. Only once.
    ///
    /// Whoever makes side data sets its flag first and looks at the end then; this sets the end first and looks at the flag then. So
    /// a process that has none, and ends without a text, takes no lock.
    pub(super) fn end(&self, ended: &ExitReason) -> Option<Left> {
        let code = code(ended);
        if let Some(code) = code {
            self.end.store(code, Ordering::SeqCst);
            if self.flags.load(Ordering::SeqCst) & HAS_SIDE == 0 {
                return None;
            }
        }
        self.side(|side| {
            let left = Left { farewell: side.signals.end(ended.clone()), alarm: side.alarm.take() };
            // Under the lock, so that the reason is there for whoever sees it.
            if code.is_none() {
                self.end.store(END_IN_SIDE, Ordering::SeqCst);
            }
            Some(left)
        })
    }

    /// Whether those who wait for its end were told.
    pub(super) fn was_told(&self) -> bool {
        self.refs.was_told()
    }

    /// Says, under the lock of its side data, that somebody waits; false if those who wait were told before. If true, who tells
    /// them takes the lock after it has seen this, and finds the waker.
    pub(super) fn await_told(&self) -> bool {
        self.refs.wait()
    }

    /// Waits until it has ended and everybody was told.
    pub(crate) fn gone(&self) -> Gone<'_> {
        Gone::new(self)
    }

    /// The reason that somebody wants it to end with.
    #[inline]
    pub(super) fn asked_to_end(&self) -> Option<ExitReason> {
        match self.end_asked.load(Ordering::Acquire) {
            0 => None,
            END_IN_SIDE => self.known_side(|side| side.rare.as_ref().and_then(|rare| rare.end.clone())).flatten(),
            code => reason(code),
        }
    }

    /// Notes that it is to end, under its lock: the first reason counts, but a kill overrides one that it has not seen yet.
    fn ask_to_end(&self, side: &mut Side, reason: ExitReason) {
        if self.end_asked.load(Ordering::Relaxed) != 0 && reason != ExitReason::Killed {
            return;
        }
        let code = code(&reason).unwrap_or_else(|| {
            side.rare().end = Some(reason);
            END_IN_SIDE
        });
        self.end_asked.store(code, Ordering::Release);
    }

    /// Whether somebody wants to know of each of its messages.
    #[inline]
    pub(super) fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }

    /// Says so, or that nobody does any more.
    pub(super) fn set_watched(&self, on: bool) {
        self.watched.store(on, Ordering::Relaxed);
    }

    /// What one of its methods is called.
    pub(super) fn method_name(&self, number: u32) -> Option<Cow<'static, str>> {
        if let Some(known) = self.kind.vtable.methods.iter().find(|known| known.id() == number) {
            return Some(Cow::Borrowed(known.name));
        }
        let schema = self.known_side(|side| side.rare.as_ref().and_then(|rare| rare.schema.clone())).flatten()?;
        schema.method(number).map(|known| Cow::Owned(known.name.clone()))
    }

    /// How many bytes the node holds for it beside its mailbox: its cell with its code, and its side data, roughly.
    pub(super) fn size(&self) -> usize {
        let rare = |side: &Side| if side.rare.is_some() { size_of::<Rare>() } else { 0 };
        let side = self.known_side(|side| size_of::<Side>() + rare(side) + side.signals.size());
        self.kind.vtable.size + side.unwrap_or(0)
    }

    /// Whether this message can be read, and if not, why.
    pub(crate) fn check(&self, method: u32, fingerprint: u64) -> Result<(), SendError> {
        let schema = self.known_side(|side| side.rare.as_ref().and_then(|rare| rare.schema.clone())).flatten();
        let theirs = match &schema {
            Some(schema) => schema.method(method).map(|known| (known.fingerprint, known.signature())),
            None => {
                let known = self.kind.vtable.methods.iter().find(|known| known.id() == method);
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

/// Makes a cell with the handle of the process, one for `body`, and the one that is returned, which is counted only if it is `kept`.
///
/// Nobody can find it yet, and it counts as queued: a wake before it is queued for the first time means nothing.
pub(crate) fn make<M, F>(
    new: NewCell<'_>,
    mut mailbox: Mailbox<M>,
    body: impl FnOnce(Typed<M>) -> F,
    kept: bool,
) -> (NonNull<Cell>, ManuallyDrop<Typed<M>>)
where
    M: super::Message,
    F: Future<Output = ExitReason> + Send + 'static,
{
    // First, so that what follows is written where it stays: read back at once from the stack it would wait for its own stores.
    let whole: *mut Whole<M, F> = pool::take(Layout::new::<Whole<M, F>>()).cast().as_ptr();
    let flags = if new.trap.links { TRAP_LINKS } else { 0 } | if new.trap.stop { TRAP_STOP } else { 0 };
    let linked = new.parent.zip(new.linked).map(|(parent, half)| {
        Pooled::make(|| {
            let signals = Signals::born_linked(new.node.table().pid(new.place), parent, new.trap, half);
            Side { signals, alarm: None, rare: None }
        })
    });
    let flags = if linked.is_some() { flags | HAS_SIDE } else { flags };
    let cell = Cell {
        state: State::queued(mailbox.is_slow()),
        refs: Refs::new(if kept { 3 } else { 2 }),
        kind: kind(&Types::<M, F>::VTABLE, new.name, new.spawned_at),
        node: new.node.uncounted(),
        slot: new.place.slot,
        generation: new.place.generation,
        parent_slot: new.parent.map_or(0, |parent| parent.slot()),
        parent_generation: new.parent.map_or(0, |parent| parent.generation()),
        born: sched::birth(),
        run_ticks: AtomicU64::new(0),
        turns: AtomicU64::new(0),
        deadline: AtomicU64::new(0),
        calls: AtomicU64::new(0),
        alarm_at: AtomicU64::new(0),
        timers: Ring::new(),
        side: SpinBox::new(linked),
        end: AtomicU8::new(0),
        end_asked: AtomicU8::new(0),
        watched: AtomicBool::new(false),
        flags: AtomicU8::new(flags | priority_bits(new.priority)),
        in_hand: AtomicU32::new(0),
    };
    // SAFETY: the allocation is of this type, and each part is written once before anybody reads it. Should `body` panic,
    // the allocation is leaked.
    let raw = unsafe {
        (&raw mut (*whole).front.cell).write(cell);
        (&raw mut (*whole).front.mailbox).write(mailbox);
        NonNull::new_unchecked(whole).cast::<Cell>()
    };
    // SAFETY: these are two of the handles, or one and one that nobody drops.
    let typed = || unsafe { Typed::new(CellRef::from_raw(raw)) };
    let made = body(typed());
    // SAFETY: as above; nobody has a pointer to the body yet.
    unsafe { (&raw mut (*whole).body).write(UnsafeCell::new(ManuallyDrop::new(made))) };
    let this = ManuallyDrop::new(typed());
    if new.label.is_some() || new.schema.is_some() {
        this.cell().side(|side| {
            let rare = side.rare();
            (rare.label, rare.schema) = (new.label, new.schema);
        });
    }
    (raw, this)
}

#[cfg(all(test, not(rusm_loom), target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// A million processes that wait have a million of these.
    #[test]
    fn what_each_process_takes() {
        assert_eq!(size_of::<Cell>(), 128);
        assert_eq!(size_of::<Mailbox<[u64; 2]>>(), 32);
    }
}

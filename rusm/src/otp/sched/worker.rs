//! A worker's loop: which process next, its turn, and what to do when there is none.

#[cfg(feature = "testing")]
mod explore;
#[cfg(not(feature = "testing"))]
#[path = "worker/plain.rs"]
mod explore;

use super::clock::{self, ticks};
use super::{ByPriority, Scheduler, Turn, WAKER, Worker, queue_of};
use crate::otp::cell::CellPtr;
use crate::otp::moment::Moment;
use crate::otp::node::Inner;
use crate::otp::table::Slots;
use crate::otp::{Instant, context, crash, process};
use crossbeam_deque::{Steal, Worker as Queue};
use crossbeam_epoch as epoch;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::mem::ManuallyDrop;
use std::pin::pin;
use std::ptr::null;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::task::{Context, Poll, RawWaker, Waker};
use std::time::Duration;
use tokio::task::coop;

/// How many turns in a row the slot for the next one may take before the queues get one.
pub(super) const STREAK: u32 = 32;
/// How long a loop runs before tokio gets a look at its sockets and timers.
const SLICE: Duration = Duration::from_micros(50);
/// How late a timer is on a worker that nobody holds up, at most.
const LATE: Duration = Duration::from_millis(2);
/// How often a loop looks for work before it sleeps: a message from another worker often comes within this time.
const SPIN: u32 = 20;
/// From how many waiting processes on another worker is worth waking.
const SHARE: usize = 4;
/// How many to take from another worker at once.
const STEAL: usize = 32;

thread_local! {
    /// The worker that lives on this thread, or whose loop is being polled on it.
    static HERE: Cell<*const Core> = const { Cell::new(null()) };
}

/// What belongs to one loop.
pub(crate) struct Core {
    inner: &'static Inner,
    id: usize,
    shared: &'static Worker,
    queues: ByPriority<Queue<Turn>>,
    next: Cell<Option<Turn>>,
    streak: Cell<u32>,
    /// Its loop is being polled; else what wakes a process here is tokio's driver.
    in_step: Cell<bool>,
    pub(crate) slots: RefCell<Slots>,
    tick: Cell<u32>,
    /// In ticks: when the slice is over, and when the clock was read.
    slice_end: Cell<u64>,
    read_at: Cell<u64>,
    births: Cell<u64>,
    now: Cell<Option<(Instant, Moment)>>,
    ended: Cell<u32>,
    per_micro: u64,
    explorer: explore::Explorer,
}

/// Asks the worker of this node that runs here.
#[inline]
pub(crate) fn of<R>(inner: &Inner, ask: impl FnOnce(&Core) -> R) -> Option<R> {
    // SAFETY: it is set only while the core lives on this thread, and what `Core` shares on its thread is in cells.
    let core = unsafe { HERE.get().as_ref() }?;
    std::ptr::eq(core.inner, inner).then(|| ask(core))
}

/// Gives the slots that the worker of this node that runs here holds, if one does.
#[inline]
pub(crate) fn with_slots<R>(inner: &Inner, act: impl FnOnce(Option<&mut Slots>) -> R) -> R {
    let core: *const Core = HERE.get();
    // SAFETY: as in `of`.
    match unsafe { core.as_ref() }.filter(|core| std::ptr::eq(core.inner, inner)) {
        Some(core) => act(core.slots.try_borrow_mut().ok().as_deref_mut()),
        None => act(None),
    }
}

/// Asks the worker that runs here.
#[inline]
pub(super) fn here<R>(ask: impl FnOnce(&Core) -> R) -> Option<R> {
    // SAFETY: as in `of`.
    unsafe { HERE.get().as_ref() }.filter(|core| core.in_step.get()).map(ask)
}

/// What a loop does next.
enum Next {
    /// Lets tokio look around.
    Yield,
    /// Sleeps, at most until then.
    Sleep(Option<Instant>),
    /// The node has ended.
    End,
}

impl Core {
    pub(super) fn new(inner: &'static Inner, id: usize, queues: ByPriority<Queue<Turn>>) -> Self {
        Self {
            inner,
            id,
            shared: &inner.scheduler().workers[id],
            queues,
            next: Cell::new(None),
            streak: Cell::new(0),
            in_step: Cell::new(false),
            slots: RefCell::default(),
            tick: Cell::new(0),
            slice_end: Cell::new(0),
            read_at: Cell::new(0),
            births: Cell::new(0),
            now: Cell::new(None),
            ended: Cell::new(0),
            per_micro: clock::per_micro(),
            explorer: explore::Explorer::new(inner),
        }
    }

    pub(crate) fn id(&self) -> usize {
        self.id
    }

    fn scheduler(&self) -> &'static Scheduler {
        self.inner.scheduler()
    }

    fn shared(&self) -> &'static Worker {
        self.shared
    }

    pub(super) fn is_slice_over(&self) -> bool {
        ticks() >= self.slice_end.get()
    }

    /// The time, at most a millisecond old.
    pub(super) fn now(&self) -> Moment {
        self.now_at(ticks()).1
    }

    /// Whether a timer of this moment should have fired a while ago, by the last look at the clock.
    #[inline]
    pub(super) fn is_overdue(&self, at: Moment) -> bool {
        self.now.get().is_some_and(|(_, now)| now > at.after(LATE))
    }

    /// And whether the slice is over, with one look at the clock.
    pub(super) fn now_in_slice(&self) -> (Instant, bool) {
        let at = ticks();
        (self.now_at(at).0, at >= self.slice_end.get())
    }

    #[inline]
    fn now_at(&self, at: u64) -> (Instant, Moment) {
        match self.now.get() {
            Some(now) if at.saturating_sub(self.read_at.get()) < 1000 * self.per_micro => now,
            _ => self.read_clock(at),
        }
    }

    fn read_clock(&self, at: u64) -> (Instant, Moment) {
        let now = Instant::now();
        let now = (now, Moment::of(now));
        self.now.set(Some(now));
        self.read_at.set(at);
        now
    }

    /// A process of this node was woken on this thread.
    #[inline]
    pub(super) fn enqueue(&self, cell: CellPtr<'_>) {
        if self.in_step.get() && queue_of(cell.priority()) == 1 {
            if let Some(before) = self.next.replace(Some(Turn(cell.as_ptr()))) {
                // SAFETY: a process that is queued lives.
                self.push(unsafe { CellPtr::new(before.0) });
            }
            return;
        }
        self.push(cell);
        if !self.in_step.get() {
            // Tokio's driver woke it: the loop has to run for it.
            self.shared().unpark(&self.scheduler().idle);
        }
    }

    /// When the turn began, and each time one tick more: what begins in one turn has an order.
    pub(super) fn birth(&self) -> u64 {
        self.births.set(self.births.get() + 1);
        self.births.get()
    }

    /// Whether its loop is being polled; else a task of the same runtime runs here, or tokio's driver.
    pub(super) fn is_in_step(&self) -> bool {
        self.in_step.get()
    }

    /// A process that was just made on this thread.
    pub(super) fn push_new(&self, cell: CellPtr<'_>) {
        self.push(cell);
        if !self.in_step.get() {
            fence(Ordering::SeqCst);
            self.shared().unpark(&self.scheduler().idle);
        }
    }

    /// Lets other workers have the process that would be next here: what runs now may take its time.
    #[inline]
    pub(super) fn share_next(&self) {
        if let Some(next) = self.next.take() {
            // SAFETY: a process that is queued lives.
            self.push(unsafe { CellPtr::new(next.0) });
        }
    }

    /// A child that its supervisor has just made here: it would be next anyway if nobody else waits.
    #[inline]
    pub(super) fn push_child(&self, cell: CellPtr<'_>) {
        let is_next = self.in_step.get() && queue_of(cell.priority()) == 1 && self.queues[1].is_empty();
        match self.next.take() {
            None if is_next => self.next.set(Some(Turn(cell.as_ptr()))),
            next => {
                self.next.set(next);
                self.push_new(cell);
            }
        }
    }

    /// Behind those that wait.
    #[inline]
    pub(super) fn push(&self, cell: CellPtr<'_>) {
        let queue = &self.queues[queue_of(cell.priority())];
        queue.push(Turn(cell.as_ptr()));
        let scheduler = self.scheduler();
        if scheduler.idle.load(Ordering::Relaxed) > 0 && queue.len() >= SHARE {
            scheduler.unpark_one();
        }
    }

    /// Which process is next.
    #[inline]
    fn find(&self, tick: u32, misses: u32) -> Option<Turn> {
        if self.explorer.is_on() {
            return self.explore();
        }
        let [high, normal, low] = &self.queues;
        if tick & 63 == 1
            && let Some(turn) = self.injected()
        {
            return Some(turn);
        }
        // High ones first, but not always: the others are to get on, and share the turns that are theirs.
        let is_busy = !high.is_empty();
        if is_busy
            && tick & 31 != 0
            && let Some(turn) = high.pop()
        {
            return Some(turn);
        }
        let tick = if is_busy { tick >> 5 } else { tick };
        if let Some(next) = self.next.take() {
            let streak = self.streak.get();
            if streak < STREAK {
                self.streak.set(streak + 1);
                return Some(next);
            }
            normal.push(next);
        }
        self.streak.set(0);
        if tick & 7 == 2
            && let Some(turn) = low.pop()
        {
            return Some(turn);
        }
        normal
            .pop()
            .or_else(|| high.pop())
            .or_else(|| low.pop())
            .or_else(|| self.injected())
            .or_else(|| self.steal(misses))
    }

    fn injected(&self) -> Option<Turn> {
        let scheduler = self.scheduler();
        (0..3).find_map(|priority| scheduler.inject(priority))
    }

    /// Takes some of what waits elsewhere. One that waits alone is left to its worker for a while: it may be the next turn of two
    /// that follow each other, which run well side by side and badly across threads.
    fn steal(&self, misses: u32) -> Option<Turn> {
        let least = if misses + 1 < SPIN { 2 } else { 1 };
        let workers = &self.scheduler().workers;
        for other in 1..workers.len() {
            let victim = &workers[(self.id + other) % workers.len()];
            for (queue, stealer) in
                self.queues.iter().zip(&victim.stealers).filter(|(_, stealer)| stealer.len() >= least)
            {
                loop {
                    match stealer.steal_batch_with_limit_and_pop(queue, STEAL) {
                        Steal::Success(turn) => {
                            add(&self.shared().own.stolen, 1);
                            return Some(turn);
                        }
                        Steal::Retry => {}
                        Steal::Empty => break,
                    }
                }
            }
        }
        None
    }

    /// One slice of the loop.
    fn step(&self) -> Next {
        let scheduler = self.scheduler();
        let shared = self.shared();
        shared.sleep.cancel(&scheduler.idle);
        super::watch::stir();
        let mut guard = epoch::pin();
        // Given up before the guard, whatever ends this: see `guard`.
        let _in_step = InStep::begin(&self.in_step);
        let began = ticks();
        scheduler.fire(self.id, self.read_clock(began).1);
        self.slice_end.set(began + SLICE.as_micros() as u64 * self.per_micro);
        let (mut last, mut misses, mut turns) = (began, 0, 0_u64);
        let next = loop {
            let tick = self.tick.get().wrapping_add(1);
            self.tick.set(tick);
            if tick & 63 == 0 {
                guard.repin();
            }
            let Some(turn) = self.find(tick, misses) else {
                misses += 1;
                if misses < SPIN && scheduler.workers.len() > 1 {
                    std::hint::spin_loop();
                    continue;
                }
                if scheduler.fire(self.id, self.read_clock(ticks()).1) {
                    misses = 0;
                    continue;
                }
                if self.inner.has_no_use() {
                    break Next::End;
                }
                shared.sleep.prepare(&scheduler.idle);
                if scheduler.has_work() || self.inner.has_no_use() {
                    shared.sleep.cancel(&scheduler.idle);
                    misses = 0;
                    continue;
                }
                // After the flag is up: whoever sets a timer from elsewhere sees it, or is seen here.
                let until = shared.wheel.lock().next_at();
                add(&shared.own.parks, 1);
                break Next::Sleep(until.map(|at| scheduler.moment(at).instant()));
            };
            misses = 0;
            turns += 1;
            // SAFETY: a process that is queued lives, and taking it out of its queue is having its turn.
            last = unsafe { self.run(CellPtr::new(turn.0), last) };
            if self.ended.get() >= 64 {
                self.ended.set(0);
                guard.flush();
            }
            if last >= self.slice_end.get() || !coop::has_budget_remaining() {
                break Next::Yield;
            }
        };
        self.inner.look_whether_drained();
        add(&shared.own.turns, turns);
        add(&shared.own.busy, last.saturating_sub(began));
        next
    }

    /// One turn of a process; the time at its end.
    ///
    /// # Safety
    /// It was just taken out of a queue.
    #[inline]
    unsafe fn run(&self, cell: CellPtr<'_>, began: u64) -> u64 {
        cell.state.begin();
        self.births.set(began);
        let current = &self.shared().own.current;
        current.store(cell.as_ptr().as_ptr(), Ordering::Release);
        let (mut ended, mut known) = (cell.asked_to_end(), Vec::new());
        if ended.is_none() {
            let waker = RawWaker::new(cell.as_ptr().as_ptr().cast_const().cast(), &WAKER);
            // SAFETY: the process's own handle outlives its turn; the waker gives nothing back.
            let waker = ManuallyDrop::new(unsafe { Waker::from_raw(waker) });
            let mut cx = Context::from_waker(&waker);
            // SAFETY: this is its turn, and it has not ended.
            if let Err(crash) = crash::guard(|| context::enter(cell, || unsafe { cell.poll(&mut cx, &mut ended) })) {
                (ended, known) = (Some(crash.reason), crash.known);
            }
        }
        let now = ticks();
        // Only the one who has the turn writes these.
        let run = cell.run_ticks.load(Ordering::Relaxed) + now.saturating_sub(began);
        cell.run_ticks.store(run, Ordering::Relaxed);
        cell.turns.store(cell.turns.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        match &ended {
            None => {
                current.store(std::ptr::null_mut(), Ordering::Release);
                // Once it is parked another worker may run and end it.
                if !cell.state.park() {
                    self.push(cell);
                }
            }
            Some(reason) => {
                // SAFETY: this is its turn, and its last one.
                let finished = unsafe { process::finish(cell, reason, &mut known) };
                // In this order: the watch must not find a cell that is given up.
                current.store(std::ptr::null_mut(), Ordering::Release);
                drop(finished);
                self.ended.set(self.ended.get() + 1);
            }
        }
        now
    }
}

/// Says that a loop is being polled, for as long as it lives.
struct InStep<'a>(&'a Cell<bool>);

impl<'a> InStep<'a> {
    fn begin(flag: &'a Cell<bool>) -> Self {
        flag.set(true);
        Self(flag)
    }
}

impl Drop for InStep<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Adds to what nobody else writes.
fn add(counter: &AtomicU64, change: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(change), Ordering::Relaxed);
}

/// A core on its way through the threads that poll its loop.
pub(super) struct Loop {
    core: Box<Core>,
    /// The loop stays on one thread: what happens there between two polls is its own.
    owns_thread: bool,
}

// SAFETY: the core is used by whoever polls the loop, one thread at a time; what else reaches it does so through `HERE`, on that
// thread, which is taken back before the loop can move unless it never does.
unsafe impl Send for Loop {}

impl Loop {
    pub(super) fn new(inner: &'static Inner, id: usize, queues: ByPriority<Queue<Turn>>, owns_thread: bool) -> Self {
        Self { core: Box::new(Core::new(inner, id, queues)), owns_thread }
    }

    /// A worker's life.
    pub(super) async fn live(self) {
        let scheduler = self.core.scheduler();
        let shared = self.core.shared();
        poll_fn(|cx| {
            *crate::otp::lock(&shared.waker) = Some(cx.waker().clone());
            Poll::Ready(())
        })
        .await;
        loop {
            match self.step() {
                Next::End => break,
                Next::Yield => tokio::task::yield_now().await,
                Next::Sleep(until) => {
                    let mut time = pin!(until.map(tokio::time::sleep_until));
                    let mut has_slept = false;
                    poll_fn(|cx| {
                        if !shared.sleep.is_asleep() {
                            return Poll::Ready(());
                        }
                        has_slept = true;
                        time.as_mut().as_pin_mut().map_or(Poll::Pending, |time| time.poll(cx))
                    })
                    .await;
                    // Called before it slept: tokio gets its look all the same.
                    if !has_slept {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        scheduler.unpark_all();
    }

    fn step(&self) -> Next {
        struct Stay(*const Core);
        impl Drop for Stay {
            fn drop(&mut self) {
                HERE.set(self.0);
            }
        }
        let core: *const Core = &raw const *self.core;
        let before = HERE.replace(core);
        let _stay = Stay(if self.owns_thread { core } else { before });
        self.core.step()
    }
}

/// The end of a loop: of its node, or of the runtime that it lives in.
impl Drop for Loop {
    fn drop(&mut self) {
        let core: *const Core = &raw const *self.core;
        if HERE.get() == core {
            HERE.set(null());
        }
        let Core { inner, slots, queues, next, .. } = &*self.core;
        inner.table().give_back(&mut slots.borrow_mut());
        let scheduler = inner.scheduler();
        let shared = &scheduler.workers[self.core.id];
        shared.sleep.cancel(&scheduler.idle);
        let waker = crate::otp::lock(&shared.waker).take();
        drop(waker);
        // What waits here goes to those that are left.
        let queued = next.take().into_iter().chain(queues.iter().flat_map(|queue| std::iter::from_fn(|| queue.pop())));
        for turn in queued {
            scheduler.injectors[1].push(turn);
        }
        if scheduler.loops.fetch_sub(1, Ordering::SeqCst) == 1 {
            super::watch::end(inner);
            inner.end();
        } else {
            // Behind the pushes, as in `sleep`.
            fence(Ordering::SeqCst);
            scheduler.unpark_all();
        }
    }
}

//! The scheduler: runs processes inside tokio, which drives I/O and time.
//!
//! # Shape
//! A node has workers. Each is a loop that lives as one spawned task, in a current-thread tokio runtime of its own on a thread of
//! its own, or in the runtime of the app. A loop takes processes out of its queues and polls them, without an await in between, until 50
//! microseconds are over; then it yields to tokio, which looks at sockets and timers. A loop without work takes some
//! from another worker, or parks: then tokio's driver is what the thread waits in.
//!
//! A process that is woken on a worker of its node goes into that worker's slot for the next one, if it is woken from
//! another process, and so does a child that its supervisor starts while nobody waits; so that a message and its answer run back to back; at most [`worker::STREAK`] times in a row. Woken from
//! elsewhere it goes into the injector, which all workers look at.
//!
//! # Who may touch what
//! - A [`worker::Core`] belongs to its loop. Others reach it on the loop's own thread only, through a thread local that is
//!   set while the loop lives there.
//! - A process is in at most one queue at any time: [`state::State`] lets only one waker enqueue it, and queues hold no handle
//!   to it. It can't be freed meanwhile, since only its turn ends it.
//! - The sleep of a worker is [`sleep`]'s proof.

pub(crate) mod clock;
pub(crate) mod sleep;
pub(crate) mod state;
pub(crate) mod timers;
mod watch;
pub(crate) mod wheel;
pub(crate) mod worker;

use super::cell::{Cell, CellPtr, CellRef, Priority};
use super::moment::Moment;
use super::node::Inner;
use super::spin::Spin;
use super::{Instant, lock, sync, trial};
use crossbeam_deque::{Injector, Steal, Stealer, Worker as Queue};
use crossbeam_utils::CachePadded;
use sleep::Sleep;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Mutex, OnceLock};
use std::task::{RawWaker, RawWakerVTable, Waker};
use timers::Due;
use tokio::runtime::Handle;
use wheel::Wheel;

pub use watch::Hog;
pub(crate) use watch::{Hook as HogHook, begin as watch};

/// A process that waits for its turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn(NonNull<Cell>);

// SAFETY: whoever takes it out of its queue has the process's turn, on whatever thread.
unsafe impl Send for Turn {}

/// One queue for each priority.
pub(crate) type ByPriority<T> = [T; 3];

/// What the workers of a node share.
pub(crate) struct Scheduler {
    injectors: ByPriority<Injector<Turn>>,
    pub(super) workers: Box<[CachePadded<Worker>]>,
    idle: CachePadded<sync::atomic::AtomicUsize>,
    /// Processes that were started, and that ended, outside of the workers.
    elsewhere: CachePadded<Count>,
    /// Loops that have not ended.
    loops: AtomicUsize,
    /// Loops are to look whether the node is of no use any more; see [`Inner::has_no_use`].
    pub(super) closing: AtomicBool,
    began: OnceLock<Moment>,
}

/// What others see of a worker.
pub(crate) struct Worker {
    stealers: ByPriority<Stealer<Turn>>,
    /// That of its loop while there is one: it keeps the runtime.
    waker: Mutex<Option<Waker>>,
    sleep: CachePadded<Sleep>,
    pub(crate) wheel: CachePadded<Spin<Wheel<Due>>>,
    /// What only its loop writes.
    pub(super) own: CachePadded<Own>,
}

/// How many processes were started, and ended, in one place.
#[derive(Default)]
struct Count {
    started: AtomicU64,
    /// Nobody finds a trace of them, though there may be some to tell.
    gone: AtomicU64,
    /// All of their end is done.
    ended: AtomicU64,
}

/// What a loop writes all the time, and others read once in a while.
#[derive(Default)]
pub(crate) struct Own {
    count: Count,
    /// The process that has its turn now.
    current: AtomicPtr<Cell>,
    pub(super) turns: AtomicU64,
    pub(super) stolen: AtomicU64,
    pub(super) parks: AtomicU64,
    pub(super) busy: AtomicU64,
}

/// The queues of each worker, before its loop has them.
pub(crate) type Queues = Vec<ByPriority<Queue<Turn>>>;

/// Lets the workers of a node live: in a runtime that is there, or on threads of their own.
///
/// # Errors
/// No thread or no poller for a worker; those that were there already end.
pub(super) fn start(inner: &'static Inner, queues: Queues, runtime: Option<&Handle>) -> io::Result<()> {
    if !trial::is_on() {
        watch(inner, runtime.is_none());
    }
    if let Some(runtime) = runtime {
        for (id, queues) in queues.into_iter().enumerate() {
            runtime.spawn(worker::Loop::new(inner, id, queues, false).live());
        }
        return Ok(());
    }
    let mut failed = Ok(());
    for (id, queues) in queues.into_iter().enumerate() {
        // Made here, so that a worker that does not come to be is an ended one.
        let this = worker::Loop::new(inner, id, queues, true);
        if failed.is_ok() {
            failed = on_thread(this, id);
        }
    }
    if failed.is_err() {
        inner.scheduler().close();
    }
    failed
}

fn on_thread(this: worker::Loop, id: usize) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let name = format!("rusm-worker-{id}");
    std::thread::Builder::new().name(name).spawn(move || {
        let life = this.live();
        // A spawned task, because waking one costs no system call where waking the main future does.
        let ended = runtime.block_on(async { tokio::spawn(life).await });
        if let Err(error) = ended {
            tracing::error!(%error, "a worker has failed");
        }
        // What blocks in `spawn_blocking` must not keep the thread.
        runtime.shutdown_background();
    })?;
    Ok(())
}

impl Scheduler {
    /// So many workers, at least one.
    pub(super) fn new(workers: usize) -> (Self, Queues) {
        let queues: Queues = (0..workers.max(1)).map(|_| std::array::from_fn(|_| Queue::new_fifo())).collect();
        let stealers: Vec<_> = queues.iter().map(|queues| std::array::from_fn(|at| queues[at].stealer())).collect();
        let worker = |stealers| {
            CachePadded::new(Worker {
                stealers,
                waker: Mutex::new(None),
                sleep: CachePadded::new(Sleep::new()),
                wheel: CachePadded::new(Spin::new(Wheel::new(0))),
                own: CachePadded::default(),
            })
        };
        let loops = stealers.len();
        let this = Self {
            injectors: Default::default(),
            workers: stealers.into_iter().map(worker).collect(),
            idle: CachePadded::new(sync::atomic::AtomicUsize::new(0)),
            elsewhere: CachePadded::default(),
            loops: AtomicUsize::new(loops),
            closing: AtomicBool::new(false),
            began: OnceLock::new(),
        };
        (this, queues)
    }

    /// The loops end once the node is of no use.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.unpark_all();
    }

    /// Whether all loops are gone.
    pub(super) fn has_ended(&self) -> bool {
        self.loops.load(Ordering::SeqCst) == 0
    }

    /// Forgets timers that nobody will see fire.
    pub(super) fn clear(&self) {
        for worker in &self.workers {
            let wheel = std::mem::replace(&mut *worker.wheel.lock(), Wheel::new(0));
            let _ = super::crash::guard(|| drop(wheel));
        }
    }

    /// How many processes have not ended, as whoever was told of an end sees it; never less than those that live all the while.
    ///
    /// Ends are counted first: the start of a process whose end was seen is seen as well, and so is that of one that lives.
    pub(super) fn alive(&self) -> usize {
        let gone: u64 = self.counts().map(|count| count.gone.load(Ordering::Acquire)).sum();
        self.started().saturating_sub(gone) as usize
    }

    /// How many processes have something left to do; as [`alive`](Self::alive).
    ///
    /// The fence makes one of two that end last, each in its place, see the other's end.
    pub(super) fn unfinished(&self) -> usize {
        fence(Ordering::SeqCst);
        let ended: u64 = self.counts().map(|count| count.ended.load(Ordering::Acquire)).sum();
        self.started().saturating_sub(ended) as usize
    }

    fn counts(&self) -> impl Iterator<Item = &Count> {
        self.workers.iter().map(|worker| &worker.own.count).chain([&*self.elsewhere])
    }

    fn started(&self) -> u64 {
        self.counts().map(|count| count.started.load(Ordering::SeqCst)).sum()
    }

    /// Whether no process is there, and this holds at a moment at which none was.
    pub(super) fn is_empty_while(&self, holds: impl FnOnce() -> bool) -> bool {
        let started = self.started();
        self.unfinished() == 0 && holds() && self.started() == started
    }

    /// Counts one more; whether that was in a turn of this node.
    #[inline]
    fn count(&self, inner: &Inner, which: fn(&Count) -> &AtomicU64) -> bool {
        match worker::of(inner, |core| (core.id(), core.is_in_step())) {
            // Nobody else writes it.
            Some((here, true)) => {
                let count = which(&self.workers[here].own.count);
                count.store(count.load(Ordering::Relaxed) + 1, Ordering::Release);
                true
            }
            _ => {
                which(&self.elsewhere).fetch_add(1, Ordering::SeqCst);
                false
            }
        }
    }

    /// Counts a process that begins.
    ///
    /// A process that is started by another one is seen no later than the end of that, so nobody finds the node empty in between.
    /// Otherwise a look at whether the node is closed comes after it.
    #[inline]
    pub(super) fn one_more(&self, inner: &Inner) {
        self.count(inner, |count| &count.started);
    }

    /// Counts a process of which nobody finds a trace any more; those who are told of its end are told after that.
    #[inline]
    pub(super) fn one_gone(&self, inner: &Inner) {
        self.count(inner, |count| &count.gone);
    }

    /// Counts a process whose end is done; true if the caller has to look whether it was the last one, false if the worker that
    /// runs here does so soon.
    #[inline]
    pub(super) fn one_less(&self, inner: &Inner) -> bool {
        !self.count(inner, |count| &count.ended)
    }

    /// Wakes one worker that sleeps, if there is one.
    #[cold]
    fn unpark_one(&self) {
        for worker in &self.workers {
            if worker.unpark(&self.idle) {
                return;
            }
        }
    }

    /// Wakes the workers that sleep although they are to end.
    pub(super) fn unpark_to_end(&self) {
        if self.closing.load(Ordering::SeqCst) {
            self.unpark_all();
        }
    }

    /// Wakes all workers that sleep.
    pub(super) fn unpark_all(&self) {
        // Behind what the callers have written, as in `sleep`.
        fence(Ordering::SeqCst);
        for worker in &self.workers {
            worker.unpark(&self.idle);
        }
    }

    fn has_work(&self) -> bool {
        self.injectors.iter().any(|injector| !injector.is_empty())
            || self.workers.iter().any(|worker| worker.stealers.iter().any(|queue| !queue.is_empty()))
    }

    /// Takes a turn from the injectors.
    fn inject(&self, priority: usize) -> Option<Turn> {
        loop {
            match self.injectors[priority].steal() {
                Steal::Success(turn) => return Some(turn),
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }
}

impl Worker {
    /// How many processes wait in its queues.
    pub(super) fn queued(&self) -> usize {
        self.stealers.iter().map(Stealer::len).sum()
    }

    /// Wakes its loop if it sleeps.
    fn unpark(&self, idle: &sync::atomic::AtomicUsize) -> bool {
        let taken = self.sleep.take(idle);
        if taken && let Some(waker) = &*lock(&self.waker) {
            // Tokio's own, which calls nothing of ours.
            waker.wake_by_ref();
        }
        taken
    }
}

fn queue_of(priority: Priority) -> usize {
    match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}

/// Puts a process into a queue; whoever calls this has just made it `QUEUED`.
#[inline]
pub(crate) fn enqueue(cell: CellPtr<'_>) {
    if worker::of(cell.inner(), |core| core.enqueue(cell)).is_none() {
        inject(cell);
    }
}

/// Puts a new process into a queue: behind those that wait, so that its spawner can go on spawning.
pub(crate) fn enqueue_new(cell: CellPtr<'_>) {
    if worker::of(cell.inner(), |core| core.push_new(cell)).is_none() {
        inject(cell);
    }
}

/// Puts a child that its supervisor has made, and that has nothing to say before it is up, into a queue.
pub(crate) fn enqueue_child(cell: CellPtr<'_>) {
    if worker::of(cell.inner(), |core| core.push_child(cell)).is_none() {
        inject(cell);
    }
}

/// Before code of the user that may take its time: nobody is to wait for this worker alone.
pub(crate) fn share_next(inner: &Inner) {
    let _ = worker::of(inner, worker::Core::share_next);
}

/// From outside of the node's workers.
#[cold]
fn inject(cell: CellPtr<'_>) {
    let scheduler = cell.inner().scheduler();
    // From here on it may run and end; the node stays.
    scheduler.injectors[queue_of(cell.priority())].push(Turn(cell.as_ptr()));
    fence(Ordering::SeqCst);
    if scheduler.idle.load(Ordering::SeqCst) > 0 {
        scheduler.unpark_one();
    }
}

/// Whether a worker's loop is being polled here.
#[inline]
pub(crate) fn is_in_step() -> bool {
    worker::here(|_| ()).is_some()
}

/// When a process is born, in ticks: later for each that begins here.
#[inline]
pub(crate) fn birth() -> u64 {
    worker::here(worker::Core::birth).unwrap_or_else(clock::ticks)
}

/// Whether the worker that runs here has used up its time; None outside of workers.
#[inline]
pub(crate) fn is_slice_over() -> Option<bool> {
    worker::here(worker::Core::is_slice_over)
}

/// The time as the worker that runs here knows it; None outside of workers.
#[inline]
pub(crate) fn now() -> Option<Moment> {
    worker::here(worker::Core::now)
}

/// Whether a timer of this moment should have fired, as far as the worker that runs here knows without a look at the clock.
#[inline]
pub(crate) fn is_overdue(at: Moment) -> bool {
    worker::here(|core| core.is_overdue(at)).unwrap_or(false)
}

/// The time, and whether the slice is over; None outside of workers.
#[inline]
pub(crate) fn now_in_slice() -> Option<(Instant, bool)> {
    worker::here(worker::Core::now_in_slice)
}

/// The waker of a process: a handle to its cell.
pub(crate) static WAKER: RawWakerVTable = RawWakerVTable::new(clone_waker, wake, wake_by_ref, drop_waker);

/// # Safety
/// `cell` is the data of a waker with this table.
unsafe fn clone_waker(cell: *const ()) -> RawWaker {
    // SAFETY: a waker's data is never null, and the cell lives as long as the waker.
    let cell = unsafe { CellPtr::new(NonNull::new_unchecked(cell.cast::<Cell>().cast_mut())) };
    match cell.acquire() {
        Some(handle) => RawWaker::new(handle.into_raw().as_ptr().cast_const().cast(), &WAKER),
        // Only a cell that nobody has a handle to has none to give.
        None => RawWaker::new(std::ptr::null(), Waker::noop().vtable()),
    }
}

/// # Safety
/// As for `clone_waker`, and the waker is not used again.
unsafe fn wake(cell: *const ()) {
    // SAFETY: the waker owns a handle.
    let handle = unsafe { CellRef::from_raw(NonNull::new_unchecked(cell.cast::<Cell>().cast_mut())) };
    handle.ptr().wake();
}

/// # Safety
/// As for `clone_waker`.
unsafe fn wake_by_ref(cell: *const ()) {
    // SAFETY: as for `clone_waker`.
    unsafe { CellPtr::new(NonNull::new_unchecked(cell.cast::<Cell>().cast_mut())) }.wake();
}

/// # Safety
/// As for `wake`.
unsafe fn drop_waker(cell: *const ()) {
    // SAFETY: the waker owns a handle.
    drop(unsafe { CellRef::from_raw(NonNull::new_unchecked(cell.cast::<Cell>().cast_mut())) });
}

//! The watch over busy workers: a thread that looks once in a millisecond while somebody is busy.
//!
//! It reports a process that holds its worker, fires the timers that such a worker can't, and wakes a worker that sleeps
//! beside another one's queue.

use crate::otp::cell::CellPtr;
use crate::otp::guard::hold;
use crate::otp::lock;
use crate::otp::node::Inner;
use crate::wire::Pid;
use std::borrow::Cow;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Once};
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(1);

/// A native process that held a worker for longer than it should.
///
/// Nothing can take the worker away from it: work that computes for long belongs into `spawn_blocking`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Hog {
    /// The process.
    pub pid: Pid,
    /// What it is called in logs.
    pub label: Arc<str>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// The method whose message it had in hand, see [`ProcessInfo::handling`](crate::otp::ProcessInfo::handling).
    pub handling: Option<Cow<'static, str>>,
    /// For how long when it was noticed.
    pub held: Duration,
}

/// Told of every hog, by the watch's thread.
pub(crate) type Hook = Arc<dyn Fn(Hog) + Send + Sync>;

/// One for all nodes of the program.
static WATCH: Watch = Watch { nodes: Mutex::new(Vec::new()), rests: AtomicBool::new(false), busy: Condvar::new() };

struct Watch {
    nodes: Mutex<Vec<Watched>>,
    /// Its thread waits for somebody to get busy.
    rests: AtomicBool,
    busy: Condvar,
}

struct Watched {
    inner: &'static Inner,
    /// Its workers have threads of their own; in a runtime, time is the runtime's.
    owns_threads: bool,
    workers: Vec<Seen>,
}

/// What was seen of a worker at the last look.
#[derive(Clone, Copy)]
struct Seen {
    turns: u64,
    since: Instant,
    told: bool,
}

/// Begins to watch a node, whose workers have threads of their own or not.
pub(crate) fn begin(inner: &'static Inner, owns_threads: bool) {
    let fresh = Seen { turns: 0, since: Instant::now(), told: false };
    let workers = vec![fresh; inner.scheduler().workers.len()];
    lock(&WATCH.nodes).push(Watched { inner, owns_threads, workers });
    static THREAD: Once = Once::new();
    THREAD.call_once(|| {
        let thread = std::thread::Builder::new().name("rusm-watch".to_owned()).spawn(watch);
        if let Err(error) = thread {
            tracing::warn!(%error, "no thread to watch busy workers: processes that hold one are not reported");
        }
    });
}

/// A node has ended.
pub(super) fn end(inner: &'static Inner) {
    lock(&WATCH.nodes).retain(|watched| !std::ptr::eq(watched.inner, inner));
}

/// A worker gets busy.
#[inline]
pub(super) fn stir() {
    if WATCH.rests.load(Ordering::Relaxed) {
        wake();
    }
}

#[cold]
fn wake() {
    let _nodes = lock(&WATCH.nodes);
    WATCH.rests.store(false, Ordering::Relaxed);
    WATCH.busy.notify_one();
}

fn watch() {
    let mut nodes = lock(&WATCH.nodes);
    loop {
        let now = Instant::now();
        let (mut reports, mut late) = (Vec::new(), Vec::new());
        let mut busy = false;
        for watched in &mut *nodes {
            busy |= look(watched, now, &mut reports, &mut late);
        }
        if !busy && reports.is_empty() {
            WATCH.rests.store(true, Ordering::Relaxed);
            // A worker that got busy just before it saw the flag is noticed a little later.
            let wait = WATCH.busy.wait_timeout(nodes, Duration::from_secs(1));
            nodes = wait.unwrap_or_else(std::sync::PoisonError::into_inner).0;
            WATCH.rests.store(false, Ordering::Relaxed);
            continue;
        }
        drop(nodes);
        for (inner, worker) in late {
            inner.scheduler().fire(worker, crate::otp::context::now());
        }
        for (inner, hog) in reports {
            tell(inner, hog);
        }
        std::thread::sleep(LOOK);
        nodes = lock(&WATCH.nodes);
    }
}

/// One look at a node; whether anybody is busy there.
fn look(
    watched: &mut Watched,
    now: Instant,
    reports: &mut Vec<(&'static Inner, Hog)>,
    late: &mut Vec<(&'static Inner, usize)>,
) -> bool {
    let inner = watched.inner;
    let scheduler = inner.scheduler();
    let _guard = hold();
    let mut busy = false;
    for (id, (worker, seen)) in scheduler.workers.iter().zip(&mut watched.workers).enumerate() {
        let turns = worker.own.turns.load(Ordering::Relaxed);
        let current = NonNull::new(worker.own.current.load(Ordering::Acquire));
        busy |= current.is_some() || turns != seen.turns;
        let Some(current) = current.filter(|_| turns == seen.turns) else {
            *seen = Seen { turns, since: now, told: false };
            continue;
        };
        let held = now.saturating_duration_since(seen.since);
        if held >= 2 * LOOK && watched.owns_threads {
            late.push((inner, id));
        }
        if held >= inner.hog_after() && !seen.told {
            seen.told = true;
            // SAFETY: it had its turn after the guard was there, so it is not freed while the guard lives.
            let cell = unsafe { CellPtr::new(current) };
            let (handling, spawned_at) = (cell.handling(), cell.spawned_at());
            let hog = Hog { pid: cell.pid(), label: cell.label(), spawned_at, handling, held };
            reports.push((inner, hog));
        }
    }
    // Somebody sleeps beside work, because a push by a busy worker does not always wake.
    if scheduler.idle.load(Ordering::SeqCst) > 0 && scheduler.has_work() {
        scheduler.unpark_one();
    }
    busy
}

fn tell(inner: &'static Inner, hog: Hog) {
    tracing::warn!(
        target: "rusm::hog",
        pid = %hog.pid,
        label = %hog.label,
        handling = hog.handling.as_deref(),
        spawned_at = %hog.spawned_at,
        held = ?hog.held,
        "a process holds its worker without awaiting: move what computes or blocks into `spawn_blocking`"
    );
    if let Some(hook) = inner.hog_hook() {
        // A hook that panics must not end the watch.
        if let Err(crash) = crate::otp::crash::guard(|| hook(hog)) {
            tracing::error!(target: "rusm::crash", reason = %crash.reason, "the hook of hogs panicked");
        }
    }
}

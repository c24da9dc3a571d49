//! Where the processes of a supervisor's children can be seen: a seat for each child, a board for each supervisor.
//!
//! # Who may touch what
//! A seat's words are written by its supervisor alone and read by anybody: clients of the child at each message, without a lock.
//! The process is one word, slot and count, so nobody reads half of an old and half of a new one; a reader that is late finds
//! a process that has ended, which the table tells. All else on the board is under its lock, which guards no foreign code.
//!
//! # How long it lives
//! A nested supervisor's board is held by its own seat on its parent's board, so the next process of that supervisor has the
//! same board, and clients of its children have the same seats.

use super::plan::Key;
use super::reference::Request;
use crate::otp::cell::Typed;
use crate::otp::lock;
use crate::otp::table::Table;
use crate::wire::Pid;
use foldhash::fast::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Nobody sits here now.
const VACANT: u64 = 0;
/// Nobody will: the child was forgotten, or its supervisor has ended.
const CLOSED: u64 = u64::MAX;

/// A child's place, whatever process runs as it.
pub(crate) struct Seat {
    id: Arc<str>,
    /// `VACANT`, `CLOSED`, or the process as the table counts it.
    at: AtomicU64,
    restarting: AtomicBool,
    restarts: AtomicU64,
    changed: Notify,
    /// How many wait for a change.
    waiting: AtomicUsize,
    /// If the child is a supervisor: its board.
    nested: OnceLock<Arc<Board>>,
}

impl Seat {
    fn new(id: Arc<str>) -> Arc<Self> {
        let (at, restarting, restarts) = (AtomicU64::new(CLOSED), AtomicBool::new(false), AtomicU64::new(0));
        Arc::new(Self {
            id,
            at,
            restarting,
            restarts,
            changed: Notify::new(),
            waiting: AtomicUsize::new(0),
            nested: OnceLock::new(),
        })
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The child's process in one word; finds nobody if there is none.
    #[inline]
    pub(crate) fn counted(&self) -> u64 {
        self.at.load(Ordering::SeqCst)
    }

    pub(crate) fn pid(&self, table: &Table) -> Option<Pid> {
        let at = self.counted();
        (at != VACANT && at != CLOSED).then(|| table.counted_pid(at))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.counted() == CLOSED
    }

    pub(super) fn is_restarting(&self) -> bool {
        self.restarting.load(Ordering::Relaxed)
    }

    pub(super) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// For who waits until somebody sits here, or nobody will: as long as it lives, changes are told.
    pub(super) fn watch(&self) -> Watch<'_> {
        // Either this sees the change, or who makes it sees this: both are in one order.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        Watch(self)
    }

    pub(super) fn nested(&self) -> &Arc<Board> {
        self.nested.get_or_init(Arc::default)
    }

    pub(super) fn known_nested(&self) -> Option<&Arc<Board>> {
        self.nested.get()
    }

    pub(super) fn sit(&self, pid: Pid, again: bool) {
        self.restarts.store(self.restarts() + u64::from(again), Ordering::Relaxed);
        self.restarting.store(false, Ordering::Relaxed);
        self.set(Table::counted(pid));
    }

    pub(super) fn leave(&self, restarting: bool) {
        self.restarting.store(restarting, Ordering::Relaxed);
        // Nobody waits for that.
        self.at.store(VACANT, Ordering::Release);
    }

    fn close(&self) {
        self.restarting.store(false, Ordering::Relaxed);
        self.set(CLOSED);
    }

    fn set(&self, at: u64) {
        self.at.store(at, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }
}

/// See [`Seat::watch`].
pub(super) struct Watch<'a>(&'a Seat);

impl Watch<'_> {
    /// The next change.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.0.changed.notified()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A child that has a seat.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) seat: Arc<Seat>,
    pub(super) is_tree: bool,
}

struct Known {
    seat: Arc<Seat>,
    /// Its place in the list; None for a child that was forgotten and will be there again when the supervisor starts anew.
    key: Option<Key>,
    /// Named by the tree itself, not by `start_child`.
    is_fixed: bool,
}

/// The children of one supervisor, whatever process runs as it.
#[derive(Default)]
pub(crate) struct Board(Mutex<View>);

#[derive(Default)]
struct View {
    process: Option<Typed<Request>>,
    is_over: bool,
    listed: BTreeMap<Key, Listed>,
    ids: HashMap<Arc<str>, Known, RandomState>,
}

impl Board {
    /// A process of the supervisor begins, without children yet; seats of before are there for children of the same id.
    pub(super) fn begin(&self, process: Typed<Request>) {
        let mut view = lock(&self.0);
        view.process = Some(process);
        view.is_over = false;
        view.listed.clear();
        for known in view.ids.values_mut() {
            (known.key, known.is_fixed) = (None, false);
        }
    }

    /// The children that the tree names are all added: seats of before that none of them has taken are gone.
    pub(super) fn all_fixed(&self) {
        lock(&self.0).ids.retain(|_, known| known.key.is_some());
    }

    pub(super) fn add(&self, key: Key, id: &Arc<str>, is_tree: bool, is_fixed: bool) -> Arc<Seat> {
        let mut view = lock(&self.0);
        let known =
            view.ids.entry(id.clone()).or_insert_with(|| Known { seat: Seat::new(id.clone()), key: None, is_fixed });
        known.key = Some(key);
        known.is_fixed |= is_fixed;
        let seat = known.seat.clone();
        view.listed.insert(key, Listed { seat: seat.clone(), is_tree });
        drop(view);
        seat.restarts.store(0, Ordering::Relaxed);
        seat.leave(false);
        seat
    }

    pub(super) fn remove(&self, key: Key) {
        let mut view = lock(&self.0);
        let Some(Listed { seat, .. }) = view.listed.remove(&key) else { return };
        match view.ids.get_mut(&seat.id) {
            Some(known) if known.is_fixed => known.key = None,
            _ => drop(view.ids.remove(&seat.id)),
        }
        drop(view);
        seat.close();
    }

    /// The supervisor's process ends.
    pub(super) fn end(&self) {
        let seats: Vec<_> = {
            let mut view = lock(&self.0);
            view.is_over = true;
            view.listed.values().map(|listed| listed.seat.clone()).collect()
        };
        seats.iter().for_each(|seat| seat.close());
    }

    /// The supervisor's process, or the last one.
    pub(super) fn process(&self) -> Option<Typed<Request>> {
        lock(&self.0).process.clone()
    }

    pub(super) fn is_over(&self) -> bool {
        lock(&self.0).is_over
    }

    pub(super) fn listed(&self) -> Vec<Listed> {
        lock(&self.0).listed.values().cloned().collect()
    }

    pub(super) fn seat(&self, id: &str) -> Option<Arc<Seat>> {
        lock(&self.0).ids.get(id).map(|known| known.seat.clone())
    }

    /// The seat of a child that was not forgotten.
    pub(super) fn listed_seat(&self, id: &str) -> Option<Arc<Seat>> {
        lock(&self.0).ids.get(id).filter(|known| known.key.is_some()).map(|known| known.seat.clone())
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").finish_non_exhaustive()
    }
}

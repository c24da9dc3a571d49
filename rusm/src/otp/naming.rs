//! The naming room: who is called what, and who belongs to what.
//!
//! Four stores: [`Registry`] (names, unique on the node), keyed registries, groups and topics. Whatever is in them is
//! held by one process, its membership, and ends with it.
//!
//! # Why nothing is left behind
//! A membership is made in three steps:
//! 1. [`Node::mark_member`](super::Node::mark_member) marks the process; it refuses one that has ended.
//! 2. The membership is put into its store and, under the lock of the process's shard, into [`Memberships`].
//! 3. `is_alive` is asked once more; if the process has ended, `leave_all` is called as its end would.
//!
//! A process ends in three steps, too:
//! 1. Its end is visible: `is_alive` is false from now on.
//! 2. If it is marked, [`Naming::leave_all`] takes its memberships back.
//! 3. Links and monitors are told.
//!
//! The mark and the end are read-modify-writes of one word, or changes under one lock: a mark that was accepted is seen
//! by the end. Making and ending lock the same shard in their second steps. If the membership is there first, the end
//! finds it. If the end is first, the lock orders its first step before the third of the maker, who finds the process
//! dead and cleans up. Both may happen, and cleaning up twice is harmless: what is taken away is what this pid holds, and
//! a pid is never used again.
//!
//! So a dead process's membership may be in a store for a moment: from the first to the second step of its end, or until
//! its maker is done. Readers therefore ask `is_alive` before they tell of a process, and who finds a name or a key held
//! by a dead process takes it over.
//!
//! # Locks
//! First the shard of a process in `Memberships`, then one lock of a store; no two of a kind at once. Foreign code (the
//! closures of users, drops of their values) runs under neither, but for `Eq` of a keyed registry's keys.

use super::directory::Directory;
use super::groups::Groups;
use super::registry::Registry;
use super::trial::RandomState;
use super::{NameError, crash, lock};
use crate::wire::Pid;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Mutex;

/// The stores of one node.
#[derive(Default)]
pub(crate) struct Naming {
    pub(crate) names: Registry,
    pub(crate) registries: Directory,
    pub(crate) groups: Groups,
    pub(crate) topics: Directory,
}

impl Naming {
    /// Takes a process out of everything. For its end: after it is visible, before links and monitors are told.
    ///
    /// Costs what it was in. Never panics, whatever users' values do when they are dropped.
    pub(crate) fn leave_all(&self, pid: Pid) {
        self.names.leave_all(pid);
        self.registries.leave_all(pid);
        self.groups.leave_all(pid);
        self.topics.leave_all(pid);
    }
}

/// Why there is no handle to a registry or a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// A text that can't be a name.
    Name(NameError),
    /// One of this name is in use, with other types.
    Types {
        /// What it is called.
        name: String,
        /// The types that were asked for.
        ours: &'static str,
        /// The types that it is used with.
        theirs: &'static str,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Types { name, ours, theirs } => write!(f, "{name:?} is in use with {theirs}, not with {ours}"),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<NameError> for OpenError {
    fn from(error: NameError) -> Self {
        Self::Name(error)
    }
}

pub(super) const SHARDS: usize = 16;

/// What each process is in: the index that its end works through.
pub(super) struct Memberships<K, V> {
    shards: [Mutex<Shard<K, V>>; SHARDS],
}

type Held<K, V> = HashMap<K, V, RandomState>;
type Shard<K, V> = HashMap<Pid, Held<K, V>, RandomState>;

impl<K, V> Default for Memberships<K, V> {
    fn default() -> Self {
        Self { shards: Default::default() }
    }
}

impl<K: Hash + Eq, V> Memberships<K, V> {
    fn shard(&self, pid: Pid) -> &Mutex<Shard<K, V>> {
        &self.shards[pid.slot() as usize % SHARDS]
    }

    /// Lets nobody else change what this process holds until `change` is done.
    pub(super) fn of<R>(&self, pid: Pid, change: impl FnOnce(&mut Held<K, V>) -> R) -> R {
        let mut shard = lock(self.shard(pid));
        let held = shard.entry(pid).or_default();
        let result = change(held);
        if held.is_empty() {
            shard.remove(&pid);
        }
        result
    }

    /// Looks at what it holds.
    pub(super) fn keys(&self, pid: Pid) -> Vec<K>
    where
        K: Clone,
    {
        lock(self.shard(pid)).get(&pid).map(|held| held.keys().cloned().collect()).unwrap_or_default()
    }

    /// Takes all that it holds.
    pub(super) fn take(&self, pid: Pid) -> Held<K, V> {
        let mut shard = lock(self.shard(pid));
        let held = shard.remove(&pid).unwrap_or_default();
        // After a crowd has left, its room is given back.
        if shard.capacity() > 1024 && shard.len() < shard.capacity() / 8 {
            let twice = shard.len() * 2;
            shard.shrink_to(twice);
        }
        held
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| lock(shard).is_empty())
    }
}

/// Runs what users wrote where its panic has nobody to go to; whether it came through.
pub(super) fn shielded<T>(pid: Pid, what: &str, run: impl FnOnce() -> T) -> Option<T> {
    crash::guard(run)
        .map_err(|crash| tracing::error!(target: "rusm::crash", %pid, reason = %crash.reason, "panicked: {what}"))
        .ok()
}

#[cfg(test)]
pub(super) mod tests;

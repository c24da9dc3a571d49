//! Keyed registries: processes found by a key, each with a value that says more about it.
//!
//! A record is shared between the table that lookups use and the index of its process, so an end removes it by identity and
//! runs no code of the key. Keys and values are hashed, cloned, changed and dropped outside of all locks; the key's `Eq` is
//! the only code of a user's that runs under one. A lookup locks one of 16 parts of the table for reading.

use super::Node;
use super::directory::{Directory, Membership, Opened, Store as Stored};
use super::naming::{OpenError, SHARDS, shielded};
use super::trial::RandomState;
use crate::wire::Pid;
use hashbrown::HashTable;
use std::any::type_name;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A registry of processes by key, as [`Node::registry`] gives it.
///
/// A key belongs to one living process at a time; a process may have any number of keys. With each goes a value, the process's
/// metadata, that lookups return and that only its process changes. All of a process's keys are gone when it ends, before
/// its links and monitors are told.
///
/// Cheap to clone. A registry exists as long as somebody is in it or holds a handle to it.
///
/// The key's `Eq` runs under a lock: it must not use the registry.
///
/// # Examples
/// ```
/// use rusm::otp::{KeyError, Keyed};
/// use rusm::prelude::*;
///
/// pub struct Room {
///     rooms: Keyed<String, u32>,
///     name: String,
/// }
///
/// #[actor]
/// impl Room {
///     #[init]
///     fn open(name: String, cx: &mut Cx<Self>) -> Result<Self, Exit> {
///         let rooms = cx.node().registry("rooms")?;
///         rooms.register(cx.pid(), name.clone(), 0)?;
///         Ok(Self { rooms, name })
///     }
///
///     pub fn enter(&mut self, cx: &mut Cx<Self>) -> Result<u32, String> {
///         self.rooms.update(cx.pid(), &self.name, |guests| guests + 1).map_err(|error| error.to_string())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::builder().build().await?;
/// let rooms = node.registry::<String, u32>("rooms")?;
/// let lobby = node.spawn::<Room>("lobby".to_owned()).await?;
/// assert!(node.spawn::<Room>("lobby".to_owned()).await.is_err());
///
/// assert_eq!(lobby.enter().await?, Ok(1));
/// assert_eq!(rooms.lookup("lobby"), Some((lobby.pid(), 1)));
/// assert_eq!(rooms.register(lobby.pid(), "lobby".to_owned(), 7), Err(KeyError::Taken(lobby.pid())));
///
/// node.kill(lobby.pid());
/// node.ended(lobby.pid()).await;
/// assert_eq!(rooms.lookup("lobby"), None);
///
/// assert!(node.registry::<String, bool>("rooms").is_err());
/// # Ok(())
/// # }
/// ```
pub struct Keyed<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    node: Node,
    store: Arc<Opened<Store<K, V>>>,
}

/// Why a key could not be taken, changed or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// This process has it already.
    Taken(Pid),
    /// The process does not have it.
    NotOwner,
    /// The process has ended.
    NoProcess,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(pid) => write!(f, "the key is taken by {pid}"),
            Self::NotOwner => f.write_str("the key is not this process's"),
            Self::NoProcess => f.write_str("the process that was to have the key has ended"),
        }
    }
}

impl std::error::Error for KeyError {}

/// The part of a record that never changes.
struct Record<K> {
    /// Tells it from all records of its store; a count, so that records have an order that runs repeat.
    number: u64,
    hash: u64,
    key: K,
    pid: Pid,
}

struct Slot<K, V> {
    record: Arc<Record<K>>,
    value: Arc<V>,
}

impl<K, V> Clone for Slot<K, V> {
    fn clone(&self) -> Self {
        Self { record: self.record.clone(), value: self.value.clone() }
    }
}

type Table<K, V> = HashTable<Slot<K, V>>;

pub(super) struct Store<K, V> {
    hasher: RandomState,
    parts: [RwLock<Table<K, V>>; SHARDS],
    made: AtomicU64,
}

/// The records of one process by number.
pub(super) struct Held<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    store: Arc<Opened<Store<K, V>>>,
    records: HashMap<u64, Arc<Record<K>>, RandomState>,
}

impl<K, V> Default for Store<K, V> {
    fn default() -> Self {
        Self { hasher: RandomState::default(), parts: Default::default(), made: AtomicU64::new(0) }
    }
}

impl<K, V> Stored for Store<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Membership = Held<K, V>;

    fn types() -> &'static str {
        type_name::<(K, V)>()
    }
}

impl<K, V> Membership for Held<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    type Store = Store<K, V>;

    fn new(store: Arc<Opened<Store<K, V>>>) -> Self {
        Self { store, records: HashMap::default() }
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    fn leave(self, pid: Pid) {
        // All are taken out before the first is dropped, and dropped one by one: a drop that panics must not keep others.
        let take = |record| (self.store.remove(&record), record);
        let taken: Vec<_> = self.records.into_values().map(take).collect();
        for record in taken {
            shielded(pid, "its metadata was dropped", || drop(record));
        }
    }
}

impl<K, V> Store<K, V> {
    /// The upper bits choose the part: the table inside uses the lower ones and the topmost seven.
    fn part(&self, hash: u64) -> &RwLock<Table<K, V>> {
        &self.parts[(hash >> 40) as usize % SHARDS]
    }

    fn read(&self, hash: u64) -> RwLockReadGuard<'_, Table<K, V>> {
        self.part(hash).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Table<K, V>> {
        self.part(hash).write().unwrap_or_else(PoisonError::into_inner)
    }

    fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Slot<K, V>>
    where
        K: Borrow<Q>,
    {
        let hash = self.hasher.hash_one(key);
        self.read(hash).find(hash, |slot| slot.record.key.borrow() == key).cloned()
    }

    /// Puts a record in, or tells which one has the key.
    fn insert(&self, slot: Slot<K, V>) -> Result<(), Arc<Record<K>>>
    where
        K: Eq,
    {
        let hash = slot.record.hash;
        let mut table = self.write(hash);
        if let Some(taken) = table.find(hash, |known| known.record.key == slot.record.key) {
            return Err(taken.record.clone());
        }
        table.insert_unique(hash, slot, |slot| slot.record.hash);
        Ok(())
    }

    #[must_use = "dropping it runs foreign code"]
    fn remove(&self, record: &Arc<Record<K>>) -> Option<Slot<K, V>> {
        let mut table = self.write(record.hash);
        let found = table.find_entry(record.hash, |slot| Arc::ptr_eq(&slot.record, record)).ok()?;
        let (slot, _) = found.remove();
        if table.capacity() > 1024 && table.len() < table.capacity() / 8 {
            let twice = table.len() * 2;
            table.shrink_to(twice, |slot| slot.record.hash);
        }
        Some(slot)
    }

    /// Replaces a value, if it is still `old`. What is not needed any more comes back.
    fn replace(&self, record: &Arc<Record<K>>, old: &Arc<V>, new: Arc<V>) -> Result<Arc<V>, Replaced<V>> {
        let mut table = self.write(record.hash);
        match table.find_mut(record.hash, |slot| Arc::ptr_eq(&slot.record, record)) {
            Some(slot) if Arc::ptr_eq(&slot.value, old) => Ok(std::mem::replace(&mut slot.value, new)),
            Some(slot) => Err(Replaced::Since(slot.value.clone())),
            None => Err(Replaced::Gone),
        }
    }

    fn all(&self) -> Vec<Slot<K, V>> {
        let mut all = Vec::new();
        for part in &self.parts {
            all.extend(part.read().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        }
        all
    }

    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }
}

enum Replaced<V> {
    Since(Arc<V>),
    Gone,
}

/// The steps of [`naming`](super::naming), without a node.
impl<K, V> Opened<Store<K, V>>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn register(
        self: &Arc<Self>,
        home: &Directory,
        pid: Pid,
        (key, value): (K, V),
        is_alive: impl Fn(Pid) -> bool,
    ) -> Result<(), KeyError> {
        let record = Arc::new(Record {
            number: self.made.fetch_add(1, Ordering::Relaxed),
            hash: self.hasher.hash_one(&key),
            key,
            pid,
        });
        let slot = Slot { record, value: Arc::new(value) };
        while let Err(taken) = self.join(home, &slot) {
            if is_alive(taken.pid) {
                return Err(KeyError::Taken(taken.pid));
            }
            // What is dropped is dropped at the end of the statement, outside of all locks.
            let _ = self.quit(home, &taken);
        }
        if is_alive(pid) {
            return Ok(());
        }
        home.leave_all(pid);
        Err(KeyError::NoProcess)
    }

    fn join(self: &Arc<Self>, home: &Directory, slot: &Slot<K, V>) -> Result<(), Arc<Record<K>>> {
        let (pid, at) = (slot.record.pid, slot.record.number);
        home.of(self, pid, |held| {
            // The index first: should the key's `Eq` panic, a record that is only here does no harm.
            held.records.insert(at, slot.record.clone());
            self.insert(slot.clone()).inspect_err(|_| drop(held.records.remove(&at)))
        })
    }

    fn quit(self: &Arc<Self>, home: &Directory, record: &Arc<Record<K>>) -> Option<Slot<K, V>> {
        home.of(self, record.pid, |held| {
            held.records.remove(&record.number);
            self.remove(record)
        })
    }

    fn unregister<Q: Hash + Eq + ?Sized>(self: &Arc<Self>, home: &Directory, pid: Pid, key: &Q) -> Result<(), KeyError>
    where
        K: Borrow<Q>,
    {
        let slot = self.find(key).filter(|slot| slot.record.pid == pid).ok_or(KeyError::NotOwner)?;
        self.quit(home, &slot.record).map(drop).ok_or(KeyError::NotOwner)
    }

    fn update<Q: Hash + Eq + ?Sized>(&self, pid: Pid, key: &Q, mut change: impl FnMut(&V) -> V) -> Result<V, KeyError>
    where
        K: Borrow<Q>,
    {
        let Slot { record, mut value } =
            self.find(key).filter(|slot| slot.record.pid == pid).ok_or(KeyError::NotOwner)?;
        loop {
            let new = Arc::new(change(&value));
            match self.replace(&record, &value, new.clone()) {
                Ok(_) => return Ok(V::clone(&new)),
                Err(Replaced::Since(newer)) => value = newer,
                Err(Replaced::Gone) => return Err(KeyError::NotOwner),
            }
        }
    }
}

impl<K, V> Keyed<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What it is called.
    pub fn name(&self) -> &str {
        self.store.name()
    }

    /// Gives a key to a process.
    ///
    /// # Errors
    /// A living process has it, this one perhaps; the process has ended.
    pub fn register(&self, pid: Pid, key: K, value: V) -> Result<(), KeyError> {
        if !self.node.mark_member(pid) {
            return Err(KeyError::NoProcess);
        }
        let home = &self.node.naming().registries;
        self.store.register(home, pid, (key, value), |pid| self.node.is_alive(pid))
    }

    /// Takes a key back from the process that has it.
    ///
    /// # Errors
    /// [`KeyError::NotOwner`]: it does not have it.
    pub fn unregister<Q: Hash + Eq + ?Sized>(&self, pid: Pid, key: &Q) -> Result<(), KeyError>
    where
        K: Borrow<Q>,
    {
        self.store.unregister(&self.node.naming().registries, pid, key)
    }

    /// The process that has a key, and a copy of its value.
    pub fn lookup<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<(Pid, V)>
    where
        K: Borrow<Q>,
    {
        let slot = self.store.find(key).filter(|slot| self.node.is_alive(slot.record.pid))?;
        Some((slot.record.pid, V::clone(&slot.value)))
    }

    /// The process that has a key.
    pub fn whereis<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<Pid>
    where
        K: Borrow<Q>,
    {
        self.store.find(key).map(|slot| slot.record.pid).filter(|pid| self.node.is_alive(*pid))
    }

    /// Changes the value that goes with a key of this process, and tells the new one.
    ///
    /// `change` runs again when another update of the same key came between.
    ///
    /// # Errors
    /// [`KeyError::NotOwner`]: the process does not have the key.
    pub fn update<Q: Hash + Eq + ?Sized>(&self, pid: Pid, key: &Q, change: impl FnMut(&V) -> V) -> Result<V, KeyError>
    where
        K: Borrow<Q>,
    {
        self.store.update(pid, key, change)
    }

    /// The keys of a process, in no order.
    pub fn keys(&self, pid: Pid) -> Vec<K> {
        if !self.node.is_alive(pid) {
            return Vec::new();
        }
        let home = &self.node.naming().registries;
        let records: Vec<_> = home.of(&self.store, pid, |held| held.records.values().cloned().collect());
        records.iter().map(|record| record.key.clone()).collect()
    }

    /// All keys with their processes and values, in no order.
    ///
    /// What is registered or given back meanwhile may be in it or not.
    pub fn entries(&self) -> Vec<(K, Pid, V)> {
        self.select(|key, pid, value| Some((key.clone(), pid, value.clone())))
    }

    /// What `pick` makes of those entries that it wants, in no order; see [`entries`](Self::entries).
    pub fn select<T>(&self, mut pick: impl FnMut(&K, Pid, &V) -> Option<T>) -> Vec<T> {
        let all = self.store.all();
        let alive = all.iter().filter(|slot| self.node.is_alive(slot.record.pid));
        alive.filter_map(|slot| pick(&slot.record.key, slot.record.pid, &slot.value)).collect()
    }

    /// How many keys are taken; a process counts until its end has taken them back.
    pub fn count(&self) -> usize {
        self.store.len()
    }
}

impl<K, V> Clone for Keyed<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn clone(&self) -> Self {
        Self { node: self.node.clone(), store: self.store.clone() }
    }
}

impl<K, V> fmt::Debug for Keyed<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed").field("name", self.store.name()).field("count", &self.count()).finish_non_exhaustive()
    }
}

impl Node {
    /// The keyed registry of this name; see [`Keyed`].
    ///
    /// # Errors
    /// A text that can't be a name; a registry that is in use with other types.
    pub fn registry<K, V>(&self, name: &str) -> Result<Keyed<K, V>, OpenError>
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        Ok(Keyed { node: self.clone(), store: self.naming().registries.open(name)? })
    }

    /// The names of the keyed registries that are in use, sorted.
    pub fn registries(&self) -> Vec<Arc<str>> {
        self.naming().registries.names()
    }
}

#[cfg(test)]
mod tests;

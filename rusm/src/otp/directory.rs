//! Stores of users' types by name: the keyed registries, the topics.
//!
//! A store exists as long as somebody holds a handle to it or is a member of it: the directory itself knows it weakly, and the
//! index of memberships strongly. So a handle never points at a store that has been replaced by another of its name.

use super::naming::{Memberships, OpenError, shielded};
use super::{lock, registry};
use crate::wire::Pid;
use std::any::Any;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// The stores of one kind.
#[derive(Default)]
pub(crate) struct Directory(Arc<Shared>);

#[derive(Default)]
struct Shared {
    stores: Mutex<HashMap<Arc<str>, Weak<dyn AnyStore>>>,
    members: Memberships<u64, Box<dyn AnyMembership>>,
    opened: AtomicU64,
}

/// What a directory holds.
pub(super) trait Store: Default + Send + Sync + 'static {
    /// What one process has in it.
    type Membership: Membership<Store = Self>;

    /// What two stores of one name must agree on, for people.
    fn types() -> &'static str;
}

/// What one process has in one store.
pub(super) trait Membership: Send + 'static {
    /// Of what.
    type Store: Store<Membership = Self>;

    /// That of a process which has nothing in it yet.
    fn new(store: Arc<Opened<Self::Store>>) -> Self;

    /// Whether there is nothing left to take out.
    fn is_empty(&self) -> bool;

    /// Takes it all out of the store; the process has ended.
    fn leave(self, pid: Pid);
}

trait AnyMembership: Any + Send {
    fn leave(self: Box<Self>, pid: Pid);
}

impl<M: Membership> AnyMembership for M {
    fn leave(self: Box<Self>, pid: Pid) {
        Membership::leave(*self, pid);
    }
}

/// A store in its directory.
pub(super) struct Opened<T> {
    name: Arc<str>,
    /// Tells it from all stores of its directory; a count, so that memberships have an order that runs repeat.
    number: u64,
    home: Weak<Shared>,
    store: T,
}

trait AnyStore: Any + Send + Sync {
    fn types(&self) -> &'static str;
}

impl<T: Store> AnyStore for Opened<T> {
    fn types(&self) -> &'static str {
        T::types()
    }
}

impl<T> Opened<T> {
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl<T> Deref for Opened<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.store
    }
}

/// The last handle and the last member are gone.
impl<T> Drop for Opened<T> {
    fn drop(&mut self) {
        let Some(home) = self.home.upgrade() else { return };
        let mut stores = lock(&home.stores);
        // Somebody may have opened the name anew since the last reference went. The weak reference keeps the place from being
        // given to another store, so an equal address is this one.
        if stores.get(&self.name).is_some_and(|known| known.as_ptr().addr() == std::ptr::from_ref(self).addr()) {
            stores.remove(&self.name);
        }
    }
}

impl Directory {
    /// The store of this name, a new one if there is none.
    pub(super) fn open<T: Store>(&self, name: &str) -> Result<Arc<Opened<T>>, OpenError> {
        registry::check(name)?;
        let store = {
            let mut stores = lock(&self.0.stores);
            // Whatever is upgraded here must be dropped after the lock: its drop takes it.
            match stores.get(name).and_then(Weak::upgrade) {
                Some(store) => store,
                None => {
                    let name: Arc<str> = name.into();
                    let home = Arc::downgrade(&self.0);
                    let number = self.0.opened.fetch_add(1, Ordering::Relaxed);
                    let store: Arc<dyn AnyStore> =
                        Arc::new(Opened { name: name.clone(), number, home, store: T::default() });
                    stores.insert(name, Arc::downgrade(&store));
                    store
                }
            }
        };
        let theirs = store.types();
        let store: Arc<dyn Any + Send + Sync> = store;
        store.downcast().map_err(|_| OpenError::Types { name: name.to_owned(), ours: T::types(), theirs })
    }

    /// The names of the stores, sorted.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        let stores = lock(&self.0.stores);
        let mut names: Vec<_> =
            stores.iter().filter(|(_, store)| store.strong_count() > 0).map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// Lets nobody else change what this process has in a store until `change` is done.
    pub(super) fn of<T: Store, R>(
        &self,
        store: &Arc<Opened<T>>,
        pid: Pid,
        change: impl FnOnce(&mut T::Membership) -> R,
    ) -> R {
        self.0.members.of(pid, |held| {
            // In place: a panic in `change` must not lose what is there.
            let membership = held.entry(store.number).or_insert_with(|| Box::new(T::Membership::new(store.clone())));
            let membership: &mut dyn Any = &mut **membership;
            let membership = membership.downcast_mut().expect("a store's number leads to its own memberships");
            let result = change(membership);
            if membership.is_empty() {
                held.remove(&store.number);
            }
            result
        })
    }

    /// See [`Naming::leave_all`](super::naming::Naming::leave_all).
    pub(crate) fn leave_all(&self, pid: Pid) {
        for membership in self.0.members.take(pid).into_values() {
            shielded(pid, "its memberships were dropped", || membership.leave(pid));
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0.stores).is_empty() && self.0.members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Nothing;

    struct Nobody;

    impl Store for Nothing {
        type Membership = Nobody;

        fn types() -> &'static str {
            "nothing"
        }
    }

    impl Membership for Nobody {
        type Store = Nothing;

        fn new(_: Arc<Opened<Nothing>>) -> Self {
            Self
        }

        fn is_empty(&self) -> bool {
            true
        }

        fn leave(self, _: Pid) {}
    }

    /// Whoever drops the last handle of a store may come after the next store of the name was opened.
    #[test]
    fn a_store_that_goes_does_not_take_its_successor_along() {
        let directory = Directory::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5000 {
                        let store = directory.open::<Nothing>("a").unwrap();
                        let again = directory.open::<Nothing>("a").unwrap();
                        assert!(Arc::ptr_eq(&store, &again));
                    }
                });
            }
        });
        assert!(directory.is_empty());
    }
}

//! A map that mostly holds nothing or one entry, and then lies where it is held, without an allocation.
//!
//! From two on, the entries lie in a list where a hash finds them; what is taken out leaves its place to the next that comes. So a
//! walk over all goes through memory nearly in the order in which they came. For the processes that one is linked to that is the
//! order in which they were made, and lie in memory: with 100,000 of them a walk in the order of hashes takes twice the time.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::{option, vec};

/// The end of the list of free places.
const NIL: u32 = u32::MAX;

/// A map for what few have and very few have much of.
pub(crate) struct Few<K, V>(Held<K, V>);

enum Held<K, V> {
    Nothing,
    One(K, V),
    /// At least one; kept until it is empty.
    Many(Box<Many<K, V>>),
}

struct Many<K, V> {
    hasher: RandomState,
    /// Where each key is in `places`. Memory is full before 2^32 of them are.
    index: HashTable<u32>,
    places: Vec<Place<K, V>>,
    free: u32,
}

enum Place<K, V> {
    Taken(K, V),
    /// And the next one that is free.
    Free(u32),
}

impl<K, V> Place<K, V> {
    fn entry(&self) -> Option<(&K, &V)> {
        match self {
            Self::Taken(key, value) => Some((key, value)),
            Self::Free(_) => None,
        }
    }

    fn is_of(&self, key: &K) -> bool
    where
        K: Eq,
    {
        matches!(self, Self::Taken(taken, _) if taken == key)
    }
}

impl<K: Copy + Eq + Hash, V> Few<K, V> {
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        match &mut self.0 {
            Held::Nothing => None,
            Held::One(one, value) => (one == key).then_some(value),
            Held::Many(many) => {
                let at = many.find(key)?;
                match &mut many.places[at as usize] {
                    Place::Taken(_, value) => Some(value),
                    Place::Free(_) => None,
                }
            }
        }
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        match &self.0 {
            Held::Nothing => false,
            Held::One(one, _) => one == key,
            Held::Many(many) => many.find(key).is_some(),
        }
    }

    /// Adds an entry, or gives one that is there this value.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        match &mut self.0 {
            Held::Nothing => self.0 = Held::One(key, value),
            Held::One(one, old) if *one == key => *old = value,
            Held::One(..) => {
                let mut many = Box::<Many<K, V>>::default();
                if let Held::One(one, old) = std::mem::take(self).0 {
                    many.insert(one, old);
                }
                many.insert(key, value);
                self.0 = Held::Many(many);
            }
            Held::Many(many) => many.insert(key, value),
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        match &mut self.0 {
            Held::Nothing => None,
            Held::One(one, _) => {
                if one != key {
                    return None;
                }
                match std::mem::take(self).0 {
                    Held::One(_, value) => Some(value),
                    Held::Nothing | Held::Many(_) => None,
                }
            }
            Held::Many(many) => {
                let value = many.remove(key);
                if many.index.is_empty() {
                    self.0 = Held::Nothing;
                }
                value
            }
        }
    }
}

impl<K: Copy, V> Few<K, V> {
    /// Takes its one entry out, if it lies here.
    #[inline]
    pub(crate) fn take_only(&mut self) -> Option<K> {
        let Held::One(key, _) = &self.0 else { return None };
        let key = *key;
        self.0 = Held::Nothing;
        Some(key)
    }
}

impl<K, V> Few<K, V> {
    pub(crate) const fn one(key: K, value: V) -> Self {
        Self(Held::One(key, value))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self.0, Held::Nothing)
    }

    /// How many bytes it has allocated, roughly.
    pub(crate) fn size(&self) -> usize {
        match &self.0 {
            Held::Nothing | Held::One(..) => 0,
            Held::Many(many) => {
                let (places, index) = (many.places.capacity(), many.index.capacity());
                size_of::<Many<K, V>>() + places * size_of::<Place<K, V>>() + index * size_of::<u32>()
            }
        }
    }

    /// All entries, nearly in the order in which they came.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        let (one, many) = match &self.0 {
            Held::Nothing => (None, None),
            Held::One(key, value) => (Some((key, value)), None),
            Held::Many(many) => (None, Some(many.places.iter().filter_map(Place::entry))),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

impl<K: Copy + Eq + Hash, V> Many<K, V> {
    fn find(&self, key: &K) -> Option<u32> {
        self.index.find(self.hasher.hash_one(key), |at| self.places[*at as usize].is_of(key)).copied()
    }

    fn insert(&mut self, key: K, value: V) {
        if let Some(at) = self.find(&key) {
            self.places[at as usize] = Place::Taken(key, value);
            return;
        }
        let at = match self.places.get(self.free as usize) {
            Some(Place::Free(next)) => std::mem::replace(&mut self.free, *next),
            _ => {
                self.places.push(Place::Free(NIL));
                (self.places.len() - 1) as u32
            }
        };
        self.places[at as usize] = Place::Taken(key, value);
        let Self { hasher, index, places, .. } = self;
        let hash_of = |at: &u32| places[*at as usize].entry().map_or(0, |(key, _)| hasher.hash_one(key));
        index.insert_unique(hasher.hash_one(key), at, hash_of);
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        let Self { hasher, index, places, free } = self;
        let found = index.find_entry(hasher.hash_one(key), |at| places[*at as usize].is_of(key)).ok()?;
        let (at, _) = found.remove();
        let next = std::mem::replace(free, at);
        match std::mem::replace(&mut places[at as usize], Place::Free(next)) {
            Place::Taken(_, value) => Some(value),
            Place::Free(_) => None,
        }
    }
}

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Held::Nothing)
    }
}

impl<K, V> Default for Many<K, V> {
    fn default() -> Self {
        Self { hasher: RandomState::default(), index: HashTable::new(), places: Vec::new(), free: NIL }
    }
}

/// The entries of a map, one by one.
pub(crate) struct IntoIter<K, V> {
    one: option::IntoIter<(K, V)>,
    many: vec::IntoIter<Place<K, V>>,
}

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        self.one.next().or_else(|| {
            self.many.find_map(|place| match place {
                Place::Taken(key, value) => Some((key, value)),
                Place::Free(_) => None,
            })
        })
    }
}

/// Nearly in the order in which they came.
impl<K, V> IntoIterator for Few<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> IntoIter<K, V> {
        let (one, many) = match self.0 {
            Held::Nothing => (None, Vec::new()),
            Held::One(key, value) => (Some((key, value)), Vec::new()),
            Held::Many(many) => (None, many.places),
        };
        IntoIter { one: one.into_iter(), many: many.into_iter() }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Few<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;

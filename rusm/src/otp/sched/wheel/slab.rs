//! Where a wheel's timers live.
//!
//! Timers are in chunks that are allocated as they are needed, so no insertion ever moves more than a chunk. New ones
//! go to the first chunk with room; so the later chunks become empty when a burst is over, even if timers are set
//! again and again, and are given back. One empty chunk, the first, is kept for what comes next.
//!
//! A key is an index and the generation of what is there. A place takes a new generation each time it is emptied, a
//! chunk that is given back remembers the greatest of its places', and a place without a next generation is not used
//! again: no two timers ever have the same key.

const CHUNK_BITS: u32 = 8;
const CHUNK: usize = 1 << CHUNK_BITS;

/// No timer: the end of a list.
pub(super) const NIL: u32 = u32::MAX;

/// A timer of one wheel, for ever: no later timer has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u64);

impl Key {
    fn new(index: u32, generation: u32) -> Self {
        Self(u64::from(generation) << 32 | u64::from(index))
    }

    /// Its place in the wheel, for as long as the timer is set.
    pub(crate) fn index(self) -> u32 {
        self.0 as u32
    }

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

pub(super) struct Entry<T> {
    pub(super) at: u64,
    pub(super) prev: u32,
    /// The next timer in the list or, of a place that is free, the next free place in the chunk.
    pub(super) next: u32,
    /// Its neighbours in its ring, which are itself if it is alone.
    pub(super) left: u32,
    pub(super) right: u32,
    /// Of the timer that is here or else of the one that will be.
    generation: u32,
    value: Option<T>,
}

pub(super) struct Slab<T> {
    chunks: Vec<Chunk<T>>,
    /// A bit for each chunk: whether it has room.
    room: Vec<u64>,
    /// No word of `room` before this one has a bit.
    first: usize,
    /// The one chunk that is allocated and empty.
    spare: Option<usize>,
}

struct Chunk<T> {
    entries: Vec<Entry<T>>,
    /// The first free place among the entries.
    free: u32,
    live: u32,
    /// The generation of places not used since the chunk was last given back.
    generation: u32,
}

impl<T> Chunk<T> {
    fn has_room(&self) -> bool {
        self.free != NIL || (self.entries.len() < CHUNK && self.generation < u32::MAX)
    }
}

fn split(index: u32) -> (usize, usize) {
    ((index >> CHUNK_BITS) as usize, index as usize % CHUNK)
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), room: Vec::new(), first: 0, spare: None }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.live as usize).sum()
    }

    /// The timer with this key, unless it is gone.
    pub(super) fn get(&self, key: Key) -> Option<&Entry<T>> {
        let (chunk, slot) = split(key.index());
        let entry = self.chunks.get(chunk)?.entries.get(slot)?;
        (entry.generation == key.generation() && entry.value.is_some()).then_some(entry)
    }

    /// The key of the timer that is at an index, if one is.
    pub(super) fn key_at(&self, index: u32) -> Option<Key> {
        let (chunk, slot) = split(index);
        let entry = self.chunks.get(chunk)?.entries.get(slot)?;
        entry.value.is_some().then_some(Key::new(index, entry.generation))
    }

    /// The timer at an index that a list holds.
    pub(super) fn entry(&self, index: u32) -> &Entry<T> {
        let (chunk, slot) = split(index);
        &self.chunks[chunk].entries[slot]
    }

    pub(super) fn entry_mut(&mut self, index: u32) -> &mut Entry<T> {
        let (chunk, slot) = split(index);
        &mut self.chunks[chunk].entries[slot]
    }

    /// O(1), but for the search for a chunk with room: at most a word for each 16,384 timers.
    #[inline]
    pub(super) fn insert(&mut self, at: u64, value: T) -> Key {
        let key = self.take_place(at);
        // Where it stays, from wherever it was made.
        self.entry_mut(key.index()).value = Some(value);
        key
    }

    /// A place for the value of a timer.
    fn take_place(&mut self, at: u64) -> Key {
        let number = self.chunk_with_room();
        let chunk = &mut self.chunks[number];
        let place = |slot: usize| (number << CHUNK_BITS | slot) as u32;
        let (slot, generation) = match chunk.free {
            NIL => {
                let generation = chunk.generation;
                let slot = chunk.entries.len();
                let (left, right) = (place(slot), place(slot));
                chunk.entries.push(Entry { at, prev: NIL, next: NIL, left, right, generation, value: None });
                (slot, generation)
            }
            free => {
                let entry = &mut chunk.entries[free as usize];
                chunk.free = entry.next;
                (entry.left, entry.right) = (place(free as usize), place(free as usize));
                entry.at = at;
                (free as usize, entry.generation)
            }
        };
        chunk.live += 1;
        if !chunk.has_room() {
            self.room[number / 64] &= !(1 << (number % 64));
        }
        if self.spare == Some(number) {
            self.spare = None;
        }
        Key::new(place(slot), generation)
    }

    /// Empties a place, which no list may hold any more.
    #[inline]
    pub(super) fn remove(&mut self, index: u32) -> Option<T> {
        let value = self.entry_mut(index).value.take()?;
        self.give_place(index);
        Some(value)
    }

    /// Gives the place of a timer back whose value was taken.
    fn give_place(&mut self, index: u32) {
        let (number, slot) = split(index);
        let chunk = &mut self.chunks[number];
        let entry = &mut chunk.entries[slot];
        entry.generation += 1;
        if entry.generation < u32::MAX {
            entry.next = std::mem::replace(&mut chunk.free, slot as u32);
            self.room[number / 64] |= 1 << (number % 64);
            self.first = self.first.min(number / 64);
        }
        chunk.live -= 1;
        if chunk.live == 0 {
            self.emptied(number);
        }
    }

    fn chunk_with_room(&mut self) -> usize {
        while let Some(room) = self.room.get(self.first) {
            if *room != 0 {
                return self.first * 64 + room.trailing_zeros() as usize;
            }
            self.first += 1;
        }
        let number = self.chunks.len();
        // The last index is NIL. A machine's memory ends before.
        assert!(number < (NIL >> CHUNK_BITS) as usize, "four thousand million timers");
        self.chunks.push(Chunk { entries: Vec::new(), free: NIL, live: 0, generation: 0 });
        self.first = number / 64;
        self.room.resize(self.first + 1, 0);
        self.room[self.first] |= 1 << (number % 64);
        number
    }

    /// Keeps the first of the empty chunks and gives the other one back.
    fn emptied(&mut self, number: usize) {
        let Some(spare) = self.spare else {
            self.spare = Some(number);
            return;
        };
        self.spare = Some(spare.min(number));
        let number = spare.max(number);
        let chunk = &mut self.chunks[number];
        for entry in std::mem::take(&mut chunk.entries) {
            chunk.generation = chunk.generation.max(entry.generation);
        }
        chunk.free = NIL;
        if !chunk.has_room() {
            self.room[number / 64] &= !(1 << (number % 64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chunks that hold memory.
    fn held(slab: &Slab<u32>) -> Vec<usize> {
        (0..slab.chunks.len()).filter(|number| slab.chunks[*number].entries.capacity() > 0).collect()
    }

    fn fill(slab: &mut Slab<u32>, chunks: usize) -> Vec<Key> {
        (0..chunks * CHUNK).map(|number| slab.insert(0, number as u32)).collect()
    }

    #[test]
    fn a_burst_gives_its_memory_back() {
        let mut slab = Slab::new();
        assert!(held(&slab).is_empty() && slab.room.capacity() == 0);
        let keys = fill(&mut slab, 200);
        assert_eq!(held(&slab).len(), 200);
        for (number, key) in keys.iter().enumerate() {
            assert_eq!((slab.key_at(key.index()), slab.remove(key.index())), (Some(*key), Some(number as u32)));
        }
        assert_eq!((held(&slab), slab.len()), (vec![0], 0));
        // And again, in the other order.
        let again = fill(&mut slab, 200);
        assert!(keys.iter().all(|key| slab.get(*key).is_none()));
        for key in again.iter().rev() {
            slab.remove(key.index());
        }
        assert_eq!(held(&slab), [0]);
    }

    /// Timers that are set again whenever they fire leave the chunks of a burst.
    #[test]
    fn what_stays_moves_to_the_front() {
        let mut slab = Slab::new();
        let keys = fill(&mut slab, 100);
        let (mut stay, go): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.index() as usize % CHUNK == 7);
        go.iter().for_each(|key| assert!(slab.remove(key.index()).is_some()));
        assert_eq!(held(&slab).len(), 100);
        for key in &mut stay {
            let value = slab.remove(key.index()).unwrap();
            *key = slab.insert(0, value);
        }
        assert_eq!((held(&slab), slab.len()), (vec![0, 1], 100));
    }

    /// At the edge of a chunk, one more and one less do not allocate and free.
    #[test]
    fn an_empty_chunk_is_kept() {
        let mut slab = Slab::new();
        let keys = fill(&mut slab, 1);
        for _ in 0..3 {
            let key = slab.insert(0, 0);
            assert_eq!(key.index() as usize, CHUNK);
            slab.remove(key.index());
            assert_eq!((held(&slab), slab.spare), (vec![0, 1], Some(1)));
        }
        keys.iter().for_each(|key| assert!(slab.remove(key.index()).is_some()));
        for _ in 0..3 {
            assert_eq!((held(&slab), slab.spare), (vec![0], Some(0)));
            let key = slab.insert(0, 0);
            assert_eq!(slab.spare, None);
            slab.remove(key.index());
        }
    }

    #[test]
    fn generations_do_not_come_again() {
        let mut slab = Slab::new();
        let first = fill(&mut slab, 2);
        slab.chunks[0].entries[5].generation = u32::MAX - 1;
        slab.chunks[1].entries[9].generation = u32::MAX - 1;
        // Worn out, place 5 is passed over for as long as its chunk lives.
        let worn = slab.key_at(5).unwrap();
        slab.remove(5).unwrap();
        assert!(slab.get(worn).is_none());
        // Nor is a free place found under the generation that it has next, which another slab may have given away.
        assert!(slab.get(Key::new(5, worn.generation() + 1)).is_none());
        assert_eq!(slab.insert(0, 0).index() as usize, 2 * CHUNK);
        slab.remove(6);
        assert_eq!(slab.insert(0, 0), Key::new(6, 1));
        // Chunk 2 stays in use, so chunk 1 is given back after chunk 0, and has no generation left to come back with.
        for index in (0..2 * CHUNK as u32).filter(|index| *index != 5) {
            assert!(slab.remove(index).is_some());
        }
        assert_eq!((held(&slab), slab.len()), (vec![0, 2], 1));
        let second = fill(&mut slab, 4);
        assert_eq!(held(&slab), [0, 2, 3, 4, 5]);
        let places: Vec<_> = first.iter().chain(&second).filter(|key| key.index() >> CHUNK_BITS == 1).collect();
        assert!(places.len() == CHUNK && first.iter().all(|key| slab.get(*key).is_none()));
        assert!(second.iter().all(|key| key.index() != 5 && slab.get(*key).is_some()));
    }
}

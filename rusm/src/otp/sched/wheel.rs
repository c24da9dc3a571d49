//! A hierarchical timer wheel: timers set, cancelled and fired in constant time, however many there are.
//!
//! After Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), with tokio's levels of 64 slots and a
//! bitmap each.
//!
//! # Where a timer is
//! Times are read as eleven digits of six bits, which is all of a `u64`. A timer's level is the highest digit in
//! which its time differs from the wheel's own, its slot in that level is that digit of its time; one that is due
//! already counts as of now. So the place follows from two numbers, is not stored, and is right for as long as the
//! wheel's time stays below the slot's start.
//!
//! # Why it is in order
//! - A timer of level L has all higher digits in common with now, and a greater digit L. So whatever is in a level is
//!   earlier than all of the levels above it, in a level the lower slot is the earlier, and the first bit of the
//!   first bitmap with one finds the earliest timers.
//! - A slot whose start is reached is emptied into lower levels, from its first timer to its last, before the wheel's
//!   time is past its start. Only from then on are new timers put where these go, so each list has equal times in the
//!   order of their insertion.
//! - A slot of level 0 is one tick. The one exception is the slot of now: timers inserted when they are due may have
//!   any earlier time there, and are sorted before they fire.
//!
//! # Rings
//! Timers that belong together are linked in a ring, so that whoever knows one finds all. A timer leaves its ring when it fires or is
//! removed, and with it comes the place of another one that is still in there.
//!
//! An advance empties only slots that hold something, and each time a timer is moved its level falls: an idle gap costs
//! nothing, a timer is moved ten times at most.

mod slab;

pub(crate) use slab::Key;
use slab::{NIL, Slab};

/// Bits of a digit, of which a slot is one value.
const DIGIT: u32 = 6;
const SLOTS: usize = 1 << DIGIT;
const LEVELS: usize = u64::BITS.div_ceil(DIGIT) as usize;

/// Timers of one value each, by `u64` ticks.
///
/// Costs no allocation until the first [`insert`](Self::insert), and gives back what a burst took once it is over.
pub(crate) struct Wheel<T> {
    /// All timers up to here have fired, but for those inserted since.
    now: u64,
    /// For each level, which slots hold timers.
    occupied: [u64; LEVELS],
    /// The slots, level by level, as far as one was ever needed.
    lists: Vec<List>,
    timers: Slab<T>,
}

#[derive(Clone, Copy)]
struct List {
    head: u32,
    tail: u32,
}

const EMPTY: List = List { head: NIL, tail: NIL };

#[derive(Clone, Copy)]
struct Place {
    level: usize,
    slot: usize,
}

impl Place {
    fn list(self) -> usize {
        self.level * SLOTS + self.slot
    }
}

impl<T> Wheel<T> {
    /// An empty wheel whose time is `now`.
    pub(crate) fn new(now: u64) -> Self {
        Self { now, occupied: [0; LEVELS], lists: Vec::new(), timers: Slab::new() }
    }

    /// Sets a timer for `at`. One in the past fires at the next advance. O(1).
    #[inline]
    pub(crate) fn insert(&mut self, at: u64, value: T) -> Key {
        let key = self.timers.insert(at, value);
        self.link(key.index(), at);
        key
    }

    /// Sets a timer, in the ring of the one that is at this place. O(1).
    #[inline]
    pub(crate) fn insert_beside(&mut self, at: u64, value: T, beside: u32) -> Key {
        let key = self.insert(at, value);
        if self.timers.key_at(beside).is_some() {
            let index = key.index();
            let right = std::mem::replace(&mut self.timers.entry_mut(beside).right, index);
            self.timers.entry_mut(right).left = index;
            let timer = self.timers.entry_mut(index);
            (timer.left, timer.right) = (beside, right);
        }
        key
    }

    /// Takes all timers out that are in the ring of the one at this place.
    pub(crate) fn remove_ring(&mut self, place: u32) -> Vec<T> {
        let mut all = Vec::new();
        let mut next = Some(place);
        while let Some((value, other)) = next.and_then(|place| self.remove(self.timers.key_at(place)?)) {
            all.push(value);
            next = other;
        }
        all
    }

    /// Cancels a timer and gives its value back, with the place of another one of its ring: `None` once it fired or was
    /// removed. O(1).
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<(T, Option<u32>)> {
        let timer = self.timers.get(key)?;
        let (at, prev, next) = (timer.at, timer.prev, timer.next);
        let place = self.place(at);
        let list = &mut self.lists[place.list()];
        match prev {
            NIL => list.head = next,
            _ => self.timers.entry_mut(prev).next = next,
        }
        match next {
            NIL => list.tail = prev,
            _ => self.timers.entry_mut(next).prev = prev,
        }
        if list.head == NIL {
            self.occupied[place.level] &= !(1 << place.slot);
        }
        self.take_out(key.index())
    }

    /// Takes a timer that is in no list any more out of its ring and out of its place.
    #[inline]
    fn take_out(&mut self, index: u32) -> Option<(T, Option<u32>)> {
        let timer = self.timers.entry(index);
        let (left, right) = (timer.left, timer.right);
        self.timers.entry_mut(left).right = right;
        self.timers.entry_mut(right).left = left;
        let value = self.timers.remove(index)?;
        Some((value, (right != index).then_some(right)))
    }

    /// Whether a timer has neither fired nor been removed.
    pub(crate) fn contains(&self, key: Key) -> bool {
        self.timers.get(key).is_some()
    }

    /// Moves the wheel's time to `now` and appends all timers up to it, in the order of their times, equal ones in
    /// that of their insertion, each with the place of another one of its ring as that is after it. Does nothing if `now` is before
    /// the wheel's time.
    ///
    /// O(levels + fired), each timer moved at most once a level in its life; timers that were inserted when they were
    /// due, with times that fall, are sorted.
    pub(crate) fn advance(&mut self, now: u64, fired: &mut Vec<(T, Option<u32>)>) {
        if now < self.now {
            return;
        }
        self.sort_due();
        while let Some(place) = self.first() {
            let start = self.start(place);
            if start > now {
                break;
            }
            let list = self.take(place);
            if place.level == 0 || (list.head == list.tail && self.timers.entry(list.head).at <= now) {
                self.fire(list, fired);
            } else {
                self.now = start;
                self.relink(list);
            }
        }
        self.now = now;
    }

    /// When to advance next: the wheel's time if a timer is due, or else a time after it that no timer precedes.
    /// `None` if there are no timers.
    ///
    /// It may be earlier than the first timer if several share its slot; advancing to it takes them down a level at
    /// least. O(levels).
    pub(crate) fn next_at(&self) -> Option<u64> {
        let place = self.first()?;
        let list = self.lists[place.list()];
        if place.level > 0 && list.head == list.tail {
            return Some(self.timers.entry(list.head).at);
        }
        Some(self.start(place))
    }

    /// How many timers are set.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }

    /// Whether no timer is set.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn place(&self, at: u64) -> Place {
        let at = at.max(self.now);
        let level = ((at ^ self.now) | 1).ilog2() / DIGIT;
        Place { level: level as usize, slot: (at >> (level * DIGIT)) as usize % SLOTS }
    }

    /// The first time of a slot.
    fn start(&self, place: Place) -> u64 {
        let below = place.level as u32 * DIGIT;
        let above = u64::MAX.checked_shl(below + DIGIT).unwrap_or(0);
        self.now & above | (place.slot as u64) << below
    }

    /// Where the earliest timers are.
    fn first(&self) -> Option<Place> {
        let level = self.occupied.iter().position(|slots| *slots != 0)?;
        Some(Place { level, slot: self.occupied[level].trailing_zeros() as usize })
    }

    /// Puts a timer at the end of its slot.
    fn link(&mut self, index: u32, at: u64) {
        let place = self.place(at);
        if self.lists.len() <= place.list() {
            self.lists.resize((place.level + 1) * SLOTS, EMPTY);
        }
        self.occupied[place.level] |= 1 << place.slot;
        let list = &mut self.lists[place.list()];
        let prev = std::mem::replace(&mut list.tail, index);
        match prev {
            NIL => list.head = index,
            _ => self.timers.entry_mut(prev).next = index,
        }
        let timer = self.timers.entry_mut(index);
        (timer.prev, timer.next) = (prev, NIL);
    }

    fn take(&mut self, place: Place) -> List {
        self.occupied[place.level] &= !(1 << place.slot);
        std::mem::replace(&mut self.lists[place.list()], EMPTY)
    }

    fn fire(&mut self, list: List, fired: &mut Vec<(T, Option<u32>)>) {
        let mut index = list.head;
        while index != NIL {
            let next = self.timers.entry(index).next;
            fired.extend(self.take_out(index));
            index = next;
        }
    }

    /// Puts each timer of a list that was taken where it belongs now.
    fn relink(&mut self, list: List) {
        let mut index = list.head;
        while index != NIL {
            let timer = self.timers.entry(index);
            let (at, next) = (timer.at, timer.next);
            self.link(index, at);
            index = next;
        }
    }

    /// Sorts the slot of now unless it is sorted, as it is but for timers that were late when they were inserted.
    fn sort_due(&mut self) {
        let place = self.place(self.now);
        if self.occupied[place.level] & 1 << place.slot == 0 {
            return;
        }
        let (mut index, mut last, mut sorted) = (self.lists[place.list()].head, 0, true);
        while index != NIL {
            let timer = self.timers.entry(index);
            sorted &= last <= timer.at;
            (index, last) = (timer.next, timer.at);
        }
        if sorted {
            return;
        }
        let mut due = Vec::new();
        let mut index = self.take(place).head;
        while index != NIL {
            let timer = self.timers.entry(index);
            due.push((timer.at, index));
            index = timer.next;
        }
        due.sort_by_key(|(at, _)| *at);
        for (at, index) in due {
            self.link(index, at);
        }
    }
}

#[cfg(test)]
mod tests;

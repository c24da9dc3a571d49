//! The node's processes by slot and generation.
//!
//! A slot's generation is a count in its upper half and a keyed hash of it in the lower: the count makes a
//! pid unique, the hash makes it unguessable. A slot whose count would wrap is never used again.
//!
//! Looking up writes nothing: two loads, the slot's and the cell's own pid, under an epoch guard. A cell that is taken out
//! is freed only when nobody who was looking can still see it (`crossbeam-epoch`), so what a guard has seen stays valid
//! while the guard lives. Slots come in buckets, each twice the last, that are never moved.
//!
//! A process leaves in two steps: its end is written in its cell, which hides it from everybody but those who wait for
//! its end; [`Table::remove`] gives the slot back.

use super::cell::{Cell, CellPtr, CellRef};
use super::guard::{Held, hold};
use super::lock;
use super::secret::Secret;
use super::trial;
use crate::wire::Pid;
use crossbeam_epoch as epoch;
use std::alloc::Layout;
use std::ptr::{NonNull, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// The first bucket's slots; each bucket has twice as many as the one before.
const FIRST: u32 = 1 << 10;
/// 2^28 processes, nearly.
const BUCKETS: usize = 18;
/// How many slots go to a worker at once.
const BATCH: u32 = 256;

pub(crate) struct Table {
    node: u32,
    incarnation: u32,
    secret: Secret,
    buckets: [AtomicPtr<Slot>; BUCKETS],
    free: Mutex<Free>,
}

/// All zeros are an empty one.
struct Slot {
    process: AtomicPtr<Cell>,
    /// How many processes had it; only whoever holds the slot's number changes it.
    count: AtomicU32,
}

#[derive(Default)]
struct Free {
    slots: Vec<u32>,
    /// The first slot that was never used.
    next: u32,
}

/// Which bucket a slot is in, and where.
#[inline]
fn bucket(slot: u32) -> (usize, usize) {
    let at = u64::from(slot) + u64::from(FIRST);
    let bucket = at.ilog2() - FIRST.ilog2();
    (bucket as usize, (at - (u64::from(FIRST) << bucket)) as usize)
}

fn layout(bucket: usize) -> Option<Layout> {
    Layout::array::<Slot>((FIRST as usize) << bucket).ok()
}

/// Slot numbers that one worker holds, so that it does not share a list with the others.
#[derive(Default)]
pub(crate) struct Slots(Vec<u32>);

/// A slot that was taken, and the generation of the process that goes there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) slot: u32,
    pub(crate) generation: u64,
}

impl Table {
    pub(crate) fn new(node: u32) -> Self {
        let incarnation = trial::secret().hash(0) as u32;
        let buckets = [const { AtomicPtr::new(null_mut()) }; BUCKETS];
        Self { node, incarnation, secret: trial::secret(), buckets, free: Mutex::default() }
    }

    pub(crate) fn incarnation(&self) -> u32 {
        self.incarnation
    }

    pub(crate) fn pid(&self, place: Place) -> Pid {
        Pid::from_parts(self.node, self.incarnation, place.slot, place.generation)
    }

    /// Takes a slot for a process; None if there are too many already.
    pub(crate) fn reserve(&self, held: Option<&mut Slots>) -> Option<Place> {
        let _guard = hold();
        let slot = match held {
            Some(held) => match held.0.pop() {
                Some(slot) => slot,
                None => {
                    self.refill(&mut held.0, BATCH);
                    held.0.pop()?
                }
            },
            None => {
                let mut one = Vec::new();
                self.refill(&mut one, 1);
                one.pop()?
            }
        };
        // From 1, so that no generation is 0.
        let count = self.slot(slot)?.count.load(Ordering::Relaxed) + 1;
        Some(self.place(slot, count))
    }

    fn place(&self, slot: u32, count: u32) -> Place {
        let low = self.secret.hash(u64::from(slot) << 32 | u64::from(count)) as u32;
        Place { slot, generation: u64::from(count) << 32 | u64::from(low) }
    }

    fn refill(&self, into: &mut Vec<u32>, most: u32) {
        let mut free = lock(&self.free);
        let known = free.slots.len().min(most as usize);
        let at = free.slots.len() - known;
        into.extend(free.slots.drain(at..));
        if !into.is_empty() {
            return;
        }
        for _ in 0..most {
            let slot = free.next;
            if !self.make_bucket(slot) {
                return;
            }
            free.next += 1;
            into.push(slot);
        }
        into.reverse();
    }

    /// Makes the bucket of a slot if it is not there yet; false if there can be no such slot.
    fn make_bucket(&self, slot: u32) -> bool {
        let (number, _) = bucket(slot);
        let Some(bucket) = self.buckets.get(number) else { return false };
        if !bucket.load(Ordering::Relaxed).is_null() {
            return true;
        }
        let Some(layout) = layout(number) else { return false };
        // SAFETY: the layout is not empty, and zeros are what an empty slot is. Large ones are not touched by this, so
        // memory is taken as slots are used.
        let slots = unsafe { std::alloc::alloc_zeroed(layout) };
        if slots.is_null() {
            return false;
        }
        bucket.store(slots.cast(), Ordering::Release);
        true
    }

    /// Under a guard, which keeps the bucket.
    #[inline]
    fn slot(&self, slot: u32) -> Option<&Slot> {
        let (bucket, at) = bucket(slot);
        let slots = self.buckets.get(bucket)?.load(Ordering::Acquire);
        // SAFETY: a bucket is made once, with room for all its slots, and freed only when nobody who had a guard before that
        // still has it.
        (!slots.is_null()).then(|| unsafe { &*slots.add(at) })
    }

    /// Lets a process be found.
    pub(crate) fn publish(&self, place: Place, cell: NonNull<Cell>) {
        let _guard = hold();
        if let Some(slot) = self.slot(place.slot) {
            slot.process.store(cell.as_ptr(), Ordering::Release);
        }
    }

    /// Gives the slot of a process back; nobody finds it any more.
    pub(crate) fn remove(&self, place: Place, held: Option<&mut Slots>) {
        let _guard = hold();
        let Some(slot) = self.slot(place.slot) else { return };
        slot.process.store(null_mut(), Ordering::Release);
        let count = (place.generation >> 32) as u32;
        // The next one would have to begin anew.
        if count == u32::MAX {
            return;
        }
        slot.count.store(count, Ordering::Release);
        match held {
            Some(held) => {
                held.0.push(place.slot);
                if held.0.len() >= 2 * BATCH as usize {
                    let at = held.0.len() - BATCH as usize;
                    lock(&self.free).slots.extend(held.0.drain(at..));
                }
            }
            None => lock(&self.free).slots.push(place.slot),
        }
    }

    /// Gives back what a worker held.
    pub(crate) fn give_back(&self, held: &mut Slots) {
        lock(&self.free).slots.append(&mut held.0);
    }

    /// Gives the memory back; for a node that has ended and whose processes are gone.
    pub(crate) fn clear(&self) {
        let guard = epoch::pin();
        for (number, bucket) in self.buckets.iter().enumerate() {
            let slots = bucket.swap(null_mut(), Ordering::AcqRel);
            if let (false, Some(layout)) = (slots.is_null(), layout(number)) {
                let address = slots.expose_provenance();
                // SAFETY: made with this layout in `make_bucket`, taken out above, and freed when no guard of before is left.
                unsafe {
                    guard.defer_unchecked(move || {
                        std::alloc::dealloc(std::ptr::with_exposed_provenance_mut(address), layout)
                    })
                };
            }
        }
        guard.flush();
    }

    /// A process that has not ended, for as long as the guard lives.
    #[inline]
    pub(crate) fn look<'g>(&self, pid: Pid, guard: &'g Held) -> Option<CellPtr<'g>> {
        self.look_ending(pid, guard).filter(|cell| !cell.has_ended())
    }

    /// A process whose end is not complete.
    #[inline]
    pub(crate) fn look_ending<'g>(&self, pid: Pid, _guard: &'g Held) -> Option<CellPtr<'g>> {
        if pid.node() != self.node || pid.incarnation() != self.incarnation {
            return None;
        }
        let cell = NonNull::new(self.slot(pid.slot())?.process.load(Ordering::Acquire))?;
        // SAFETY: what stands in a slot is a whole cell, and it is freed only after it was taken out and every guard that was
        // there then is gone; this one was there before the load.
        let cell = unsafe { CellPtr::<'g>::new(cell) };
        (cell.generation() == pid.generation()).then_some(cell)
    }

    /// A process by its slot and the random half of its generation.
    pub(crate) fn look_marked<'g>(&self, mark: u64, _guard: &'g Held) -> Option<CellPtr<'g>> {
        let cell = NonNull::new(self.slot((mark >> 32) as u32)?.process.load(Ordering::Acquire))?;
        // SAFETY: as in `look_ending`.
        let cell = unsafe { CellPtr::<'g>::new(cell) };
        (cell.generation() as u32 == mark as u32).then_some(cell)
    }

    /// A process in eight bytes: its slot and its number among the slot's processes, which no other one ever has.
    pub(crate) fn counted(pid: Pid) -> u64 {
        u64::from(pid.slot()) << 32 | pid.generation() >> 32
    }

    /// The process that is written so.
    pub(crate) fn counted_pid(&self, counted: u64) -> Pid {
        self.pid(self.place((counted >> 32) as u32, counted as u32))
    }

    /// A process that has not ended, by what [`counted`](Self::counted) says.
    #[inline]
    pub(crate) fn look_counted<'g>(&self, counted: u64, _guard: &'g Held) -> Option<CellPtr<'g>> {
        let cell = NonNull::new(self.slot((counted >> 32) as u32)?.process.load(Ordering::Acquire))?;
        // SAFETY: as in `look_ending`.
        let cell = unsafe { CellPtr::<'g>::new(cell) };
        (cell.generation() >> 32 == counted & u64::from(u32::MAX) && !cell.has_ended()).then_some(cell)
    }

    /// A process that has not ended.
    pub(crate) fn get(&self, pid: Pid) -> Option<CellRef> {
        self.look(pid, &hold()).and_then(CellPtr::acquire)
    }

    /// A process whose end is not complete.
    pub(crate) fn get_ending(&self, pid: Pid) -> Option<CellRef> {
        self.look_ending(pid, &hold()).and_then(CellPtr::acquire)
    }

    /// The processes that have not ended; walks all slots that were ever used.
    pub(crate) fn all(&self) -> Vec<CellRef> {
        self.every().into_iter().filter(|cell| !cell.has_ended()).collect()
    }

    /// The processes whose end is not complete.
    pub(crate) fn every(&self) -> Vec<CellRef> {
        let mut every = Vec::new();
        self.each(|cell| every.extend(cell.acquire()));
        every
    }

    /// Looks at the processes whose end is not complete.
    pub(crate) fn each(&self, mut look: impl FnMut(CellPtr<'_>)) {
        let used = lock(&self.free).next;
        let _guard = hold();
        for slot in 0..used {
            let cell = self.slot(slot).and_then(|slot| NonNull::new(slot.process.load(Ordering::Acquire)));
            if let Some(cell) = cell {
                // SAFETY: as in `look_ending`, for as long as the guard lives.
                look(unsafe { CellPtr::new(cell) });
            }
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        for (number, slots) in self.buckets.iter_mut().enumerate() {
            let slots = *slots.get_mut();
            if let (false, Some(layout)) = (slots.is_null(), layout(number)) {
                // SAFETY: made with this layout in `make_bucket`, and nobody has the table any more.
                unsafe { std::alloc::dealloc(slots.cast(), layout) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn buckets_follow_each_other() {
        let cases = [(0, (0, 0)), (1023, (0, 1023)), (1024, (1, 0)), (3071, (1, 2047)), (3072, (2, 0)), (7168, (3, 0))];
        for (slot, expected) in cases {
            assert_eq!(bucket(slot), expected, "{slot}");
        }
    }

    #[test]
    fn places_are_unique_and_change_with_each_use() {
        let table = Table::new(7);
        let mut held = Slots::default();
        let mut seen = HashSet::new();
        for _ in 0..3 {
            let places: Vec<_> = (0..5000).map(|_| table.reserve(Some(&mut held)).unwrap()).collect();
            for place in &places {
                assert!(seen.insert((place.slot, place.generation)), "{place:?} was given twice");
            }
            for place in places {
                table.remove(place, Some(&mut held));
            }
        }
        assert!(lock(&table.free).next < 6000, "slots are used again");
    }

    #[test]
    fn what_others_count_is_not_told() {
        let places =
            |table: &Table| -> Vec<_> { (0..3).map(|_| table.reserve(None).unwrap().generation as u32).collect() };
        let (a, b) = (places(&Table::new(0)), places(&Table::new(0)));
        assert_ne!(a, b, "the secret half differs from table to table");
    }

    #[test]
    fn foreign_pids_are_nobody() {
        let table = Table::new(1);
        let place = table.reserve(None).unwrap();
        for pid in [
            Pid::from_parts(2, table.incarnation(), place.slot, place.generation),
            Pid::from_parts(1, table.incarnation() ^ 1, place.slot, place.generation),
            Pid::from_parts(1, table.incarnation(), u32::MAX, place.generation),
            table.pid(place),
        ] {
            assert!(table.get(pid).is_none(), "{pid}");
        }
    }
}

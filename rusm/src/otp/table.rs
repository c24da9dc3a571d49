//! The node's processes by slot and generation.
//!
//! A slot's generation is a count in its upper half and a keyed hash of it in the lower: the count makes a
//! pid unique, the hash makes it unguessable. A slot whose count would wrap is never used again.
//!
//! A process leaves in two steps: [`Table::retire`] hides it from everybody but those who wait for its end,
//! [`Table::remove`] gives the slot back.

use super::process::Cell;
use crate::wire::Pid;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, PoisonError, RwLock};

pub(crate) struct Table {
    node: u32,
    incarnation: u32,
    secret: RandomState,
    slots: RwLock<Slots>,
}

#[derive(Default)]
struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
    alive: usize,
    closed: bool,
}

struct Slot {
    count: u32,
    process: Option<Arc<Cell>>,
    /// It has ended, but its code and messages are still being dropped.
    ending: bool,
}

impl Table {
    pub(crate) fn new(node: u32) -> Self {
        // RandomState draws its keys from the operating system's randomness.
        let incarnation = RandomState::new().hash_one(std::process::id()) as u32;
        Self { node, incarnation, secret: RandomState::new(), slots: RwLock::default() }
    }

    pub(crate) fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// Refuses new processes from now on. Those that got in before are in [`all`](Self::all).
    pub(crate) fn close(&self) {
        self.slots.write().unwrap_or_else(PoisonError::into_inner).closed = true;
    }

    /// Gives the process that `make` builds a pid of its own; None once the table is closed.
    pub(crate) fn insert(&self, make: impl FnOnce(Pid) -> Arc<Cell>) -> Option<Arc<Cell>> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if slots.closed {
            return None;
        }
        let slot = slots.free.pop().unwrap_or_else(|| {
            let first = self.secret.hash_one(("first", slots.slots.len())) as u32 >> 1;
            slots.slots.push(Slot { count: first, process: None, ending: false });
            (slots.slots.len() - 1) as u32
        });
        let entry = &mut slots.slots[slot as usize];
        let low = self.secret.hash_one((slot, entry.count)) as u32;
        let generation = u64::from(entry.count) << 32 | u64::from(low);
        let cell = make(Pid::from_parts(self.node, self.incarnation, slot, generation));
        entry.process = Some(cell.clone());
        entry.ending = false;
        slots.alive += 1;
        Some(cell)
    }

    /// A process that has not ended.
    pub(crate) fn get(&self, pid: Pid) -> Option<Arc<Cell>> {
        self.find(pid, false)
    }

    /// A process whose end is not complete.
    pub(crate) fn get_ending(&self, pid: Pid) -> Option<Arc<Cell>> {
        self.find(pid, true)
    }

    fn find(&self, pid: Pid, ending: bool) -> Option<Arc<Cell>> {
        if pid.node() != self.node || pid.incarnation() != self.incarnation {
            return None;
        }
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.slots.get(pid.slot() as usize)?;
        let process = slot.process.as_ref()?;
        (process.pid() == pid && (ending || !slot.ending)).then(|| process.clone())
    }

    /// Hides a process that has ended.
    pub(crate) fn retire(&self, pid: Pid) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = slots.slots.get_mut(pid.slot() as usize) else { return };
        if entry.ending || entry.process.as_ref().is_none_or(|process| process.pid() != pid) {
            return;
        }
        entry.ending = true;
        slots.alive -= 1;
    }

    /// Gives the slot of a retired process back.
    pub(crate) fn remove(&self, pid: Pid) {
        let removed = {
            let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
            let Some(entry) = slots.slots.get_mut(pid.slot() as usize) else { return };
            if !entry.ending || entry.process.as_ref().is_none_or(|process| process.pid() != pid) {
                return;
            }
            let removed = entry.process.take();
            if let Some(next) = entry.count.checked_add(1) {
                entry.count = next;
                slots.free.push(pid.slot());
            }
            removed
        };
        drop(removed);
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).alive
    }

    /// The processes that have not ended.
    pub(crate) fn all(&self) -> Vec<Arc<Cell>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.slots.iter().filter(|slot| !slot.ending).filter_map(|slot| slot.process.clone()).collect()
    }
}

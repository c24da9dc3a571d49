//! The node's processes by slot and generation.
//!
//! A slot's generation is a count in its upper half and a keyed hash of it in the lower: the count makes a
//! pid unique, the hash makes it unguessable. A slot whose count would wrap is never used again.

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
}

struct Slot {
    count: u32,
    process: Option<Arc<Cell>>,
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

    /// Gives the process that `make` builds a pid of its own.
    pub(crate) fn insert(&self, make: impl FnOnce(Pid) -> Arc<Cell>) -> Arc<Cell> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.free.pop().unwrap_or_else(|| {
            let first = self.secret.hash_one(("first", slots.slots.len())) as u32 >> 1;
            slots.slots.push(Slot { count: first, process: None });
            (slots.slots.len() - 1) as u32
        });
        let entry = &mut slots.slots[slot as usize];
        let low = self.secret.hash_one((slot, entry.count)) as u32;
        let generation = u64::from(entry.count) << 32 | u64::from(low);
        let cell = make(Pid::from_parts(self.node, self.incarnation, slot, generation));
        entry.process = Some(cell.clone());
        slots.alive += 1;
        cell
    }

    pub(crate) fn get(&self, pid: Pid) -> Option<Arc<Cell>> {
        if pid.node() != self.node || pid.incarnation() != self.incarnation {
            return None;
        }
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let process = slots.slots.get(pid.slot() as usize)?.process.as_ref()?;
        (process.pid() == pid).then(|| process.clone())
    }

    pub(crate) fn remove(&self, pid: Pid) {
        let removed = {
            let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
            let Some(entry) = slots.slots.get_mut(pid.slot() as usize) else { return };
            if entry.process.as_ref().is_none_or(|process| process.pid() != pid) {
                return;
            }
            let removed = entry.process.take();
            if let Some(next) = entry.count.checked_add(1) {
                entry.count = next;
                slots.free.push(pid.slot());
            }
            slots.alive -= 1;
            removed
        };
        drop(removed);
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).alive
    }

    pub(crate) fn all(&self) -> Vec<Arc<Cell>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.slots.iter().filter_map(|slot| slot.process.clone()).collect()
    }
}

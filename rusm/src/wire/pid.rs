//! The name of a process that is never given twice.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A process id.
///
/// It names one process for ever: the slot in the node's process table, a generation that tells the
/// slot's processes apart, and the node with its incarnation, so that a restarted node's processes
/// are others. Half of the generation is random: a pid can't be guessed from another one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pid {
    node: u32,
    incarnation: u32,
    slot: u32,
    generation: u64,
}

impl Pid {
    /// Puts a pid together from its parts, as they came over a boundary.
    pub const fn from_parts(node: u32, incarnation: u32, slot: u32, generation: u64) -> Self {
        Self { node, incarnation, slot, generation }
    }

    /// The node's number in its cluster; 0 on a node that is in none.
    pub const fn node(&self) -> u32 {
        self.node
    }

    /// The random number that the node drew at its start.
    pub const fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The place in the node's process table.
    pub const fn slot(&self) -> u32 {
        self.slot
    }

    /// Tells the processes of one slot apart.
    pub const fn generation(&self) -> u64 {
        self.generation
    }
}

/// For people: node, slot and the count of the slot's processes, without the part that is secret.
impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}.{}>", self.node, self.slot, self.generation >> 32)
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! What a process may do, and how many processes may live below it.
//!
//! Each process has one [`Rights`]. A guest that spawns passes [`Rights::for_child`] on: the child's capabilities are those
//! of its component as far as the parent has them, and the child holds one seat with every ancestor for as long as
//! its rights live, which is as long as it does.

use super::capability::Capabilities;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A process's own.
#[derive(Debug)]
pub(super) struct Rights {
    pub(super) capabilities: Arc<Capabilities>,
    family: Arc<Family>,
    // Given back when the process has ended, or was not started after all.
    _seat: Option<Seat>,
}

/// The processes below one process.
#[derive(Debug)]
struct Family {
    max: u32,
    alive: AtomicU32,
    parent: Option<Arc<Family>>,
}

#[derive(Debug)]
struct Seat(Arc<Family>);

impl Seat {
    /// One more process below `family`, and so below all above it.
    fn take(family: &Arc<Family>) -> Result<Self, String> {
        let mut level = Some(family);
        while let Some(at) = level {
            if at.alive.fetch_add(1, Ordering::Relaxed) >= at.max {
                Self::give_back(family, Some(at));
                return Err(format!("{} processes live below one already: raise `max-processes`", at.max));
            }
            level = at.parent.as_ref();
        }
        Ok(Self(Arc::clone(family)))
    }

    /// Gives back from `family` upwards, to `last` if there is one.
    fn give_back(family: &Arc<Family>, last: Option<&Arc<Family>>) {
        let mut level = Some(family);
        while let Some(at) = level {
            at.alive.fetch_sub(1, Ordering::Relaxed);
            if last.is_some_and(|last| Arc::ptr_eq(last, at)) {
                return;
            }
            level = at.parent.as_ref();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        Self::give_back(&self.0, None);
    }
}

impl Rights {
    /// Those of a process that the node itself starts.
    pub(super) fn root(capabilities: Arc<Capabilities>) -> Self {
        let max = capabilities.max_processes;
        let family = Arc::new(Family { max, alive: AtomicU32::new(0), parent: None });
        Self { capabilities, family, _seat: None }
    }

    /// Those of a process that this one starts, of a component with the capabilities `own`.
    ///
    /// # Errors
    /// Which limit of processes is reached.
    pub(super) fn for_child(&self, own: &Capabilities) -> Result<Self, String> {
        let seat = Seat::take(&self.family)?;
        let capabilities = Arc::new(own.narrowed_by(&self.capabilities));
        let family = Family {
            max: capabilities.max_processes,
            alive: AtomicU32::new(0),
            parent: Some(Arc::clone(&self.family)),
        };
        Ok(Self { capabilities, family: Arc::new(family), _seat: Some(seat) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(max_processes: u32) -> Capabilities {
        Capabilities { max_processes, ..Capabilities::default() }
    }

    #[test]
    fn descendants_count_for_every_ancestor() {
        let root = Rights::root(Arc::new(capabilities(3)));
        let child = root.for_child(&capabilities(9)).unwrap();
        let grandchild = child.for_child(&capabilities(9)).unwrap();
        let great = grandchild.for_child(&capabilities(9)).unwrap();
        assert!(great.for_child(&capabilities(9)).unwrap_err().contains("3 processes"));
        assert!(root.for_child(&capabilities(9)).is_err());
        drop(great);
        let sibling = root.for_child(&capabilities(9)).unwrap();
        assert!(child.for_child(&capabilities(9)).is_err(), "the root is full");
        drop((sibling, grandchild, child));
        assert_eq!(root.family.alive.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_child_s_own_limit_holds_below_it() {
        let root = Rights::root(Arc::new(capabilities(9)));
        let child = root.for_child(&capabilities(1)).unwrap();
        let grandchild = child.for_child(&capabilities(9)).unwrap();
        assert_eq!(grandchild.capabilities.max_processes, 1);
        assert!(child.for_child(&capabilities(9)).unwrap_err().contains("1 processes"));
        assert_eq!(root.family.alive.load(Ordering::Relaxed), 2, "what was refused is given back");
    }

    #[test]
    fn a_seat_outlives_the_parent() {
        let root = Rights::root(Arc::new(capabilities(5)));
        let child = root.for_child(&capabilities(5)).unwrap();
        let grandchild = child.for_child(&capabilities(5)).unwrap();
        drop(child);
        assert_eq!(root.family.alive.load(Ordering::Relaxed), 1);
        drop(grandchild);
        assert_eq!(root.family.alive.load(Ordering::Relaxed), 0);
    }
}

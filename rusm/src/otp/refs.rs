//! Who keeps a process's memory, and whether those who wait for its end were told, in one word.
//!
//! The process itself has a handle. To give it back is its last step, the same that says that everybody was told: so either
//! this sees that somebody waits, or who begins to wait sees that everybody was told, since both are changes of the word.
//! Whoever gives the last handle back frees the memory, and nobody gets one from a word that has none.
//!
//! A process gives handles to itself back, and takes new ones, all the time: its own receiver, wakers. In its turn it does so
//! without touching the word: what it gives back it *owes*, and takes from that first. The word counts what is owed as
//! handles; as long as the process has its own one, and it keeps that to its last step, this makes no difference to
//! anybody. The last step gives back all that is owed. (Biased reference counting, Choi, Shull and Torrellas 2018, with the
//! owner's side for gifts only.)

use super::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use super::sync::atomic::{AtomicU32, fence};

/// Somebody waits to be told.
const AWAITED: u32 = 1;
/// Everybody was told.
const TOLD: u32 = 2;
/// One handle; 2^30 of one process do not fit in memory.
const ONE: u32 = 4;

/// How many handles a process owes at most.
const OWED: u32 = 1 << 16;

pub(super) struct Refs {
    word: AtomicU32,
    /// Handles that were given back and are still counted; read and written in the turn of the process only.
    owed: AtomicU32,
}

/// What the process's last step found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Last {
    /// Somebody waits to be told.
    pub(super) awaited: bool,
    /// It was the last handle.
    pub(super) free: bool,
}

impl Refs {
    pub(super) fn new(handles: u32) -> Self {
        Self { word: AtomicU32::new(handles * ONE), owed: AtomicU32::new(0) }
    }

    /// One more, by somebody who has none; false if the last one is gone.
    #[inline]
    pub(super) fn acquire(&self) -> bool {
        let mut word = self.word.load(Relaxed);
        while word >= ONE {
            match self.word.compare_exchange_weak(word, word + ONE, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// One more, by somebody who has one: as in `Arc`, the order does not matter.
    #[inline]
    pub(super) fn add(&self) {
        self.word.fetch_add(ONE, Relaxed);
    }

    /// One less. If true it was the last one, and the caller sees what was done with all others.
    #[inline]
    #[must_use = "whoever gives the last handle back frees the memory"]
    pub(super) fn give_back(&self) -> bool {
        let last = self.word.fetch_sub(ONE, Release) < 2 * ONE;
        if last {
            fence(Acquire);
        }
        last
    }

    /// One more, in the turn of the process.
    #[inline]
    pub(super) fn add_own(&self) {
        match self.owed.load(Relaxed) {
            0 => self.add(),
            owed => self.owed.store(owed - 1, Relaxed),
        }
    }

    /// One less, in the turn of the process; it was not the last one.
    #[inline]
    pub(super) fn give_back_own(&self) {
        let mut owed = self.owed.load(Relaxed) + 1;
        if owed == OWED {
            self.word.fetch_sub(OWED * ONE, Release);
            owed = 0;
        }
        self.owed.store(owed, Relaxed);
    }

    /// Gives the process's own handle back, all that it owes, and says that everybody was told; once, by who has its turn. If somebody is awaited, the caller sees
    /// what that one did before it began to wait, and wakes it.
    #[inline]
    #[must_use = "whoever gives the last handle back frees the memory"]
    pub(super) fn tell(&self) -> Last {
        let handles = (1 + self.owed.load(Relaxed)) * ONE;
        let before = self.word.fetch_sub(handles - TOLD, AcqRel);
        Last { awaited: before & AWAITED != 0, free: before < handles + ONE }
    }

    pub(super) fn was_told(&self) -> bool {
        self.word.load(Acquire) & TOLD != 0
    }

    /// Says that somebody waits to be told; false if everybody was.
    pub(super) fn wait(&self) -> bool {
        self.word.fetch_or(AWAITED, AcqRel) & TOLD == 0
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests {
    use super::*;

    #[test]
    fn handles_are_counted() {
        let refs = Refs::new(2);
        assert!(refs.acquire() && !refs.was_told());
        refs.add();
        assert_eq!(refs.tell(), Last { awaited: false, free: false });
        assert!(refs.was_told() && !refs.wait(), "who waits afterwards was told");
        assert!(!refs.give_back() && !refs.give_back() && refs.give_back());
        assert!(!refs.acquire(), "the last one is gone");
    }

    #[test]
    fn what_is_owed_is_counted() {
        let refs = Refs::new(3);
        refs.give_back_own();
        assert_eq!(refs.word.load(Relaxed), 3 * ONE);
        refs.add_own();
        refs.add_own();
        assert_eq!(refs.word.load(Relaxed), 4 * ONE);
        for _ in 0..3 {
            refs.give_back_own();
        }
        assert_eq!(refs.tell(), Last { awaited: false, free: true });
    }

    #[test]
    fn not_too_much_is_owed() {
        let refs = Refs::new(2);
        for _ in 0..3 * OWED {
            refs.add();
            refs.give_back_own();
            assert!(refs.word.load(Relaxed) <= (2 + OWED) * ONE);
        }
        assert!(!refs.give_back());
        assert!(refs.tell().free);
    }

    #[test]
    fn the_process_may_be_last() {
        assert_eq!(Refs::new(1).tell(), Last { awaited: false, free: true });
        let refs = Refs::new(2);
        assert!(refs.wait() && !refs.give_back());
        assert_eq!(refs.tell(), Last { awaited: true, free: true });
    }
}

#[cfg(all(test, rusm_loom))]
mod loom_tests {
    use super::*;
    use crate::otp::sync::UnsafeCell;
    use std::sync::Arc;

    struct Process {
        refs: Refs,
        /// What a waiter leaves.
        waker: UnsafeCell<u32>,
    }

    // SAFETY: the models below share it as processes and their waiters do.
    unsafe impl Sync for Process {}
    // SAFETY: as above.
    unsafe impl Send for Process {}

    /// A waiter with a handle, and the process's end: the waiter is woken or knows, and one of the two frees.
    #[test]
    fn a_wait_meets_the_end() {
        loom::model(|| {
            let process = Arc::new(Process { refs: Refs::new(2), waker: UnsafeCell::new(0) });
            let waiter = loom::thread::spawn({
                let process = process.clone();
                move || {
                    // SAFETY: nobody looks before `wait` says that somebody waits.
                    process.waker.with_mut(|waker| unsafe { *waker = 7 });
                    let waits = process.refs.wait();
                    (waits, process.refs.give_back())
                }
            });
            let last = process.refs.tell();
            if last.awaited {
                // SAFETY: the waiter has left it before it said so.
                process.waker.with(|waker| assert_eq!(unsafe { *waker }, 7));
            }
            let (waits, frees) = waiter.join().unwrap();
            assert_eq!(last.awaited, waits, "told or awaited");
            assert!(frees != last.free, "one of the two is the last");
        });
    }

    /// Whoever is last sees what the other has done.
    #[test]
    fn the_last_sees_all() {
        loom::model(|| {
            let process = Arc::new(Process { refs: Refs::new(2), waker: UnsafeCell::new(0) });
            let other = loom::thread::spawn({
                let process = process.clone();
                move || {
                    if process.refs.give_back() {
                        // SAFETY: nobody else has a handle.
                        process.waker.with(|waker| assert_eq!(unsafe { *waker }, 9));
                    }
                }
            });
            // SAFETY: the other writes nothing, and looks after this one's step only.
            process.waker.with_mut(|waker| unsafe { *waker = 9 });
            let _ = process.refs.tell();
            other.join().unwrap();
        });
    }
}

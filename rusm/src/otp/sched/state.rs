//! The word of a process: who may poll it, who has to put it into a queue, and who is in its mailbox.
//!
//! ```text
//!            wake, mail that is wanted             end
//!   IDLE ------------------------------> BUSY -----------> DEAD
//!    ^                                   |  ^
//!    '------------- park ----------------'  '-- park, if AGAIN or if mail came for who waits for it
//! ```
//!
//! A process is `BUSY` from when it is queued until it parks: in a queue, in its turn, or on the way between the two. A wake
//! meanwhile says `AGAIN`. The same word is the lock of the mailbox, so a push of a message and all that it means for the
//! receiver is one read-modify-write and one store; beginning a turn is none, and receiving one message is none.
//!
//! # Who may touch what
//! - Only who made a process `BUSY` puts it into a queue, and it is made so from `IDLE` only, or stays so by `park` of the
//!   worker that has the turn. So it is in one queue, once.
//! - Who took it out of the queue has the turn: it alone may touch the body, then `park` or `end`.
//! - Closing the mailbox is the last change of a process that is `BUSY` and never parks again. It is for who has the turn. Who knows
//!   that nobody has it or will have it says `end` first, which acquires what the last turn left.
//! - The word is changed while it is not `LOCKED`, or by who has locked it. So unlocking is a store.
//! - The mailbox's queue belongs to who has locked the word. Its first place belongs to who has locked the word while `FIRST`
//!   is not set, and to the receiver while it is set and `first` is true. `FIRST` is set under the lock, and taken back by `park` alone
//!   once `first` is false: a receiver that is not in a turn of its process, on another thread, leaves it as it is.
//! - `mail` belongs to who has the turn.
//!
//! # No wake is lost
//! What was written before a wake is seen by a poll that begins later:
//! - A wake that meets `IDLE` makes the process `BUSY` and puts it into a queue. Its exchange acquires, too, so with what the last
//!   turn left, all of it goes through the queue, whose pop acquires, to the next turn.
//! - A wake that meets `BUSY` says `AGAIN`, also if somebody has said so before: a look would not do, since its own writes may be
//!   seen later than the look. Either `begin` sees that, and acquires as it takes it back, or `park` does and queues it again.
//! - Mail that nobody waits for wakes nobody. A receiver that found none says so in `mail`, and `park` looks again: mail that came
//!   in between keeps the process `BUSY`. If there is none, `WANTS` is left, and the next mail makes the process `BUSY`.
//! - All changes are read-modify-writes, which go on with the release sequence of the one before, but for the store that unlocks:
//!   that one comes after an exchange that has acquired all before it.

use crate::otp::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use crate::otp::sync::atomic::{AtomicBool, AtomicU8, AtomicU32};
use std::hint::spin_loop;

/// In a queue or in its turn; not set: waits for a wake.
const BUSY: u32 = 1;
/// After this turn another one is due.
const AGAIN: u32 = 2;
/// Has had its last turn.
const DEAD: u32 = 4;
/// Somebody is in the mailbox.
const LOCKED: u32 = 8;
/// The next mail is to wake it.
const WANTS: u32 = 16;
/// The mailbox's first place is taken, until the next `park` that finds it empty.
const FIRST: u32 = 32;
/// Something waits behind the first place.
const MORE: u32 = 64;
/// The mailbox is used under the lock only.
const SLOW: u32 = 128;
/// The mailbox takes nothing any more.
const CLOSED: u32 = 256;

/// How often to look at a lock before others are let run.
const SPINS: u32 = 100;

/// The state of one process.
pub(crate) struct State {
    word: AtomicU32,
    /// What is in the first place was not taken yet.
    first: AtomicBool,
    /// Its receiver has found nothing in this turn.
    mail: AtomicBool,
    /// How often its receiver has looked for an item, until more than one has waited.
    streak: AtomicU8,
}

impl State {
    /// Of a new process, which whoever made it puts into a queue; its mailbox is used under the lock only if `slow`.
    pub(crate) fn queued(slow: bool) -> Self {
        Self {
            word: AtomicU32::new(if slow { BUSY | SLOW } else { BUSY }),
            first: AtomicBool::new(false),
            mail: AtomicBool::new(false),
            streak: AtomicU8::new(0),
        }
    }

    /// Changes the word while nobody has locked it: what it was. None leaves it as it is.
    #[inline]
    fn change(&self, mut next: impl FnMut(u32) -> Option<u32>) -> Result<u32, u32> {
        let mut word = self.word.load(Acquire);
        loop {
            if word & LOCKED != 0 {
                word = self.unlocked();
            }
            let Some(next) = next(word) else { return Err(word) };
            match self.word.compare_exchange_weak(word, next, AcqRel, Acquire) {
                Ok(_) => return Ok(word),
                Err(now) => word = now,
            }
        }
    }

    /// Waits until nobody has locked it.
    #[cold]
    fn unlocked(&self) -> u32 {
        let mut looks = 0;
        loop {
            looks += 1;
            if looks % SPINS == 0 || cfg!(rusm_loom) {
                pause()
            } else {
                spin_loop()
            }
            let word = self.word.load(Acquire);
            if word & LOCKED == 0 {
                return word;
            }
        }
    }

    /// Lets it have a turn after what the caller has written. If true, the caller has to put it into a queue.
    #[inline]
    #[must_use = "whoever makes a process busy puts it into a queue"]
    pub(crate) fn wake(&self) -> bool {
        // Final: there will be no turn to see what the caller wrote.
        let next = |word| (word & DEAD == 0).then_some(if word & BUSY == 0 { word | BUSY } else { word | AGAIN });
        self.change(next).is_ok_and(|before| before & BUSY == 0)
    }

    /// Begins the turn; by the worker that took the process out of its queue.
    #[inline]
    pub(crate) fn begin(&self) {
        let word = self.word.load(Acquire);
        debug_assert_eq!(word & (BUSY | DEAD), BUSY, "a turn begins in the queue");
        // The turn that begins is the other one.
        if word & AGAIN != 0 {
            let _ = self.change(|word| Some(word & !AGAIN));
        }
    }

    /// Ends the turn. If false, another one is due: the process stays busy, and the worker has to put it into a queue. If
    /// true, it may have its next turn elsewhere, or its end, as soon as this returns.
    #[inline]
    #[must_use = "whoever keeps a process busy puts it into a queue"]
    pub(crate) fn park(&self) -> bool {
        let mail = self.mail.load(Relaxed);
        if mail {
            self.mail.store(false, Relaxed);
        }
        let mut parks = false;
        let _ = self.change(|word| {
            // What is in `first` was written before the word that was just read.
            let empty = if word & FIRST != 0 && !self.first.load(Acquire) { FIRST } else { 0 };
            let word = word & !empty;
            parks = word & AGAIN == 0 && !(mail && word & (FIRST | MORE) != 0);
            Some(match (parks, mail) {
                (false, _) => word & !AGAIN,
                (true, false) => word & !BUSY,
                (true, true) => word & !BUSY | WANTS,
            })
        });
        parks
    }

    /// Ends a process that nobody will run: there are no more turns, and wakes are for nothing.
    pub(crate) fn end(&self) {
        let _ = self.change(|word| Some(word | DEAD));
    }

    /// Whether it waits for a wake; who sees it sees what its last turn did.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.word.load(Acquire) & (BUSY | DEAD) == 0
    }

    /// Whether it has ended; who sees it sees what was done before the end.
    #[inline]
    #[cfg(test)]
    pub(crate) fn is_dead(&self) -> bool {
        self.word.load(Acquire) & DEAD != 0
    }

    /// Locks the mailbox.
    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_> {
        let word = self.word.load(Relaxed);
        if word & LOCKED == 0 && self.word.compare_exchange(word, word | LOCKED, Acquire, Relaxed).is_ok() {
            return Locked { state: self, word };
        }
        self.lock_slowly()
    }

    #[cold]
    fn lock_slowly(&self) -> Locked<'_> {
        match self.change(|word| Some(word | LOCKED)) {
            Ok(word) | Err(word) => Locked { state: self, word },
        }
    }

    /// What the receiver can take without the lock, in a turn of its process; elsewhere, whether it would find something.
    #[inline]
    pub(crate) fn look(&self) -> Look {
        let word = self.word.load(Acquire);
        if word & SLOW != 0 {
            Look::Locked
        } else if word & FIRST != 0 && self.first.load(Acquire) {
            Look::First
        } else if word & MORE != 0 {
            Look::Locked
        } else {
            Look::Nothing
        }
    }

    /// The receiver has taken what was in the first place.
    #[inline]
    pub(crate) fn took_first(&self) {
        self.first.store(false, Release);
    }

    /// Counts one look of the receiver: every `most`th time it is to look at the time, too.
    #[inline]
    pub(crate) fn is_streak_over(&self, most: u8) -> bool {
        let streak = self.streak.load(Relaxed) + 1;
        let is_over = streak >= most;
        self.streak.store(if is_over { 0 } else { streak }, Relaxed);
        is_over
    }

    /// The receiver has found nothing, in a turn of its process: `park` looks again.
    #[inline]
    pub(crate) fn wait_for_mail(&self) {
        self.mail.store(true, Relaxed);
    }
}

/// Lets others run, who may have locked it.
fn pause() {
    #[cfg(not(rusm_loom))]
    std::thread::yield_now();
    #[cfg(rusm_loom)]
    loom::thread::yield_now();
}

/// What a receiver finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The first place is the receiver's to take from.
    First,
    /// Under the lock there is more to know.
    Locked,
    /// Nothing.
    Nothing,
}

/// The mailbox is the caller's until this is dropped; no foreign code may run meanwhile, and nothing that waits.
pub(crate) struct Locked<'a> {
    state: &'a State,
    /// What will be in the word.
    word: u32,
}

impl<'a> Locked<'a> {
    /// Whose word it is in.
    #[inline]
    pub(crate) fn of(&self) -> &'a State {
        self.state
    }

    #[inline]
    fn set(&mut self, bits: u32, on: bool) {
        self.word = if on { self.word | bits } else { self.word & !bits };
    }

    /// Whether a message can be pushed with nothing else to think of.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.word & (SLOW | CLOSED) == 0
    }

    /// Whether nothing waits in the mailbox and its first place is free.
    #[inline]
    pub(crate) fn is_free(&self) -> bool {
        self.word & (FIRST | MORE) == 0
    }

    /// The first place has been filled.
    #[inline]
    pub(crate) fn filled_first(&mut self) {
        self.state.first.store(true, Relaxed);
        self.set(FIRST, true);
    }

    /// Whether something is in the first place.
    #[inline]
    pub(crate) fn has_first(&self) -> bool {
        self.word & FIRST != 0 && self.state.first.load(Acquire)
    }

    /// Whether something waits behind it.
    #[inline]
    pub(crate) fn set_more(&mut self, more: bool) {
        self.set(MORE, more);
    }

    /// Whether the mailbox is used under the lock only.
    pub(crate) fn set_slow(&mut self, slow: bool) {
        self.set(SLOW, slow);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word & CLOSED != 0
    }

    /// It takes nothing any more, and there are no more turns: wakes are for nothing.
    pub(crate) fn close(&mut self) {
        self.set(CLOSED | DEAD, true);
    }

    /// The next mail is to wake the process, whatever waits already.
    pub(crate) fn want(&mut self) {
        self.set(WANTS, true);
    }

    /// Whether the next mail wakes the process.
    #[cfg(feature = "testing")]
    pub(crate) fn is_wanting(&self) -> bool {
        self.word & WANTS != 0
    }

    /// Mail has come. If true, the caller has to put the process into a queue, once this is dropped.
    #[inline]
    #[must_use = "whoever makes a process busy puts it into a queue"]
    pub(crate) fn wake(&mut self) -> bool {
        if self.word & (WANTS | DEAD) != WANTS {
            return false;
        }
        let was_idle = self.word & BUSY == 0;
        self.word = self.word & !WANTS | if was_idle { BUSY } else { AGAIN };
        was_idle
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(not(rusm_loom))]
        self.state.word.store(self.word, Release);
        // For loom a store may come before the exchange that has locked: see `sync`.
        #[cfg(rusm_loom)]
        self.state.word.swap(self.word, Release);
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests;

#[cfg(all(test, rusm_loom))]
mod loom_tests;

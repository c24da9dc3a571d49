//! The scheduling word of a process: who may poll it, and who has to put it into a queue.
//!
//! ```text
//!            wake                 begin                  end
//!   IDLE ----------> QUEUED ----------------> RUNNING ----------> DEAD
//!    ^                 ^                      |    |                ^
//!    |                 |   park    NOTIFIED <-'    |                |
//!    |                 '------------ |   wake      |           from any,
//!    |                               '-------------+-- end ----> by `end`
//!    '---------------------------------------------'
//!                          park
//! ```
//!
//! # Who may touch what
//! - A process is in a queue exactly while it is `QUEUED`, or on the way into or out of it. Only who made it `QUEUED` puts it in, and
//!   it gets `QUEUED` only from a state in which it is in none: from `IDLE` by the one waker whose exchange succeeds, from
//!   `NOTIFIED` by the worker that has the turn. So it is in one queue, once.
//! - Who took it out of the queue has the turn: it alone may `begin`, then touch the body, then `park` or `end`. In between no other
//!   can make it `QUEUED`, so there is one turn at a time.
//! - `end` is for who has the turn, or for who knows that nobody has it or will have it; it acquires what the last turn left.
//!
//! # No wake is lost
//! What a waker wrote before `wake` is seen by a poll after a later `begin`, in whatever state it met the process:
//! - Whatever it met, except `DEAD`, it writes the word, if only with what was there. A look would not do: its own writes may be seen
//!   later than the look, and the turn that the look found coming would miss them.
//! - That write releases. From there on, all that comes before the next `begin` (other wakers, `park`) are read-modify-writes, and
//!   `begin` is one that acquires. So it synchronizes with each of them: they are one release sequence.
//! - The write meets `RUNNING`: it turns into `NOTIFIED`, and then `park` can't succeed in making it `IDLE`, but queues it again.
//!
//! The same sequence hands the body from turn to turn: `park` releases, `begin` acquires. A waker takes nothing over, so it
//! does not acquire; nor does `park`, which only reads the word.

use crate::otp::sync::atomic::AtomicU32;
use crate::otp::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// Waits for a wake.
const IDLE: u32 = 0;
/// Waits for its turn.
const QUEUED: u32 = 1;
/// Has its turn.
const RUNNING: u32 = 2;
/// Has its turn, and another one is due.
const NOTIFIED: u32 = 3;
/// Has had its last turn.
const DEAD: u32 = 4;

/// The state of one process.
pub(crate) struct State(AtomicU32);

impl State {
    /// Of a new process, which whoever made it puts into a queue.
    #[cfg(not(rusm_loom))]
    pub(crate) const fn queued() -> Self {
        Self(AtomicU32::new(QUEUED))
    }

    /// Of a new process, which whoever made it puts into a queue. Loom's atomics are not made in constants.
    #[cfg(rusm_loom)]
    pub(crate) fn queued() -> Self {
        Self(AtomicU32::new(QUEUED))
    }

    /// Lets it have a turn after what the caller has written. If true, the caller has to put it into a queue.
    #[inline]
    #[must_use = "whoever queues a process puts it into a queue"]
    pub(crate) fn wake(&self) -> bool {
        let mut state = self.0.load(Relaxed);
        loop {
            let next = match state {
                IDLE => QUEUED,
                RUNNING => NOTIFIED,
                // Final: there will be no turn to see what the caller wrote.
                DEAD => return false,
                // Writes what is there, which publishes what the caller wrote.
                queued_or_notified => queued_or_notified,
            };
            match self.0.compare_exchange_weak(state, next, Release, Relaxed) {
                Ok(_) => return state == IDLE,
                Err(now) => state = now,
            }
        }
    }

    /// Begins the turn; by the worker that took the process out of its queue.
    #[inline]
    pub(crate) fn begin(&self) {
        let before = self.0.swap(RUNNING, Acquire);
        debug_assert_eq!(before, QUEUED, "a turn begins in the queue");
    }

    /// Ends the turn. If false, the process was woken meanwhile: it is queued again, and the worker has to put it into a queue. If
    /// true, it may have its next turn elsewhere, or its end, as soon as this returns.
    #[inline]
    #[must_use = "whoever queues a process puts it into a queue"]
    pub(crate) fn park(&self) -> bool {
        if self.0.compare_exchange(RUNNING, IDLE, Release, Relaxed).is_ok() {
            return true;
        }
        // A swap, since other wakers may still write `NOTIFIED` over itself, and a store would cut them off from the next `begin`.
        let before = self.0.swap(QUEUED, Release);
        debug_assert_eq!(before, NOTIFIED, "only a wake comes between");
        false
    }

    /// Ends the process: there are no more turns, and wakes are for nothing.
    #[inline]
    pub(crate) fn end(&self) {
        // A store would do for who has the turn, but loom can't tell where among the wakers' writes it comes.
        self.0.swap(DEAD, AcqRel);
    }

    /// Whether it waits for a wake; who sees it sees what its last turn did.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.0.load(Acquire) == IDLE
    }

    /// Whether it has ended; who sees it sees what was done before the end.
    #[inline]
    #[cfg(test)]
    pub(crate) fn is_dead(&self) -> bool {
        self.0.load(Acquire) == DEAD
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    fn in_state(state: u32) -> State {
        State(AtomicU32::new(state))
    }

    /// A step from a state leads to a state and an answer.
    #[test]
    fn every_step() {
        fn check(step: fn(&State) -> bool, table: &[(u32, u32, bool)]) {
            for &(before, after, answer) in table {
                let state = in_state(before);
                assert_eq!((step(&state), state.0.load(Relaxed)), (answer, after), "from {before}");
            }
        }
        check(
            State::wake,
            &[
                (IDLE, QUEUED, true),
                (QUEUED, QUEUED, false),
                (RUNNING, NOTIFIED, false),
                (NOTIFIED, NOTIFIED, false),
                (DEAD, DEAD, false),
            ],
        );
        let begin = |state: &State| {
            state.begin();
            true
        };
        check(begin, &[(QUEUED, RUNNING, true)]);
        check(State::park, &[(RUNNING, IDLE, true), (NOTIFIED, QUEUED, false)]);
        let end = |state: &State| {
            state.end();
            state.is_dead()
        };
        check(end, &[IDLE, QUEUED, RUNNING, NOTIFIED, DEAD].map(|before| (before, DEAD, true)));
        check(State::is_dead, &[IDLE, QUEUED, RUNNING, NOTIFIED].map(|state| (state, state, false)));
        assert_eq!(State::queued().0.into_inner(), QUEUED);
    }

    /// Wakers count up and wake, two workers take turns: every count is seen by a turn, and no two turns meet.
    #[test]
    fn threads() {
        const WAKES: usize = if cfg!(miri) { 50 } else { 100_000 };
        struct Process {
            state: State,
            queued: AtomicUsize,
            turns: AtomicUsize,
            written: [AtomicUsize; 2],
            seen: AtomicUsize,
        }
        let process = Arc::new(Process {
            state: State::queued(),
            queued: AtomicUsize::new(1),
            turns: AtomicUsize::new(0),
            written: Default::default(),
            seen: AtomicUsize::new(0),
        });
        let enqueue = |process: &Process| assert_eq!(process.queued.fetch_add(1, Relaxed), 0);
        let wakers = [0, 1].map(|id| {
            let process = process.clone();
            thread::spawn(move || {
                for _ in 0..WAKES {
                    process.written[id].fetch_add(1, Relaxed);
                    if process.state.wake() {
                        enqueue(&process);
                    }
                }
            })
        });
        let workers = [0, 1].map(|_| {
            let process = process.clone();
            thread::spawn(move || {
                while process.seen.load(Relaxed) < 2 * WAKES {
                    if process.queued.compare_exchange(1, 0, Relaxed, Relaxed).is_err() {
                        thread::yield_now();
                        continue;
                    }
                    process.state.begin();
                    assert_eq!(process.turns.fetch_add(1, Relaxed), 0);
                    let written = process.written.iter().map(|written| written.load(Relaxed)).sum();
                    process.seen.store(written, Relaxed);
                    assert_eq!(process.turns.fetch_sub(1, Relaxed), 1);
                    if !process.state.park() {
                        enqueue(&process);
                    }
                }
            })
        });
        for thread in wakers.into_iter().chain(workers) {
            thread.join().unwrap();
        }
    }
}

#[cfg(all(test, rusm_loom))]
mod loom_tests {
    use super::*;
    use crate::otp::sync::UnsafeCell;
    use crate::otp::sync::atomic::AtomicUsize;
    use loom::thread;
    use std::sync::Arc;

    /// A process whose mail is a bit for each waker. Nothing here but the state orders anything: the queue is a relaxed count.
    struct Process {
        state: State,
        queue: AtomicUsize,
        mail: [AtomicUsize; 2],
        /// Which mail its turns have seen; loom sees whether two of them meet.
        body: UnsafeCell<usize>,
    }

    // SAFETY: the body is touched by who has the turn.
    unsafe impl Sync for Process {}

    impl Process {
        /// Before its first turn, which is queued.
        fn new() -> Arc<Self> {
            Arc::new(Self {
                state: State::queued(),
                queue: AtomicUsize::new(1),
                mail: [AtomicUsize::new(0), AtomicUsize::new(0)],
                body: UnsafeCell::new(0),
            })
        }

        /// After its first turn.
        fn idle() -> Arc<Self> {
            let process = Self::new();
            assert!(process.turn());
            assert_eq!(process.queue.load(Relaxed), 0);
            process
        }

        fn enqueue(&self) {
            assert_eq!(self.queue.fetch_add(1, Relaxed), 0, "queued twice");
        }

        fn send(&self, waker: usize) {
            self.mail[waker].store(1 << waker, Relaxed);
            if self.state.wake() {
                self.enqueue();
            }
        }

        /// One turn, if it is queued.
        fn turn(&self) -> bool {
            if self.queue.compare_exchange(1, 0, Relaxed, Relaxed).is_err() {
                return false;
            }
            self.state.begin();
            // SAFETY: this is its turn.
            self.body.with_mut(|seen| unsafe {
                for mail in &self.mail {
                    *seen |= mail.load(Relaxed);
                }
            });
            if !self.state.park() {
                self.enqueue();
            }
            true
        }

        /// After the threads: what is queued gets its turns. Mail that was not seen and is not queued was lost.
        fn check(&self, mail: usize) {
            while self.turn() {}
            // SAFETY: the threads have ended.
            assert_eq!(self.body.with(|seen| unsafe { *seen }), mail);
        }
    }

    /// Two threads are gone through in full, more with a bound on preemptions: beyond it, it takes minutes to hours.
    fn bounded(threads: usize) -> loom::model::Builder {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = match threads {
            ..=2 => None,
            3 => Some(3),
            _ => Some(2),
        };
        model
    }

    fn model(wakers: usize, workers: usize, process: fn() -> Arc<Process>) {
        bounded(wakers + workers).check(move || run(process(), wakers, workers));
    }

    fn run(process: Arc<Process>, wakers: usize, workers: usize) {
        let sending: Vec<_> = (0..wakers)
            .map(|waker| {
                let process = process.clone();
                thread::spawn(move || process.send(waker))
            })
            .collect();
        let working: Vec<_> = (1..workers)
            .map(|_| {
                let process = process.clone();
                thread::spawn(move || process.turn())
            })
            .collect();
        process.turn();
        process.turn();
        for thread in sending {
            thread.join().unwrap();
        }
        for thread in working {
            thread.join().unwrap();
        }
        process.check((1 << wakers) - 1);
    }

    #[test]
    fn a_wake_before_the_first_turn() {
        model(1, 1, Process::new);
    }

    #[test]
    fn two_wakers_one_worker() {
        model(2, 1, Process::idle);
    }

    #[test]
    fn two_wakers_before_the_first_turn() {
        model(2, 1, Process::new);
    }

    #[test]
    fn the_body_moves_between_workers() {
        model(1, 2, Process::new);
    }

    #[test]
    fn two_wakers_two_workers() {
        model(2, 2, Process::new);
    }

    /// A waker that comes with or after the end queues nothing, and who sees the end sees what came before it.
    #[test]
    fn the_end() {
        bounded(3).check(|| {
            let process = Process::new();
            let sending = [0, 1].map(|waker| {
                let process = process.clone();
                thread::spawn(move || {
                    process.send(waker);
                    if process.state.is_dead() {
                        // SAFETY: written before the end only.
                        assert_eq!(process.body.with(|seen| unsafe { *seen }), 7);
                    }
                })
            });
            assert!(process.queue.compare_exchange(1, 0, Relaxed, Relaxed).is_ok());
            process.state.begin();
            // SAFETY: this is its turn.
            process.body.with_mut(|seen| unsafe { *seen = 7 });
            process.state.end();
            for thread in sending {
                thread.join().unwrap();
            }
            assert!(process.state.is_dead() && !process.state.wake());
            assert_eq!(process.queue.load(Relaxed), 0);
        });
    }
}

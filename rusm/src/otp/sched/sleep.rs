//! How a worker falls asleep, and how those who push work for it wake it.
//!
//! # The protocol
//! - The worker: [`Sleep::prepare`], look at all queues again, and then either [`Sleep::cancel`] and take what is there, or sleep until
//!   [`Sleep::is_asleep`] says no.
//! - Who pushes: push, then a `SeqCst` fence, then look at the count of idle workers, then [`Sleep::take`] one of them; if that is true,
//!   wake it.
//!
//! A flag is up while its worker is about to sleep or sleeps, and not yet called. Whoever takes it down owes the count of idle
//! workers one, and the worker a call if it is not the worker itself. So a sleeper is called once, and pushes while it gets up
//! find nobody to call.
//!
//! # No push is left unseen
//! Each side writes, then passes a `SeqCst` fence, then reads what the other writes. Fences have one order:
//! - The pusher's is first: the worker's look, after its own fence, sees the push.
//! - The worker's is first: the pusher sees its flag, and in the count its one; or it sees that they were taken back, by the
//!   worker, which looks on, or by somebody who calls it. Before it sleeps again it passes another fence, and one of the two cases
//!   holds for that.
//!
//! Nothing less will do: without the fences each side may read what was there before the other's write. A push without
//! the fence may stay unseen by sleepers until somebody else looks after it.
//!
//! # The count is right
//! The worker counts itself before it raises the flag, with release, and whoever takes the flag acquires that before it counts it
//! off. So the count never falls below zero, and is the number of flags once nobody is in between. It is a hint for
//! pushers: whether it is worthwhile to look at flags.

use crate::otp::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use crate::otp::sync::atomic::{AtomicBool, AtomicUsize, fence};

/// The sleep of one worker. `idle`, in its methods, is the count that all workers of a node share.
pub(crate) struct Sleep {
    flag: AtomicBool,
}

impl Sleep {
    pub(crate) fn new() -> Self {
        Self { flag: AtomicBool::new(false) }
    }

    /// The worker is about to sleep, unless it finds something in its queues now. Its flag is down.
    pub(crate) fn prepare(&self, idle: &AtomicUsize) {
        idle.fetch_add(1, Relaxed);
        // A store would do, but loom can't tell where among the takers' writes it comes.
        let was_up = self.flag.swap(true, Release);
        debug_assert!(!was_up, "a worker sleeps once at a time");
        fence(SeqCst);
    }

    /// The worker does not sleep, or not any more; whether or not somebody has called it meanwhile. Costs one load if it
    /// had not prepared.
    #[inline]
    pub(crate) fn cancel(&self, idle: &AtomicUsize) {
        self.take(idle);
    }

    /// Whether nobody has called the worker, which has prepared. Who called it did so after its push, which is seen now.
    #[inline]
    pub(crate) fn is_asleep(&self) -> bool {
        self.flag.load(Acquire)
    }

    /// Takes the flag down, if it is up. If true, the caller has to wake the worker. For one who comes from a push, that was
    /// followed by a `SeqCst` fence.
    #[inline]
    pub(crate) fn take(&self, idle: &AtomicUsize) -> bool {
        // Releases what was pushed by those who did without the fence; acquires the worker's one in the count.
        // The look first, because most find it down, and a swap would take the line from the worker.
        if !self.flag.load(Relaxed) || !self.flag.swap(false, AcqRel) {
            return false;
        }
        idle.fetch_sub(1, Relaxed);
        true
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_flag_is_taken_once() {
        let (idle, sleep) = (AtomicUsize::new(0), Sleep::new());
        assert!(!sleep.take(&idle));
        sleep.cancel(&idle);
        assert_eq!(idle.load(SeqCst), 0);

        sleep.prepare(&idle);
        assert!(sleep.is_asleep());
        assert_eq!(idle.load(SeqCst), 1);
        assert!(sleep.take(&idle));
        assert!(!sleep.take(&idle) && !sleep.is_asleep());
        sleep.cancel(&idle);
        assert_eq!(idle.load(SeqCst), 0);

        sleep.prepare(&idle);
        sleep.cancel(&idle);
        assert!(!sleep.take(&idle) && !sleep.is_asleep());
        assert_eq!(idle.load(SeqCst), 0);
    }
}

#[cfg(all(test, rusm_loom))]
mod loom_tests {
    use super::*;
    use loom::sync::Notify;
    use loom::thread;
    use std::sync::Arc;

    /// What workers share. Nothing here but the sleep orders anything: the queue is a relaxed count of what is in it.
    struct Node {
        queue: AtomicUsize,
        closed: AtomicBool,
        idle: AtomicUsize,
        workers: Vec<(Sleep, Notify)>,
    }

    impl Node {
        fn new(workers: usize) -> Arc<Self> {
            Arc::new(Self {
                queue: AtomicUsize::new(0),
                closed: AtomicBool::new(false),
                idle: AtomicUsize::new(0),
                workers: (0..workers).map(|_| (Sleep::new(), Notify::new())).collect(),
            })
        }

        /// Pushes one and wakes one who sleeps.
        fn push(&self) {
            self.queue.fetch_add(1, Relaxed);
            fence(SeqCst);
            if self.idle.load(Relaxed) > 0 {
                self.unpark(1);
            }
        }

        fn unpark(&self, mut at_most: usize) {
            for (sleep, notify) in &self.workers {
                if at_most > 0 && sleep.take(&self.idle) {
                    notify.notify();
                    at_most -= 1;
                }
            }
        }

        /// Works until so many are done, or the node is closed. A sleeper that nobody wakes is a deadlock, which loom reports.
        fn work(&self, worker: usize, mut todo: usize) {
            let (sleep, notify) = &self.workers[worker];
            loop {
                sleep.cancel(&self.idle);
                // As real queues do, it looks before it takes.
                if self.queue.load(Relaxed) > 0 {
                    todo = todo.saturating_sub(self.queue.swap(0, Relaxed));
                }
                if todo == 0 || self.closed.load(Relaxed) {
                    break;
                }
                sleep.prepare(&self.idle);
                if self.queue.load(Relaxed) > 0 || self.closed.load(Relaxed) {
                    continue;
                }
                while sleep.is_asleep() {
                    notify.wait();
                }
            }
            sleep.cancel(&self.idle);
        }

        /// After the threads.
        fn check(&self) {
            assert_eq!(self.idle.load(Relaxed), 0);
            assert!(self.workers.iter().all(|(sleep, _)| !sleep.is_asleep()));
        }
    }

    /// With up to three preemptions: beyond that it takes hours.
    fn model(run: fn()) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(run);
    }

    /// Who was called sees the push that it was called for; even if it looks at the flag before the call itself arrives.
    #[test]
    fn one_push() {
        loom::model(|| {
            let node = Node::new(1);
            let pushing = thread::spawn({
                let node = node.clone();
                move || node.push()
            });
            let (sleep, notify) = &node.workers[0];
            sleep.prepare(&node.idle);
            if node.queue.load(Relaxed) == 0 {
                while sleep.is_asleep() {
                    notify.wait();
                }
                assert_eq!(node.queue.load(Relaxed), 1);
            }
            sleep.cancel(&node.idle);
            pushing.join().unwrap();
            node.check();
        });
    }

    #[test]
    fn two_pushes_of_one() {
        model(|| {
            let node = Node::new(1);
            let working = thread::spawn({
                let node = node.clone();
                move || node.work(0, 2)
            });
            node.push();
            node.push();
            working.join().unwrap();
            node.check();
        });
    }

    #[test]
    fn two_pushers() {
        model(|| {
            let node = Node::new(1);
            let pushing = [0, 1].map(|_| {
                let node = node.clone();
                thread::spawn(move || node.push())
            });
            node.work(0, 2);
            for thread in pushing {
                thread.join().unwrap();
            }
            node.check();
        });
    }

    /// One of two workers gets the push, and closes the node for the other.
    #[test]
    fn two_workers() {
        model(|| {
            let node = Node::new(2);
            let working = [0, 1].map(|worker| {
                let node = node.clone();
                thread::spawn(move || {
                    node.work(worker, 1);
                    node.closed.store(true, Relaxed);
                    fence(SeqCst);
                    node.unpark(2);
                })
            });
            node.push();
            for thread in working {
                thread.join().unwrap();
            }
            node.check();
        });
    }
}

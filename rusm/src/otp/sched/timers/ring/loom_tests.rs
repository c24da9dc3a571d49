use super::*;
use crate::otp::spin::{Locked, Spin};
use loom::sync::Arc;
use loom::thread;
use std::collections::BTreeSet;

const FAR: u64 = 1000;

/// A process's ring, and two wheels.
struct Timers {
    ring: Ring,
    wheels: [Spin<Wheel<u32>>; 2],
}

impl Timers {
    fn new() -> Arc<Self> {
        Arc::new(Self { ring: Ring::new(), wheels: std::array::from_fn(|_| Spin::new(Wheel::new(0))) })
    }

    fn lock<'a>(&'a self) -> impl Fn(usize) -> Locked<'a, Wheel<u32>> {
        |wheel| self.wheels[wheel].lock()
    }

    fn set(&self, here: usize, at: u64, timer: u32) -> Set {
        self.ring.set(here, at, timer, self.lock())
    }

    fn cancel(&self, (wheel, key): Set) -> Option<u32> {
        let mut timers = self.wheels[wheel].lock();
        let (timer, other) = timers.remove(key)?;
        self.ring.is_out(wheel, other);
        Some(timer)
    }

    /// What is due by `now`.
    fn fire(&self, wheel: usize, now: u64) -> Vec<u32> {
        let mut fired = Vec::new();
        let mut timers = self.wheels[wheel].lock();
        timers.advance(now, &mut fired);
        fired.iter().for_each(|(_, other)| self.ring.is_out(wheel, *other));
        fired.into_iter().map(|(timer, _)| timer).collect()
    }

    /// The end finds all that is left, once, and nothing stays in a wheel.
    fn end(&self) -> BTreeSet<u32> {
        let all = self.ring.take_all(self.lock());
        assert!(self.ring.is_empty());
        assert!(self.wheels.iter().all(|wheel| wheel.lock().is_empty()), "a timer that nobody finds");
        let found: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(found.len(), all.len(), "found twice");
        found
    }
}

/// With three preemptions: all that there are take minutes.
fn model(run: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(run);
}

/// Two timers that are the first, on two workers, are one ring.
#[test]
fn two_first_timers() {
    model(|| {
        let timers = Timers::new();
        let other = timers.clone();
        let setter = thread::spawn(move || other.set(1, FAR, 1));
        timers.set(0, FAR, 0);
        setter.join().unwrap();
        assert_eq!(timers.end(), [0, 1].into());
    });
}

/// The only one goes while another one comes elsewhere.
#[test]
fn one_comes_while_the_only_one_is_cancelled() {
    model(|| {
        let timers = Timers::new();
        let first = timers.set(0, FAR, 0);
        let other = timers.clone();
        let setter = thread::spawn(move || other.set(1, FAR, 1));
        assert_eq!(timers.cancel(first), Some(0));
        let second = setter.join().unwrap();
        assert!(timers.wheels[second.0].lock().contains(second.1));
        assert_eq!(timers.end(), [1].into());
    });
}

#[test]
fn one_comes_while_the_only_one_fires() {
    model(|| {
        let timers = Timers::new();
        timers.set(0, 1, 0);
        let other = timers.clone();
        let setter = thread::spawn(move || other.set(1, FAR, 1));
        assert_eq!(timers.fire(0, 1), [0]);
        setter.join().unwrap();
        assert_eq!(timers.end(), [1].into());
    });
}

/// What comes while all are taken is taken, or is the first of a ring that the next one takes.
#[test]
fn one_comes_while_all_are_taken() {
    model(|| {
        let timers = Timers::new();
        timers.set(0, FAR, 0);
        let (setter, ender) = (timers.clone(), timers.clone());
        let setter = thread::spawn(move || setter.set(1, FAR, 1));
        let ender = thread::spawn(move || ender.ring.take_all(ender.lock()));
        setter.join().unwrap();
        let taken: BTreeSet<_> = ender.join().unwrap().into_iter().collect();
        let left = timers.end();
        assert!(taken.contains(&0) && taken.is_disjoint(&left));
        assert_eq!(&taken | &left, [0, 1].into());
    });
}

/// One is cancelled or fires while all are taken: one of the two has it.
#[test]
fn one_goes_while_all_are_taken() {
    for fires in [false, true] {
        model(move || {
            let timers = Timers::new();
            let first = timers.set(0, 1, 0);
            timers.set(0, FAR, 1);
            let other = timers.clone();
            let goes = thread::spawn(move || match fires {
                true => other.fire(0, 1).into_iter().next(),
                false => other.cancel(first),
            });
            let taken: BTreeSet<_> = timers.ring.take_all(timers.lock()).into_iter().collect();
            let gone = goes.join().unwrap();
            assert_eq!(gone.is_none(), taken.contains(&0));
            assert!(taken.contains(&1));
            assert!(timers.end().is_empty());
        });
    }
}

/// The ring begins anew in another wheel while all are taken.
#[test]
fn it_moves_while_all_are_taken() {
    model(|| {
        let timers = Timers::new();
        let first = timers.set(0, FAR, 0);
        let other = timers.clone();
        let mover = thread::spawn(move || {
            let cancelled = other.cancel(first);
            other.set(1, FAR, 1);
            cancelled
        });
        let taken: BTreeSet<_> = timers.ring.take_all(timers.lock()).into_iter().collect();
        let cancelled: BTreeSet<_> = mover.join().unwrap().into_iter().collect();
        let left = timers.end();
        assert_eq!(taken.len() + cancelled.len() + left.len(), 2, "{taken:?} {cancelled:?} {left:?}");
    });
}

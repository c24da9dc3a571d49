//! Computing time: who yields when, and who has used up a budget.
//!
//! The engine's epoch advances once per tick; a process that notices runs [`Meter::tick`]. In the first tick of a poll it
//! goes on, in the next it yields: a process that was only waiting does not pay a yield for waking up, and none holds a
//! worker for more than two ticks. Time is counted per poll, so that waiting costs nothing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What a process has to do at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Tick {
    Continue,
    Yield,
    Over,
}

/// Counts one process's polls and, if it has a budget, its time. Written by the poll, read within it: never contended.
#[derive(Debug)]
pub(super) struct Meter {
    budget: Option<Duration>,
    born: Instant,
    polls: AtomicU64,
    // Nanoseconds since `born`.
    poll_began: AtomicU64,
    spent: AtomicU64,
    // The poll in which the last tick was seen.
    ticked: AtomicU64,
}

/// The budget of a message is used up.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("computing time of {0:?} per message used up: raise `max-cpu` or do less per message")]
pub(super) struct OverBudget(pub(super) Duration);

impl Meter {
    pub(super) fn new(budget: Option<Duration>) -> Self {
        let zero = || AtomicU64::new(0);
        Self { budget, born: Instant::now(), polls: zero(), poll_began: zero(), spent: zero(), ticked: zero() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn begin(&self) {
        self.polls.fetch_add(1, Relaxed);
        if self.budget.is_some() {
            self.poll_began.store(self.now(), Relaxed);
        }
    }

    fn end(&self) {
        if self.budget.is_some() {
            self.spent.fetch_add(self.in_this_poll(), Relaxed);
        }
    }

    fn in_this_poll(&self) -> u64 {
        self.now().saturating_sub(self.poll_began.load(Relaxed))
    }

    /// A new message is taken up: its budget begins now.
    pub(super) fn restart(&self) {
        if self.budget.is_some() {
            self.spent.store(0, Relaxed);
            self.poll_began.store(self.now(), Relaxed);
        }
    }

    /// The epoch has advanced.
    pub(super) fn tick(&self) -> Tick {
        if let Some(budget) = self.budget {
            let spent = self.spent.load(Relaxed).saturating_add(self.in_this_poll());
            if Duration::from_nanos(spent) >= budget {
                return Tick::Over;
            }
        }
        let poll = self.polls.load(Relaxed);
        if self.ticked.swap(poll, Relaxed) == poll { Tick::Yield } else { Tick::Continue }
    }

    /// The budget per message.
    pub(super) fn budget(&self) -> Option<Duration> {
        self.budget
    }

    /// Runs `future`, counting its polls.
    ///
    /// Cancel safe if `future` is.
    pub(super) async fn run<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            self.begin();
            let polled = future.as_mut().poll(cx);
            self.end();
            polled
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Poll, Waker};

    fn poll_once(meter: &Meter, f: impl FnMut() -> Poll<()>) {
        let mut f = f;
        let future = pin!(meter.run(poll_fn(move |_| f())));
        let _ = future.poll(&mut Context::from_waker(Waker::noop()));
    }

    #[test]
    fn the_second_tick_of_a_poll_yields() {
        let meter = Meter::new(None);
        for _ in 0..2 {
            poll_once(&meter, || {
                assert_eq!([meter.tick(), meter.tick(), meter.tick()], [Tick::Continue, Tick::Yield, Tick::Yield]);
                Poll::Pending
            });
        }
    }

    #[test]
    fn a_budget_counts_polls_and_restarts_per_message() {
        let meter = Meter::new(Some(Duration::from_millis(2)));
        let busy = || {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(1) {}
            Poll::Pending
        };
        poll_once(&meter, busy);
        poll_once(&meter, busy);
        poll_once(&meter, || {
            assert_eq!(meter.tick(), Tick::Over);
            meter.restart();
            assert_eq!(meter.tick(), Tick::Continue);
            Poll::Pending
        });
    }

    #[test]
    fn waiting_between_polls_is_free() {
        let meter = Meter::new(Some(Duration::from_millis(5)));
        poll_once(&meter, || Poll::Pending);
        std::thread::sleep(Duration::from_millis(20));
        poll_once(&meter, || {
            assert_eq!(meter.tick(), Tick::Continue);
            Poll::Pending
        });
    }
}

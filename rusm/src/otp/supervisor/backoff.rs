//! How long a child that keeps ending waits before it is started again.

use crate::otp::Instant;
use std::time::Duration;

/// A delay before a restart: doubled each time, up to a limit, and short again after a child that lived longer than the limit.
///
/// Nobody waits unless told, as in OTP. While a child waits, its supervisor goes on taking ends, requests and stops.
///
/// # Examples
/// ```
/// use rusm::prelude::*;
/// use std::time::Duration;
///
/// // 100 ms, 200 ms, 400 ms, … 10 s, 10 s
/// let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
/// let tree = Supervisor::new().backoff(backoff);
/// # drop(tree);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    most: Duration,
}

impl Backoff {
    /// Waits for `first` before the first restart, and never longer than `most`.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most }
    }

    /// The delay after this many restarts in a row.
    fn delay(self, restarts: u32) -> Duration {
        // Beyond that shift any delay but none has reached any limit.
        self.first.saturating_mul(1 << restarts.min(31)).min(self.most)
    }
}

/// How a child has been doing, as far as its next delay depends on it.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Restarts in a row.
    restarts: u32,
    since: Option<Instant>,
}

impl Pace {
    pub(super) fn started(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// It is to be started again: how long it has to wait.
    pub(super) fn next(&mut self, backoff: Option<Backoff>, now: Instant) -> Duration {
        let Some(backoff) = backoff else { return Duration::ZERO };
        if self.since.take().is_some_and(|since| now.saturating_duration_since(since) > backoff.most) {
            self.restarts = 0;
        }
        let delay = backoff.delay(self.restarts);
        self.restarts = self.restarts.saturating_add(1);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_grow_up_to_the_limit_and_start_over() {
        let backoff = Some(Backoff::new(SECOND, 10 * SECOND));
        let (begin, mut pace) = (Instant::now(), Pace::default());
        let seconds: Vec<_> = (0..6).map(|_| pace.next(backoff, begin).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 10, 10], "starts that failed");
        for (lived, expected) in [(10, 10), (11, 1), (0, 2), (10, 4)] {
            pace.started(begin);
            assert_eq!(pace.next(backoff, begin + lived * SECOND).as_secs(), expected, "lived {lived} s");
        }
        assert_eq!(pace.next(None, begin), Duration::ZERO);
    }

    #[test]
    fn extremes_neither_overflow_nor_wrap() {
        let mut pace = Pace { restarts: u32::MAX, since: None };
        for (first, most, expected) in [
            (Duration::MAX, Duration::MAX, Duration::MAX),
            (Duration::ZERO, Duration::MAX, Duration::ZERO),
            (SECOND, Duration::ZERO, Duration::ZERO),
        ] {
            assert_eq!(pace.next(Some(Backoff::new(first, most)), Instant::now()), expected);
        }
    }
}

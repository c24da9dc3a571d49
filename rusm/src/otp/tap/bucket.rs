//! How many events may pass in a second: pure. A token bucket that holds a second's worth.

use crate::otp::Instant;
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

#[derive(Debug)]
pub(super) struct Bucket {
    /// What one event costs, in nanoseconds.
    cost: u64,
    /// What there is to spend: at most a second.
    credit: u64,
    seen: Instant,
}

impl Bucket {
    /// One that lets `limit` events pass in a second, and as many at once in the beginning.
    pub(super) fn new(limit: u32, now: Instant) -> Self {
        Self { cost: SECOND / u64::from(limit.max(1)), credit: SECOND, seen: now }
    }

    /// Whether one more may pass.
    #[must_use]
    pub(super) fn allow(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.seen).min(Duration::from_secs(1));
        self.seen = self.seen.max(now);
        self.credit = (self.credit + passed.as_nanos() as u64).min(SECOND);
        let is_enough = self.credit >= self.cost;
        if is_enough {
            self.credit -= self.cost;
        }
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_second_s_worth_at_once_and_then_as_time_goes() {
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        let mut bucket = Bucket::new(4, begin);
        let passed = |bucket: &mut Bucket, millis: u64| (0..10).filter(|_| bucket.allow(at(millis))).count();
        for (millis, expected) in [(0, 4), (0, 0), (249, 0), (250, 1), (1000, 3), (9000, 4), (8000, 0), (9250, 1)] {
            assert_eq!(passed(&mut bucket, millis), expected, "at {millis} ms");
        }
    }

    proptest! {
        /// In any time no more pass than a second's worth and those of that time.
        #[test]
        fn no_more_than_promised(limit in 1_u32..50, steps in proptest::collection::vec(0_u64..400, 1..200)) {
            let begin = Instant::now();
            let mut bucket = Bucket::new(limit, begin);
            let (mut millis, mut passed) = (0, 0_u64);
            for step in steps {
                millis += step;
                passed += u64::from(bucket.allow(begin + Duration::from_millis(millis)));
                // Costs are rounded down to a nanosecond.
                prop_assert!(passed * (SECOND / u64::from(limit)) <= SECOND + millis * 1_000_000);
            }
        }
    }
}

//! How many restarts are too many.
//!
//! The times of the latest restarts, at most `max` of them: constant space, constant time per restart.

use crate::otp::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// At most `max` restarts within a time; one more and the supervisor gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    max: usize,
    within: Duration,
}

impl Intensity {
    /// At most `max` restarts in any span of `within`; 0 means that the first end is the last.
    pub const fn new(max: usize, within: Duration) -> Self {
        Self { max, within }
    }
}

/// One restart in five seconds.
impl Default for Intensity {
    fn default() -> Self {
        Self::new(1, Duration::from_secs(5))
    }
}

/// The latest restarts of one supervisor.
#[derive(Debug)]
pub(in crate::otp) struct Window {
    limit: Intensity,
    /// Until when each restart counts; None: for ever.
    restarts: VecDeque<Option<Instant>>,
}

impl Window {
    pub(in crate::otp) fn new(limit: Intensity) -> Self {
        Self { limit, restarts: VecDeque::new() }
    }

    /// How many restarts it holds.
    pub(super) fn len(&self) -> usize {
        self.restarts.len()
    }

    /// Notes a restart; false if it is one too many. A restart exactly `within` ago still counts.
    #[must_use]
    pub(in crate::otp) fn allow(&mut self, now: Instant) -> bool {
        while let Some(first) = self.restarts.front()
            && first.is_some_and(|last| last < now)
        {
            self.restarts.pop_front();
        }
        if self.restarts.len() >= self.limit.max {
            return false;
        }
        self.restarts.push_back(now.checked_add(self.limit.within));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides_and_its_edge_belongs_to_it() {
        let begin = Instant::now();
        let cases: &[(usize, &[(u64, bool)])] = &[
            (0, &[(0, false)]),
            (1, &[(0, true), (5000, false), (5001, true), (5002, false)]),
            (2, &[(0, true), (1, true), (2, false), (5001, true), (5001, false), (5002, true)]),
            (3, &[(0, true), (2500, true), (5000, true), (5000, false), (5001, true), (7500, false), (7501, true)]),
        ];
        for (max, restarts) in cases {
            let mut window = Window::new(Intensity::new(*max, Duration::from_secs(5)));
            for (at, allowed) in *restarts {
                assert_eq!(window.allow(begin + Duration::from_millis(*at)), *allowed, "max {max}, at {at} ms");
            }
            assert!(window.len() <= *max);
        }
    }
}

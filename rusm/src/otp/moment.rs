//! Moments in eight bytes, so that to compare, to add and to send one along costs next to nothing.

use super::Instant;
use std::num::NonZeroU64;
use std::sync::OnceLock;
use std::time::Duration;

/// A moment: nanoseconds since an hour before the first look at the clock. What is earlier is the first moment, what is 580 years later
/// the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(NonZeroU64);

/// The hour is for instants of before the first look.
fn base() -> Instant {
    static BASE: OnceLock<std::time::Instant> = OnceLock::new();
    let begin = || {
        let now = std::time::Instant::now();
        now.checked_sub(Duration::from_secs(3600)).unwrap_or(now)
    };
    Instant::from_std(*BASE.get_or_init(begin))
}

/// Without the detour over 128 bits.
#[inline]
fn nanos(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(span.subsec_nanos()))
}

impl Moment {
    /// No moment has this number.
    pub(crate) const BEYOND: u64 = u64::MAX;

    /// That of so many nanoseconds, as [`number`](Self::number) tells them.
    #[inline]
    pub(crate) const fn new(nanos: u64) -> Self {
        let nanos = if nanos == Self::BEYOND { nanos - 1 } else { nanos };
        match NonZeroU64::new(nanos) {
            Some(nanos) => Self(nanos),
            None => Self(NonZeroU64::MIN),
        }
    }

    #[inline]
    pub(crate) fn number(self) -> u64 {
        self.0.get()
    }

    #[inline]
    pub(crate) fn of(at: Instant) -> Self {
        Self::new(nanos(at.saturating_duration_since(base())))
    }

    pub(crate) fn instant(self) -> Instant {
        base() + Duration::from_nanos(self.number())
    }

    #[inline]
    pub(crate) fn after(self, span: Duration) -> Self {
        Self::new(self.number().saturating_add(nanos(span)))
    }

    /// How much later than `earlier` it is; nothing if it is not.
    #[inline]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.number().saturating_sub(earlier.number()))
    }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests {
    use super::*;

    #[test]
    fn they_are_instants() {
        let (now, span) = (Instant::now(), Duration::from_nanos(1_234_567_891));
        let moment = Moment::of(now);
        assert_eq!(moment.instant(), now);
        assert_eq!(moment.after(span).instant(), now + span);
        assert_eq!(moment.after(span).since(moment), span);
        assert_eq!(moment.since(moment.after(span)), Duration::ZERO);
        assert!(moment < moment.after(Duration::from_nanos(1)));
    }

    #[test]
    fn none_is_out_of_bounds() {
        let long_ago = base().checked_sub(Duration::from_secs(1)).unwrap();
        assert_eq!(Moment::of(long_ago), Moment::new(0));
        assert_eq!(Moment::new(0), Moment::new(1));
        let last = Moment::new(7).after(Duration::MAX);
        assert!(last.number() < Moment::BEYOND && last == last.after(Duration::MAX));
    }
}

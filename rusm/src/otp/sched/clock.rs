//! Time as the scheduler spends it: a counter of the processor where there is one, read after every poll.
//!
//! Reading the operating system's clock costs as much as a short poll. The counter is good for durations within one
//! machine; deadlines are always told by the real clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Counts up, at a rate that [`per_micro`] knows.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
pub(crate) fn ticks() -> u64 {
    // SAFETY: reading the time stamp counter has no preconditions; user space may on every system that Rust's std supports.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Counts up, at a rate that [`per_micro`] knows.
#[cfg(any(not(target_arch = "x86_64"), miri))]
#[inline]
pub(crate) fn ticks() -> u64 {
    static BASE: OnceLock<Instant> = OnceLock::new();
    BASE.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// How many ticks a microsecond has; measured once, which takes half a millisecond.
pub(crate) fn per_micro() -> u64 {
    static RATE: OnceLock<u64> = OnceLock::new();
    *RATE.get_or_init(|| {
        let (began, first) = (Instant::now(), ticks());
        while began.elapsed() < Duration::from_micros(500) {
            std::hint::spin_loop();
        }
        let (took, counted) = (began.elapsed(), ticks().saturating_sub(first));
        (u128::from(counted) * 1000 / took.as_nanos().max(1)).max(1) as u64
    })
}

/// So many ticks as time.
pub(crate) fn duration(ticks: u64) -> Duration {
    Duration::from_nanos((u128::from(ticks) * 1000 / u128::from(per_micro())) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_time() {
        let (began, first) = (Instant::now(), ticks());
        while began.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        let counted = duration(ticks().saturating_sub(first));
        // Wide enough for a machine that takes the processor away.
        assert!(counted >= Duration::from_millis(1), "{counted:?}");
    }
}

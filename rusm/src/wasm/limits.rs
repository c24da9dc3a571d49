//! Memory of one process: one sum over all linear memories and tables of its instance.
//!
//! Growth beyond the limit fails as `memory.grow` fails, by -1, so that an allocator can say so; the refusal is
//! remembered, and when the process then traps it is the reason that is told.
//!
//! What was counted stays counted. That a growth failed says nothing about which one was allowed before it: wasmtime
//! also tells of failures that it never asked about, and whoever gave back the last growth for those would give back
//! memory that is in use. So a growth that is bound to fail is not counted in the first place, and one that the system
//! refuses is.

use std::fmt;
use wasmtime::ResourceLimiter;

/// What one table element costs.
const ELEMENT: usize = size_of::<usize>();

/// Counts the memory of one store.
#[derive(Debug)]
pub(super) struct Limiter {
    max: usize,
    used: usize,
    refused: Option<Refusal>,
}

/// A growth that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    max: usize,
    asked: usize,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory limit of {} reached (asked for {})", Size(self.max), Size(self.asked))
    }
}

/// Bytes as people read them.
pub(super) struct Size(pub(super) usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bytes) = *self;
        match bytes {
            0..1024 => write!(f, "{bytes} B"),
            _ if bytes < 1 << 20 => write!(f, "{} KiB", bytes.div_ceil(1 << 10)),
            _ if bytes.is_multiple_of(1 << 20) => write!(f, "{} MiB", bytes >> 20),
            _ => write!(f, "{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        }
    }
}

impl Limiter {
    pub(super) fn new(max: usize) -> Self {
        Self { max, used: 0, refused: None }
    }

    /// The last refusal, if there was one.
    pub(super) fn refused(&self) -> Option<Refusal> {
        self.refused
    }

    fn grow(&mut self, by: usize) -> bool {
        let asked = self.used.saturating_add(by);
        if asked > self.max {
            self.refused = Some(Refusal { max: self.max, asked });
            return false;
        }
        self.used = asked;
        true
    }

    /// Counts what the host itself holds for the process as long as it lives.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Refusal> {
        if self.grow(bytes) { Ok(()) } else { Err(Refusal { max: self.max, asked: self.used.saturating_add(bytes) }) }
    }
}

/// Beyond its declared maximum it can't grow, whatever is answered here.
fn bound_to_fail(desired: usize, maximum: Option<usize>) -> bool {
    maximum.is_some_and(|maximum| desired > maximum)
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(bound_to_fail(desired, maximum) || self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(bound_to_fail(desired, maximum) || self.grow(desired.saturating_sub(current).saturating_mul(ELEMENT)))
    }

    fn instances(&self) -> usize {
        256
    }

    fn tables(&self) -> usize {
        64
    }

    fn memories(&self) -> usize {
        64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = 65536;

    #[test]
    fn memories_and_tables_share_one_sum() {
        let mut limiter = Limiter::new(4 * PAGE);
        assert!(limiter.memory_growing(0, 2 * PAGE, None).unwrap());
        assert!(limiter.memory_growing(0, PAGE, None).unwrap(), "a second memory");
        assert!(limiter.table_growing(0, PAGE / ELEMENT, None).unwrap());
        assert_eq!(limiter.refused(), None);
        assert!(!limiter.table_growing(PAGE / ELEMENT, PAGE / ELEMENT + 1, None).unwrap());
        assert_eq!(limiter.refused(), Some(Refusal { max: 4 * PAGE, asked: 4 * PAGE + ELEMENT }));
        assert!(!limiter.memory_growing(2 * PAGE, 3 * PAGE, None).unwrap());
    }

    #[test]
    fn a_growth_that_is_bound_to_fail_is_not_counted() {
        let mut limiter = Limiter::new(2 * PAGE);
        assert!(limiter.memory_growing(0, PAGE, Some(PAGE)).unwrap());
        assert!(limiter.memory_growing(PAGE, 9 * PAGE, Some(PAGE)).unwrap());
        assert!(limiter.table_growing(0, 9 * PAGE, Some(1)).unwrap());
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        assert!(!limiter.memory_growing(PAGE, 2 * PAGE, None).unwrap());
    }

    #[test]
    fn a_failure_gives_nothing_back_that_is_in_use() {
        let mut limiter = Limiter::new(2 * PAGE);
        for _ in 0..9 {
            let _ = limiter.memory_growing(0, 2 * PAGE, None).unwrap();
            // As when a table grows by more than can be counted: nobody was asked before.
            limiter.table_grow_failed(wasmtime::Error::msg("no")).unwrap();
            limiter.memory_grow_failed(wasmtime::Error::msg("no")).unwrap();
        }
        assert!(!limiter.memory_growing(2 * PAGE, 3 * PAGE, None).unwrap());
        assert_eq!(limiter.used, 2 * PAGE);
    }

    #[test]
    fn absurd_sizes_do_not_wrap() {
        let mut limiter = Limiter::new(usize::MAX - 1);
        assert!(limiter.memory_growing(0, PAGE, None).unwrap());
        assert!(!limiter.table_growing(0, usize::MAX, None).unwrap());
    }

    #[test]
    fn texts() {
        let text = Refusal { max: 64 << 20, asked: (72 << 20) + (1 << 19) }.to_string();
        assert_eq!(text, "memory limit of 64 MiB reached (asked for 72.5 MiB)");
        assert_eq!(Size(65536).to_string(), "64 KiB");
        assert_eq!(Size(12).to_string(), "12 B");
    }
}

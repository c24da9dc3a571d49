//! The allocator of this program: the system's, or mimalloc if the environment says so, for its whole life.

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::{CStr, c_char};
use std::sync::atomic::{AtomicU8, Ordering};

/// What decides it.
pub(crate) const VARIABLE: &str = "RUSM_BENCH_ALLOCATOR";
const VARIABLE_C: &CStr = c"RUSM_BENCH_ALLOCATOR";
pub(crate) const MIMALLOC: &str = "mimalloc";

#[global_allocator]
static CHOSEN: Chosen = Chosen(AtomicU8::new(UNKNOWN));

const UNKNOWN: u8 = 0;
const IS_SYSTEM: u8 = 1;
const IS_MIMALLOC: u8 = 2;

struct Chosen(AtomicU8);

impl Chosen {
    #[inline]
    fn get(&self) -> u8 {
        match self.0.load(Ordering::Relaxed) {
            UNKNOWN => self.choose(),
            chosen => chosen,
        }
    }

    /// The first allocation is made before there is a second thread or a `main` that could change the environment, so the
    /// choice never changes: what one of the two has given never gets to the other.
    #[cold]
    fn choose(&self) -> u8 {
        unsafe extern "C" {
            fn getenv(name: *const c_char) -> *const c_char;
        }
        // SAFETY: the name ends with a zero. This is the first allocation of the program, made by the runtime before
        // `main`: nobody changes the environment while it is read, and what it returns is read at once.
        let value = unsafe {
            let value = getenv(VARIABLE_C.as_ptr());
            if value.is_null() { c"" } else { CStr::from_ptr(value) }
        };
        let chosen = if value.to_bytes() == MIMALLOC.as_bytes() { IS_MIMALLOC } else { IS_SYSTEM };
        self.0.store(chosen, Ordering::Relaxed);
        chosen
    }
}

// SAFETY: both allocators keep the contract, and since the choice never changes, each only ever sees what it has given.
unsafe impl GlobalAlloc for Chosen {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        unsafe { if self.get() == IS_SYSTEM { System.alloc(layout) } else { MiMalloc.alloc(layout) } }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on, to the allocator that gave the memory.
        unsafe {
            if self.get() == IS_SYSTEM { System.dealloc(memory, layout) } else { MiMalloc.dealloc(memory, layout) }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are passed on.
        unsafe { if self.get() == IS_SYSTEM { System.alloc_zeroed(layout) } else { MiMalloc.alloc_zeroed(layout) } }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are passed on, to the allocator that gave the memory.
        unsafe {
            if self.get() == IS_SYSTEM {
                System.realloc(memory, layout, size)
            } else {
                MiMalloc.realloc(memory, layout, size)
            }
        }
    }
}

/// Whether it is the system's.
pub(crate) fn is_system() -> bool {
    CHOSEN.get() == IS_SYSTEM
}

/// For people.
pub(crate) fn name() -> &'static str {
    if is_system() { "the system's allocator" } else { MIMALLOC }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_environment_said_at_the_start() {
        assert_eq!(is_system(), std::env::var_os(VARIABLE).is_none_or(|value| value != MIMALLOC));
        assert_eq!(VARIABLE_C.to_str(), Ok(VARIABLE));
    }

    #[test]
    fn memory_grows_and_keeps_what_is_in_it() {
        let mut bytes = vec![0_u8; 3];
        for size in [10, 1000, 100_000] {
            bytes.resize(size, 7);
            assert_eq!((bytes[0], bytes[size - 1]), (0, 7));
        }
    }
}

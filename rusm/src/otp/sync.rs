//! What lock-free code stands on: the real thing, or loom's model of it under `--cfg rusm_loom`.
//!
//! Loom runs a test once for every order in which its threads may step, and for every value that a weakly ordered load may
//! see. Such tests are in `loom_tests` modules beside the code:
//!
//! ```sh
//! RUSTFLAGS="--cfg rusm_loom" CARGO_TARGET_DIR=target/loom cargo test -p rusm --lib --release loom_tests
//! ```
//!
//! Loom 0.7 has two gaps to know of. It allows a final value that C++ rules out where plain stores meet read-modify-writes of the same
//! atomic: those are swaps here. And when a thread loads and then changes an atomic, it may not try that before an earlier
//! lone load of another thread: a test whose point is a lone load makes it on a spawned thread, and checks that it got there.
//!
//! The flag has a name of its own because tokio reads plain `loom`, and a target directory of its own because it changes
//! every dependency. Loom's types work inside `loom::model` only, so under the flag nothing else of the crate can run. The
//! same code runs as it is shipped under miri, with `cargo +nightly miri test -p rusm --lib slot`.

#[cfg(not(rusm_loom))]
mod real {
    use crate::otp::pool;
    use std::alloc::Layout;
    use std::ptr::NonNull;
    pub(crate) use std::sync::atomic;

    /// [`std::cell::UnsafeCell`] in the shape of loom's, which sees where an access begins and ends.
    pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        #[inline(always)]
        pub(crate) const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Access that others may share.
        #[inline(always)]
        pub(crate) fn with<R>(&self, access: impl FnOnce(*const T) -> R) -> R {
            access(self.0.get())
        }

        /// Access that nobody may share.
        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, access: impl FnOnce(*mut T) -> R) -> R {
            access(self.0.get())
        }
    }

    /// Moves a value to memory of the pool.
    #[inline(always)]
    pub(crate) fn allocate<T>(value: T) -> NonNull<T> {
        const { assert!(size_of::<T>() > 0) };
        let place = pool::take(Layout::new::<T>()).cast::<T>();
        // SAFETY: it was just taken for a `T`.
        unsafe { place.write(value) };
        place
    }

    /// Drops a value and gives its place back.
    ///
    /// # Safety
    /// It comes from [`allocate`], and nobody uses it any more.
    #[inline(always)]
    pub(crate) unsafe fn free<T>(value: NonNull<T>) {
        // SAFETY: `allocate` took it for this layout, and the caller is the last to use it.
        unsafe {
            value.drop_in_place();
            pool::give(value.cast(), Layout::new::<T>());
        }
    }
}

#[cfg(rusm_loom)]
mod model {
    pub(crate) use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::atomic;
    use std::alloc::Layout;
    use std::ptr::NonNull;

    /// Moves a value to the heap, where loom sees whether it leaks.
    #[track_caller]
    pub(crate) fn allocate<T>(value: T) -> NonNull<T> {
        const { assert!(size_of::<T>() > 0) };
        let layout = Layout::new::<T>();
        // SAFETY: the layout has a size.
        let Some(place) = NonNull::new(unsafe { loom::alloc::alloc(layout) }.cast::<T>()) else {
            std::alloc::handle_alloc_error(layout)
        };
        // SAFETY: it was just allocated for a `T`.
        unsafe { place.write(value) };
        place
    }

    /// Drops a value and gives its place back, which loom refuses if it was given back before.
    ///
    /// # Safety
    /// It comes from [`allocate`], and nobody uses it any more.
    #[track_caller]
    pub(crate) unsafe fn free<T>(value: NonNull<T>) {
        // SAFETY: `allocate` made it with this layout, and the caller is the last to use it.
        unsafe {
            value.drop_in_place();
            loom::alloc::dealloc(value.as_ptr().cast(), Layout::new::<T>());
        }
    }
}

#[cfg(rusm_loom)]
pub(crate) use model::{UnsafeCell, allocate, atomic, free};
#[cfg(not(rusm_loom))]
pub(crate) use real::{UnsafeCell, allocate, atomic, free};

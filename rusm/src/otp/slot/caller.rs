//! The process that made a slot, in its own turn: it is known before anybody can answer, and nobody has to tell anybody.

#[cfg(not(rusm_loom))]
mod real {
    use crate::otp::cell::{Cell, CellPtr, CellRef};
    use crate::otp::context;
    use crate::otp::guard::Held;
    pub(in crate::otp::slot) use crate::otp::guard::hold;
    use std::ptr::NonNull;
    use std::task::Waker;

    /// Keeps the process's memory.
    pub(crate) struct Caller(CellRef);

    impl Caller {
        /// The process that runs here, if it is what this waker wakes.
        #[inline]
        pub(in crate::otp::slot) fn of(waker: &Waker) -> Option<Self> {
            context::with(|cell| context::is_waker_of(waker, &cell).then(|| cell.acquire().map(Self)).flatten())
                .flatten()
        }

        #[inline]
        pub(in crate::otp::slot) fn is(&self, waker: &Waker) -> bool {
            context::is_waker_of(waker, &self.0)
        }

        #[inline]
        pub(in crate::otp::slot) fn target(&self) -> Target {
            Target(self.0.ptr().as_ptr())
        }
    }

    /// What was a caller's a moment ago.
    #[derive(Clone, Copy)]
    pub(in crate::otp::slot) struct Target(NonNull<Cell>);

    impl Target {
        /// # Safety
        /// The caller that it is of was still there when what is held was.
        #[inline]
        pub(in crate::otp::slot) unsafe fn wake(self, _held: &Held) {
            // SAFETY: it had a handle then, so it was not retired before; if it is since, it stays as long as the guard does.
            unsafe { CellPtr::new(self.0) }.wake();
        }
    }
}

#[cfg(rusm_loom)]
mod model {
    use std::sync::Arc;
    use std::task::Waker;

    /// What stands for a process; what the model's end drops, the epochs of the real one do.
    pub(crate) trait Process: Send + Sync {
        fn is(&self, waker: &Waker) -> bool;
        fn wake(&self);
    }

    pub(crate) struct Caller(pub(in crate::otp::slot) Arc<dyn Process>);

    impl Caller {
        pub(in crate::otp::slot) fn of(_: &Waker) -> Option<Self> {
            None
        }

        pub(in crate::otp::slot) fn is(&self, waker: &Waker) -> bool {
            self.0.is(waker)
        }

        pub(in crate::otp::slot) fn target(&self) -> Target {
            Target(Arc::as_ptr(&self.0))
        }
    }

    #[derive(Clone, Copy)]
    pub(in crate::otp::slot) struct Target(*const dyn Process);

    impl Target {
        /// # Safety
        /// The process outlives the model.
        pub(in crate::otp::slot) unsafe fn wake(self, _held: &()) {
            // SAFETY: promised by the caller.
            unsafe { &*self.0 }.wake();
        }
    }

    pub(in crate::otp::slot) fn hold() {}
}

#[cfg(rusm_loom)]
pub(crate) use model::*;
#[cfg(not(rusm_loom))]
pub(crate) use real::*;

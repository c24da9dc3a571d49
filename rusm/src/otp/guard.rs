//! Keeps what was found from being freed: a cell in the table, or one that a slot had a handle to at that moment.
//!
//! # Proof
//! A worker's loop takes an epoch guard before it says that it is being polled, gives it up after it has taken that back, and renews it
//! only between two turns. So on its thread, while it is being polled, everything that was found is kept already, and a guard more would only cost. A [`Held`] can neither be sent nor, for
//! that reason, be kept by the code of a process over an await; so it ends before the loop's guard does.
//!
//! What is to be freed goes to a guard of its own: see [`super::cell`] and [`super::table`].

use super::sched;
use crossbeam_epoch as epoch;

/// What is found while this lives stays as long as it does.
pub(crate) struct Held {
    /// None in a worker's loop, which has one.
    _own: Option<epoch::Guard>,
}

/// Keeps what is found from now on.
#[inline]
pub(crate) fn hold() -> Held {
    Held { _own: (!sched::is_in_step()).then(epoch::pin) }
}

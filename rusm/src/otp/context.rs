//! Which process is running here: for nested calls' deadlines and for clients that name no node.

use super::{Instant, Node};

tokio::task_local! {
    pub(crate) static CURRENT: Current;
}

/// The process whose code is being polled.
pub(crate) struct Current {
    pub(crate) node: Node,
    /// When the caller of the message in hand stops waiting.
    pub(crate) deadline: std::cell::Cell<Option<Instant>>,
}

/// The running process's node.
pub(crate) fn node() -> Option<Node> {
    CURRENT.try_with(|current| current.node.clone()).ok()
}

/// The deadline that calls made here inherit.
pub(crate) fn deadline() -> Option<Instant> {
    CURRENT.try_with(|current| current.deadline.get()).ok().flatten()
}

/// Sets it for the message in hand.
pub(crate) fn set_deadline(deadline: Option<Instant>) {
    let _ = CURRENT.try_with(|current| current.deadline.set(deadline));
}

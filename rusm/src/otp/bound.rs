//! How many messages may wait for a process, and what happens to the one too many.

/// How many messages may wait for a process; a number alone rejects what is too many.
///
/// Exact whoever sends at the same time. Signals and replies are not counted and never shed. What a timer set by `.after(..)` sends is
/// counted, but gets in however full the mailbox is and is shed for nobody, since its sender can't try again; one by `.every(..)`
/// is a message like others. A bound of 0 takes no message, whatever happens to the one too many.
///
/// # Examples
/// ```
/// use rusm::{Bound, Overflow, SpawnOptions};
///
/// let options = SpawnOptions::default().mailbox(Bound::new(1000).overflow(Overflow::DropOld));
/// # let _ = options;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub(super) messages: usize,
    pub(super) overflow: Overflow,
}

/// What happens to a message for a mailbox that is full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Its sender gets [`SendError::Full`](crate::SendError::Full).
    #[default]
    Reject,
    /// A sender that awaits waits for room: a call within its deadline, a cast by `.await`. `send()` can't wait, its sender
    /// gets `Full`.
    Block,
    /// It is dropped, and the sender does not know.
    DropNew,
    /// The oldest message that waits is dropped for it.
    DropOld,
}

impl Bound {
    /// So many messages; 0 takes none.
    pub const fn new(messages: usize) -> Self {
        Self { messages, overflow: Overflow::Reject }
    }

    /// What happens to the one too many.
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }
}

impl From<usize> for Bound {
    fn from(messages: usize) -> Self {
        Self::new(messages)
    }
}

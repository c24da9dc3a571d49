//! What state machines have in common wherever they run: their states, and what times out.

/// The states of a machine; `#[derive(State)]` implements it.
///
/// A machine begins in the default state, and going to a state that equals the one it is in changes nothing: hence the two
/// traits beside it.
///
/// # Examples
/// ```
/// use rusm::prelude::*;
///
/// #[derive(Debug, Default, PartialEq, State)]
/// enum Phase {
///     #[default]
///     Idle,
///     Dialling { attempt: u32 },
/// }
///
/// assert_eq!(Phase::Dialling { attempt: 2 }.name(), "Dialling");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no machine's state",
    label = "not a state",
    note = "annotate it with #[derive(Default, PartialEq, State)], and one of its variants with #[default]"
)]
pub trait State: Default + PartialEq + Send + 'static {
    /// What the state is called, without what it holds; shown by whatever looks at the process.
    fn name(&self) -> &'static str;
}

/// What has taken too long in a state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// The machine has been in its state for the time of `cx.state_timeout(..)`.
    State,
    /// Nothing at all has happened for the time of `cx.event_timeout(..)`.
    Event,
    /// The time of `cx.timeout(name, ..)` is over.
    Named(&'static str),
}

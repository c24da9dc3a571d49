//! Actors that are state machines, with the rules of OTP's `gen_statem`.
//!
//! The rules are in [`core`], pure; [`run`] drives them from the mailbox, the clock and the actor's code. What waits here
//! instead of in the mailbox goes on being counted by it: [`Receiver::keep`](super::mailbox::Receiver::keep) for those who ask,
//! and a bound by the place that a postponed message keeps. A message that code gives back has had its place freed when it was taken, and takes
//! it again: a mailbox of `n` places then holds `n + 1` messages for a moment, as many as any actor's with the one in hand.
//!
//! # OTP's rules, and where they are
//! Each row has its tests in `tests/tests/otp_machine.rs`; the order of all of it is also held against a model, in `tests.rs`.
//!
//! | rule of `gen_statem` | where | test |
//! |---|---|---|
//! | a change of state takes the state timeout away, nothing else does | `Machine::settle` | `a_change_takes_the_state_timeout_away_…`, `nothing_but_a_change_…` |
//! | any event takes the event timeout away | `Machine::take_up` | `whatever_happens_takes_the_event_timeout_away` |
//! | generic timeouts are by name; neither events nor states touch them | `Machine::ask` | `named_timeouts_outlast_…` |
//! | a timeout that is set again is in place of the old one, cancelled it never comes | `Machine::ask` | `named_timeouts_outlast_…` |
//! | one of zero time comes after what is ready, before the mailbox | `Machine::fire` | `no_time_at_all_…` |
//! | one that is due comes after what arrived before | `Machine::ripen` | `what_came_in_time_…`, `a_flood_does_not_…` |
//! | what is postponed is tried again after a change only, oldest first, before what is younger | `Machine::settle` | `what_is_postponed_comes_first_…`, `what_is_postponed_again_…` |
//! | an event may be postponed and change the state | `Machine::settle` | `a_message_may_wait_for_the_change_that_it_makes` |
//! | next events come before all, in their order | `Machine::settle` | `next_events_come_before_…` |
//! | each change is entered, and so is the first state | `run` | `the_first_state_is_entered_…`, `entering_has_no_deadline` |
//! | `init` may ask for all that an event may | `run` | `init_may_begin_in_another_state`, `what_init_asks_for_…` |
//! | a stop leaves the state as it is | `run` | `a_stop_is_no_change` |
//!
//! What differs:
//! - Entering a state may go on to another one, postpone and make next events. OTP refuses all three; they need no rule of their own here.
//! - There is no `repeat_state`: a state that equals the old one is not entered again. One with a field that counts is another one.
//! - A timeout carries its name and nothing else, relative times only; what else it would carry is in the actor.
//! - Postponed messages keep their callers' deadlines and their places in the mailbox's bound. OTP has neither.
//! - Nothing like `hibernate`, `change_callback_module` or `code_change`.

mod core;
mod run;

pub use self::core::Machine;

use self::core::Held;
use super::actor::Drive;
use super::context::{self, Deadline};
use super::mailbox::Size;
use super::spawn::Birth;
use super::{Actor, Cx, timer};
use crate::state::{State, Timeout};
use crate::wire::ExitReason;
use std::future::Future;
use std::time::Duration;

/// An actor with a state that decides what its messages mean; `#[actor(state = ..)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no state machine",
    label = "not a state machine",
    note = "say which type its states have: #[rusm::actor(state = Phase)]"
)]
pub trait StateMachine: Actor<Machine = Machine<<Self as StateMachine>::State, <Self as Actor>::Message>> {
    /// Its states.
    type State: State;

    /// Whether a message waits for another state than this one.
    fn postpones(message: &Self::Message, state: &Self::State) -> bool {
        let _ = (message, state);
        false
    }

    /// Enters the state that it is in now, from another one or for the first time.
    fn on_enter(&mut self, from: Option<Self::State>, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (from, cx);
        async {}
    }

    /// Takes a timeout.
    fn on_timeout(&mut self, timeout: Timeout, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        tracing::warn!(pid = %cx.pid(), ?timeout, "a timeout without `#[on(timeout)]`");
        async {}
    }
}

impl<A: StateMachine> Drive<A> for Machine<A::State, A::Message> {
    fn live(args: A::Args, birth: Birth<A::Message>) -> impl Future<Output = ExitReason> + Send {
        run::run::<A>(args, birth)
    }
}

/// What a state machine can do beside what every actor can.
///
/// All of it happens once the message in hand is done, in an order that does not depend on that of the calls: first the state
/// changes, then what was postponed and the next events take their places, then timeouts are set, then the state is entered.
impl<A: StateMachine> Cx<A> {
    /// The state in which the message in hand was taken up.
    pub fn state(&self) -> &A::State {
        self.machine.state()
    }

    /// Goes to this state once the message in hand is done; in `#[init]`, begins in it. The latest call counts.
    ///
    /// Another state than the one it is in takes the state timeout away, has all that was postponed handled again, oldest first and before what waits,
    /// and is entered: `#[on(enter)]`. A state that equals the one it is in changes nothing.
    ///
    /// While a state is entered, this leads on to the next one.
    pub fn to(&mut self, state: A::State) {
        self.machine.to(state);
    }

    /// Keeps a message for another state: it comes again, with its deadline, once the state has changed, also if this very message
    /// changes it.
    ///
    /// Where the state alone decides, write `#[postpone(..)]` on the method instead. Here a call that takes its [`Reply`](crate::Reply) as an
    /// argument can be put together again: `cx.postpone(DoorMessage::Enter { who, reply })`. Postponed messages wait as those in the
    /// mailbox do, and take places of its bound.
    pub fn postpone(&mut self, message: A::Message) {
        let size = std::mem::take(&mut self.machine.in_hand);
        self.receiver.hold(size);
        self.machine.postpone(held(message, size));
        self.receiver.keep(self.machine.kept());
    }

    /// Has the machine take up this message next, before all others that wait; several in the order of the calls.
    ///
    /// It has the deadline of the message in hand.
    pub fn next_event(&mut self, message: A::Message) {
        self.machine.next_event(held(message, Size::default()));
        self.receiver.keep(self.machine.kept());
    }

    /// Sets the timeout of the state that the machine is in once the message in hand is done: [`Timeout::State`], this time from now, unless the
    /// state changes before. In place of the one that is set.
    pub fn state_timeout(&mut self, after: Duration) {
        self.set_timeout(Timeout::State, after);
    }

    /// Has it told when nothing happens for this time from now: [`Timeout::Event`]. Whatever is taken up next takes it away: a message, also one that is
    /// postponed, an exit, a down, or another timeout.
    pub fn event_timeout(&mut self, after: Duration) {
        self.set_timeout(Timeout::Event, after);
    }

    /// Sets a timeout of its own name, [`Timeout::Named`], in place of the one of this name; neither messages nor states take it away.
    ///
    /// Timeouts are rounded up to a millisecond and come after what waits when they are due, but those of zero time before it.
    pub fn timeout(&mut self, name: &'static str, after: Duration) {
        self.set_timeout(Timeout::Named(name), after);
    }

    /// Takes a timeout back, if it is set; it does not come any more.
    pub fn cancel_timeout(&mut self, timeout: Timeout) {
        self.machine.cancel(timeout);
    }

    fn set_timeout(&mut self, timeout: Timeout, after: Duration) {
        self.machine.set(timeout, after, context::now().after(after.min(timer::FAR)));
    }
}

/// A message that is kept for the one in hand.
fn held<M>(message: M, size: Size) -> Held<M> {
    Held { message, deadline: Deadline::new(context::deadline()), size }
}

#[cfg(all(test, not(rusm_loom)))]
mod tests;

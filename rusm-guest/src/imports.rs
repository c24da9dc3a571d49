//! The host's functions as futures over the one executor.

use crate::bindings::rusm::process::{events, messages, spawning};
use crate::executor::{Event, Executor, Host, NextDelivery, Operation, Outcome, Ticket};
use crate::types::{CallError, Delivery, Message, Pid, SpawnError, Target};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

/// The functions that the component imports.
struct Imports;

static EXECUTOR: LazyLock<Executor<Imports>> = LazyLock::new(|| Executor::new(Imports));

impl Host for Imports {
    type Answer = Result<Vec<u8>, CallError>;
    type Spawned = Result<Pid, SpawnError>;
    type Delivery = Delivery;

    fn next(&self, deliveries: bool) -> Option<Event<Self>> {
        Some(match events::next(deliveries)? {
            events::Event::Answered((call, answer)) => Event::Done(call, Outcome::Answered(answer)),
            events::Event::Spawned((spawn, outcome)) => Event::Done(spawn, Outcome::Spawned(outcome)),
            events::Event::Timer(timer) => Event::Done(timer, Outcome::Fired),
            events::Event::Delivery(delivery) => Event::Delivery(delivery),
        })
    }

    fn cancel(&self, operation: Operation, number: u32) {
        match operation {
            Operation::Call => messages::cancel_call(number),
            Operation::Timer => events::cancel_timer(number),
            // What is being started is started; the executor waits for its outcome.
            Operation::Spawn => {}
        }
    }
}

/// Runs a future to its end; parks the process while it waits.
///
/// # Panics
/// If the future waits for something that can never come.
pub fn block_on<F: Future>(future: F) -> F::Output {
    EXECUTOR.block_on(future)
}

/// Sends a message that wants an answer; after `timeout` nanoseconds there is none.
pub fn call(to: &Target, message: &Message, timeout: Option<u64>) -> CallFuture {
    CallFuture(EXECUTOR.start(Operation::Call, |call| messages::start_call(call, to, message, timeout)))
}

/// Starts an entry of a component, of this one if none is named.
pub fn spawn(component: Option<&str>, entry: Option<&str>, args: &[u8], link: bool) -> SpawnFuture {
    let start = |spawn| spawning::start_spawn(spawn, component, entry, args, link);
    SpawnFuture(EXECUTOR.start(Operation::Spawn, start))
}

/// A timer, in nanoseconds from now.
pub fn timer(after: u64) -> TimerFuture {
    TimerFuture(EXECUTOR.start(Operation::Timer, |timer| events::start_timer(timer, after)))
}

/// The next thing from the mailbox, for a process that pulls.
pub fn next_delivery() -> DeliveryFuture {
    DeliveryFuture(EXECUTOR.delivery())
}

macro_rules! futures {
    ($($(#[$doc:meta])* $name:ident($inner:ident) -> $output:ty, $pattern:pat => $value:expr;)*) => { $(
        $(#[$doc])*
        #[must_use = "futures do nothing unless polled"]
        pub struct $name($inner<'static, Imports>);

        impl Future for $name {
            type Output = $output;

            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                Pin::new(&mut self.0).poll(cx).map(|outcome| match outcome {
                    $pattern => $value,
                    #[allow(unreachable_patterns, reason = "a delivery has one pattern only")]
                    _ => unreachable!("the host told the outcome of another operation"),
                })
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )* };
}

futures! {
    /// The answer to a call. Dropped before it is there, the call is cancelled.
    CallFuture(Ticket) -> Result<Vec<u8>, CallError>, Outcome::Answered(answer) => answer;
    /// The outcome of a spawn. Dropped before it is there, the process starts none the less.
    SpawnFuture(Ticket) -> Result<Pid, SpawnError>, Outcome::Spawned(outcome) => outcome;
    /// The end of a time. Dropped before, the timer is cancelled.
    TimerFuture(Ticket) -> (), Outcome::Fired => ();
    /// Something from the mailbox. Nothing is lost if it is dropped.
    DeliveryFuture(NextDelivery) -> Delivery, delivery => delivery;
}

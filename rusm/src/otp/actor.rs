//! What `#[actor]` and `#[service]` implement, and the loop that drives it.

use super::context::{Deadline, set_deadline};
use super::mailbox::{Item, Next, Other, Receiver};
use super::moment::Moment;
use super::spawn::Birth;
use super::{Address, Cx, Message, context, seen, trace};
use crate::wire::{Down, Entry, Exit, ExitReason, ExitSignal, Wire};
use std::future::Future;
use std::sync::atomic::Ordering;

/// A process with state that takes one message at a time; the macros implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no actor",
    label = "not an actor",
    note = "annotate its `impl` block with #[rusm::actor]; a process that is a function is spawned by the function's name"
)]
pub trait Actor: Sized + Send + 'static {
    /// What it is started with.
    type Args: Wire;
    /// What it understands.
    type Message: Message;
    /// How others talk to it.
    type Client: Client<Message = Self::Message>;
    /// What drives it: nothing but its messages, or the rules of a state machine.
    #[doc(hidden)]
    type Machine: Drive<Self>;
    /// What it says of itself.
    const ENTRY: &'static Entry;

    /// Makes the state.
    fn init(args: Self::Args, cx: &mut Cx<Self>) -> impl Future<Output = Result<Self, Exit>> + Send;

    /// Takes one message.
    fn handle(&mut self, message: Self::Message, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send;

    /// Takes the end of a linked process, if the entry says `on_exit`.
    fn on_exit(&mut self, exit: ExitSignal, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (exit, cx);
        async {}
    }

    /// Takes the end of a monitored process.
    fn on_down(&mut self, down: Down, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (down, cx);
        async {}
    }

    /// Its state in a few words, for its crash report: asked while a panic ends it, so the state may be half changed.
    fn on_report(&self) -> Option<String> {
        None
    }

    /// Cleans up before an orderly end, if the entry says `on_terminate`.
    fn on_terminate(&mut self, reason: &ExitReason, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (reason, cx);
        async {}
    }
}

/// How an actor lives.
#[doc(hidden)]
pub trait Drive<A: Actor>: Default + Send + 'static {
    /// Its life, from its arguments to the reason of its end.
    fn live(args: A::Args, birth: Birth<A::Message>) -> impl Future<Output = ExitReason> + Send;
}

impl<A: Actor<Machine = ()>> Drive<A> for () {
    fn live(args: A::Args, birth: Birth<A::Message>) -> impl Future<Output = ExitReason> + Send {
        run::<A>(args, birth)
    }
}

/// A typed handle to whatever takes messages of one type; the macros implement it.
pub trait Client: Clone + Send + Sync + 'static {
    /// What it sends.
    type Message: Message;

    /// A client of this address.
    fn from_address(address: Address<Self::Message>) -> Self;

    /// Where its messages go.
    fn address(&self) -> &Address<Self::Message>;
}

/// What a service's contract generates, found through `dyn Trait`; the macros implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no contract",
    label = "not a service",
    note = "annotate the trait with #[rusm::service]"
)]
pub trait Contract {
    /// The messages of the contract.
    type Message: Message;
    /// Its client.
    type Client: Client<Message = Self::Message>;
    /// What the contract says of itself.
    const ENTRY: &'static Entry;
}

/// An actor's state, which is asked for a report when a panic drops it.
pub(super) struct Reported<A: Actor>(pub(super) A);

impl<A: Actor> Drop for Reported<A> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            context::with(|cell| seen::keep_report(cell, || self.0.on_report()));
        }
    }
}

/// Takes up the message that was left in the first place of the mailbox.
#[inline]
fn take_up_left<A: Actor>(cx: &mut Cx<A>) -> A::Message {
    let (message, deadline) = cx.receiver.take_left();
    set_deadline(deadline);
    cx.receiver.this().cell().take_up(message.method().id());
    message
}

/// The life of an actor, from its arguments to the reason of its end.
pub(crate) async fn run<A: Actor>(args: A::Args, birth: Birth<A::Message>) -> ExitReason {
    let Birth { this, started } = birth;
    this.cell().mark_actor();
    this.cell().take_up(seen::INIT);
    let mut cx = Cx::new(Receiver::new(this));
    let mut actor = match A::init(args, &mut cx).await {
        Ok(actor) => Reported(actor),
        Err(exit) => return exit.into_reason(),
    };
    if let Some(started) = started {
        let _ = started.fill(());
    }
    let reason = loop {
        cx.receiver.this().cell().lay_down();
        if let Some(exit) = cx.take_stop() {
            break exit.into_reason();
        }
        // A call that was leaked in a method waits for nobody any more.
        cx.receiver.this().cell().calls.store(0, Ordering::Relaxed);
        let item = match std::future::poll_fn(|task| cx.receiver.poll_leave(task)).await {
            Next::Item(item) => item,
            Next::First => {
                let message = take_up_left(&mut cx);
                actor.0.handle(message, &mut cx).await;
                continue;
            }
        };
        match item {
            Item::Local(message, deadline) => {
                set_deadline(deadline);
                cx.receiver.this().cell().take_up(message.method().id());
                actor.0.handle(message, &mut cx).await;
            }
            Item::Other(other) => match other.into_inner() {
                Other::Wire(incoming) => {
                    let deadline = Deadline::new(incoming.deadline().map(Moment::of));
                    // A rejection has told the caller; nobody waits for a cast.
                    match A::Message::from_wire(incoming) {
                        Ok(message) => {
                            set_deadline(deadline);
                            cx.receiver.this().cell().take_up(message.method().id());
                            actor.0.handle(message, &mut cx).await;
                        }
                        Err(rejected) => tracing::warn!(pid = %cx.pid(), error = %rejected.0, "refused a message"),
                    }
                }
                Other::Exit(exit) => {
                    set_deadline(Deadline::NEVER);
                    cx.receiver.this().cell().take_up(seen::EXIT);
                    actor.0.on_exit(exit, &mut cx).await;
                }
                Other::Down(down) => {
                    set_deadline(Deadline::NEVER);
                    cx.receiver.this().cell().take_up(seen::DOWN);
                    actor.0.on_down(down, &mut cx).await;
                }
                Other::Traced(traced) => {
                    if let Some((message, deadline, trace)) = traced.open::<A::Message>() {
                        set_deadline(deadline);
                        let (cell, method) = (cx.receiver.this().cell().clone(), message.method());
                        cell.take_up(method.id());
                        // On the heap as a whole, so that the actor is no larger for it.
                        Box::pin(trace::within(cell, trace, method, actor.0.handle(message, &mut cx))).await;
                    }
                }
                Other::Stop(reason) => break reason,
            },
        }
    };
    set_deadline(Deadline::NEVER);
    if A::ENTRY.on_terminate {
        cx.receiver.this().cell().take_up(seen::TERMINATE);
        actor.0.on_terminate(&reason, &mut cx).await;
        cx.receiver.this().cell().lay_down();
    }
    reason
}

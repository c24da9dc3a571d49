//! Actors, their clients and their contracts.

use super::{Address, Cx, Message};
use crate::wire::{Down, Entry, Exit, ExitReason, ExitSignal, Wire};
use std::future::Future;

/// State that handles messages one at a time; `#[actor]` and `#[service]` write it.
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
    /// What others hold of it.
    type Client: Client<Message = Self::Message>;
    /// What drives it beside its messages.
    #[doc(hidden)]
    type Machine: Default + Send + 'static;
    /// What is known of it without running it.
    const ENTRY: &'static Entry;

    /// Makes the state.
    fn init(args: Self::Args, cx: &mut Cx<Self>) -> impl Future<Output = Result<Self, Exit>> + Send;

    /// Handles one message.
    fn handle(&mut self, message: Self::Message, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send;

    /// A linked process ended; only with [`Entry::on_exit`].
    fn on_exit(&mut self, exit: ExitSignal, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (exit, cx);
        async {}
    }

    /// A monitored process ended.
    fn on_down(&mut self, down: Down, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (down, cx);
        async {}
    }

    /// Its state in a few words; asked of native actors only.
    fn on_report(&self) -> Option<String> {
        None
    }

    /// The process is about to end in order; only with [`Entry::on_terminate`].
    fn on_terminate(&mut self, reason: &ExitReason, cx: &mut Cx<Self>) -> impl Future<Output = ()> + Send {
        let _ = (reason, cx);
        async {}
    }
}

/// A typed way to send messages to an [`Address`]; the macros write it.
pub trait Client: Clone + Send + Sync + 'static {
    /// What it sends.
    type Message: Message;

    /// A client of whoever is there.
    fn from_address(address: Address<Self::Message>) -> Self;

    /// Whom it sends to.
    fn address(&self) -> &Address<Self::Message>;
}

/// What a service's trait promises; `#[service]` implements it for the trait's `dyn` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no contract",
    label = "not a service",
    note = "annotate the trait with #[rusm::service]"
)]
pub trait Contract {
    /// The messages of its methods.
    type Message: Message;
    /// The client of its methods.
    type Client: Client<Message = Self::Message>;
    /// What is known of it without running it.
    const ENTRY: &'static Entry;
}

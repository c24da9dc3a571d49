//! What can be started: actors, and processes that are functions.

use super::{Actor, Client, Inbox, Letter, Message};
use crate::wire::{Entry, Exit, Wire};
use std::future::Future;

/// What `spawn` starts: an actor, or a function with an inbox.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no process",
    label = "can't be spawned",
    note = "annotate its `impl` block, or the `async fn`, with #[rusm::actor]"
)]
pub trait Spawn: Sized + Send + 'static {
    /// What it is started with.
    type Args: Wire;
    /// What it understands.
    type Message: Message;
    /// What others hold of it.
    type Client: Client<Message = Self::Message>;
    /// What is known of it without running it.
    const ENTRY: &'static Entry;
}

impl<A: Actor> Spawn for A {
    type Args = A::Args;
    type Message = A::Message;
    type Client = A::Client;
    const ENTRY: &'static Entry = A::ENTRY;
}

/// A process that is a function over its inbox; `#[actor] async fn` implements it.
pub trait RawProcess: Sized + Send + 'static {
    /// What it is started with.
    type Args: Wire;
    /// What its inbox holds.
    type Message: Wire;
    /// What others hold of it.
    type Client: Client<Message = Letter<Self::Message>>;
    /// What is known of it without running it.
    const ENTRY: &'static Entry;

    /// Its life; when it returns, the process ends.
    fn run(inbox: Inbox<Self::Message>, args: Self::Args) -> impl Future<Output = Exit> + Send;
}

//! What can be started: actors, and processes that are functions.

use super::actor::run;
use super::mailbox::Mailbox;
use super::{Actor, Client, Cx, Inbox, Letter, Message, This};
use crate::wire::{Entry, Exit, ExitReason, Wire};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What [`Node::spawn`](crate::Node::spawn) starts: an actor, or a function with an inbox.
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
    /// How others talk to it.
    type Client: Client<Message = Self::Message>;
    /// What it says of itself.
    const ENTRY: &'static Entry;

    /// Its life, from its arguments to the reason of its end.
    #[doc(hidden)]
    fn live(args: Self::Args, birth: Birth<Self::Message>) -> impl Future<Output = ExitReason> + Send;
}

impl<A: Actor> Spawn for A {
    type Args = A::Args;
    type Message = A::Message;
    type Client = A::Client;
    const ENTRY: &'static Entry = A::ENTRY;

    fn live(args: A::Args, birth: Birth<A::Message>) -> impl Future<Output = ExitReason> + Send {
        let Birth { this, mailbox, started } = birth;
        run::<A>(args, mailbox.clone(), Cx::new(this, mailbox), started)
    }
}

/// A process that is a function over its inbox; `#[actor] async fn` implements it.
pub trait RawProcess: Sized + Send + 'static {
    /// What it is started with.
    type Args: Wire;
    /// What its inbox holds.
    type Message: Wire;
    /// How others talk to it.
    type Client: Client<Message = Letter<Self::Message>>;
    /// What it says of itself.
    const ENTRY: &'static Entry;

    /// Its life; when it returns, the process ends.
    fn run(inbox: Inbox<Self::Message>, args: Self::Args) -> impl Future<Output = Exit> + Send;
}

/// What a process gets at its start.
#[doc(hidden)]
pub struct Birth<M> {
    pub(super) this: This,
    pub(super) mailbox: Arc<Mailbox<M>>,
    pub(super) started: oneshot::Sender<()>,
}

impl<M> fmt::Debug for Birth<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Birth").field(&self.this).finish()
    }
}

/// The life of a process that is a function: it is up before its first line runs.
#[doc(hidden)]
pub async fn live<P: RawProcess>(args: P::Args, birth: Birth<Letter<P::Message>>) -> ExitReason {
    let Birth { this, mailbox, started } = birth;
    let _ = started.send(());
    P::run(Inbox::new(this, mailbox), args).await.into_reason()
}

//! What can be started: actors, and processes that are functions.

use super::actor::Drive;
use super::cell::Typed;
use super::mailbox::Receiver;
use super::slot::Filler;
use super::{Actor, Client, Inbox, Letter, Message};
use crate::wire::{Entry, Exit, ExitReason, Wire};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

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
    /// Whether it says itself when it is up.
    #[doc(hidden)]
    const HAS_INIT: bool = false;

    /// Its life, from its arguments to the reason of its end.
    #[doc(hidden)]
    fn live(args: Self::Args, birth: Birth<Self::Message>) -> impl Future<Output = ExitReason> + Send;
}

impl<A: Actor> Spawn for A {
    type Args = A::Args;
    type Message = A::Message;
    type Client = A::Client;
    const ENTRY: &'static Entry = A::ENTRY;

    const HAS_INIT: bool = true;

    fn live(args: A::Args, birth: Birth<A::Message>) -> impl Future<Output = ExitReason> + Send {
        <A::Machine as Drive<A>>::live(args, birth)
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
    pub(super) this: Typed<M>,
    pub(super) started: Option<Filler<()>>,
}

impl<M> fmt::Debug for Birth<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Birth").field(&self.this).finish()
    }
}

/// The life of a process that is a function: it is up before its first line runs.
#[doc(hidden)]
pub fn live<P: RawProcess>(args: P::Args, birth: Birth<Letter<P::Message>>) -> impl Future<Output = ExitReason> + Send {
    reason(P::run(Inbox::new(Receiver::new(birth.this)), args))
}

pin_project_lite::pin_project! {
    /// A life, up to the reason of its end.
    pub(super) struct Reason<F> {
        #[pin]
        life: F,
    }
}

/// By hand, because an `async` block would keep the future twice.
pub(super) fn reason<F: Future<Output = Exit>>(life: F) -> Reason<F> {
    Reason { life }
}

impl<F: Future<Output = Exit>> Future for Reason<F> {
    type Output = ExitReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        self.project().life.poll(cx).map(Exit::into_reason)
    }
}

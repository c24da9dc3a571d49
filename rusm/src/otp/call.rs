//! Calls and casts: a message that is not sent yet, and the wait for its answer.
//!
//! A call ends with the answer, with the callee's exit reason, or at its deadline. The deadline is this
//! call's own limit, shortened to that of the message its caller is handling.

use super::mailbox::Item;
use super::process::Cell;
use super::reply::{Answer, WireReply};
use super::{Address, CallError, DEFAULT_CALL_TIMEOUT, Instant, Message, Outgoing, Reply, SendError, address, context};
use crate::wire::{Method, decode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::oneshot;

/// One call, not yet sent: `.await` sends it and waits for the answer.
///
/// # Errors
/// See [`CallError`].
///
/// # Cancel safety
/// Dropping the future gives the call up; the callee may handle the message all the same.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'a, M, A, T> {
    to: &'a Address<M>,
    method: &'static Method,
    args: A,
    local: fn(A, Reply<T>) -> M,
    limit: Duration,
}

impl<'a, M: Message, A, T> Call<'a, M, A, T> {
    #[doc(hidden)]
    pub fn new(to: &'a Address<M>, method: &'static Method, args: A, local: fn(A, Reply<T>) -> M) -> Self {
        Self { to, method, args, local, limit: DEFAULT_CALL_TIMEOUT }
    }

    /// Waits this long instead of 5 seconds; never beyond the deadline of the message that the caller is handling.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

impl<'a, M, A, T> IntoFuture for Call<'a, M, A, T>
where
    M: Message,
    A: Serialize + Send + 'a,
    T: DeserializeOwned + Send + 'static,
{
    type Output = Result<T, CallError>;
    type IntoFuture = CallFuture<'a, T>;

    fn into_future(self) -> CallFuture<'a, T> {
        CallFuture(Box::pin(self.run()))
    }
}

impl<M: Message, A: Serialize, T: DeserializeOwned + 'static> Call<'_, M, A, T> {
    async fn run(self) -> Result<T, CallError> {
        let limit = Limit::new(self.limit, context::deadline());
        match self.to.route()? {
            address::Route::Typed(cell, mailbox) => {
                let (sender, receiver) = oneshot::channel();
                let message = (self.local)(self.args, Reply::local(sender));
                mailbox
                    .push(Item::Local { message, deadline: Some(limit.until) })
                    .map_err(|error| error.into_send_error(self.to))?;
                wait(receiver, &cell, limit).await
            }
            address::Route::Wire(cell) => {
                let message = Outgoing::new(self.method, &self.args)?;
                drop(self.args);
                let (sender, receiver) = oneshot::channel();
                address::send(&cell, message, Some(WireReply::new(sender)), Some(limit.until))
                    .map_err(|error| address::name(error, self.method))?;
                let body = wait(receiver, &cell, limit).await?;
                decode(&body)
                    .map_err(|error| CallError::Malformed(format!("answer of {}: {error}", self.method.signature())))
            }
        }
    }
}

/// A call under way.
#[must_use = "futures do nothing unless polled"]
pub struct CallFuture<'a, T>(Pin<Box<dyn Future<Output = Result<T, CallError>> + Send + 'a>>);

impl<T> Future for CallFuture<'_, T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

/// How long something that begins now may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) until: Instant,
    /// The time from its begin to `until`.
    pub(crate) span: Duration,
}

impl Limit {
    /// This time, but not beyond the inherited deadline.
    pub(crate) fn new(span: Duration, inherited: Option<Instant>) -> Self {
        let now = Instant::now();
        // A limit beyond what the clock can tell is a year.
        let until = now.checked_add(span).unwrap_or_else(|| now + Duration::from_secs(365 * 24 * 3600));
        match inherited {
            Some(inherited) if inherited < until => {
                Self { until: inherited, span: inherited.saturating_duration_since(now) }
            }
            _ => Self { until, span },
        }
    }
}

/// Waits for the answer; a callee that ends tells its reason.
pub(crate) async fn wait<T>(receiver: oneshot::Receiver<Answer<T>>, cell: &Cell, limit: Limit) -> Result<T, CallError> {
    let unanswered = || cell.ended().map_or(CallError::NoReply, CallError::Exited);
    let answer = async {
        match receiver.await {
            Ok(Answer::Value(value)) => Ok(value),
            Ok(Answer::Failed(error)) => Err(error),
            Ok(Answer::Unwound(known)) => {
                let _ = known.await;
                Err(unanswered())
            }
            Err(_) => Err(unanswered()),
        }
    };
    tokio::time::timeout_at(limit.until, answer).await.unwrap_or(Err(CallError::Timeout(limit.span)))
}

/// One message that wants no answer, not yet sent.
#[must_use = "a cast does nothing until `.send()`"]
pub struct Cast<'a, M, A> {
    to: &'a Address<M>,
    method: &'static Method,
    args: A,
    local: fn(A) -> M,
}

impl<'a, M: Message, A> Cast<'a, M, A> {
    #[doc(hidden)]
    pub fn new(to: &'a Address<M>, method: &'static Method, args: A, local: fn(A) -> M) -> Self {
        Self { to, method, args, local }
    }

    /// Sends it, and does not wait.
    ///
    /// # Errors
    /// See [`SendError`]. That it was sent does not mean that it was handled.
    pub fn send(self) -> Result<(), SendError>
    where
        A: Serialize,
    {
        address::cast(self.to, self.method, self.args, self.local)
    }
}

impl<M, A, T> fmt::Debug for Call<'_, M, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("to", self.to).field("method", &self.method.name).finish_non_exhaustive()
    }
}

impl<M, A> fmt::Debug for Cast<'_, M, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cast").field("to", self.to).field("method", &self.method.name).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for CallFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFuture").finish_non_exhaustive()
    }
}

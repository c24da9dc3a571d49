//! Calls and casts: a message that is not sent yet, and the wait for its answer.
//!
//! The host keeps deadlines and watches the callee: a call always ends, and never later than the message
//! that this process is handling.

use super::{Address, Message, Reply, address, convert, nanoseconds};
use crate::wire::{CallError, Method, SendError, decode};
use rusm_guest::{messages, types as wit};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

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
    answer: PhantomData<fn() -> T>,
    limit: Option<Duration>,
}

impl<'a, M: Message, A, T> Call<'a, M, A, T> {
    #[doc(hidden)]
    pub fn new(to: &'a Address<M>, method: &'static Method, args: A, _: fn(A, Reply<T>) -> M) -> Self {
        Self { to, method, args, answer: PhantomData, limit: None }
    }

    /// Waits this long instead of 5 seconds; never beyond the deadline of the message that the caller is handling.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
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
        let state = match address::message(self.method, &self.args) {
            Ok(message) => State::Unsent(self.to.target(), message, self.limit.map(nanoseconds)),
            Err(error) => State::Failed(error.into()),
        };
        CallFuture { under_way: UnderWay { method: self.method, state }, address: PhantomData, answer: PhantomData }
    }
}

/// A call under way.
#[must_use = "futures do nothing unless polled"]
pub struct CallFuture<'a, T> {
    under_way: UnderWay,
    address: PhantomData<&'a ()>,
    answer: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Future for CallFuture<'_, T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let body = ready!(self.under_way.poll(cx))?;
        Poll::Ready(decode(&body).map_err(|error| self.under_way.malformed(&error)))
    }
}

/// All of a call that does not depend on its types.
struct UnderWay {
    method: &'static Method,
    state: State,
}

enum State {
    Unsent(wit::Target, wit::Message, Option<u64>),
    Sent(rusm_guest::CallFuture),
    Failed(CallError),
    Over,
}

impl UnderWay {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Vec<u8>, CallError>> {
        let mut call = match std::mem::replace(&mut self.state, State::Over) {
            State::Unsent(to, message, limit) => rusm_guest::call(&to, &message, limit),
            State::Sent(call) => call,
            State::Failed(error) => return Poll::Ready(Err(error)),
            State::Over => panic!("a call was polled after its end"),
        };
        match Pin::new(&mut call).poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer.map_err(|error| convert::call_error(error, self.method))),
            Poll::Pending => {
                self.state = State::Sent(call);
                Poll::Pending
            }
        }
    }

    fn malformed(&self, error: &dyn fmt::Display) -> CallError {
        CallError::Malformed(format!("answer of {}: {error}", self.method.name))
    }
}

/// One message that wants no answer, not yet sent.
#[must_use = "a cast does nothing until `.send()`"]
pub struct Cast<'a, M, A> {
    to: &'a Address<M>,
    method: &'static Method,
    args: A,
}

impl<'a, M: Message, A> Cast<'a, M, A> {
    #[doc(hidden)]
    pub fn new(to: &'a Address<M>, method: &'static Method, args: A, _: fn(A) -> M) -> Self {
        Self { to, method, args }
    }

    /// Sends it, and does not wait.
    ///
    /// # Errors
    /// See [`SendError`]. That it was sent does not mean that it was handled.
    pub fn send(self) -> Result<(), SendError>
    where
        A: Serialize,
    {
        let message = address::message(self.method, &self.args)?;
        messages::cast(&self.to.target(), &message).map_err(|error| convert::send_error(error, self.method))
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
        f.debug_struct("CallFuture").field("method", &self.under_way.method.name).finish_non_exhaustive()
    }
}

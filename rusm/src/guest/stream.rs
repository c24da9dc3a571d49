//! Streams, which do not cross a component's boundary yet: each that is asked for, by a component or of one, is answered with
//! an error that says so. The names are those of the host, so contracts with streams compile for both.

use super::{Address, CallError, Incoming, Message, Rejected};
use crate::wire::Method;
use futures_core::{FusedStream, Stream};
use std::convert::Infallible;
use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A call that is answered with a stream; inside a component always [`CallError::Malformed`].
#[must_use = "a call does nothing until it is awaited"]
pub struct StreamCall<'a, M, A, T> {
    to: &'a Address<M>,
    method: &'static Method,
    types: PhantomData<fn(A) -> T>,
}

impl<'a, M: Message, A, T> StreamCall<'a, M, A, T> {
    #[doc(hidden)]
    pub fn new(to: &'a Address<M>, method: &'static Method, _: A, _: fn(A, StreamReply<T>) -> M) -> Self {
        Self { to, method, types: PhantomData }
    }

    /// Waits this long for the stream to be opened.
    pub fn timeout(self, _: Duration) -> Self {
        self
    }

    /// How many items may be made before they are asked for.
    pub fn credit(self, _: usize) -> Self {
        self
    }

    /// The same as awaiting it.
    ///
    /// # Errors
    /// Always, here.
    pub fn open(self) -> StreamOpening<T> {
        ready(Err(CallError::Malformed(text(self.method))))
    }
}

impl<M: Message, A, T> IntoFuture for StreamCall<'_, M, A, T> {
    type Output = Result<Streamed<T>, CallError>;
    type IntoFuture = StreamOpening<T>;

    fn into_future(self) -> StreamOpening<T> {
        self.open()
    }
}

/// A stream being opened.
pub type StreamOpening<T> = Ready<Result<Streamed<T>, CallError>>;

fn text(method: &'static Method) -> String {
    format!("{}: streams do not cross into components, or out of them, yet", method.name)
}

/// The answer to a stream's call.
#[doc(hidden)]
pub fn refuse_stream(incoming: Incoming, method: &'static Method) -> Rejected {
    incoming.refuse(text(method))
}

/// The right to answer a call with a stream: there is none here.
pub struct StreamReply<T>(Infallible, PhantomData<fn(T)>);

impl<T: Send + 'static> StreamReply<T> {
    #[doc(hidden)]
    pub fn open<S: Stream<Item = T> + Send + 'static>(self, _: S) {
        match self.0 {}
    }
}

/// An open stream: there is none here.
#[must_use = "a stream that is dropped ends its producer"]
pub struct Streamed<T>(Infallible, PhantomData<fn() -> T>);

impl<T> Streamed<T> {
    /// Waits for each item at most this long.
    pub fn timeout(self, _: Duration) -> Self {
        self
    }

    /// The next item; None at the end.
    ///
    /// # Errors
    /// Why the producer ended before its stream did.
    pub async fn try_next(&mut self) -> Result<Option<T>, CallError> {
        match self.0 {}
    }

    /// The next item, or the error that ends the stream; None at the end.
    pub async fn next(&mut self) -> Option<Result<T, CallError>> {
        match self.0 {}
    }
}

impl<T> Stream for Streamed<T> {
    type Item = Result<T, CallError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.0 {}
    }
}

impl<T> FusedStream for Streamed<T> {
    fn is_terminated(&self) -> bool {
        match self.0 {}
    }
}

impl<M, A, T> fmt::Debug for StreamCall<'_, M, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamCall").field("to", self.to).field("method", &self.method.name).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for StreamReply<T> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl<T> fmt::Debug for Streamed<T> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

//! Streams: an answer in many parts, with credit.
//!
//! The callee's method gives a stream and goes on to its next message. A process of its own, the pump, polls that stream and puts
//! the items into a pipe, as many as the consumer has given credit for; it has a turn again once half of the credit is free.
//!
//! # How it ends
//! - The stream ends: the pump says so behind the last item.
//! - The actor ends: the pump watches it, and puts its reason behind the last item.
//! - The pump ends otherwise (the stream panics, it is killed, the node shuts down): its end of the pipe is dropped with
//!   its code, at which time the reason of its end is known already. The consumer looks it up.
//! - The consumer drops its end: the pump is woken, whatever it waits for, and drops the stream.
//!
//! # Who may touch what
//! All that both ends share is under one lock, under which no foreign code runs: items, streams and wakers are dropped, cloned and
//! woken outside of it.

use self::pump::{Pipe, State, pump};
use super::call::{Limit, poll_late};
use super::cell::CellRef;
use super::{
    Address, Call, CallError, CallFuture, DEFAULT_CALL_TIMEOUT, Incoming, Message, Rejected, Reply, context, lock,
};
use crate::wire::{Field, Method, Type, Wire, refuse};
use futures_core::{FusedStream, Stream};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

mod pump;

/// How many items wait for the consumer at most, unless told.
const DEFAULT_CREDIT: usize = 32;
/// As many as a consumer can ask for: they are kept in the callee's stead.
const MAX_CREDIT: usize = 1 << 16;
/// After so many items in a row it is looked whether others should run.
const STREAK: u32 = 32;
const LOCAL: &str = "streams do not cross into components, or out of their node, yet";

/// A call that is answered with a stream, not yet sent: `.await` sends it and waits until the stream is open.
///
/// # Errors
/// See [`CallError`]; what is not a native actor of this node answers [`CallError::Malformed`].
///
/// # Cancel safety
/// Dropping the future gives the call up; a stream that was opened for it is dropped.
#[must_use = "a call does nothing until it is awaited"]
pub struct StreamCall<'a, M, A, T> {
    to: &'a Address<M>,
    method: &'static Method,
    args: A,
    local: fn(A, StreamReply<T>) -> M,
    limit: Duration,
    credit: usize,
}

impl<'a, M: Message, A, T> StreamCall<'a, M, A, T> {
    #[doc(hidden)]
    pub fn new(to: &'a Address<M>, method: &'static Method, args: A, local: fn(A, StreamReply<T>) -> M) -> Self {
        Self { to, method, args, local, limit: DEFAULT_CALL_TIMEOUT, credit: DEFAULT_CREDIT }
    }

    /// Waits this long for the stream to be opened, instead of 5 seconds; never beyond the deadline of the message that the
    /// caller is handling. Items have no deadline, see [`Streamed::timeout`].
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How many items may be made before they are asked for; 32 unless told, from 1 to 65 536.
    pub fn credit(mut self, items: usize) -> Self {
        self.credit = items.clamp(1, MAX_CREDIT);
        self
    }

    /// The same as awaiting it.
    ///
    /// # Errors
    /// As awaiting it.
    pub fn open(self) -> StreamOpening<'a, M, A, T>
    where
        A: Serialize + Send + 'a,
        T: Send + 'static,
    {
        self.into_future()
    }
}

impl<'a, M, A, T> IntoFuture for StreamCall<'a, M, A, T>
where
    M: Message,
    A: Serialize + Send + 'a,
    T: Send + 'static,
{
    type Output = Result<Streamed<T>, CallError>;
    type IntoFuture = StreamOpening<'a, M, A, T>;

    fn into_future(self) -> StreamOpening<'a, M, A, T> {
        let Self { to, method, args, local, limit, credit } = self;
        let opening = Opening { args, local, method, credit };
        let call = Call::new(to, method, opening, |Opening { args, local, method, credit }, reply| {
            local(args, StreamReply { reply, method, credit })
        });
        StreamOpening(call.timeout(limit).into_future())
    }
}

/// The arguments of a call that opens a stream; they are moved only.
struct Opening<M, A, T> {
    args: A,
    local: fn(A, StreamReply<T>) -> M,
    method: &'static Method,
    credit: usize,
}

impl<M, A, T> Serialize for Opening<M, A, T> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        refuse(LOCAL);
        Err(ser::Error::custom(LOCAL))
    }
}

/// A stream being opened.
///
/// # Cancel safety
/// As for [`StreamCall`].
#[must_use = "futures do nothing unless polled"]
pub struct StreamOpening<'a, M, A, T>(CallFuture<'a, M, Opening<M, A, T>, Streamed<T>>);

impl<M: Message, A, T: Send + 'static> Future for StreamOpening<'_, M, A, T> {
    type Output = Result<Streamed<T>, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut streamed = ready!(Pin::new(&mut self.0).poll(cx))?;
        match &mut streamed.from {
            Origin::Refused(error) => Poll::Ready(Err(error.take().unwrap_or(CallError::NoReply))),
            Origin::Pump { .. } => Poll::Ready(Ok(streamed)),
        }
    }
}

/// The right, and the duty, to answer a call with a stream; the macros use it.
///
/// Dropped unanswered, the caller is told as by [`Reply`].
pub struct StreamReply<T> {
    reply: Reply<Streamed<T>>,
    method: &'static Method,
    credit: usize,
}

impl<T: Send + 'static> StreamReply<T> {
    /// Answers: from now on a process pumps the stream's items to the caller, watching the running process.
    #[doc(hidden)]
    #[track_caller]
    pub fn open<S>(self, stream: S)
    where
        S: Stream<Item = T> + Send + 'static,
    {
        let Self { reply, method, credit } = self;
        if !reply.is_abandoned()
            && let Some(actor) = context::with(|cell| cell.acquire()).flatten()
        {
            let from = match pump(&actor, method, credit, stream, Location::caller()) {
                Ok((pipe, pump)) => Origin::Pump { pipe, pump },
                Err(error) => Origin::Refused(Some(CallError::NoProcess(error.to_string()))),
            };
            reply.send(Streamed { from, wait: Wait::default() });
        }
    }
}

/// The answer to a stream's call that came in bytes.
#[doc(hidden)]
pub fn refuse_stream(incoming: Incoming, method: &'static Method) -> Rejected {
    let error = CallError::Malformed(format!("{}: {LOCAL}", method.signature()));
    if let (_, _, Some(reply), _) = incoming.into_parts() {
        reply.reject(error.clone());
    }
    Rejected(error)
}

/// An open stream: the consumer's end.
///
/// A stream of `Result<T, CallError>`. After its last item it ends; if its producer dies first, the items that were made are
/// followed by one error that says why ([`CallError::Exited`] with the reason), and the end comes after that. So an end without an error
/// means that all was said. Dropped, it ends its producer, whatever that waits for.
///
/// It can be moved inside messages to native processes of the same node.
///
/// # Examples
/// ```
/// use futures_util::stream;
/// use rusm::prelude::*;
///
/// pub struct Counter;
///
/// #[actor]
/// impl Counter {
///     #[init]
///     fn start() -> Self {
///         Self
///     }
///
///     #[stream]
///     pub async fn count_to(&self, n: u64) -> impl Stream<Item = u64> {
///         stream::iter(1..=n)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::builder().build().await?;
/// let counter = node.spawn::<Counter>(()).await?;
/// let mut numbers = counter.count_to(1000).credit(8).await?;
/// let mut sum = 0;
/// while let Some(number) = numbers.try_next().await? {
///     sum += number;
/// }
/// assert_eq!(sum, 500_500);
/// # Ok(())
/// # }
/// ```
#[must_use = "a stream that is dropped ends its producer"]
pub struct Streamed<T> {
    from: Origin<T>,
    wait: Wait,
}

enum Origin<T> {
    Pump {
        pipe: Arc<Pipe<T>>,
        pump: CellRef,
    },
    /// There was no process for it.
    Refused(Option<CallError>),
}

/// The wait for the next item.
#[derive(Default)]
struct Wait {
    per_item: Option<Duration>,
    limit: Option<Limit>,
    time: Option<Pin<Box<Sleep>>>,
    /// Items that were taken without looking at the time.
    streak: u32,
    over: bool,
}

impl<T> Streamed<T> {
    /// Waits for each item at most this long; the one too late is a [`CallError::Timeout`], with which the stream ends. Unless told,
    /// there is no limit.
    pub fn timeout(mut self, per_item: Duration) -> Self {
        self.wait = Wait { per_item: Some(per_item), over: self.wait.over, ..Wait::default() };
        self
    }

    /// The next item; None at the end.
    ///
    /// # Errors
    /// Why the producer ended before its stream did; None comes after it.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn try_next(&mut self) -> Result<Option<T>, CallError> {
        self.next().await.transpose()
    }

    /// The next item, or the error that ends the stream; None at the end.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Result<T, CallError>> {
        std::future::poll_fn(|cx| self.poll_item(cx)).await
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, CallError>>> {
        if self.wait.over {
            return Poll::Ready(None);
        }
        let Origin::Pump { pipe, pump } = &self.from else {
            self.wait.over = true;
            return Poll::Ready(None);
        };
        if self.wait.should_yield(cx) {
            return Poll::Pending;
        }
        let mut waker = None;
        let end = loop {
            let mut shared = lock(&pipe.shared);
            if let Some(item) = shared.items.pop_front() {
                let has_credit = shared.starved && shared.items.len() <= pipe.credit / 2;
                shared.starved &= !has_credit;
                drop(shared);
                if has_credit {
                    pump.ptr().wake();
                }
                (self.wait.limit, self.wait.time) = (None, None);
                return Poll::Ready(Some(Ok(item)));
            }
            match std::mem::replace(&mut shared.state, State::Closed) {
                State::Ended(error) => break error,
                State::Closed | State::Left => {
                    drop(shared);
                    break Some(pump.ended().map_or(CallError::NoReply, CallError::Exited));
                }
                State::Open => shared.state = State::Open,
            }
            if shared.consumer.as_ref().is_some_and(|consumer| consumer.will_wake(cx.waker())) {
                drop(shared);
                let late = ready!(self.wait.poll_late(cx));
                self.leave();
                return Poll::Ready(Some(Err(late)));
            }
            match waker.take() {
                Some(waker) => {
                    let before = shared.consumer.replace(waker);
                    drop(shared);
                    drop(before);
                }
                None => {
                    drop(shared);
                    waker = Some(cx.waker().clone());
                }
            }
        };
        self.wait.over = true;
        Poll::Ready(end.map(Err))
    }

    /// Lets the producer end.
    fn leave(&mut self) {
        self.wait.over = true;
        let Origin::Pump { pipe, pump } = &self.from else { return };
        let mut shared = lock(&pipe.shared);
        let left = std::mem::take(&mut shared.items);
        let consumer = shared.consumer.take();
        shared.state = State::Left;
        drop(shared);
        pump.ptr().wake();
        drop((left, consumer));
    }
}

impl Wait {
    /// Whether others should run first; if so, the waiter is woken again.
    fn should_yield(&mut self, cx: &Context<'_>) -> bool {
        self.streak += 1;
        if self.streak < STREAK {
            return false;
        }
        self.streak = 0;
        let over = context::is_turn_over();
        if over {
            cx.waker().wake_by_ref();
        }
        over
    }

    /// Ready once the item is too late.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<CallError> {
        let Some(per_item) = self.per_item else { return Poll::Pending };
        let limit = *self.limit.get_or_insert_with(|| Limit::new(per_item, None));
        poll_late(limit, &mut self.time, cx).map(|()| CallError::Timeout(limit.span))
    }
}

impl<T> Stream for Streamed<T> {
    type Item = Result<T, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_item(cx)
    }
}

impl<T> FusedStream for Streamed<T> {
    fn is_terminated(&self) -> bool {
        self.wait.over
    }
}

/// Nothing in it is pinned.
impl<T> Unpin for Streamed<T> {}

impl<T> Drop for Streamed<T> {
    fn drop(&mut self) {
        if !self.wait.over {
            self.leave();
        }
    }
}

/// Messages to native processes of the same node are moved; all others are refused with an error that says why.
impl<T> Serialize for Streamed<T> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        refuse(LOCAL);
        Err(ser::Error::custom(LOCAL))
    }
}

impl<'de, T> Deserialize<'de> for Streamed<T> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom(LOCAL))
    }
}

impl<T: Send + 'static> Wire for Streamed<T> {
    const SCHEMA: &'static Type =
        &Type::Record { name: "Streamed", fields: &[Field { name: "local", ty: &Type::U64 }] };
}

impl<T> fmt::Debug for Streamed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Streamed");
        if let Origin::Pump { pipe, pump } = &self.from {
            let waiting = lock(&pipe.shared).items.len();
            text.field("producer", &pump.pid()).field("waiting", &waiting).field("credit", &pipe.credit);
        }
        text.field("over", &self.wait.over).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for StreamReply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReply").field("method", &self.method.name).finish_non_exhaustive()
    }
}

impl<M, A, T> fmt::Debug for StreamCall<'_, M, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamCall").field("to", self.to).field("method", &self.method.name).finish_non_exhaustive()
    }
}

impl<M, A, T> fmt::Debug for StreamOpening<'_, M, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamOpening").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::{Answer, WireReply};
    use super::super::slot::slot;
    use super::*;
    use crate::wire::MethodKind;

    #[test]
    fn a_call_in_bytes_is_told_that_streams_do_not_cross() {
        const TICKS: &Method = &Method::new(MethodKind::Stream, "ticks", &[], &Type::U8, "");
        let (filler, mut waiter) = slot();
        let incoming = Incoming::new(TICKS.id(), Vec::new(), Some(WireReply::new(filler)), None);
        let told = CallError::Malformed(format!("ticks() -> stream<u8>: {LOCAL}"));
        assert_eq!(refuse_stream(incoming, TICKS), Rejected(told.clone()));
        match waiter.try_take() {
            Some(Ok(Answer::Failed(error))) => assert_eq!(error, told),
            other => panic!("{other:?}"),
        }
        // A cast has nobody to tell.
        assert_eq!(refuse_stream(Incoming::new(TICKS.id(), Vec::new(), None, None), TICKS), Rejected(told));
    }
}

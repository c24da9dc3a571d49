//! The inbox of a native process that is a function.
//!
//! What a receive refused waits in the inbox, out of the mailbox, but the mailbox goes on counting it until it is handed
//! out: a bound holds for both together.

use super::mailbox::{Item, Other, Receiver, Size};
use super::{Address, Client, Event, Incoming, Letter, Message, Rejected, This, seen, sleep};
use crate::receive::{Events, EventsThat, Mark, Messages, MessagesThat, Pick, Refused};
use crate::wire::{Method, MonitorRef, Pid, Wire};
use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The mailbox of a process that is a function, and the process itself: `inbox.pid()`, `inbox.monitor(..)`.
///
/// # Examples
/// ```
/// use rusm::prelude::*;
///
/// #[wire]
/// pub enum Job {
///     Urgent(u32),
///     Other(u32),
/// }
///
/// /// Does what is urgent first.
/// #[actor]
/// pub async fn worker(mut inbox: Inbox<Job>, most: u32) {
///     for _ in 0..most {
///         match inbox.receive_match(|job| matches!(job, Job::Urgent(_))).timeout(std::time::Duration::ZERO).await {
///             Some(urgent) => work(urgent),
///             None => work(inbox.receive().await),
///         }
///     }
/// }
/// # fn work(_: Job) {}
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::builder().build().await?;
/// let worker = node.spawn::<worker>(1).await?;
/// let ended = node.ended(worker.pid());
/// worker.send(Job::Other(7)).send()?;
/// assert_eq!(ended.await, ExitReason::Normal);
/// # Ok(())
/// # }
/// ```
pub struct Inbox<M> {
    receiver: Receiver<Letter<M>>,
    refused: Refused<M, Size>,
}

impl<M: Wire> Inbox<M> {
    pub(crate) fn new(receiver: Receiver<Letter<M>>) -> Self {
        Self { receiver, refused: Refused::new() }
    }

    /// The oldest message; signals stay for [`next`](Self::next).
    #[inline]
    pub fn receive(&mut self) -> Receive<'_, M, Messages> {
        Receive::new(self, Messages)
    }

    /// The oldest message that is wanted; the others keep their order, and each is asked about once.
    pub fn receive_match<F>(&mut self, wanted: F) -> Receive<'_, M, MessagesThat<F>>
    where
        F: FnMut(&M) -> bool + Send,
    {
        Receive::new(self, MessagesThat(wanted))
    }

    /// The oldest event of any kind.
    #[allow(clippy::should_implement_trait, reason = "a process has no end of events")]
    pub fn next(&mut self) -> Receive<'_, M, Events> {
        Receive::new(self, Events)
    }

    /// The oldest event that is wanted; the others keep their order, and each is asked about once.
    pub fn next_match<F>(&mut self, wanted: F) -> Receive<'_, M, EventsThat<F>>
    where
        F: FnMut(&Event<M>) -> bool + Send,
    {
        Receive::new(self, EventsThat(wanted))
    }

    /// Whether exits arrive as events instead of ending the process; tells what it was before.
    ///
    /// A process that traps also gets requests to end, as [`Event::Stop`], and owes its end from then on: who asked may
    /// kill it when it takes too long. A kill is never trapped.
    pub fn trap_exit(&self, on: bool) -> bool {
        self.cell.signals(|signals| signals.trap_exit(on))
    }

    /// Takes a link away; an exit of it that was not received is taken away too.
    pub fn unlink(&mut self, from: Pid) {
        (**self).unlink(from);
        self.refused.flush_exit(from);
        self.receiver.keep(self.refused.len());
    }

    /// Stops watching; a down of it that was not received is taken away.
    pub fn demonitor(&mut self, monitor: MonitorRef) {
        (**self).demonitor(monitor);
        self.refused.flush_down(monitor);
        self.receiver.keep(self.refused.len());
    }

    /// A client of itself whose messages come before all others that wait in the mailbox.
    ///
    /// Who is given it may overtake: hand it out sparingly. From the first one on the mailbox is a little slower.
    pub fn urgent<C: Client<Message = Letter<M>>>(&self) -> C {
        C::from_address(Address::urgent(self.receiver.this().clone()))
    }

    /// A client of itself, to hand out.
    pub fn me<C: Client<Message = Letter<M>>>(&self) -> C {
        C::from_address(Address::typed(self.receiver.this().clone()))
    }
}

/// What the inbox's process can do about itself and others.
impl<M> Deref for Inbox<M> {
    type Target = This;

    fn deref(&self) -> &This {
        self.receiver.this().this()
    }
}

impl<M> fmt::Debug for Inbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

/// A wait for something in an inbox.
///
/// # Cancel safety
/// An event is taken only when it is returned.
#[must_use = "futures do nothing unless polled"]
pub struct Receive<'a, M, P> {
    inbox: &'a mut Inbox<M>,
    mark: Mark,
    pick: P,
    /// At the last poll; not if it was another process's turn.
    has_looked: bool,
}

impl<'a, M: Wire, P: Pick<M>> Receive<'a, M, P> {
    fn new(inbox: &'a mut Inbox<M>, pick: P) -> Self {
        Self { inbox, mark: Mark::default(), pick, has_looked: false }
    }

    /// Waits this long, counted from now; None if nothing came. What waits already comes even if the time is zero.
    pub fn timeout(self, limit: Duration) -> impl Future<Output = Option<P::Output>> {
        let time = sleep(limit);
        async move {
            let (mut receive, mut time) = (self, pin!(time));
            poll_fn(|cx| match Pin::new(&mut receive).poll(cx) {
                Poll::Ready(value) => Poll::Ready(Some(value)),
                // Too late is only what has looked.
                Poll::Pending if !receive.has_looked => Poll::Pending,
                Poll::Pending => time.as_mut().poll(cx).map(|()| None),
            })
            .await
        }
    }
}

/// Nothing in it is pinned.
impl<M, P> Unpin for Receive<'_, M, P> {}

impl<M: Wire, P: Pick<M>> Future for Receive<'_, M, P> {
    type Output = P::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<P::Output> {
        let Self { inbox, mark, pick, has_looked } = &mut *self;
        let Inbox { receiver, refused } = &mut **inbox;
        *has_looked = false;
        // A process that always finds something still lets others run.
        if receiver.yields(cx) {
            return Poll::Pending;
        }
        // The common case by itself: a message that is wanted whatever it says, and nothing older.
        if P::TAKES_MESSAGES
            && refused.is_empty()
            && let Some(Letter(message)) = receiver.take_first(cx)
        {
            return Poll::Ready(P::open(Event::Message(message)));
        }
        // One turn looks through what waits at its beginning: a flood of what is not wanted does not hold the worker, and
        // what waits is seen before a timeout is.
        let (mut first, mut left) = (true, None);
        let more = || {
            if std::mem::take(&mut first) {
                return poll_event(receiver, cx);
            }
            let left = left.get_or_insert_with(|| receiver.queued() + 1);
            match left.checked_sub(1) {
                Some(fewer) => {
                    *left = fewer;
                    poll_event(receiver, cx)
                }
                None => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        };
        let picked = refused.poll_pick(mark, &mut |event| pick.wants(event), more);
        *has_looked = true;
        receiver.keep(refused.len());
        let (event, size) = ready!(picked);
        receiver.release(size);
        receiver.this().cell().received(match &event {
            Event::Message(_) => const { Letter::<M>::METHOD.id() },
            Event::Exit(_) => seen::EXIT,
            Event::Down(_) => seen::DOWN,
            Event::Stop(_) => seen::TERMINATE,
        });
        Poll::Ready(P::open(event))
    }
}

/// The next of the mailbox; what can't be read has been refused to its sender.
fn poll_event<M: Wire>(receiver: &mut Receiver<Letter<M>>, cx: &mut Context<'_>) -> Poll<(Event<M>, Size)> {
    loop {
        let (item, size) = ready!(receiver.poll_take(cx));
        let event = match item {
            Item::Local(Letter(message), _) => Event::Message(message),
            Item::Other(other) => match other.into_inner() {
                Other::Wire(incoming) => match Letter::from_wire(incoming) {
                    Ok(Letter(message)) => Event::Message(message),
                    Err(rejected) => {
                        receiver.release(size);
                        let pid = receiver.this().cell().pid();
                        tracing::warn!(%pid, error = %rejected.0, "refused a message");
                        continue;
                    }
                },
                Other::Exit(exit) => Event::Exit(exit),
                Other::Down(down) => Event::Down(down),
                Other::Stop(reason) => Event::Stop(reason),
                // It is no actor.
                Other::Traced(_) => continue,
            },
        };
        return Poll::Ready((event, size));
    }
}

impl<M, P> fmt::Debug for Receive<'_, M, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Receive").field(&self.inbox).finish()
    }
}

impl<M: Wire> Message for Letter<M> {
    const METHODS: &'static [&'static Method] = Self::ALL;

    fn method(&self) -> &'static Method {
        Self::METHOD
    }

    fn from_wire(incoming: Incoming) -> Result<Self, Rejected> {
        if incoming.method() != const { Self::METHOD.id() } {
            return Err(incoming.unknown());
        }
        let ((message,), _) = incoming.arguments(Self::METHOD)?;
        Ok(Self(message))
    }
}

//! The inbox of a process that is a function.
//!
//! The host hands over one event at a time, when a receive waits for it. What a receive refused waits in the inbox, in
//! the component's own memory.

use super::{Address, Client, Event, Incoming, Letter, Level, Message, Rejected, This, log, sleep};
use crate::receive::{Events, EventsThat, Mark, Messages, MessagesThat, Pick, Refused};
use crate::wire::{Method, MonitorRef, Pid, Wire};
use rusm_guest::{DeliveryFuture, next_delivery, process, types::Delivery};
use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

/// The mailbox of a process that is a function, and the process itself: `inbox.pid()`, `inbox.monitor(..)`.
pub struct Inbox<M> {
    this: This,
    refused: Refused<M, ()>,
}

impl<M: Wire> Inbox<M> {
    pub(super) fn new() -> Self {
        Self { this: This::new(), refused: Refused::new() }
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
        process::trap_exit(on)
    }

    /// Takes a link away; an exit of it that was not received is taken away too.
    pub fn unlink(&mut self, from: Pid) {
        self.this.unlink(from);
        self.fetched();
        self.refused.flush_exit(from);
    }

    /// Stops watching; a down of it that was not received is taken away.
    pub fn demonitor(&mut self, monitor: MonitorRef) {
        self.this.demonitor(monitor);
        self.fetched();
        self.refused.flush_down(monitor);
    }

    /// A client of itself, to hand out.
    pub fn me<C: Client<Message = Letter<M>>>(&self) -> C {
        C::from_address(Address::pid_on(self.node(), self.pid()))
    }

    /// Takes what was fetched for a receive that was dropped.
    fn fetched(&mut self) {
        let mut more = next_delivery();
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(event) = poll_event(&mut more, &mut cx) {
            self.refused.push(event, ());
        }
    }
}

/// What the inbox's process can do about itself and others.
impl<M> Deref for Inbox<M> {
    type Target = This;

    fn deref(&self) -> &This {
        &self.this
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
    more: DeliveryFuture,
    /// How many events the host has given to this receive.
    given: usize,
}

/// What a receive whose time is up still looks at.
const MOST_WAITING: usize = 4096;

impl<'a, M: Wire, P: Pick<M>> Receive<'a, M, P> {
    fn new(inbox: &'a mut Inbox<M>, pick: P) -> Self {
        Self { inbox, mark: Mark::default(), pick, more: next_delivery(), given: 0 }
    }

    /// Waits this long, counted from now; None if nothing came. What waits already comes even if the time is zero.
    pub fn timeout(self, limit: Duration) -> impl Future<Output = Option<P::Output>> {
        let mut time = sleep(limit);
        async move {
            let mut receive = self;
            if let Some(value) = receive.until(&mut time).await {
                return Some(value);
            }
            // The host gives a timer and the mailbox their turns: only a timer that fires with nothing given since the last
            // one says that nothing waits.
            let last = receive.given.saturating_add(MOST_WAITING);
            while receive.given < last {
                let before = receive.given;
                if let Some(value) = receive.until(&mut sleep(Duration::ZERO)).await {
                    return Some(value);
                }
                if receive.given == before {
                    break;
                }
            }
            None
        }
    }

    async fn until(&mut self, time: &mut rusm_guest::TimerFuture) -> Option<P::Output> {
        poll_fn(|cx| match Pin::new(&mut *self).poll(cx) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Pin::new(&mut *time).poll(cx).map(|()| None),
        })
        .await
    }
}

/// Nothing in it is pinned.
impl<M, P> Unpin for Receive<'_, M, P> {}

impl<M: Wire, P: Pick<M>> Future for Receive<'_, M, P> {
    type Output = P::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<P::Output> {
        let Self { inbox, mark, pick, more, given } = &mut *self;
        let more = || {
            let event = ready!(poll_event(more, cx));
            *given += 1;
            Poll::Ready((event, ()))
        };
        inbox.refused.poll_pick(mark, &mut |event| pick.wants(event), more).map(|(event, ())| P::open(event))
    }
}

/// The next that the host gave; what can't be read goes to the log.
fn poll_event<M: Wire>(more: &mut DeliveryFuture, cx: &mut Context<'_>) -> Poll<Event<M>> {
    loop {
        return Poll::Ready(match ready!(Pin::new(&mut *more).poll(cx)) {
            Delivery::Message(message) => match Letter::from_wire(Incoming::from(message)) {
                Ok(Letter(message)) => Event::Message(message),
                Err(rejected) => {
                    log(Level::Warn, rejected.text());
                    continue;
                }
            },
            Delivery::Exit(signal) => Event::Exit(signal.into()),
            Delivery::Down(down) => Event::Down(down.into()),
            Delivery::Stop(reason) => Event::Stop(reason.into()),
        });
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

//! Taps: what a process does, told to somebody who looks on, for a while.
//!
//! A tap costs the process that it is on a short lock for each event, and all others nothing: the process looks at one bit of a byte that it
//! reads anyway. The tap is bounded in each way: so many events in a second, so many that wait for whoever looks on, and a time after
//! which it ends. What did not fit is counted.
//!
//! # Who may touch what
//! The process's side data lists its taps. Whoever has an event takes a copy of the list under the side lock and gives the event to each after it;
//! a tap's own lock is taken alone, and wakers are woken after it.

mod bucket;

use self::bucket::Bucket;
use super::cell::{Cell, CellRef};
use super::signal::Effect;
use super::{CallError, Instant, Node, lock};
use crate::wire::{ExitReason, Method, Pid};
use futures_core::Stream;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Sleep;

/// How many events pass in a second unless told.
const LIMIT: u32 = 1000;
/// How many wait for whoever looks on at most.
const QUEUE: usize = 1 << 16;

/// What a tap tells.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TapEvent {
    /// Which process.
    pub pid: Pid,
    /// When.
    pub at: Instant,
    /// What.
    pub what: Tapped,
}

/// What a process that is tapped has done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tapped {
    /// It takes up a message of this method, or one of its events: `#[on(exit)]`, say.
    Message {
        /// What [`ProcessInfo::handling`](super::ProcessInfo::handling) tells.
        kind: Cow<'static, str>,
    },
    /// It is done with it. Functions with an inbox do not say so.
    Done {
        /// As it was taken up.
        kind: Cow<'static, str>,
        /// How long it had it in hand.
        took: Duration,
    },
    /// It calls another process.
    Called {
        /// Whom.
        to: Pid,
        /// What.
        method: &'static str,
    },
    /// A call has ended.
    Answered {
        /// Whom it had called; None if nobody was there.
        to: Option<Pid>,
        /// Why there is no answer.
        error: Option<CallError>,
    },
    /// A process that it is linked to has ended.
    Exit {
        /// Which one.
        from: Pid,
        /// Why.
        reason: ExitReason,
    },
    /// A process that it watches has ended.
    Down {
        /// Which one.
        pid: Pid,
        /// Why.
        reason: ExitReason,
    },
    /// It is to end: it was asked to, or one that it is linked to has ended.
    Asked(ExitReason),
    /// It has ended.
    Ended(ExitReason),
}

/// Why a tap has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TapEnd {
    /// Its time is over.
    Time,
    /// The process has ended.
    Process,
    /// There was no such process.
    NoProcess,
}

#[derive(Debug, Clone, Copy, Default)]
struct Wants {
    messages: bool,
    calls: bool,
    exits: bool,
}

impl Wants {
    fn has(self, what: &Tapped) -> bool {
        match what {
            Tapped::Message { .. } | Tapped::Done { .. } => self.messages,
            Tapped::Called { .. } | Tapped::Answered { .. } => self.calls,
            Tapped::Exit { .. } | Tapped::Down { .. } | Tapped::Asked(_) | Tapped::Ended(_) => self.exits,
        }
    }
}

/// A tap before it is put on: [`for_at_most`](Self::for_at_most) does that.
#[derive(Debug, Clone)]
#[must_use = "a tap is not on until `.for_at_most(..)`"]
pub struct TapOptions {
    node: Node,
    pid: Pid,
    wants: Wants,
    limit: u32,
}

impl Node {
    /// Looks on at a process: at all that a [`Tap`] tells, unless some of it is picked.
    ///
    /// # Examples
    /// ```
    /// # use rusm::prelude::*;
    /// # use rusm::otp::Tapped;
    /// # use std::time::Duration;
    /// pub struct Counter(u64);
    ///
    /// #[actor]
    /// impl Counter {
    ///     #[init]
    ///     fn start() -> Self { Self(0) }
    ///     pub fn add(&mut self, by: u64) { self.0 += by }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::builder().build().await?;
    /// let counter = node.spawn::<Counter>(()).await?;
    /// let mut tap = node.tap(counter.pid()).messages().limit(100).for_at_most(Duration::from_secs(60));
    /// counter.add(1).await?;
    /// let event = tap.next().await.expect("it has had a message");
    /// assert_eq!(event.what, Tapped::Message { kind: "add".into() });
    /// # Ok(())
    /// # }
    /// ```
    pub fn tap(&self, pid: Pid) -> TapOptions {
        TapOptions { node: self.clone(), pid, wants: Wants::default(), limit: LIMIT }
    }
}

impl TapOptions {
    /// The messages that it takes up, and how long it has each in hand.
    pub fn messages(mut self) -> Self {
        self.wants.messages = true;
        self
    }

    /// The calls that it makes, and how they end. Those of components are not told, and casts are not.
    pub fn calls(mut self) -> Self {
        self.wants.calls = true;
        self
    }

    /// The ends of those that it is linked to and watches, requests to end, and its own end.
    pub fn exits(mut self) -> Self {
        self.wants.exits = true;
        self
    }

    /// How many events pass in a second, and how many may wait for whoever looks on; 1000 unless told. Of those that wait no more than 65 536.
    pub fn limit(mut self, events: u32) -> Self {
        self.limit = events.max(1);
        self
    }

    /// Puts it on, for this time or until it is dropped.
    pub fn for_at_most(self, time: Duration) -> Tap {
        let Self { node, pid, mut wants, limit } = self;
        if !(wants.messages || wants.calls || wants.exits) {
            wants = Wants { messages: true, calls: true, exits: true };
        }
        let now = Instant::now();
        let until = now + time.min(super::timer::FAR);
        let queue =
            Queue { events: VecDeque::new(), bucket: Bucket::new(limit, now), dropped: 0, waker: None, end: None };
        let most = (limit as usize).min(QUEUE);
        let shared = Arc::new(Shared { wants, most, until, queue: Mutex::new(queue) });
        let cell = node.table().get(pid);
        match &cell {
            Some(cell) if cell.put_on(&shared) => {}
            _ => shared.end(TapEnd::NoProcess),
        }
        Tap { shared, cell, time: None }
    }
}

/// What a tap and the process that it is on share.
pub(crate) struct Shared {
    wants: Wants,
    most: usize,
    until: Instant,
    queue: Mutex<Queue>,
}

struct Queue {
    events: VecDeque<TapEvent>,
    bucket: Bucket,
    dropped: u64,
    waker: Option<Waker>,
    end: Option<TapEnd>,
}

impl Shared {
    /// Whether it goes on.
    fn tell(&self, event: TapEvent) -> bool {
        if event.at >= self.until {
            self.end(TapEnd::Time);
            return false;
        }
        if !self.wants.has(&event.what) {
            return true;
        }
        let waker = {
            let mut queue = lock(&self.queue);
            if queue.end.is_some() {
                return false;
            }
            if queue.events.len() < self.most && queue.bucket.allow(event.at) {
                queue.events.push_back(event);
                queue.waker.take()
            } else {
                queue.dropped += 1;
                None
            }
        };
        wake(waker);
        true
    }

    fn end(&self, end: TapEnd) {
        let waker = {
            let mut queue = lock(&self.queue);
            queue.end.get_or_insert(end);
            queue.waker.take()
        };
        wake(waker);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        // Whose it is, is not known here; its panic is not the process's.
        let _ = super::crash::guard(|| waker.wake());
    }
}

/// What somebody is told who looks on at a process; a stream of [`TapEvent`]s.
///
/// Dropping it takes it off.
pub struct Tap {
    shared: Arc<Shared>,
    cell: Option<CellRef>,
    time: Option<Pin<Box<Sleep>>>,
}

impl Tap {
    /// The next event; None once the tap has ended and all was told.
    ///
    /// # Cancel safety
    /// An event is taken only when it is returned.
    pub async fn next(&mut self) -> Option<TapEvent> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// How many events there were beyond its limits.
    pub fn dropped(&self) -> u64 {
        lock(&self.shared.queue).dropped
    }

    /// Why it has ended, if it has.
    pub fn end(&self) -> Option<TapEnd> {
        lock(&self.shared.queue).end
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<TapEvent>> {
        let until = self.shared.until;
        let time = self.time.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        if time.as_mut().poll(cx).is_ready() {
            self.shared.end(TapEnd::Time);
        }
        let mut queue = lock(&self.shared.queue);
        if let Some(event) = queue.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if queue.end.is_some() {
            return Poll::Ready(None);
        }
        let old = queue.waker.replace(cx.waker().clone());
        drop(queue);
        drop(old);
        Poll::Pending
    }
}

impl Stream for Tap {
    type Item = TapEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TapEvent>> {
        self.poll_event(cx)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        if let Some(cell) = &self.cell {
            cell.take_off(&self.shared);
        }
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = lock(&self.shared.queue);
        f.debug_struct("Tap")
            .field("waiting", &queue.events.len())
            .field("dropped", &queue.dropped)
            .field("end", &queue.end)
            .finish_non_exhaustive()
    }
}

/// The taps on one process, to be told something once no lock is held.
pub(crate) type Taps = Vec<Arc<Shared>>;

impl Cell {
    /// Tells its taps; those that have ended are taken off.
    pub(super) fn tell(&self, taps: Taps, what: &Tapped) {
        let (pid, at) = (self.pid(), Instant::now());
        for tap in taps {
            if !tap.tell(TapEvent { pid, at, what: what.clone() }) {
                self.take_off(&tap);
            }
        }
    }

    /// It calls another process; only of one that is watched.
    #[cold]
    pub(super) fn tell_call(&self, to: Pid, method: &'static Method) {
        self.tell(self.taps(), &Tapped::Called { to, method: method.name });
    }

    /// A call of its has ended; only of one that is watched.
    #[cold]
    pub(super) fn tell_answer(&self, to: Option<Pid>, error: Option<CallError>) {
        self.tell(self.taps(), &Tapped::Answered { to, error });
    }

    /// It has ended; only of one that is watched.
    #[cold]
    pub(super) fn tell_end(&self, reason: &ExitReason) {
        let taps = self.taps();
        self.tell(taps.clone(), &Tapped::Ended(reason.clone()));
        for tap in taps {
            tap.end(TapEnd::Process);
            self.take_off(&tap);
        }
    }
}

/// What a signal's effect is to those who look on.
pub(super) fn tapped(effect: &Effect) -> Option<Tapped> {
    Some(match effect {
        Effect::DeliverExit(exit) => Tapped::Exit { from: exit.from, reason: exit.reason.clone() },
        Effect::DeliverDown(down) => Tapped::Down { pid: down.pid, reason: down.reason.clone() },
        Effect::Stop(reason) | Effect::End(reason) => Tapped::Asked(reason.clone()),
        Effect::Send(..) => return None,
    })
}

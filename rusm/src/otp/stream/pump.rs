//! What polls a stream, and what lies between it and the consumer.

use super::super::cell::CellRef;
use super::super::mailbox::{Item, Mailbox, Other, Receiver};
use super::super::node::{Family, Start};
use super::super::process::own_signal;
use super::super::{CallError, Incoming, SpawnError, lock};
use crate::wire::{ExitReason, Method};
use futures_core::Stream;
use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

/// Starts the process that polls `stream`.
pub(super) fn pump<T, S>(
    actor: &CellRef,
    method: &'static Method,
    credit: usize,
    stream: S,
    at: &'static Location<'static>,
) -> Result<(Arc<Pipe<T>>, CellRef), SpawnError>
where
    T: Send + 'static,
    S: Stream<Item = T> + Send + 'static,
{
    let node = actor.node();
    let pipe = Arc::new(Pipe::new(credit));
    let source = Source(pipe.clone());
    let family = Family { parent: Some(actor), ..Family::default() };
    let start = Start { family, priority: actor.priority(), ..Start::new(&method.name, at) };
    let started = node.start(start, Mailbox::<Incoming>::new(Some(0.into())), |this| Pump {
        stream,
        source,
        receiver: Receiver::new(this),
    });
    let pump = started?.cell().clone();
    // The actor can't have ended: this is its turn.
    let monitor = node.next_monitor();
    own_signal(node, pump.ptr(), |signals| signals.monitor(monitor, actor.pid()));
    Ok((pipe, pump))
}

/// What lies between a pump and its consumer.
pub(super) struct Pipe<T> {
    pub(super) shared: Mutex<Shared<T>>,
    pub(super) credit: usize,
}

pub(super) struct Shared<T> {
    pub(super) items: VecDeque<T>,
    pub(super) state: State,
    /// The pump waits for credit.
    pub(super) starved: bool,
    pub(super) consumer: Option<Waker>,
}

pub(super) enum State {
    Open,
    /// The pump is done; what its consumer finds behind the last item.
    Ended(Option<CallError>),
    /// The pump is gone without a word, or its consumer has taken it.
    Closed,
    /// The consumer is gone.
    Left,
}

impl<T> Pipe<T> {
    fn new(credit: usize) -> Self {
        let shared = Shared { items: VecDeque::new(), state: State::Open, starved: false, consumer: None };
        Self { shared: Mutex::new(shared), credit }
    }
}

/// The pump's end.
struct Source<T>(Arc<Pipe<T>>);

enum Room {
    Some,
    None,
    /// Nobody wants more.
    Left,
}

impl<T> Source<T> {
    fn room(&self) -> Room {
        let mut shared = lock(&self.0.shared);
        match shared.state {
            State::Left => Room::Left,
            _ if shared.items.len() < self.0.credit => Room::Some,
            _ => {
                shared.starved = true;
                Room::None
            }
        }
    }

    fn push(&self, item: T) {
        let mut shared = lock(&self.0.shared);
        if matches!(shared.state, State::Left) {
            drop(shared);
            return drop(item);
        }
        shared.items.push_back(item);
        let consumer = shared.consumer.take();
        drop(shared);
        wake(consumer);
    }

    /// Says how it ended, once.
    fn end(&self, end: State) {
        let mut shared = lock(&self.0.shared);
        if matches!(shared.state, State::Open) {
            shared.state = end;
        }
        let consumer = shared.consumer.take();
        drop(shared);
        wake(consumer);
    }
}

impl<T> Drop for Source<T> {
    fn drop(&mut self) {
        self.end(State::Closed);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

pin_project_lite::pin_project! {
    /// The code of the process that polls a stream. By hand: a panic unwinds an `async` block, which would close the pipe before
    /// the reason is known.
    struct Pump<S: Stream> {
        #[pin]
        stream: S,
        source: Source<S::Item>,
        receiver: Receiver<Incoming>,
    }
}

impl<S: Stream> Future for Pump<S> {
    type Output = ExitReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        let mut this = self.project();
        // Nothing but the actor's end is ever for it.
        while let Poll::Ready(item) = this.receiver.poll_next(cx) {
            if let Item::Other(other) = item
                && let Other::Down(down) = other.into_inner()
            {
                this.source.end(State::Ended(Some(CallError::Exited(down.reason))));
                return Poll::Ready(ExitReason::Normal);
            }
        }
        loop {
            match this.source.room() {
                Room::Some => {}
                Room::None => return Poll::Pending,
                Room::Left => return Poll::Ready(ExitReason::Normal),
            }
            match ready!(this.stream.as_mut().poll_next(cx)) {
                Some(item) => this.source.push(item),
                None => {
                    this.source.end(State::Ended(None));
                    return Poll::Ready(ExitReason::Normal);
                }
            }
            if this.receiver.yields(cx) {
                return Poll::Pending;
            }
        }
    }
}

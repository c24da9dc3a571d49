//! What a process waits for: calls, spawns and timers, under numbers that the guest chose.
//!
//! All of them are futures in one set that [`Waiting::poll`] looks through. Each is polled once when it starts: by then a
//! call's message is in its callee's mailbox, before anything that the guest sends afterwards. Cancelling takes a number away at once; its
//! future goes with the next look. The set, cancelled ones included, never holds more than [`MAX`].
//!
//! An answer that is there takes memory of the host, whether the guest asks for it or not. So answers are gathered
//! whenever the process runs or waits for anything, and of those that it does not take at most [`MAX_BYTES`] are kept:
//! a call beyond that ends with `full`.

use super::bindings::rusm::process::events::Event;
use super::bindings::rusm::process::types::CallError;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::FuturesUnordered;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// How much one process may have under way.
pub(super) const MAX: usize = 4096;

/// What a number stands for; each kind counts on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Call,
    Spawn,
    Timer,
}

/// How many bytes of answers may wait to be taken; one answer may always.
pub(super) const MAX_BYTES: usize = 64 << 20;

type Key = (Kind, u32);
type Pending = Pin<Box<dyn Future<Output = (Key, Event)> + Send>>;

/// Why something was not started; the guest is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("more than {MAX} calls, spawns and timers are under way")]
    TooMany,
    #[error("the number {1} of a {0:?} is in use")]
    InUse(Kind, u32),
}

#[derive(Default)]
pub(super) struct Waiting {
    set: FuturesUnordered<Abortable<Pending>>,
    live: HashMap<Key, AbortHandle>,
    ready: VecDeque<(Key, Event)>,
    // Of the answers in `ready`.
    bytes: usize,
}

fn bytes(event: &Event) -> usize {
    match event {
        Event::Answered((_, Ok(body))) => body.len(),
        _ => 0,
    }
}

impl Waiting {
    /// Starts waiting for `future`.
    pub(super) fn start<F>(&mut self, kind: Kind, number: u32, future: F) -> Result<(), Refused>
    where
        F: Future<Output = Event> + Send + 'static,
    {
        let key = (kind, number);
        if self.live.contains_key(&key) {
            return Err(Refused::InUse(kind, number));
        }
        if self.set.len() + self.ready.len() >= MAX {
            self.gather(&mut Context::from_waker(Waker::noop()));
        }
        if self.set.len() + self.ready.len() >= MAX {
            return Err(Refused::TooMany);
        }
        let (handle, registration) = AbortHandle::new_pair();
        self.live.insert(key, handle);
        let mut pending: Pending = Box::pin(async move { (key, future.await) });
        // Whatever wakes it between this poll and the next is not lost: the set polls it as new.
        match pending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => self.keep(done),
            Poll::Pending => self.set.push(Abortable::new(pending, registration)),
        }
        Ok(())
    }

    /// Forgets a number; nothing happens if it is not in use.
    pub(super) fn cancel(&mut self, kind: Kind, number: u32) {
        if let Some(handle) = self.live.remove(&(kind, number)) {
            handle.abort();
            self.ready.retain(|(key, event)| {
                let other = *key != (kind, number);
                self.bytes -= if other { 0 } else { bytes(event) };
                other
            });
        }
    }

    /// Whether something is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// The next that is done; pending if nothing is under way.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        self.gather(cx);
        match self.ready.pop_front() {
            Some((key, event)) => {
                self.live.remove(&key);
                self.bytes -= bytes(&event);
                Poll::Ready(event)
            }
            None => Poll::Pending,
        }
    }

    /// Takes out all that are done, and drops those that were cancelled.
    pub(super) fn gather(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(done)) = self.set.poll_next_unpin(cx) {
            // What was cancelled comes as aborted, even if it was done by then.
            if let Ok(done) = done {
                self.keep(done);
            }
        }
    }

    fn keep(&mut self, (key, mut event): (Key, Event)) {
        if self.bytes > 0
            && self.bytes.saturating_add(bytes(&event)) > MAX_BYTES
            && let Event::Answered((_, answer @ Ok(_))) = &mut event
        {
            *answer = Err(CallError::Full);
        }
        self.bytes += bytes(&event);
        self.ready.push_back((key, event));
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("under_way", &self.live.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};
    use std::sync::Arc;

    fn poll(waiting: &mut Waiting) -> Option<u32> {
        match waiting.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Event::Timer(number)) => Some(number),
            Poll::Ready(_) => unreachable!("only timers here"),
            Poll::Pending => None,
        }
    }

    #[test]
    fn done_ones_come_out_once() {
        let mut waiting = Waiting::default();
        waiting.start(Kind::Timer, 1, ready(Event::Timer(1))).unwrap();
        waiting.start(Kind::Timer, 2, pending()).unwrap();
        waiting.start(Kind::Timer, 3, ready(Event::Timer(3))).unwrap();
        let mut seen = [poll(&mut waiting), poll(&mut waiting)];
        seen.sort();
        assert_eq!(seen, [Some(1), Some(3)]);
        assert_eq!(poll(&mut waiting), None);
        assert!(!waiting.is_empty());
        waiting.cancel(Kind::Timer, 2);
        assert!(waiting.is_empty());
    }

    #[test]
    fn what_is_started_begins_at_once() {
        let mut waiting = Waiting::default();
        let begun = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let seen = Arc::clone(&begun);
        let wait = async move {
            seen.store(true, std::sync::atomic::Ordering::Relaxed);
            pending().await
        };
        waiting.start(Kind::Call, 1, wait).unwrap();
        assert!(begun.load(std::sync::atomic::Ordering::Relaxed));
    }

    #[test]
    fn a_cancelled_one_never_comes_and_its_number_is_free() {
        let mut waiting = Waiting::default();
        waiting.start(Kind::Timer, 1, ready(Event::Timer(1))).unwrap();
        waiting.cancel(Kind::Timer, 1);
        assert_eq!(poll(&mut waiting), None);
        waiting.start(Kind::Timer, 1, ready(Event::Timer(7))).unwrap();
        assert_eq!(poll(&mut waiting), Some(7));
        waiting.start(Kind::Call, 1, pending()).unwrap();
        assert_eq!(waiting.start(Kind::Call, 1, pending()), Err(Refused::InUse(Kind::Call, 1)));
    }

    #[test]
    fn answers_that_nobody_takes_are_bounded() {
        const HALF: usize = MAX_BYTES / 2;
        let answer = |number| ready(Event::Answered((number, Ok(vec![0; HALF]))));
        let mut waiting = Waiting::default();
        let (late, receiver) = tokio::sync::oneshot::channel();
        waiting.start(Kind::Call, 0, async move { Event::Answered((0, Ok(receiver.await.unwrap()))) }).unwrap();
        for number in 1..=2 {
            waiting.start(Kind::Call, number, answer(number)).unwrap();
        }
        late.send(vec![0; 1]).unwrap();
        waiting.gather(&mut Context::from_waker(Waker::noop()));
        let mut take = || match waiting.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Event::Answered((number, answer))) => (number, answer.map(|body| body.len())),
            _ => unreachable!("only answers here"),
        };
        assert!(matches!([take(), take()], [(1, Ok(HALF)), (2, Ok(HALF))]));
        assert!(matches!(take(), (0, Err(CallError::Full))));
        waiting.start(Kind::Call, 3, answer(3)).unwrap();
        waiting.start(Kind::Call, 4, answer(4)).unwrap();
        waiting.cancel(Kind::Call, 4);
        waiting.start(Kind::Call, 5, answer(5)).unwrap();
        let mut take = || waiting.poll(&mut Context::from_waker(Waker::noop()));
        for _ in 0..2 {
            assert!(matches!(take(), Poll::Ready(Event::Answered((3 | 5, Ok(_))))));
        }
        assert_eq!(waiting.bytes, 0);
    }

    #[test]
    fn starting_and_cancelling_holds_nothing() {
        let mut waiting = Waiting::default();
        let held = Arc::new(());
        for number in 0..3 * MAX as u32 {
            let held = Arc::clone(&held);
            let wait = async move {
                let _held = held;
                pending().await
            };
            waiting.start(Kind::Timer, number, wait).unwrap();
            waiting.cancel(Kind::Timer, number);
        }
        assert!(Arc::strong_count(&held) <= MAX + 1);
        assert_eq!(poll(&mut waiting), None);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn the_number_under_way_is_bounded() {
        let mut waiting = Waiting::default();
        for number in 0..MAX as u32 {
            waiting.start(Kind::Timer, number, ready(Event::Timer(number))).unwrap();
        }
        assert_eq!(waiting.start(Kind::Timer, MAX as u32, pending()), Err(Refused::TooMany));
        assert!(poll(&mut waiting).is_some());
        waiting.start(Kind::Timer, MAX as u32, pending()).unwrap();
    }
}

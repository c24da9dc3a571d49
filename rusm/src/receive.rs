//! What the inboxes of both sides share: what can be received, which of it a receive picks, how a process may end.
//!
//! A receive looks at each event once: first at those that earlier receives refused, oldest first, then at what arrives. Its
//! mark is behind the last one that it refused, so an event that it passed is not asked about again while it waits.
//! An event leaves its place only when it is handed out: a receive that is dropped has taken nothing.

use crate::wire::{Down, Exit, ExitReason, ExitSignal, Field, Method, MethodKind, MonitorRef, Pid, Type, Wire};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What reaches a process that has an inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<M> {
    /// Somebody sent this.
    Message(M),
    /// A linked process ended; only for a process that traps exits.
    Exit(ExitSignal),
    /// A monitored process ended.
    Down(Down),
    /// The process is asked to end: it cleans up and returns. Only for one that traps exits; others end at once.
    Stop(ExitReason),
}

impl<M> Event<M> {
    /// Whether it is a message.
    pub fn is_message(&self) -> bool {
        matches!(self, Self::Message(_))
    }
}

/// What a receive takes, and what it makes of it.
#[doc(hidden)]
pub trait Pick<M> {
    /// What it makes of an event.
    type Output;

    /// Whether it takes every message.
    const TAKES_MESSAGES: bool = false;

    /// Whether it takes this event.
    fn wants(&mut self, event: &Event<M>) -> bool;

    /// What it makes of an event that it wants.
    fn open(event: Event<M>) -> Self::Output;
}

/// The oldest message.
#[doc(hidden)]
#[derive(Debug)]
pub struct Messages;

impl<M> Pick<M> for Messages {
    type Output = M;
    const TAKES_MESSAGES: bool = true;

    #[inline]
    fn wants(&mut self, event: &Event<M>) -> bool {
        event.is_message()
    }

    #[inline]
    fn open(event: Event<M>) -> M {
        match event {
            Event::Message(message) => message,
            _ => unreachable!("only messages are wanted"),
        }
    }
}

/// The oldest message that is wanted.
#[doc(hidden)]
#[derive(Debug)]
pub struct MessagesThat<F>(pub(crate) F);

impl<M, F: FnMut(&M) -> bool> Pick<M> for MessagesThat<F> {
    type Output = M;

    fn wants(&mut self, event: &Event<M>) -> bool {
        matches!(event, Event::Message(message) if (self.0)(message))
    }

    fn open(event: Event<M>) -> M {
        Messages::open(event)
    }
}

/// The oldest event.
#[doc(hidden)]
#[derive(Debug)]
pub struct Events;

impl<M> Pick<M> for Events {
    type Output = Event<M>;
    const TAKES_MESSAGES: bool = true;

    #[inline]
    fn wants(&mut self, _: &Event<M>) -> bool {
        true
    }

    #[inline]
    fn open(event: Event<M>) -> Event<M> {
        event
    }
}

/// The oldest event that is wanted.
#[doc(hidden)]
#[derive(Debug)]
pub struct EventsThat<F>(pub(crate) F);

impl<M, F: FnMut(&Event<M>) -> bool> Pick<M> for EventsThat<F> {
    type Output = Event<M>;

    fn wants(&mut self, event: &Event<M>) -> bool {
        (self.0)(event)
    }

    fn open(event: Event<M>) -> Event<M> {
        event
    }
}

/// A user message of a process that has an inbox, as its address carries it: the one argument of the cast `message`.
#[doc(hidden)]
pub struct Letter<M>(pub M);

impl<M: Wire> Letter<M> {
    const FIELDS: &'static [Field] = &[Field { name: "message", ty: M::SCHEMA }];
    /// The only one.
    pub const METHOD: &'static Method = &Method::new(MethodKind::Cast, "message", Self::FIELDS, &Type::Unit, "");
    pub(crate) const ALL: &'static [&'static Method] = &[Self::METHOD];
}

impl<M> fmt::Debug for Letter<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Letter")
    }
}

/// What a process that is a function may return.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a process does not end with `{Self}`",
    label = "not the end of a process",
    note = "return nothing, `Exit`, or `Result<(), E>` with `E: Into<Exit>`"
)]
pub trait Ending {
    /// How it ended.
    fn into_exit(self) -> Exit;
}

impl Ending for () {
    fn into_exit(self) -> Exit {
        Exit::normal()
    }
}

impl Ending for Exit {
    fn into_exit(self) -> Exit {
        self
    }
}

impl<E: Into<Exit>> Ending for Result<(), E> {
    fn into_exit(self) -> Exit {
        self.map_or_else(Into::into, |()| Exit::normal())
    }
}

pin_project_lite::pin_project! {
    /// A process that is a function, up to how it ended.
    #[doc(hidden)]
    #[derive(Debug)]
    pub struct Ended<F> {
        #[pin]
        life: F,
    }
}

/// The life of a process that is a function. By hand: an `async` block would keep the future twice.
#[doc(hidden)]
pub fn ended<F: Future<Output: Ending>>(life: F) -> Ended<F> {
    Ended { life }
}

impl<F: Future<Output: Ending>> Future for Ended<F> {
    type Output = Exit;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Exit> {
        self.project().life.poll(cx).map(Ending::into_exit)
    }
}

/// What receives have refused, oldest first; `W` is what is known of each beside the event itself.
/// Boxed, because few processes refuse anything.
pub(crate) struct Refused<M, W>(Option<Box<Kept<M, W>>>);

type Kept<M, W> = VecDeque<(Event<M>, W)>;

/// How far a receive has looked: behind how many of what was refused, which are less than 2^32, since each takes memory.
#[derive(Debug, Default)]
pub(crate) struct Mark(u32);

impl<M, W> Refused<M, W> {
    pub(crate) fn new() -> Self {
        Self(None)
    }

    /// Whether there are none.
    #[cfg(not(target_family = "wasm"))]
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many there are.
    #[cfg(not(target_family = "wasm"))]
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |refused| refused.len())
    }

    /// Picks the first event that is wanted, behind the mark and then from `more`; `more` is asked only once everything
    /// older was refused.
    pub(crate) fn poll_pick(
        &mut self,
        mark: &mut Mark,
        wanted: &mut impl FnMut(&Event<M>) -> bool,
        mut more: impl FnMut() -> Poll<(Event<M>, W)>,
    ) -> Poll<(Event<M>, W)> {
        loop {
            if let Some(refused) = &mut self.0 {
                while let Some((event, _)) = refused.get(mark.0 as usize) {
                    if wanted(event)
                        && let Some(picked) = refused.remove(mark.0 as usize)
                    {
                        return Poll::Ready(picked);
                    }
                    mark.0 += 1;
                }
            }
            let (event, about) = ready!(more());
            if wanted(&event) {
                return Poll::Ready((event, about));
            }
            self.0.get_or_insert_default().push_back((event, about));
            mark.0 += 1;
        }
    }

    /// Keeps an event that arrived while nothing was received.
    #[cfg(target_family = "wasm")]
    pub(crate) fn push(&mut self, event: Event<M>, about: W) {
        self.0.get_or_insert_default().push_back((event, about));
    }

    /// Takes an exit away that was not picked.
    pub(crate) fn flush_exit(&mut self, from: Pid) {
        let Some(refused) = &mut self.0 else { return };
        refused.retain(|(event, _)| !matches!(event, Event::Exit(exit) if exit.from == from));
    }

    /// Takes a down away that was not picked.
    pub(crate) fn flush_down(&mut self, monitor: MonitorRef) {
        let Some(refused) = &mut self.0 else { return };
        refused.retain(|(event, _)| !matches!(event, Event::Down(down) if down.monitor == monitor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(event: &Event<u32>) -> u32 {
        Messages::open(event.clone())
    }

    /// One receive over what waits now, and how often it asked.
    fn pick(
        refused: &mut Refused<u32, ()>,
        arriving: &mut VecDeque<u32>,
        mut wanted: impl FnMut(u32) -> bool,
    ) -> (Option<u32>, usize) {
        let mut asked = 0;
        let mut wanted = |event: &Event<u32>| {
            asked += 1;
            wanted(message(event))
        };
        let more = || arriving.pop_front().map_or(Poll::Pending, |next| Poll::Ready((Event::Message(next), ())));
        let picked = match refused.poll_pick(&mut Mark::default(), &mut wanted, more) {
            Poll::Ready((event, ())) => Some(Messages::open(event)),
            Poll::Pending => None,
        };
        (picked, asked)
    }

    #[test]
    fn a_mark_is_not_looked_behind() {
        let mut refused = Refused::new();
        let mut mark = Mark::default();
        let mut asked = Vec::new();
        for round in 0..3_u32 {
            let mut arrived = Some(round);
            let mut wanted = |event: &Event<u32>| {
                asked.push(message(event));
                message(event) == 2
            };
            let more = || arrived.take().map_or(Poll::Pending, |next| Poll::Ready((Event::Message(next), ())));
            let picked = refused.poll_pick(&mut mark, &mut wanted, more);
            assert_eq!(picked.is_ready(), round == 2);
        }
        assert_eq!(asked, [0, 1, 2], "each was asked about once");
    }

    #[test]
    fn endings() {
        let cases = [
            (().into_exit(), ExitReason::Normal),
            (Exit::shutdown().into_exit(), ExitReason::Shutdown),
            (Ok::<(), Exit>(()).into_exit(), ExitReason::Normal),
            (Err::<(), Exit>(Exit::error("no")).into_exit(), ExitReason::Error("no".into())),
            (Err::<(), std::fmt::Error>(std::fmt::Error).into_exit(), Exit::from(std::fmt::Error).into_reason()),
        ];
        for (exit, expected) in cases {
            assert_eq!(exit.into_reason(), expected);
        }
    }

    proptest! {
        /// A model: the mailbox is one list, and a receive removes the first that fits.
        #[test]
        fn receives_pick_the_first_that_fits(
            arriving in proptest::collection::vec(0..5_u32, 0..40),
            wants in proptest::collection::vec(proptest::option::of(0..5_u32), 0..60),
        ) {
            let mut model = arriving.clone();
            let (mut refused, mut arriving) = (Refused::new(), VecDeque::from(arriving));
            for want in wants {
                let fits = |value: u32| want.is_none_or(|want| value == want);
                let expected = model.iter().position(|value| fits(*value));
                let looked_at = expected.map_or(model.len(), |at| at + 1);
                let expected = expected.map(|at| model.remove(at));
                prop_assert_eq!(pick(&mut refused, &mut arriving, fits), (expected, looked_at));
            }
        }
    }
}

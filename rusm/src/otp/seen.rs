//! What is kept of a process for those who look at it: beside what each has, only of those that were asked for it.
//!
//! An actor, or the backend of a component, notes the number of the message that it takes up: a store into its own cell. Nobody
//! else writes there, so whoever looks from outside sees the message in hand or one next to it. All that costs more happens only
//! if the cell is watched, one byte beside those that its worker reads anyway.

use super::cell::{Cell, CellPtr};
use super::signal::Effect;
use super::tap::{self, Shared, Tapped, Taps};
use super::trace::Trace;
use super::{Instant, This};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a process has in hand beside messages; no method has such a number but by an unlikely chance.
pub(crate) const INIT: u32 = 1;
pub(crate) const EXIT: u32 = 2;
pub(crate) const DOWN: u32 = 3;
pub(crate) const TERMINATE: u32 = 4;
pub(crate) const ENTER: u32 = 5;
pub(crate) const TIMEOUT: u32 = 6;

/// How many kinds of messages are remembered at most.
const MOST: usize = 256;
/// A report is cut to so many bytes.
const REPORT: usize = 4096;

/// What few processes have.
#[derive(Default)]
pub(crate) struct Seen {
    /// What its state is called.
    state: Option<&'static str>,
    recent: Option<Recent>,
    /// What it said of its state while it crashed.
    report: Option<Arc<str>>,
    taps: Taps,
    /// When it took up what it has in hand; only while it is tapped.
    since: Option<Instant>,
    /// That of the call in hand.
    trace: Option<Trace>,
}

impl Seen {
    fn is_watching(&self) -> bool {
        self.recent.is_some() || !self.taps.is_empty()
    }

    /// What its taps are to be told about a signal, after the lock.
    pub(super) fn notice(&self, effect: Option<&Effect>) -> Option<(Taps, Tapped)> {
        if self.taps.is_empty() {
            return None;
        }
        Some((self.taps.clone(), tap::tapped(effect?)?))
    }
}

/// The numbers of the latest messages.
struct Recent {
    most: usize,
    numbers: VecDeque<u32>,
}

impl Recent {
    fn push(&mut self, number: u32) {
        if self.numbers.len() >= self.most {
            self.numbers.pop_front();
        }
        self.numbers.push_back(number);
    }
}

impl Cell {
    fn seen<R>(&self, act: impl FnOnce(&mut Seen) -> R) -> R {
        self.side(|side| act(side.seen()))
    }

    fn known_seen<R>(&self, act: impl FnOnce(&mut Seen) -> R) -> Option<R> {
        self.known_side(|side| side.known_seen().map(act)).flatten()
    }

    pub(crate) fn state_name(&self) -> Option<&'static str> {
        self.known_seen(|seen| seen.state).flatten()
    }

    /// It takes a message up.
    #[inline]
    pub(super) fn take_up(&self, number: u32) {
        self.in_hand.store(number, Ordering::Relaxed);
        if self.is_watched() {
            self.taken_up(number);
        }
    }

    /// A function with an inbox takes a message out of it: when it is done with that, is not known.
    #[inline]
    pub(super) fn received(&self, number: u32) {
        if self.is_watched() {
            self.taken_up(number);
        }
    }

    #[cold]
    fn taken_up(&self, number: u32) {
        let taps = self.known_seen(|seen| {
            if let Some(recent) = &mut seen.recent {
                recent.push(number);
            }
            if !seen.taps.is_empty() {
                seen.since = Some(Instant::now());
            }
            seen.taps.clone()
        });
        if let Some((taps, kind)) = taps.filter(|taps| !taps.is_empty()).zip(self.kind(number)) {
            self.tell(taps, &Tapped::Message { kind });
        }
    }

    #[cold]
    fn laid_down(&self) {
        let Some(kind) = self.handling() else { return };
        let taps = self.known_seen(|seen| Some((seen.taps.clone(), seen.since.take()?))).flatten();
        if let Some((taps, since)) = taps {
            self.tell(taps, &Tapped::Done { kind, took: since.elapsed() });
        }
    }

    /// Puts a tap on it; false if it has ended.
    pub(super) fn put_on(&self, tap: &Arc<Shared>) -> bool {
        // Its end takes the same lock if there is side data, and sees the flag, or this sees its end.
        self.seen(|seen| {
            seen.taps.push(Arc::clone(tap));
            self.set_watched(true);
        });
        if self.has_ended() {
            self.take_off(tap);
            return false;
        }
        true
    }

    /// Takes a tap off it.
    pub(super) fn take_off(&self, tap: &Arc<Shared>) {
        self.known_seen(|seen| {
            seen.taps.retain(|known| !Arc::ptr_eq(known, tap));
            self.set_watched(seen.is_watching());
        });
    }

    /// The taps on it.
    pub(super) fn taps(&self) -> Taps {
        self.known_seen(|seen| seen.taps.clone()).unwrap_or_default()
    }

    /// It is done with the message in hand.
    #[inline]
    pub(super) fn lay_down(&self) {
        if self.is_watched() {
            self.laid_down();
        }
        self.in_hand.store(0, Ordering::Relaxed);
    }

    /// What the call in hand carries.
    pub(crate) fn trace(&self) -> Option<Trace> {
        self.known_seen(|seen| seen.trace).flatten()
    }

    /// What the call in hand carries from now on.
    pub(super) fn set_trace(&self, trace: Option<Trace>) {
        self.seen(|seen| seen.trace = trace);
    }

    /// What it has in hand.
    pub(crate) fn handling(&self) -> Option<Cow<'static, str>> {
        self.kind(self.in_hand.load(Ordering::Relaxed))
    }

    fn kind(&self, number: u32) -> Option<Cow<'static, str>> {
        Some(match number {
            0 => return None,
            INIT => Cow::Borrowed("#[init]"),
            EXIT => Cow::Borrowed("#[on(exit)]"),
            DOWN => Cow::Borrowed("#[on(down)]"),
            TERMINATE => Cow::Borrowed("#[on(terminate)]"),
            ENTER => Cow::Borrowed("#[on(enter)]"),
            TIMEOUT => Cow::Borrowed("#[on(timeout)]"),
            number => self.method_name(number).unwrap_or_else(|| Cow::Owned(format!("number {number:#010x}"))),
        })
    }

    /// What it has taken up lately, oldest first, the message in hand included.
    pub(crate) fn recent(&self) -> Vec<Cow<'static, str>> {
        let numbers = self.known_seen(|seen| seen.recent.as_ref().map(|recent| recent.numbers.clone())).flatten();
        numbers.into_iter().flatten().filter_map(|number| self.kind(number)).collect()
    }

    /// Remembers the kinds of so many messages.
    fn recall(&self, messages: usize) {
        let most = messages.min(MOST);
        self.seen(|seen| {
            seen.recent = (most > 0).then(|| Recent { most, numbers: VecDeque::new() });
            self.set_watched(seen.is_watching());
        });
    }

    /// What it said of its state while it crashed.
    pub(crate) fn crash_report(&self) -> Option<Arc<str>> {
        self.known_seen(|seen| seen.report.clone()).flatten()
    }
}

/// Keeps what a process says of its state while a panic unwinds it.
#[cold]
pub(crate) fn keep_report(cell: CellPtr<'_>, report: impl FnOnce() -> Option<String>) {
    // What panicked once may panic again; a second one must not leave a drop.
    let Ok(Some(mut text)) = super::crash::guard(report) else { return };
    if text.len() > REPORT {
        let end = (0..=REPORT).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    cell.seen(|seen| seen.report = Some(text.into()));
}

impl This {
    /// What its state is called from now on, in [`ProcessInfo`](super::ProcessInfo), in the node's tree and in its crash report. Takes a
    /// short lock.
    pub fn set_state_name(&self, name: &'static str) {
        self.cell.seen(|seen| seen.state = Some(name));
    }

    /// Remembers the kinds of the latest messages that it took up, for its crash report; 0 forgets them again, and more than 256
    /// are 256.
    ///
    /// Costs a short lock for each message from now on. Functions with an inbox have one kind of message and remember nothing.
    pub fn recall(&self, messages: usize) {
        self.cell.recall(messages);
    }
}

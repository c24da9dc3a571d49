//! Timers: messages that come later, and the alarm of a process that waits.

use super::cell::{CellPtr, CellRef};
use super::node::Inner;
use super::sched::Due;
use super::sched::wheel::Key;
use super::{Instant, Node, context, lock};
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is further away than this comes then: a hundred years.
pub(crate) const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A timer that was set.
///
/// It dies with the process that set it; dropping this does not cancel it.
#[derive(Clone)]
pub struct Timer {
    node: Node,
    owner: Option<CellRef>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Once(usize, Key),
    Repeated(Pulse),
}

impl Timer {
    /// Takes it back; whether it was still to fire, so that false means that the message was sent. A repeated one: whether it was still going.
    pub fn cancel(&self) -> bool {
        match &self.kind {
            Kind::Once(wheel, key) => {
                let due = self.node.inner().scheduler().cancel_timer((*wheel, *key));
                if due.is_some() {
                    forget(self.owner.as_ref(), (*wheel, *key));
                }
                due.is_some()
            }
            Kind::Repeated(pulse) => {
                let (was_going, next) = {
                    let mut going = lock(pulse);
                    (std::mem::take(&mut going.is_set), going.next.take())
                };
                if let Some(next) = next {
                    forget(self.owner.as_ref(), next);
                    // Outside of the lock, which what is dropped here takes.
                    drop(self.node.inner().scheduler().cancel_timer(next));
                }
                was_going
            }
        }
    }

    /// Whether it is still to fire.
    pub fn is_set(&self) -> bool {
        match &self.kind {
            Kind::Once(wheel, key) => self.node.inner().scheduler().has_timer((*wheel, *key)),
            Kind::Repeated(pulse) => lock(pulse).is_set,
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("set", &self.is_set()).finish_non_exhaustive()
    }
}

fn forget(owner: Option<&CellRef>, timer: (usize, Key)) {
    if let Some(owner) = owner {
        owner.known_side(|side| side.timers.remove(&timer));
    }
}

/// Runs `fire` after this time, unless the running process ends before; None if that has ended already.
pub(crate) fn once(node: &Node, after: Duration, fire: impl FnOnce() + Send + 'static) -> Option<Timer> {
    let owner = context::with(|cell| cell.acquire()).flatten();
    let at = later(after);
    // In the wheels of the owner's node, where its end looks for them.
    let node = owner.as_ref().map_or(node, |owner| owner.node());
    let inner = node.inner();
    let kind = match &owner {
        None => {
            let (wheel, key) = inner.scheduler().set_timer(inner, at, Due::Run(Box::new(fire)));
            Kind::Once(wheel, key)
        }
        Some(cell) => {
            let (wheel, key) = inner.scheduler().set_timer(inner, at, Due::Owned(cell.clone(), Box::new(fire)));
            cell.side(|side| side.timers.insert((wheel, key)));
            if cell.has_ended() {
                drop(inner.scheduler().cancel_timer((wheel, key)));
                return None;
            }
            Kind::Once(wheel, key)
        }
    };
    let node = node.clone();
    Some(Timer { node, owner, kind })
}

/// Runs `fire` again and again, until it says no or the running process ends.
pub(crate) fn repeated(node: &Node, every: Duration, fire: impl FnMut() -> bool + Send + 'static) -> Timer {
    let owner = context::with(|cell| cell.acquire()).flatten();
    let node = owner.as_ref().map_or(node, |owner| owner.node()).clone();
    let pulse = Pulse::new(Mutex::new(Going { is_set: true, next: None }));
    let every = every.clamp(Duration::from_millis(1), FAR);
    let beat = Beat { inner: node.inner(), owner: owner.clone(), every, pulse: pulse.clone() };
    beat.set(later(every), fire);
    Timer { node, owner, kind: Kind::Repeated(pulse) }
}

/// What a repeated timer and its handles share.
type Pulse = Arc<Mutex<Going>>;

struct Going {
    is_set: bool,
    next: Option<(usize, Key)>,
}

/// A repeated timer, wherever it waits; when this is gone, it goes no more.
struct Beat {
    inner: &'static Inner,
    owner: Option<CellRef>,
    every: Duration,
    pulse: Pulse,
}

impl Beat {
    fn set(self, at: Instant, mut fire: impl FnMut() -> bool + Send + 'static) {
        let (inner, owner, pulse) = (self.inner, self.owner.clone(), self.pulse.clone());
        let run = Box::new(move || {
            lock(&self.pulse).next = None;
            if !lock(&self.pulse).is_set || !fire() {
                return;
            }
            // From the moment it was due, so that it does not drift; what was missed is left out.
            let now = Instant::now();
            let mut next = at + self.every;
            if next < now {
                next = now + self.every;
            }
            self.set(next, fire);
        });
        let due = match &owner {
            None => Due::Run(run),
            Some(owner) => Due::Owned(owner.clone(), run),
        };
        let timer = {
            let mut going = lock(&pulse);
            if !going.is_set {
                drop(going);
                return drop(due);
            }
            let timer = inner.scheduler().set_timer(inner, at, due);
            going.next = Some(timer);
            timer
        };
        if let Some(owner) = owner {
            owner.side(|side| side.timers.insert(timer));
            if owner.has_ended() {
                drop(inner.scheduler().cancel_timer(timer));
            }
        }
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        lock(&self.pulse).is_set = false;
    }
}

fn later(after: Duration) -> Instant {
    context::now() + after.min(FAR)
}

/// Wakes the process at `at` or earlier. One entry in the wheel for each process, moved only to an earlier time.
#[inline]
pub(crate) fn alarm(cell: CellPtr<'_>, at: Instant) {
    let millis = cell.inner().scheduler().millis(at);
    let known = cell.alarm_at.load(Ordering::Acquire);
    if known == 0 || millis < known {
        set_alarm(cell, at, millis);
    }
}

#[cold]
fn set_alarm(cell: CellPtr<'_>, at: Instant, millis: u64) {
    let Some(handle) = cell.acquire() else { return };
    let scheduler = cell.inner().scheduler();
    cell.alarm_at.store(millis.max(1), Ordering::Release);
    let timer = scheduler.set_timer(cell.inner(), at, Due::Wake(handle));
    let before = cell.side(|side| side.alarm.replace(timer));
    if let Some(before) = before {
        drop(scheduler.cancel_timer(before));
    }
}

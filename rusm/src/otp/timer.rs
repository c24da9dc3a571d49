//! Timers: messages that come later, and the alarm of a process that waits.

use super::cell::{CellPtr, CellRef};
use super::moment::Moment;
use super::node::Inner;
use super::sched::timers::{Due, Run, Set};
use super::{Instant, context, lock, sched};
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
    /// Of the node in whose wheels it is.
    inner: &'static Inner,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Once(Set),
    Repeated(Pulse),
}

impl Timer {
    /// Takes it back; whether it was still to fire, so that false means that the message was sent. A repeated one: whether it was still going.
    pub fn cancel(&self) -> bool {
        match &self.kind {
            Kind::Once(timer) => self.inner.scheduler().cancel_timer(*timer).is_some(),
            Kind::Repeated(pulse) => {
                let (was_going, next) = {
                    let mut going = lock(pulse);
                    (std::mem::take(&mut going.is_set), going.next.take())
                };
                // Outside of the lock, which what is dropped here takes.
                drop(next.and_then(|next| self.inner.scheduler().cancel_timer(next)));
                was_going
            }
        }
    }

    /// Whether it is still to fire.
    pub fn is_set(&self) -> bool {
        match &self.kind {
            Kind::Once(timer) => self.inner.scheduler().has_timer(*timer),
            Kind::Repeated(pulse) => lock(pulse).is_set,
        }
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").field("set", &self.is_set()).finish_non_exhaustive()
    }
}

/// Runs what `make` gives after this time, unless the running process ends before; None if that has ended already. `inner` is the
/// node outside of processes.
#[inline]
pub(crate) fn once<F>(inner: &'static Inner, after: Duration, make: impl FnOnce() -> F) -> Option<Timer>
where
    F: FnOnce() + Send + 'static,
{
    // The room first, so that it is made where it stays.
    let fire: Box<F> = Box::write(Box::new_uninit(), make());
    set_once(inner, after, fire)
}

fn set_once(inner: &'static Inner, after: Duration, fire: Run) -> Option<Timer> {
    let at = later(after);
    let mut fire = Some(fire);
    let owned = context::with(|cell| {
        // In the wheels of the owner's node, where its end looks for them.
        let inner = cell.inner();
        let owner = cell.acquire()?;
        let due = Due::Owned(fire.take()?, owner);
        let timer = inner.scheduler().set_owned(cell, at, due).ok()?;
        Some(Timer { inner, kind: Kind::Once(timer) })
    });
    match (owned, fire) {
        (None, Some(fire)) => {
            let timer = inner.scheduler().set_timer(inner, at, Due::Run(fire));
            Some(Timer { inner, kind: Kind::Once(timer) })
        }
        (owned, _) => owned.flatten(),
    }
}

/// Runs `fire` again and again, until it says no or the running process ends. `inner` is the node outside of processes.
pub(crate) fn repeated(inner: &'static Inner, every: Duration, fire: impl FnMut() -> bool + Send + 'static) -> Timer {
    let owner = context::with(|cell| cell.acquire()).flatten();
    let inner = owner.as_ref().map_or(inner, |owner| owner.inner());
    let pulse = Pulse::new(Mutex::new(Going { is_set: true, next: None }));
    let every = every.clamp(Duration::from_millis(1), FAR);
    let beat = Beat { inner, owner, every, pulse: pulse.clone() };
    beat.set(later(every), fire);
    Timer { inner, kind: Kind::Repeated(pulse) }
}

/// What a repeated timer and its handles share.
type Pulse = Arc<Mutex<Going>>;

struct Going {
    is_set: bool,
    next: Option<Set>,
}

/// A repeated timer, wherever it waits; when this is gone, it goes no more.
struct Beat {
    inner: &'static Inner,
    owner: Option<CellRef>,
    every: Duration,
    pulse: Pulse,
}

impl Beat {
    fn set(self, at: Moment, mut fire: impl FnMut() -> bool + Send + 'static) {
        let (inner, owner, pulse) = (self.inner, self.owner.clone(), self.pulse.clone());
        let run = Box::new(move || {
            lock(&self.pulse).next = None;
            if !lock(&self.pulse).is_set || !fire() {
                return;
            }
            // From the moment it was due, so that it does not drift; what was missed is left out.
            let now = Moment::of(Instant::now());
            let mut next = at.after(self.every);
            if next < now {
                next = now.after(self.every);
            }
            self.set(next, fire);
        });
        let due = match &owner {
            None => Due::Run(run),
            Some(owner) => Due::Owned(run, owner.clone()),
        };
        let mut going = lock(&pulse);
        let set = match &owner {
            _ if !going.is_set => Err(Some(due)),
            None => Ok(inner.scheduler().set_timer(inner, at, due)),
            Some(owner) => inner.scheduler().set_owned(owner.ptr(), at, due),
        };
        match set {
            Ok(timer) => going.next = Some(timer),
            Err(left) => {
                // Outside of the lock, which the beat takes when it is dropped.
                drop(going);
                drop(left);
            }
        }
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        lock(&self.pulse).is_set = false;
    }
}

fn later(after: Duration) -> Moment {
    context::now().after(after.min(FAR))
}

/// Wakes the process at `at` or earlier. One entry in the wheel for each process, moved only to an earlier time.
#[inline]
pub(crate) fn alarm(cell: CellPtr<'_>, at: Moment) {
    if !is_alarmed(cell, at) {
        set_alarm(cell, at, cell.inner().scheduler().millis(at));
    }
}

/// Whether the process will be woken at `at` or earlier anyway. An alarm that should have rung counts for nothing: it is in the wheel of
/// a worker that somebody holds up.
#[inline]
pub(crate) fn is_alarmed(cell: CellPtr<'_>, at: Moment) -> bool {
    let known = cell.alarm_at.load(Ordering::Acquire);
    let scheduler = cell.inner().scheduler();
    known != 0 && known <= scheduler.millis(at) && !sched::is_overdue(scheduler.moment(known))
}

#[cold]
fn set_alarm(cell: CellPtr<'_>, at: Moment, millis: u64) {
    let Some(handle) = cell.acquire() else { return };
    let scheduler = cell.inner().scheduler();
    cell.alarm_at.store(millis.max(1), Ordering::Release);
    let timer = scheduler.set_timer(cell.inner(), at, Due::Wake(handle));
    let before = cell.side(|side| side.alarm.replace(timer));
    if let Some(before) = before {
        drop(scheduler.cancel_timer(before));
    }
}

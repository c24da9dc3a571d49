//! A panic's text and place, and the one line a crash leaves in the log.

use super::cell::CellPtr;
use crate::wire::{ExitReason, Pid};
use std::any::Any;
use std::cell::{Cell as StdCell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::task::Waker;
use tokio::sync::oneshot;
use tracing::Level;
use tracing::level_filters::LevelFilter;

thread_local! {
    static INSIDE: StdCell<bool> = const { StdCell::new(false) };
    /// Something is in `LEFT`, which is dear to look at.
    static DIRTY: StdCell<bool> = const { StdCell::new(false) };
    static LEFT: RefCell<Left> = const { RefCell::new(Left { place: None, known: Vec::new() }) };
}

/// What panics inside have left.
#[derive(Default)]
struct Left {
    /// Where the latest one happened.
    place: Option<String>,
    known: Vec<Known>,
}

impl Left {
    fn is_empty(&self) -> bool {
        self.place.is_none() && self.known.is_empty()
    }
}

/// Dropped when it is known whether a panic was the end of its process.
pub(crate) type Known = oneshot::Sender<()>;

/// What is left of a process's code that panicked.
pub(crate) struct Crash {
    pub(crate) reason: ExitReason,
    /// To be dropped once the reason can be seen.
    pub(crate) known: Vec<Known>,
}

/// Keeps this until it is known whether the panic under way is the process's end; a panic of other code is
/// nobody's.
pub(crate) fn keep(known: Known) {
    if INSIDE.try_with(StdCell::get).unwrap_or(false) {
        DIRTY.set(true);
        let _ = LEFT.try_with(|left| left.borrow_mut().known.push(known));
    }
}

/// Keeps panics of processes off stderr, which would be a second report of the same crash, and notes
/// where they happened. Panics of other code go to the hook that was there before.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if INSIDE.get() {
                let place = info.location().map(ToString::to_string);
                DIRTY.set(true);
                let _ = LEFT.try_with(|left| left.borrow_mut().place = place);
            } else {
                before(info);
            }
        }));
    });
}

/// Runs a process's code; a panic becomes the reason.
#[inline]
pub(crate) fn guard<T>(run: impl FnOnce() -> T) -> Result<T, Crash> {
    let outer = INSIDE.replace(true);
    // What is there already belongs to a panic further out that is under way.
    let before = if DIRTY.get() { Some(swap(Left::default())) } else { None };
    let result = catch_unwind(AssertUnwindSafe(run));
    INSIDE.set(outer);
    match result {
        Ok(value) => {
            if before.is_some() || DIRTY.get() {
                tidy(before, outer);
            }
            Ok(value)
        }
        Err(payload) => Err(crash(payload, before)),
    }
}

/// What a panic left that the code has caught itself goes, unless a panic further out may still end the process.
#[cold]
fn tidy(before: Option<Left>, outer: bool) {
    let inside = swap(Left::default());
    let mut before = before.unwrap_or_default();
    if outer {
        before.place = before.place.or(inside.place);
        before.known.extend(inside.known);
    }
    drop(swap(before));
}

#[cold]
fn crash(payload: Box<dyn Any + Send>, before: Option<Left>) -> Crash {
    let inside = swap(Left::default());
    let text = text(payload);
    let text = match inside.place {
        Some(place) => format!("{text}, at {place}"),
        None => text,
    };
    drop(swap(before.unwrap_or_default()));
    Crash { reason: ExitReason::Panicked(text.into()), known: inside.known }
}

/// Puts this where panics leave something, and gives what was there; nothing when the thread is about to end.
fn swap(left: Left) -> Left {
    DIRTY.set(!left.is_empty());
    LEFT.try_with(|place| place.replace(left)).unwrap_or_default()
}

/// Wakes a task of somebody else. In a drop while a panic unwinds, one of its waker would abort the program.
#[inline]
pub(crate) fn wake(waker: &Waker) {
    if std::thread::panicking() { drop(guard(|| waker.wake_by_ref())) } else { waker.wake_by_ref() }
}

/// Drops the waker of a task of somebody else; its panic takes along nothing of who does.
pub(crate) fn drop_waker(waker: Waker) {
    if let Err(crash) = guard(|| drop(waker)) {
        tracing::error!(target: "rusm::crash", reason = %crash.reason, "a waker panicked while it was dropped");
    }
}

fn text(payload: Box<dyn Any + Send>) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".to_owned());
    // The payload is the process's own value; its drop may panic as well.
    let outer = INSIDE.replace(true);
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    INSIDE.set(outer);
    text
}

/// Says that something of a process that has ended panicked when it was dropped.
#[cold]
pub(crate) fn report_drop(pid: Pid, reason: &ExitReason) {
    tracing::error!(target: "rusm::crash", %pid, %reason, "panicked while it was dropped");
}

/// The crash report: once per process that did not end in order.
///
/// Whoever writes the log may panic as well.
pub(crate) fn report(cell: CellPtr<'_>, reason: &ExitReason) {
    let is_quiet = reason.is_orderly() || matches!(reason, ExitReason::Killed);
    if !is_quiet || LevelFilter::current() >= Level::DEBUG {
        let _ = guard(|| write(cell, reason, is_quiet));
    }
}

#[cold]
fn write(cell: CellPtr<'_>, reason: &ExitReason, is_quiet: bool) {
    if is_quiet {
        tracing::debug!(target: "rusm::process", pid = %cell.pid(), label = %cell.label(), %reason, "ended");
    } else {
        let recent = cell.recent();
        let peers = cell.known_side(|side| side.signals.peers());
        tracing::error!(
            target: "rusm::crash",
            pid = %cell.pid(),
            label = %cell.label(),
            handling = cell.handling().as_deref(),
            recent = (!recent.is_empty()).then(|| tracing::field::display(recent.join(", "))),
            state = cell.state_name(),
            report = cell.crash_report().as_deref(),
            trace = cell.trace().map(|trace| trace.id()),
            age = ?super::info::age(cell),
            parent = cell.parent().map(tracing::field::display),
            links = peers.filter(|(links, ..)| !links.is_empty()).map(|(links, ..)| tracing::field::debug(links)),
            unread = cell.mailbox().depth(cell),
            spawned_at = %cell.spawned_at(),
            %reason,
            "a process crashed"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::resume_unwind;
    use std::sync::Arc;

    fn reason(result: Result<(), Crash>) -> String {
        result.map_or_else(|crash| crash.reason.to_string(), |()| String::new())
    }

    #[test]
    fn a_crash_tells_its_own_place_and_no_other() {
        install_hook();
        let crash = reason(guard(|| panic!("here")));
        assert!(crash.starts_with("panicked: here, at ") && crash.contains("crash.rs"), "{crash}");
        let caught = || drop(catch_unwind(|| panic!("elsewhere")));
        assert!(guard(caught).is_ok());
        assert_eq!(reason(guard(|| resume_unwind(Box::new("x")))), "panicked: x");
    }

    /// Panics when it is woken.
    struct Bomb;

    impl std::task::Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }

    struct Last(Arc<Bomb>);

    impl Drop for Last {
        fn drop(&mut self) {
            wake(&self.0.clone().into());
        }
    }

    #[test]
    fn a_waker_that_panics_while_a_panic_unwinds_changes_nothing() {
        install_hook();
        let (known, mut end) = oneshot::channel();
        let crash = guard(|| {
            let _last = Last(Arc::new(Bomb));
            keep(known);
            panic!("first")
        });
        assert_eq!(end.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        let crash = reason(crash);
        assert!(crash.starts_with("panicked: first, at ") && crash.contains("crash.rs"), "{crash}");
        assert_eq!(end.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(reason(guard(|| drop(Last(Arc::new(Bomb))))).find("in a waker"), Some(10));
    }

    #[test]
    fn what_a_panic_drops_is_known_at_the_end_of_its_process() {
        let (known, mut end) = oneshot::channel();
        let crash = guard(|| {
            keep(known);
            panic!("x")
        });
        assert_eq!(end.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        drop(crash);
        assert_eq!(end.try_recv(), Err(oneshot::error::TryRecvError::Closed));

        let (known, mut caught) = oneshot::channel();
        assert!(guard(|| keep(known)).is_ok());
        assert_eq!(caught.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}

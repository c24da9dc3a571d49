//! A panic's text and place, and the one line a crash leaves in the log.

use super::process::Cell;
use crate::wire::ExitReason;
use std::any::Any;
use std::cell::{Cell as StdCell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static INSIDE: StdCell<bool> = const { StdCell::new(false) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
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
                PLACE.with(|slot| *slot.borrow_mut() = place);
            } else {
                before(info);
            }
        }));
    });
}

/// Runs a process's code; a panic becomes the reason.
pub(crate) fn guard<T>(run: impl FnOnce() -> T) -> Result<T, ExitReason> {
    let outer = INSIDE.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    INSIDE.set(outer);
    result.map_err(|payload| {
        let place = PLACE.with(|slot| slot.borrow_mut().take());
        let text = text(payload);
        let text = match place {
            Some(place) => format!("{text}, at {place}"),
            None => text,
        };
        ExitReason::Panicked(text.into())
    })
}

fn text(payload: Box<dyn Any + Send>) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".to_owned());
    // The payload is the process's own value; its drop may panic as well.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    text
}

/// The crash report: once per process that did not end in order.
pub(crate) fn report(cell: &Cell, reason: &ExitReason) {
    if reason.is_orderly() || matches!(reason, ExitReason::Killed) {
        tracing::debug!(target: "rusm::process", pid = %cell.pid(), label = %cell.label(), %reason, "ended");
    } else {
        tracing::error!(
            target: "rusm::crash",
            pid = %cell.pid(),
            label = %cell.label(),
            unread = cell.depth(),
            %reason,
            "a process crashed"
        );
    }
}

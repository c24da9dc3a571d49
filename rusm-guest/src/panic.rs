//! What a panic says, told to the host before the trap that follows it.
//!
//! A panic in a component aborts. Without this hook the host would see an `unreachable` and no text,
//! after std's own hook has asked for the environment and written to stderr, which few are given.

use crate::process;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};

/// Puts the hook in place, once.
pub(crate) fn install_hook() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if !INSTALLED.swap(true, Ordering::Relaxed) {
        std::panic::set_hook(Box::new(tell_host));
    }
}

fn tell_host(info: &PanicHookInfo<'_>) {
    let mut text = String::from(info.payload_as_str().unwrap_or("a value that is no text"));
    if let Some(place) = info.location() {
        text.push_str(", at ");
        text.push_str(&place.to_string());
    }
    process::panicked(&text);
}

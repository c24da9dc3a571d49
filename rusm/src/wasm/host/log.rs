//! `rusm:process/log`: lines for the node's log.

use super::{cut, line};
use crate::wasm::bindings::rusm::process::log::{Host, Level};
use crate::wasm::store::State;

/// A longer line is cut.
const LINE: usize = 8 << 10;

impl Host for State {
    fn write(&mut self, level: Level, text: String) -> wasmtime::Result<()> {
        let text = cut(text, LINE);
        let text = line(&text);
        let (process, component) = (self.denials.label(), &*self.component.name);
        match level {
            Level::Error => tracing::error!(target: "rusm::guest", %process, component, "{text}"),
            Level::Warn => tracing::warn!(target: "rusm::guest", %process, component, "{text}"),
            Level::Info => tracing::info!(target: "rusm::guest", %process, component, "{text}"),
            Level::Debug => tracing::debug!(target: "rusm::guest", %process, component, "{text}"),
            Level::Trace => tracing::trace!(target: "rusm::guest", %process, component, "{text}"),
        }
        Ok(())
    }
}

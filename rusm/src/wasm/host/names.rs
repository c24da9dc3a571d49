//! `rusm:process/names`: names of this node.

use crate::wasm::bindings::rusm::process::{names, types};
use crate::wasm::store::{MAX_NAMES, State};
use crate::wire::NameError;

impl State {
    fn may_name(&self, name: &str) -> Result<(), NameError> {
        let decision = self.rights.capabilities.register(name);
        decision.map_err(|denial| NameError::Denied(self.denials.note(denial)))
    }
}

impl names::Host for State {
    fn register(&mut self, name: String) -> wasmtime::Result<Result<(), types::NameError>> {
        if self.names >= MAX_NAMES {
            return Err(wasmtime::Error::msg(format!("more than {MAX_NAMES} names are held")));
        }
        let registered = self.may_name(&name).and_then(|()| self.process.register(&name));
        self.names += usize::from(registered.is_ok());
        Ok(registered.map_err(Into::into))
    }

    fn unregister(&mut self, name: String) -> wasmtime::Result<Result<(), types::NameError>> {
        let unregistered = self.process.unregister(&name);
        // One that the node gave to it was not counted.
        self.names = self.names.saturating_sub(usize::from(unregistered.is_ok()));
        Ok(unregistered.map_err(Into::into))
    }

    fn whereis(&mut self, name: String) -> wasmtime::Result<Option<types::Pid>> {
        Ok(self.process.node().whereis(&name).map(Into::into))
    }
}

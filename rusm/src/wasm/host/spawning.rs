//! `rusm:process/spawning`: new processes, with at most the rights of the one that asks.

use super::{MAX_NAME, cut};
use crate::otp::backend::NewProcess;
use crate::wasm::bindings::rusm::process::events::Event;
use crate::wasm::bindings::rusm::process::spawning;
use crate::wasm::store::State;
use crate::wasm::waiting::Kind;
use crate::wire::SpawnError;
use std::sync::Arc;

impl State {
    /// Decides whether there may be such a process, and with which rights.
    fn new_process(
        &self,
        component: Option<String>,
        entry: Option<String>,
        args: Vec<u8>,
    ) -> Result<NewProcess, SpawnError> {
        let component = component.map_or_else(|| self.component.name.to_string(), |name| cut(name, MAX_NAME));
        let entry = entry.map(|name| cut(name, MAX_NAME));
        // First the right to ask: what components there are is nobody's business without it.
        self.rights.capabilities.spawn(&component).map_err(|denial| SpawnError::Denied(self.denials.note(denial)))?;
        let loaded =
            self.backend.components.get(&*component).ok_or_else(|| SpawnError::NoComponent(component.clone()))?;
        let rights = self.rights.for_child(&loaded.capabilities).map_err(SpawnError::Capacity)?;
        Ok(NewProcess {
            component: Arc::clone(&loaded.name),
            entry: entry.map(Into::into),
            args,
            rights: Some(Arc::new(rights)),
        })
    }
}

impl spawning::Host for State {
    fn start_spawn(
        &mut self,
        spawn: u32,
        component: Option<String>,
        entry: Option<String>,
        args: Vec<u8>,
        link: bool,
    ) -> wasmtime::Result<()> {
        let started = match self.new_process(component, entry, args) {
            Ok(new) => {
                let pid = self.process.spawn_component(new, link);
                let event = async move { Event::Spawned((spawn, pid.await.map(Into::into).map_err(Into::into))) };
                self.waiting.start(Kind::Spawn, spawn, event)
            }
            Err(error) => {
                self.waiting.start(Kind::Spawn, spawn, async move { Event::Spawned((spawn, Err(error.into()))) })
            }
        };
        Ok(started?)
    }
}

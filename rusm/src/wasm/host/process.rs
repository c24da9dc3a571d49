//! `rusm:process/process`: the process itself, its links and its monitors.

use super::cut;
use crate::wasm::bindings::rusm::process::{process, types};
use crate::wasm::run::MAX_TEXT;
use crate::wasm::store::{MAX_MONITORS, State};
use crate::wire::{MonitorRef, Pid};

impl State {
    /// Itself and what it spawned are a process's own; others take the capability.
    fn may_control(&self, what: &str, pid: Pid) -> Result<(), String> {
        if pid == self.process.pid() || self.process.is_child(pid) {
            return Ok(());
        }
        let decision =
            self.rights.capabilities.control(format_args!("{what} {pid}, which this process did not start,"));
        decision.map_err(|denial| self.denials.note(denial))
    }
}

impl process::Host for State {
    fn self_pid(&mut self) -> wasmtime::Result<types::Pid> {
        Ok(self.process.pid().into())
    }

    fn node_name(&mut self) -> wasmtime::Result<String> {
        Ok(self.process.node().name().to_owned())
    }

    fn exit(&mut self, pid: types::Pid, reason: types::ExitReason) -> wasmtime::Result<Result<(), String>> {
        let pid = pid.into();
        Ok(self.may_control("ending", pid).map(|()| self.process.exit(pid, crate::wasm::run::own_reason(reason))))
    }

    fn link(&mut self, pid: types::Pid) -> wasmtime::Result<Result<(), String>> {
        let pid = pid.into();
        Ok(self.may_control("linking to", pid).map(|()| {
            // Of an earlier link to it at most the exit signal is left, and that one is taken away: otherwise a guest
            // could fill its mailbox with the ends of one that is gone already.
            self.process.unlink(pid);
            self.process.link(pid);
        }))
    }

    fn unlink(&mut self, pid: types::Pid) -> wasmtime::Result<()> {
        self.process.unlink(pid.into());
        Ok(())
    }

    fn monitor(&mut self, pid: types::Pid) -> wasmtime::Result<u64> {
        if self.monitors.len() >= MAX_MONITORS {
            return Err(wasmtime::Error::msg(format!("more than {MAX_MONITORS} monitors are held")));
        }
        let monitor = self.process.monitor(pid.into()).raw();
        self.monitors.insert(monitor);
        Ok(monitor)
    }

    fn demonitor(&mut self, monitor: u64) -> wasmtime::Result<()> {
        // Numbers that were not given to this process are not its to take away.
        if self.monitors.remove(&monitor) {
            self.process.demonitor(MonitorRef::from_raw(monitor));
        }
        Ok(())
    }

    fn trap_exit(&mut self, on: bool) -> wasmtime::Result<bool> {
        Ok(self.process.trap_exit(on))
    }

    fn panicked(&mut self, text: String) -> wasmtime::Result<()> {
        self.panicked.get_or_insert_with(|| cut(text, MAX_TEXT).into());
        Ok(())
    }
}

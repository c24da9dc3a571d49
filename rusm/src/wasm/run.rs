//! The life of one process.
//!
//! One future is one process. It owns the store, and with it everything the guest has: its instance, its WASI, what it
//! waits for and the replies it owes. It ends in one of three ways.
//!
//! - The guest ends, or its end is asked for: the future gives the reason.
//! - The guest fails: a trap, a panic, a limit. wasmtime gives that as an error; [`explain`] makes a reason of it. The
//!   store is not entered again.
//! - The process is killed: the future is dropped at a yield, which a guest reaches within two ticks whatever it does,
//!   and with it the stack that the guest runs on.
//!
//! Callers that still wait when the future ends are told its reason; when it is dropped, the core tells them.

use super::bindings::exports::rusm::process::guest::Guest;
use super::bindings::rusm::process::types as wit;
use super::cpu::{Meter, OverBudget};
use super::host::cut;
use super::rights::Rights;
use super::store::{self, State};
use super::{Inner, Loaded};
use crate::otp::backend::{Job, Started, Work};
use crate::otp::{Delivery, Incoming, Process};
use crate::wire::{EntryKind, ExitReason};
use std::fmt::Write;
use std::sync::Arc;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

/// What a reason of a guest may say at most, in bytes.
pub(super) const MAX_TEXT: usize = 16 << 10;
/// Lines of a guest's backtrace that a reason tells.
const MAX_FRAMES: usize = 16;

/// The process is asked to end.
#[derive(Debug)]
pub(super) struct Stopped(pub(super) ExitReason);

/// Runs a process to its end.
pub(super) async fn run(backend: Arc<Inner>, job: Job, process: Process) -> ExitReason {
    let Some(component) = backend.components.get(&*job.component).cloned() else {
        return ExitReason::Error(format!("this node has no component {:?}", job.component).into());
    };
    let _place = match backend.engine.enter() {
        Ok(place) => place,
        Err(full) => return ExitReason::Limit(full.to_string().into()),
    };
    let rights = match job.rights {
        None => Arc::new(Rights::root(Arc::clone(&component.capabilities))),
        Some(given) => match given.downcast::<Rights>() {
            Ok(rights) => rights,
            // Rights that can't be read are no rights.
            Err(_) => return ExitReason::Error("started with rights of another backend".into()),
        },
    };
    let engine = backend.engine.wasmtime.clone();
    let state = State::new(process, Arc::clone(&backend), Arc::clone(&component), rights);
    let meter = Arc::clone(&state.meter);
    let mut life = Life { store: store::store(&engine, state), meter };
    let reason = match life.run(&component, job.work).await {
        Ok(reason) => reason,
        Err(error) => explain(&error, life.store.data()),
    };
    life.store.data_mut().replies.reject_all(&reason);
    reason
}

struct Life {
    store: Store<State>,
    meter: Arc<Meter>,
}

impl Life {
    async fn run(&mut self, component: &Loaded, work: Work) -> wasmtime::Result<ExitReason> {
        let instance = self.meter.run(component.pre.instantiate_async(&mut self.store)).await?;
        let guest = instance.rusm_process_guest();
        match work {
            Work::Request { message } => self.request(guest, message).await,
            Work::Entry { entry, args, started } => match component.kind(&entry) {
                Some(EntryKind::Process) => self.pull(guest, &entry, args, &started).await,
                Some(_) => self.push(guest, &entry, args, &started).await,
                None => Ok(ExitReason::Error(format!("component `{}` has no entry {entry:?}", component.name).into())),
            },
        }
    }

    async fn push(
        &mut self,
        guest: &Guest,
        entry: &str,
        args: Vec<u8>,
        started: &Started,
    ) -> wasmtime::Result<ExitReason> {
        if let Err(reason) = self.meter.run(guest.call_start(&mut self.store, entry, &args)).await? {
            return Ok(own_reason(reason));
        }
        // The guest has its own copy.
        drop(args);
        started.ok();
        loop {
            let delivery = self.store.data_mut().delivered().await;
            let delivery = match self.store.data_mut().receive(delivery) {
                Ok(Some(delivery)) => delivery,
                Ok(None) => continue,
                Err(Stopped(reason)) => {
                    self.store.data_mut().take_up_signal();
                    self.meter.run(guest.call_terminate(&mut self.store, &reason.clone().into())).await?;
                    return Ok(reason);
                }
            };
            if let Err(reason) = self.meter.run(guest.call_handle(&mut self.store, &delivery)).await? {
                return Ok(own_reason(reason));
            }
        }
    }

    async fn pull(
        &mut self,
        guest: &Guest,
        entry: &str,
        args: Vec<u8>,
        started: &Started,
    ) -> wasmtime::Result<ExitReason> {
        // They are held here until it ends.
        if let Err(refusal) = self.store.data_mut().limiter.charge(args.len()) {
            return Ok(ExitReason::Limit(format!("its arguments: {refusal}").into()));
        }
        started.ok();
        Ok(own_reason(self.meter.run(guest.call_run(&mut self.store, entry, &args)).await?))
    }

    async fn request(&mut self, guest: &Guest, message: Incoming) -> wasmtime::Result<ExitReason> {
        let delivery = self.store.data_mut().receive(Delivery::Message(message));
        let Ok(Some(delivery)) = delivery else { return Ok(ExitReason::Normal) };
        match self.meter.run(guest.call_handle(&mut self.store, &delivery)).await? {
            Ok(()) => Ok(ExitReason::Normal),
            Err(reason) => Ok(own_reason(reason)),
        }
    }
}

/// A reason that a guest gave, its text bounded.
pub(super) fn own_reason(reason: wit::ExitReason) -> ExitReason {
    match reason {
        wit::ExitReason::Error(text) => wit::ExitReason::Error(cut(text, MAX_TEXT)),
        wit::ExitReason::Panicked(text) => wit::ExitReason::Panicked(cut(text, MAX_TEXT)),
        wit::ExitReason::Trapped(text) => wit::ExitReason::Trapped(cut(text, MAX_TEXT)),
        wit::ExitReason::Limit(text) => wit::ExitReason::Limit(cut(text, MAX_TEXT)),
        other => other,
    }
    .into()
}

/// What an error of wasmtime means for the process.
fn explain(error: &wasmtime::Error, state: &State) -> ExitReason {
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return match status {
            0 => ExitReason::Normal,
            status => ExitReason::Error(told(format!("it exited with status {status}"), state).into()),
        };
    }
    if let Some(over) = error.downcast_ref::<OverBudget>() {
        return ExitReason::Limit(format!("{over}{}", backtrace(error)).into());
    }
    if let Some(full) = error.downcast_ref::<PoolConcurrencyLimitError>() {
        return ExitReason::Limit(
            format!("no room for another WebAssembly process: {full}: raise `max_processes` of the backend").into(),
        );
    }
    let refused = state.limiter.refused();
    if let Some(text) = &state.panicked {
        let text = match refused {
            Some(refusal) => format!("{text}; {refusal}"),
            None => text.to_string(),
        };
        return ExitReason::Panicked(told(text, state).into());
    }
    let cause = match error.downcast_ref::<Trap>() {
        Some(trap) => trap.to_string(),
        None => error.root_cause().to_string(),
    };
    let cause = cut(cause, MAX_TEXT);
    match refused {
        Some(refusal) => ExitReason::Limit(format!("{refusal}; {}{}", told(cause, state), backtrace(error)).into()),
        None => ExitReason::Trapped(format!("{}{}", told(cause, state), backtrace(error)).into()),
    }
}

/// Adds what was denied: a guest that was refused something and then fails most often fails because of it.
fn told(mut text: String, state: &State) -> String {
    for denial in state.denials.all() {
        // Writing to a string can't fail.
        let _ = write!(text, "; denied before: {denial}");
    }
    text
}

fn backtrace(error: &wasmtime::Error) -> String {
    let mut text = String::new();
    if let Some(trace) = error.downcast_ref::<WasmBacktrace>() {
        for line in trace.to_string().lines().take(MAX_FRAMES) {
            // Writing to a string can't fail.
            let _ = write!(text, "\n{}", line.trim_end());
        }
    }
    cut(text, MAX_TEXT)
}

//! Between the world's types and those of [`wire`](crate::wire).

use super::bindings::rusm::process::types as wit;
use super::host::{MAX_NAME, cut};
use crate::otp::{Outgoing, Target};
use crate::wire::{CallError, Down, ExitReason, ExitSignal, NameError, Pid, SendError, SpawnError};

impl From<Pid> for wit::Pid {
    fn from(pid: Pid) -> Self {
        Self { node: pid.node(), incarnation: pid.incarnation(), slot: pid.slot(), generation: pid.generation() }
    }
}

impl From<wit::Pid> for Pid {
    fn from(pid: wit::Pid) -> Self {
        Self::from_parts(pid.node, pid.incarnation, pid.slot, pid.generation)
    }
}

impl From<wit::Target> for Target {
    fn from(target: wit::Target) -> Self {
        match target {
            wit::Target::Pid(pid) => Self::Pid(pid.into()),
            wit::Target::Name(name) => Self::Name(cut(name, MAX_NAME).into()),
        }
    }
}

impl From<wit::Message> for Outgoing {
    fn from(message: wit::Message) -> Self {
        Self { method: message.method, fingerprint: message.fingerprint, body: message.body }
    }
}

impl From<ExitReason> for wit::ExitReason {
    fn from(reason: ExitReason) -> Self {
        match reason {
            ExitReason::Normal => Self::Normal,
            ExitReason::Shutdown => Self::Shutdown,
            ExitReason::Killed => Self::Killed,
            ExitReason::NoProcess => Self::NoProcess,
            ExitReason::NoConnection => Self::NoConnection,
            ExitReason::Error(text) => Self::Error(text.to_string()),
            ExitReason::Panicked(text) => Self::Panicked(text.to_string()),
            ExitReason::Trapped(text) => Self::Trapped(text.to_string()),
            ExitReason::Limit(text) => Self::Limit(text.to_string()),
        }
    }
}

impl From<wit::ExitReason> for ExitReason {
    fn from(reason: wit::ExitReason) -> Self {
        match reason {
            wit::ExitReason::Normal => Self::Normal,
            wit::ExitReason::Shutdown => Self::Shutdown,
            wit::ExitReason::Killed => Self::Killed,
            wit::ExitReason::NoProcess => Self::NoProcess,
            wit::ExitReason::NoConnection => Self::NoConnection,
            wit::ExitReason::Error(text) => Self::Error(text.into()),
            wit::ExitReason::Panicked(text) => Self::Panicked(text.into()),
            wit::ExitReason::Trapped(text) => Self::Trapped(text.into()),
            wit::ExitReason::Limit(text) => Self::Limit(text.into()),
        }
    }
}

impl From<ExitSignal> for wit::ExitSignal {
    fn from(exit: ExitSignal) -> Self {
        Self { from: exit.from.into(), reason: exit.reason.into() }
    }
}

impl From<Down> for wit::Down {
    fn from(down: Down) -> Self {
        Self { monitor: down.monitor.raw(), pid: down.pid.into(), reason: down.reason.into() }
    }
}

/// The world's error for a call to `method`.
pub(super) fn call_error(error: CallError, method: u32) -> wit::CallError {
    match error {
        CallError::NoProcess(who) => wit::CallError::NoProcess(who),
        CallError::Exited(reason) => wit::CallError::Exited(reason.into()),
        CallError::Timeout(limit) => wit::CallError::Timeout(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX)),
        CallError::Denied(what) => wit::CallError::Denied(what),
        CallError::Incompatible { theirs, .. } => wit::CallError::Incompatible(theirs),
        CallError::UnknownMethod(_) => wit::CallError::UnknownMethod(method),
        CallError::Malformed(what) => wit::CallError::Malformed(what),
        CallError::NoReply => wit::CallError::NoReply,
        CallError::Deadlock(path) => wit::CallError::Deadlock(path),
        CallError::Full => wit::CallError::Full,
    }
}

/// The world's error for a message of `method` that was not sent.
pub(super) fn send_error(error: SendError, method: u32) -> wit::CallError {
    call_error(error.into(), method)
}

impl From<NameError> for wit::NameError {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Invalid(name) => Self::Invalid(name),
            NameError::Taken(name) => Self::Taken(name),
            NameError::NotOwner(name) => Self::NotOwner(name),
            NameError::NoProcess => Self::NoProcess,
            NameError::Denied(what) => Self::Denied(what),
        }
    }
}

impl From<SpawnError> for wit::SpawnError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::NoComponent(name) => Self::NoComponent(name),
            SpawnError::NoEntry(what) => Self::NoEntry(what),
            SpawnError::Init(reason) => Self::Init(reason.into()),
            SpawnError::Denied(what) => Self::Denied(what),
            SpawnError::Capacity(what) => Self::Capacity(what),
            // A guest spawns without a name, so this one does not come up.
            error @ SpawnError::Name(_) => Self::Denied(error.to_string()),
            SpawnError::Malformed(what) => Self::Malformed(what),
            SpawnError::NodeDown => Self::NodeDown,
        }
    }
}

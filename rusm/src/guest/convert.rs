//! The world's types as those of [`wire`](crate::wire), and back.

use crate::wire::{CallError, Down, ExitReason, ExitSignal, Method, MonitorRef, NameError, Pid, SendError, SpawnError};
use rusm_guest::types as wit;
use std::time::Duration;

impl From<wit::Pid> for Pid {
    fn from(pid: wit::Pid) -> Self {
        Self::from_parts(pid.node, pid.incarnation, pid.slot, pid.generation)
    }
}

impl From<Pid> for wit::Pid {
    fn from(pid: Pid) -> Self {
        Self { node: pid.node(), incarnation: pid.incarnation(), slot: pid.slot(), generation: pid.generation() }
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

impl From<ExitReason> for wit::ExitReason {
    fn from(reason: ExitReason) -> Self {
        match reason {
            ExitReason::Normal => Self::Normal,
            ExitReason::Shutdown => Self::Shutdown,
            ExitReason::Killed => Self::Killed,
            ExitReason::NoProcess => Self::NoProcess,
            ExitReason::NoConnection => Self::NoConnection,
            ExitReason::Error(text) => Self::Error(String::from(&*text)),
            ExitReason::Panicked(text) => Self::Panicked(String::from(&*text)),
            ExitReason::Trapped(text) => Self::Trapped(String::from(&*text)),
            ExitReason::Limit(text) => Self::Limit(String::from(&*text)),
        }
    }
}

impl From<wit::ExitSignal> for ExitSignal {
    fn from(signal: wit::ExitSignal) -> Self {
        Self { from: signal.from.into(), reason: signal.reason.into() }
    }
}

impl From<wit::Down> for Down {
    fn from(down: wit::Down) -> Self {
        Self { monitor: MonitorRef::from_raw(down.monitor), pid: down.pid.into(), reason: down.reason.into() }
    }
}

impl From<wit::NameError> for NameError {
    fn from(error: wit::NameError) -> Self {
        match error {
            wit::NameError::Invalid(name) => Self::Invalid(name),
            wit::NameError::Taken(name) => Self::Taken(name),
            wit::NameError::NotOwner(name) => Self::NotOwner(name),
            wit::NameError::NoProcess => Self::NoProcess,
            wit::NameError::Denied(what) => Self::Denied(what),
        }
    }
}

impl From<wit::SpawnError> for SpawnError {
    fn from(error: wit::SpawnError) -> Self {
        match error {
            wit::SpawnError::NoComponent(name) => Self::NoComponent(name),
            wit::SpawnError::NoEntry(what) => Self::NoEntry(what),
            wit::SpawnError::Init(reason) => Self::Init(reason.into()),
            wit::SpawnError::Denied(what) => Self::Denied(what),
            wit::SpawnError::Capacity(what) => Self::Capacity(what),
            wit::SpawnError::Malformed(what) => Self::Malformed(what),
            wit::SpawnError::NodeDown => Self::NodeDown,
        }
    }
}

/// An error of a call of this method; the host does not know how the caller names it.
pub(super) fn call_error(error: wit::CallError, method: &'static Method) -> CallError {
    match error {
        wit::CallError::NoProcess(who) => CallError::NoProcess(who),
        wit::CallError::Exited(reason) => CallError::Exited(reason.into()),
        wit::CallError::Timeout(waited) => CallError::Timeout(Duration::from_nanos(waited)),
        wit::CallError::Denied(what) => CallError::Denied(what),
        wit::CallError::Incompatible(theirs) => CallError::Incompatible { ours: method.signature(), theirs },
        wit::CallError::UnknownMethod(_) => CallError::UnknownMethod(method.signature()),
        wit::CallError::Malformed(what) => CallError::Malformed(what),
        wit::CallError::NoReply => CallError::NoReply,
        wit::CallError::Deadlock(path) => CallError::Deadlock(path),
        wit::CallError::Full => CallError::Full,
    }
}

/// An error of a cast of this method.
pub(super) fn send_error(error: wit::CallError, method: &'static Method) -> SendError {
    match error {
        wit::CallError::NoProcess(who) => SendError::NoProcess(who),
        wit::CallError::Exited(reason) => SendError::NoProcess(reason_text(reason)),
        wit::CallError::Denied(what) => SendError::Denied(what),
        wit::CallError::Incompatible(theirs) => SendError::Incompatible { ours: method.signature(), theirs },
        wit::CallError::UnknownMethod(_) => SendError::UnknownMethod(method.signature()),
        wit::CallError::Malformed(what) => SendError::Malformed(what),
        wit::CallError::Full => SendError::Full,
        // A cast waits for nothing, so these can't be; a host that tells them has not sent it.
        wit::CallError::Timeout(_) | wit::CallError::NoReply | wit::CallError::Deadlock(_) => {
            SendError::NoProcess(method.name.into())
        }
    }
}

fn reason_text(reason: wit::ExitReason) -> String {
    ExitReason::from(reason).to_string()
}

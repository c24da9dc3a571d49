//! How sending, calling, naming and spawning fail.

use super::ExitReason;
use std::fmt;
use std::time::Duration;

/// Why a call got no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// There is no such process, or nobody holds that name.
    NoProcess(String),
    /// The callee ended before it answered.
    Exited(ExitReason),
    /// No answer within this time; the callee may still be working on it.
    Timeout(Duration),
    /// A capability is missing: which one, and for what.
    Denied(String),
    /// Caller and callee were built with different types for this method.
    Incompatible {
        /// The method as the caller knows it.
        ours: String,
        /// The method as the callee knows it.
        theirs: String,
    },
    /// The callee has no such method.
    UnknownMethod(String),
    /// Arguments or answer did not fit the method's schema.
    Malformed(String),
    /// The callee dropped the reply without answering.
    NoReply,
    /// The callee waits for the caller, straight or through others: the path of those who wait.
    Deadlock(String),
    /// The callee's mailbox is full.
    Full,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProcess(who) => write!(f, "no process {who}"),
            Self::Exited(reason) => write!(f, "the callee ended before it answered: {reason}"),
            Self::Timeout(limit) => write!(f, "no answer within {limit:?}"),
            Self::Denied(what) => write!(f, "denied: {what}"),
            Self::Incompatible { ours, theirs } => {
                write!(
                    f,
                    "caller and callee disagree; ours: {ours}; theirs: {theirs}; build both from the same contract"
                )
            }
            Self::UnknownMethod(what) => write!(f, "the callee has no method {what}"),
            Self::Malformed(what) => write!(f, "malformed: {what}"),
            Self::Deadlock(path) => write!(f, "a deadlock, each waits for the next one's answer: {path}"),
            Self::NoReply => f.write_str("the callee dropped the reply without answering"),
            Self::Full => f.write_str("the callee's mailbox is full"),
        }
    }
}

impl std::error::Error for CallError {}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// There is no such process, or nobody holds that name.
    NoProcess(String),
    /// A capability is missing: which one, and for what.
    Denied(String),
    /// Sender and receiver were built with different types for this method.
    Incompatible {
        /// The method as the sender knows it.
        ours: String,
        /// The method as the receiver knows it.
        theirs: String,
    },
    /// The receiver has no such method.
    UnknownMethod(String),
    /// The arguments could not be encoded.
    Malformed(String),
    /// The receiver's mailbox is full.
    Full,
}

impl From<SendError> for CallError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NoProcess(who) => Self::NoProcess(who),
            SendError::Denied(what) => Self::Denied(what),
            SendError::Incompatible { ours, theirs } => Self::Incompatible { ours, theirs },
            SendError::UnknownMethod(what) => Self::UnknownMethod(what),
            SendError::Malformed(what) => Self::Malformed(what),
            SendError::Full => Self::Full,
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("the receiver's mailbox is full"),
            other => CallError::from(other.clone()).fmt(f),
        }
    }
}

impl std::error::Error for SendError {}

/// Why a name could not be taken, given back or used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Empty, longer than 255 bytes, or with control characters.
    Invalid(String),
    /// Somebody holds it already.
    Taken(String),
    /// It is not the caller's to give back.
    NotOwner(String),
    /// The process that was to hold it has ended.
    NoProcess,
    /// A capability is missing: which one, and for what.
    Denied(String),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(name) => {
                write!(f, "{name:?} is no name: 1 to 255 bytes without control characters")
            }
            Self::Taken(name) => write!(f, "the name {name:?} is taken"),
            Self::NotOwner(name) => write!(f, "the name {name:?} is not this process's to give back"),
            Self::NoProcess => f.write_str("the process that was to hold the name has ended"),
            Self::Denied(what) => write!(f, "denied: {what}"),
        }
    }
}

impl std::error::Error for NameError {}

/// Why there is no new process.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpawnError {
    /// The node has no component of this name.
    NoComponent(String),
    /// The component has no such entry, or several where one was expected.
    NoEntry(String),
    /// It was started and ended at once: its `#[init]` failed or crashed.
    Init(ExitReason),
    /// A capability is missing: which one, and for what.
    Denied(String),
    /// No room: which limit is reached.
    Capacity(String),
    /// The name it was to have is not to be had; the process was ended.
    Name(NameError),
    /// The arguments could not be encoded.
    Malformed(String),
    /// The node is shutting down.
    NodeDown,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoComponent(name) => write!(f, "this node has no component {name:?}"),
            Self::NoEntry(what) => write!(f, "no entry: {what}"),
            Self::Init(reason) => write!(f, "the process ended while it started: {reason}"),
            Self::Denied(what) => write!(f, "denied: {what}"),
            Self::Capacity(what) => write!(f, "no room for another process: {what}"),
            Self::Name(error) => error.fmt(f),
            Self::Malformed(what) => write!(f, "malformed arguments: {what}"),
            Self::NodeDown => f.write_str("the node is shutting down"),
        }
    }
}

impl std::error::Error for SpawnError {}

//! Why processes end, and who is told.

use super::Pid;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Why a process ended.
///
/// Reaches links, monitors, the crash report and the error of a call that was under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExitReason {
    /// It was done.
    Normal,
    /// It was asked to stop, by its supervisor or by the node.
    Shutdown,
    /// It was killed.
    Killed,
    /// It did not exist when it was linked to or monitored.
    NoProcess,
    /// Its node is out of reach.
    NoConnection,
    /// It gave up: the error's text.
    Error(#[serde(with = "text")] Arc<str>),
    /// It panicked: the message and the place.
    Panicked(#[serde(with = "text")] Arc<str>),
    /// Its WebAssembly code trapped: the trap and the guest's backtrace.
    Trapped(#[serde(with = "text")] Arc<str>),
    /// It went over a limit: which one, and by how much.
    Limit(#[serde(with = "text")] Arc<str>),
}

mod text {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(text: &Arc<str>, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Arc<str>, D::Error> {
        Ok(Arc::from(String::deserialize(d)?))
    }
}

impl ExitReason {
    /// Whether this is an end that nobody needs to be worried about: `Normal` or `Shutdown`.
    pub fn is_orderly(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown)
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::Killed => f.write_str("killed"),
            Self::NoProcess => f.write_str("no such process"),
            Self::NoConnection => f.write_str("no connection to its node"),
            Self::Error(text) => write!(f, "error: {text}"),
            Self::Panicked(text) => write!(f, "panicked: {text}"),
            Self::Trapped(text) => write!(f, "trapped: {text}"),
            Self::Limit(text) => write!(f, "over a limit: {text}"),
        }
    }
}

/// How a process ends itself: any error by `?`, or a reason of choice.
///
/// # Examples
/// ```
/// use rusm::{Exit, ExitReason};
///
/// fn port(text: &str) -> Result<u16, Exit> {
///     Ok(text.parse()?)
/// }
/// assert!(matches!(port("x").unwrap_err().reason(), ExitReason::Error(_)));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Exit(ExitReason);

impl Exit {
    /// Done.
    pub fn normal() -> Self {
        Self(ExitReason::Normal)
    }

    /// Stopped on request.
    pub fn shutdown() -> Self {
        Self(ExitReason::Shutdown)
    }

    /// Given up, with a text that says why.
    pub fn error(text: impl fmt::Display) -> Self {
        Self(ExitReason::Error(text.to_string().into()))
    }

    /// The reason that links and monitors will see.
    pub fn reason(&self) -> &ExitReason {
        &self.0
    }

    /// Gives the reason away.
    pub fn into_reason(self) -> ExitReason {
        self.0
    }
}

impl fmt::Debug for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl From<ExitReason> for Exit {
    fn from(reason: ExitReason) -> Self {
        Self(reason)
    }
}

impl<E: std::error::Error> From<E> for Exit {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self(ExitReason::Error(text.into()))
    }
}

/// A linked process ended, and the receiver traps exits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitSignal {
    /// The process that ended.
    pub from: Pid,
    /// Why it ended.
    pub reason: ExitReason,
}

/// A monitored process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    /// The monitor that fired.
    pub monitor: MonitorRef,
    /// The process that ended.
    pub pid: Pid,
    /// Why it ended; `NoProcess` if there was none to begin with.
    pub reason: ExitReason,
}

/// One monitor; a process may hold several on the same target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MonitorRef(u64);

impl MonitorRef {
    /// Puts a reference together from its number, as it came over a boundary.
    pub const fn from_raw(number: u64) -> Self {
        Self(number)
    }

    /// The number, unique within the node.
    pub const fn raw(self) -> u64 {
        self.0
    }
}

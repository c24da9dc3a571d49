//! What came of stopping applications.

use crate::wire::{ExitReason, Pid};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What came of stopping applications.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Report {
    /// Why they were stopped.
    pub cause: StopCause,
    /// Each of them, in the order in which they were stopped.
    pub applications: Vec<Stopped>,
}

/// Why applications were stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopCause {
    /// Somebody asked for it.
    Asked,
    /// The operating system sent this signal.
    Signal(&'static str),
    /// One of them ended by itself.
    Ended {
        /// Which one.
        name: Arc<str>,
        /// Why.
        reason: ExitReason,
    },
    /// One of them did not start.
    NotStarted(Arc<str>),
}

/// How one application ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Stopped {
    /// What it is called.
    pub name: Arc<str>,
    /// Why the root of its tree ended; None if it has no tree, or could not be ended.
    pub reason: Option<ExitReason>,
    /// How long it took.
    pub took: Duration,
    /// The processes that had to be killed: they were there at the deadline, or have outlived their tree.
    pub killed: Vec<Killed>,
    /// What its processes have left unread while it stopped.
    pub unread: Vec<Unread>,
}

/// A process that was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Killed {
    /// The process.
    pub pid: Pid,
    /// What it was called in logs.
    pub label: Arc<str>,
    /// Whether it is gone: a native process that never awaits can't be killed.
    pub is_gone: bool,
}

/// Messages that a process has not read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unread {
    /// The process.
    pub pid: Pid,
    /// What it was called in logs.
    pub label: Arc<str>,
    /// How many.
    pub messages: u64,
}

impl Stopped {
    /// There was nothing to stop.
    pub(super) fn nothing(name: Arc<str>, reason: Option<ExitReason>) -> Self {
        Self { name, reason, took: Duration::ZERO, killed: Vec::new(), unread: Vec::new() }
    }
}

impl Report {
    /// Whether nobody had to be killed and nothing was left unread.
    pub fn is_clean(&self) -> bool {
        self.applications.iter().all(|stopped| stopped.killed.is_empty() && stopped.unread.is_empty())
    }
}

impl fmt::Display for StopCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("stopped as asked"),
            Self::Signal(name) => write!(f, "stopped by {name}"),
            Self::Ended { name, reason } => write!(f, "stopped because {name:?} ended by itself: {reason}"),
            Self::NotStarted(name) => write!(f, "stopped because {name:?} did not start"),
        }
    }
}

/// A line for each application, process that was killed, and process with messages that it did not read.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)?;
        for Stopped { name, reason, took, killed, unread } in &self.applications {
            write!(f, "\n{name}: ")?;
            match reason {
                Some(reason) => write!(f, "{reason}")?,
                None => f.write_str("no tree")?,
            }
            write!(f, ", after {took:?}")?;
            for Killed { pid, label, is_gone } in killed {
                let fate = if *is_gone { "killed" } else { "can't be killed: it does not await" };
                write!(f, "\n  {label} {pid}: {fate}")?;
            }
            for Unread { pid, label, messages } in unread {
                write!(f, "\n  {label} {pid}: {messages} unread")?;
            }
        }
        Ok(())
    }
}

//! Why a verb stopped.

use rusm::app::{BootError, ManifestError, Mistakes};

/// What is told before the exit code 1.
#[derive(Debug)]
pub(crate) enum Error {
    /// `rusm.toml` says something wrong.
    Mistakes(Mistakes),
    /// Anything else: what happened, and what to do about it.
    Other { message: String, help: Option<String> },
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Other { message: message.into(), help: None }
    }

    pub(crate) fn help(self, text: impl Into<String>) -> Self {
        match self {
            Self::Other { message, .. } => Self::Other { message, help: Some(text.into()) },
            mistakes => mistakes,
        }
    }
}

impl From<Mistakes> for Error {
    fn from(mistakes: Mistakes) -> Self {
        Self::Mistakes(mistakes)
    }
}

impl From<ManifestError> for Error {
    fn from(error: ManifestError) -> Self {
        match error {
            ManifestError::Mistakes(mistakes) => Self::Mistakes(mistakes),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<BootError> for Error {
    fn from(error: BootError) -> Self {
        match error {
            BootError::Mistakes(mistakes) => Self::Mistakes(mistakes),
            other => Self::new(other.to_string()),
        }
    }
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

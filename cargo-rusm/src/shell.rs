//! What people see: cargo's words, columns and colours, on stderr.

use anstyle::{AnsiColor, Style};

use crate::error::Error;

const GOOD: Style = AnsiColor::BrightGreen.on_default().bold();
const BAD: Style = AnsiColor::BrightRed.on_default().bold();
const HELP: Style = AnsiColor::BrightCyan.on_default().bold();

#[derive(Debug)]
pub(crate) struct Shell {
    quiet: bool,
}

impl Shell {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// `    Building cart (component)`
    pub(crate) fn status(&self, verb: &str, what: impl std::fmt::Display) {
        if !self.quiet {
            anstream::eprintln!("{GOOD}{verb:>12}{GOOD:#} {what}");
        }
    }

    /// A line below a status.
    pub(crate) fn detail(&self, what: impl std::fmt::Display) {
        if !self.quiet {
            anstream::eprintln!("{:>12} {what}", "");
        }
    }

    pub(crate) fn note(&self, what: impl std::fmt::Display) {
        if !self.quiet {
            anstream::eprintln!("{HELP}note{HELP:#}: {what}");
        }
    }

    pub(crate) fn error(&self, error: &Error) {
        match error {
            Error::Mistakes(mistakes) => {
                anstream::eprintln!("{}\n", mistakes.styled());
                let count = mistakes.problems().len();
                let s = if count == 1 { "" } else { "s" };
                let path = mistakes.path().display();
                anstream::eprintln!("{BAD}error{BAD:#}: {path} has {count} mistake{s}; nothing was started");
            }
            Error::Other { message, help } => {
                anstream::eprintln!("{BAD}error{BAD:#}: {message}");
                if let Some(help) = help {
                    anstream::eprintln!("\n{HELP}help{HELP:#}: {help}");
                }
            }
        }
    }
}

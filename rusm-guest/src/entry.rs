//! What the component holds, told by the expansions of rusm's macros.
//!
//! The macros can't see each other, so each one submits what it made; the linker's constructors put
//! it all together before the first export runs.

use crate::types::{Answer, Delivery, ExitReason};

/// Something that can be started by its name.
#[derive(Debug)]
pub struct Entry {
    /// The type's name.
    pub name: &'static str,
    /// The package whose source holds it.
    pub package: &'static str,
    /// How it is started.
    pub constructor: Constructor,
}

inventory::collect!(Entry);

/// The two ways of being driven.
#[derive(Debug, Clone, Copy)]
pub enum Constructor {
    /// Makes a process that its deliveries are handed to.
    Push(Start),
    /// Runs a process to its end.
    Pull(Run),
}

/// Makes a process from its encoded arguments.
pub type Start = fn(Vec<u8>) -> Result<Box<dyn Process>, ExitReason>;

/// Runs a process to its end, from its encoded arguments.
pub type Run = fn(Vec<u8>) -> ExitReason;

/// The state of a process that is pushed to.
pub trait Process: Send {
    /// Takes one delivery; an error ends the process.
    fn handle(&mut self, delivery: Delivery) -> Result<(), ExitReason>;
    /// The last call.
    fn terminate(&mut self, reason: ExitReason);
}

/// A module of request handlers.
#[derive(Debug)]
pub struct HandlerEntry {
    /// Answers a request, if the action of this number is one of the module's.
    pub answer: fn(action: u32, request: &[u8]) -> Option<Answer>,
}

inventory::collect!(HandlerEntry);

impl Entry {
    /// The entry of this name, or `package::name` where packages share one.
    pub(crate) fn find(name: &str) -> Result<&'static Self, ExitReason> {
        let mut found = inventory::iter::<Self>().filter(|entry| entry.is(name));
        match (found.next(), found.next()) {
            (Some(entry), None) => Ok(entry),
            (None, _) => Err(refused("this component has no entry ", name)),
            (Some(_), Some(_)) => Err(refused("several packages have this entry, name it package::entry: ", name)),
        }
    }

    fn is(&self, name: &str) -> bool {
        let qualified = || name.strip_prefix(self.package)?.strip_prefix("::");
        name == self.name || qualified() == Some(self.name)
    }
}

pub(crate) fn refused(what: &str, name: &str) -> ExitReason {
    let mut text = String::from(what);
    text.push_str(name);
    ExitReason::Error(text)
}

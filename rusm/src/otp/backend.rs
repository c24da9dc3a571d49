//! Where components plug into the core.
//!
//! The core knows that some processes are run by somebody else; the `wasm` room is the one that does it.

use super::slot::{Filler, Waiter, slot};
use super::{Incoming, Process, lock};
use crate::wire::ExitReason;
use crate::wire::schema::Schema;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

/// Runs the processes of components.
pub trait Backend: Send + Sync + 'static {
    /// A loaded component.
    fn component(&self, name: &str) -> Option<ComponentInfo>;

    /// The whole life of one process; its output is how it ended. Dropped when the process is killed.
    fn run(&self, job: Job, process: Process) -> Pin<Box<dyn Future<Output = ExitReason> + Send>>;
}

/// What the core needs to know of a component.
#[derive(Debug, Clone)]
pub struct ComponentInfo {
    /// What it says of itself.
    pub schema: Arc<Schema>,
    /// The package it was built from; entries of other packages are those of its dependencies.
    pub package: Arc<str>,
    /// How many messages may wait for one of its processes.
    pub max_mailbox: Option<usize>,
}

/// The backend's own value for what a process may do; a child gets at most what its parent has.
pub type Rights = Arc<dyn Any + Send + Sync>;

/// Which process to start.
#[derive(Clone)]
pub struct NewProcess {
    /// The component.
    pub component: Arc<str>,
    /// Its entry; None for its only one.
    pub entry: Option<Arc<str>>,
    /// The encoded arguments.
    pub args: Vec<u8>,
    /// What the spawning process may do; None when the node itself spawns.
    pub rights: Option<Rights>,
}

/// One process to run.
pub struct Job {
    /// The component.
    pub component: Arc<str>,
    /// What the process is to do.
    pub work: Work,
    /// What the spawning process may do; None when the node itself spawned.
    pub rights: Option<Rights>,
}

/// What a process of a component does.
#[derive(Debug)]
pub enum Work {
    /// Lives as an entry: pushed to or pulling, by the entry's kind.
    Entry {
        /// The entry's name.
        entry: Arc<str>,
        /// The encoded arguments.
        args: Vec<u8>,
        /// To be told once the process is up.
        started: Started,
    },
    /// Takes one message on a fresh instance, then ends.
    Request {
        /// The message.
        message: Incoming,
    },
}

/// Tells the spawner that the process is up. Dropped untold, the spawner gets the process's exit reason.
#[derive(Debug)]
pub struct Started(Mutex<Option<Filler<()>>>);

impl Started {
    pub(crate) fn new() -> (Self, Waiter<()>) {
        let (sender, receiver) = slot();
        (Self(Mutex::new(Some(sender))), receiver)
    }

    /// The process is up; saying it twice means nothing.
    pub fn ok(&self) {
        if let Some(sender) = lock(&self.0).take() {
            let _ = sender.fill(());
        }
    }
}

impl fmt::Debug for NewProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewProcess").field("component", &self.component).field("entry", &self.entry).finish()
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("component", &self.component).field("work", &self.work).finish()
    }
}

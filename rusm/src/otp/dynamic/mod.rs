//! Dynamic supervisors: children that are started one by one while the system runs, as Elixir's `DynamicSupervisor`.
//!
//! Elixir's starts its children one after the other, since its process calls their `init`. Here who asks for a child starts
//! it, and the supervisor owns it from its first moment: slow starts don't wait for each other, and the order of starts, which
//! no dynamic supervisor promises, is that of the requests of one caller.
//!
//! # Examples
//! ```
//! use rusm::otp::dynamic::DynamicSupervisor;
//! use rusm::prelude::*;
//!
//! pub struct Session(u64);
//!
//! #[actor]
//! impl Session {
//!     #[init]
//!     fn start(user: u64) -> Self { Self(user) }
//!     pub fn user(&self) -> u64 { self.0 }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder().build().await?;
//! let sessions = node.supervise_dynamic(DynamicSupervisor::new().max_children(1000))?;
//! let session = sessions.start_child::<Session>(7).await?;
//! assert_eq!(session.user().await?, 7);
//! sessions.terminate_child(session.pid()).await?;
//! assert_eq!(sessions.count_children(), 0);
//! # Ok(())
//! # }
//! ```

mod book;
mod client;
pub(super) mod run;

pub use client::{DynamicChild, DynamicSupervisorRef};

use super::supervisor::{Intensity, Restart, Shutdown};
use std::sync::Arc;
use std::time::Duration;

/// What a dynamic supervisor is to be like, before it runs.
///
/// Unless told otherwise: children are temporary (a crashed connection or job has nobody who waits for its second
/// life, and it costs no memory), as many as there are, all stopped at the same time within 5 seconds; 3 restarts in 5 seconds.
#[derive(Debug, Clone)]
pub struct DynamicSupervisor {
    pub(super) restart: Restart,
    pub(super) shutdown: Shutdown,
    pub(super) max_children: usize,
    pub(super) intensity: Intensity,
    pub(super) label: Option<Arc<str>>,
    pub(super) name: Option<Arc<str>>,
}

impl Default for DynamicSupervisor {
    fn default() -> Self {
        Self {
            restart: Restart::Temporary,
            shutdown: Shutdown::default(),
            max_children: usize::MAX,
            intensity: Intensity::new(3, Duration::from_secs(5)),
            label: None,
            name: None,
        }
    }
}

impl DynamicSupervisor {
    /// A supervisor without children.
    pub fn new() -> Self {
        Self::default()
    }

    /// When children are started again that don't say it themselves and can be: those of a [`DynamicChild`].
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// How children are stopped that don't say it themselves: all at the same time, so their time is for all of them together.
    pub fn shutdown(mut self, shutdown: impl Into<Shutdown>) -> Self {
        self.shutdown = shutdown.into();
        self
    }

    /// How many children it has at most, those that are being started included.
    pub fn max_children(mut self, max: usize) -> Self {
        self.max_children = max;
        self
    }

    /// How many restarts, of all its children together, it takes before it gives up.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }

    /// What it is called in logs.
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Registers it under this name.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }
}

//! Supervisors: processes that start others, in order, and start them again when they end.
//!
//! The rules are OTP's. `plan` decides, purely, what an end means for the children; `intensity`
//! when it is too much; `run` does it: it stops and starts one child at a time and lets everything that happens
//! meanwhile wait in its mailbox, so no death is lost while a restart is under way, and an end of a child that
//! was replaced since is recognised by its pid.
//!
//! # Examples
//! ```
//! use rusm::prelude::*;
//! use std::time::Duration;
//!
//! pub struct Counter(u64);
//!
//! #[actor]
//! impl Counter {
//!     #[init]
//!     fn start(from: u64) -> Self { Self(from) }
//!     pub fn next(&mut self) -> u64 { self.0 += 1; self.0 }
//!     #[cast] pub fn crash(&mut self) { panic!("as asked") }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder().build().await?;
//! let tree = Supervisor::new()
//!     .intensity(Intensity::new(3, Duration::from_secs(5)))
//!     .child(Child::actor::<Counter>("counter", || 0).named("counter"));
//! let tree = node.supervise(tree).await?;
//!
//! let counter = CounterClient::named(&node, "counter")?;
//! assert_eq!(counter.next().await?, 1);
//! let before = node.whereis("counter");
//! counter.crash().send()?;
//! tree.restarted("counter", before).await?;
//! assert_eq!(counter.next().await?, 1);
//! # Ok(())
//! # }
//! ```

mod child;
mod intensity;
mod plan;
mod run;

pub use child::{Child, Restart, Shutdown};
pub use intensity::Intensity;
pub use plan::Strategy;
pub use run::{ChildInfo, SupervisorRef};

use std::fmt;

/// What a supervisor is to look after, before it runs.
///
/// One-for-one and one restart in five seconds unless told otherwise, as in OTP.
#[derive(Default)]
pub struct Supervisor {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) children: Vec<Child>,
    pub(crate) label: Option<String>,
}

impl Supervisor {
    /// A supervisor without children.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whom the end of a child concerns.
    pub fn strategy(mut self, strategy: Strategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// How many restarts are too many.
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }

    /// What it is called in logs.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a child; children start in this order and stop in reverse.
    pub fn child(mut self, child: Child) -> Self {
        self.children.push(child);
        self
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("strategy", &self.strategy)
            .field("intensity", &self.intensity)
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

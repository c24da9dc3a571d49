//! Supervisors: processes that start others, in order, and start them again when they end.
//!
//! The rules are OTP's. `plan` decides, purely, what an end means for the children; `intensity`
//! when it is too much, `backoff` how long a restart waits; `run` does it: it stops and starts one child at a time and lets
//! everything that happens meanwhile wait in its mailbox, so no death is lost while a restart is under way. `seat` is where
//! clients find the process that a child runs as. A tree is written as a [`#[supervisor]`](macro@crate::supervisor), which gives
//! typed clients of its children, or put together by hand:
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
//!     .child(ChildSpec::actor::<Counter>("counter", || 0));
//! let tree = node.supervise(tree).await?;
//!
//! let counter = tree.client::<Counter>("counter").ok_or("it is a child")?;
//! assert_eq!(counter.next().await?, 1);
//! let before = tree.which_children()[0].pid;
//! counter.crash().send()?;
//! tree.restarted("counter", before).await?;
//! assert_eq!(counter.next().await?, 1);
//! # Ok(())
//! # }
//! ```

mod backoff;
mod child;
mod intensity;
mod orphans;
mod plan;
mod reference;
mod run;
mod seat;
mod typed;

pub use backoff::Backoff;
pub use child::{ChildSpec, Restart, Shutdown};
#[doc(hidden)]
pub use child::{Starter, Starting};
pub use intensity::Intensity;
pub(super) use intensity::Window;
pub(super) use orphans::see_to;
pub use reference::{ChildCount, ChildError, ChildInfo, SupervisorRef};
pub(crate) use seat::Seat;
pub use typed::{Child, Supervised, Tree};
#[doc(hidden)]
pub use typed::{start_tree, tree_client};

use plan::Phase;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// Whom the end of a child concerns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Only itself.
    #[default]
    OneForOne,
    /// All children: they are stopped and started again.
    OneForAll,
    /// Itself and those that were started after it.
    RestForOne,
}

/// Whether a supervisor ends, with `Shutdown`, when significant children end by themselves and are not started again.
///
/// What the supervisor stops itself, for a restart or on request, does not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AutoShutdown {
    /// It does not, and takes no significant children.
    #[default]
    Never,
    /// When one of them does.
    AnySignificant,
    /// When the last of them that was active does.
    AllSignificant,
}

/// What a supervisor is to look after, before it runs.
///
/// One-for-one, one restart in five seconds, no auto-shutdown and no delay unless told otherwise, as in OTP.
#[derive(Clone, Default)]
pub struct Supervisor {
    strategy: Strategy,
    intensity: Intensity,
    auto_shutdown: AutoShutdown,
    backoff: Option<Backoff>,
    children: Vec<ChildSpec>,
    label: Option<String>,
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

    /// Whether it ends when its significant children are done.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.auto_shutdown = auto_shutdown;
        self
    }

    /// How long a child waits before it is started again, unless the child says otherwise. In a group, the one that ended says it
    /// for all.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// What it is called in logs.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a child; children start in this order and stop in reverse.
    pub fn child(mut self, child: ChildSpec) -> Self {
        self.children.push(child);
        self
    }

    /// Whether these children can be together; if not, why.
    fn check(&self) -> Result<(), Arc<str>> {
        let mut ids = HashSet::new();
        for child in &self.children {
            let id = &child.id;
            if !ids.insert(id) {
                return Err(format!("two children of the id {id:?}").into());
            }
            if let Some(why) = child.rules.refused(self.auto_shutdown) {
                return Err(format!("child {id:?}: {why}").into());
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("strategy", &self.strategy)
            .field("intensity", &self.intensity)
            .field("auto_shutdown", &self.auto_shutdown)
            .field("backoff", &self.backoff)
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}

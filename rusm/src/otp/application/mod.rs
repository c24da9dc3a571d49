//! Applications: the trees that a node runs, each with those that it depends on.
//!
//! They start one after the other, each after those that it depends on, and all of them or none. They stop in reverse order within one time
//! for all; what is left then is killed. What came of it is a [`Report`].
//!
//! A tree that ends by itself takes the others along, as OTP's permanent applications do, while somebody waits in
//! [`Running::until_signal`]; a [`temporary`](Application::temporary) one does not.
//!
//! # Examples
//! ```
//! use rusm::otp::application::Application;
//! use rusm::prelude::*;
//! use std::time::Duration;
//!
//! pub struct Ledger;
//!
//! #[actor]
//! impl Ledger {
//!     #[init]
//!     fn open() -> Self { Self }
//! }
//!
//! pub struct Books;
//!
//! #[supervisor]
//! impl Books {
//!     fn ledger(&self) -> Child<Ledger> { Child::new(()).named("ledger") }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder().build().await?;
//! let running = node
//!     .start_applications([
//!         Application::new("billing").depends_on(["ledger"]).tree(Supervisor::new),
//!         Application::new("ledger").tree(|| Books),
//!     ])
//!     .await?;
//! assert!(node.whereis("ledger").is_some());
//! // In a program: `running.until_signal(Duration::from_secs(30)).await?`
//! let report = running.stop(Duration::from_secs(30)).await;
//! assert!(report.is_clean(), "{report}");
//! # Ok(())
//! # }
//! ```

mod order;
mod report;
mod running;
mod signals;
mod stop;

pub use report::{Killed, Report, StopCause, Stopped, Unread};
pub use running::{Running, StartError};

use super::supervisor::Tree;
use super::{Node, SpawnError, crash};
use crate::wire::Pid;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Starting = Pin<Box<dyn Future<Output = Result<Pid, SpawnError>> + Send>>;
type Start = Box<dyn FnOnce(Node) -> Starting + Send>;

/// A tree of processes by name, before it runs.
///
/// One without a tree only orders others: it is started once those that it depends on are.
pub struct Application {
    name: Arc<str>,
    depends_on: Vec<Arc<str>>,
    start: Option<Start>,
    is_temporary: bool,
}

impl Application {
    /// An application without a tree.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), depends_on: Vec::new(), start: None, is_temporary: false }
    }

    /// Starts after these, and stops before them. Adds to those named before.
    pub fn depends_on<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.depends_on.extend(names.into_iter().map(Arc::from));
        self
    }

    /// Its tree, made when it starts: a [`Supervisor`](super::supervisor::Supervisor), or a type with [`#[supervisor]`](macro@crate::supervisor). A panic of `tree` is a
    /// start that failed.
    pub fn tree<T: Tree>(self, tree: impl FnOnce() -> T + Send + 'static) -> Self {
        self.start(move |node| {
            let tree = tree().into_supervisor();
            async move { Ok(node.supervise(tree).await?.pid()) }
        })
    }

    /// Its tree, started by the app itself: the process at its root comes back.
    ///
    /// The root is asked to shut down when the application stops, and has to end what it has started.
    pub fn start<F>(mut self, start: impl FnOnce(Node) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<Pid, SpawnError>> + Send + 'static,
    {
        self.start = Some(Box::new(move |node| Box::pin(start(node))));
        self
    }

    /// Its end is logged and is nobody else's.
    pub fn temporary(mut self) -> Self {
        self.is_temporary = true;
        self
    }

    /// Starts it; none if there is nothing to start.
    async fn run(start: Option<Start>, node: &Node) -> Result<Option<Pid>, SpawnError> {
        let Some(start) = start else { return Ok(None) };
        // What is called here is the user's.
        let starting = crash::guard(|| start(node.clone())).map_err(|crash| SpawnError::Init(crash.reason))?;
        starting.await.map(Some)
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("name", &self.name)
            .field("depends_on", &self.depends_on)
            .field("temporary", &self.is_temporary)
            .finish_non_exhaustive()
    }
}

//! Puts a server together, and checks everything before anything listens.

use super::config::{ConfigError, ServeConfig};
use super::gateway::Gateway;
use super::listener;
use super::routes::{RouteError, Routes};
use super::target::{Target, TargetError};
use crate::http::Handlers;
use crate::otp::Node;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server in the making: its routes, its modules, its limits.
///
/// # Examples
/// ```no_run
/// use rusm::prelude::*;
/// use rusm::serve::{Server, Target};
/// use std::time::Duration;
///
/// # async fn example(node: Node) -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder(&node)
///     .route("GET /items/:id", Target::new("shop", "show"))
///     .route("POST /items", Target::new("shop", "create"))
///     .bind()
///     .await?;
/// println!("http://{}", server.local_addr());
/// let cut = server.shutdown(Duration::from_secs(10)).await;
/// assert_eq!(cut, 0);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing listens before `.bind().await`"]
pub struct ServerBuilder {
    node: Node,
    config: ServeConfig,
    mounts: Vec<(String, Handlers)>,
    routes: Vec<(String, Target)>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A limit or header can't be served with.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A pattern is none, or accepts what another one accepts.
    #[error("route {0}")]
    Route(#[from] RouteError),
    /// Nobody stands behind a route.
    #[error("route {pattern:?}: {error}")]
    Target {
        /// The route's pattern.
        pattern: String,
        /// Why not.
        error: TargetError,
    },
    /// The address is not to be had.
    #[error("can't listen on {listen}: {error}")]
    Bind {
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        #[source]
        error: io::Error,
    },
}

impl ServerBuilder {
    fn new(node: &Node) -> Self {
        Self { node: node.clone(), config: ServeConfig::default(), mounts: Vec::new(), routes: Vec::new() }
    }

    /// Serves with these limits, at this address.
    pub fn config(mut self, config: ServeConfig) -> Self {
        self.config = config;
        self
    }

    /// Runs a module's handlers natively, each request in a process of this node: routes to `name` go to its
    /// modules instead of a component. Several modules may share a name.
    pub fn mount(mut self, name: impl Into<String>, module: Handlers) -> Self {
        self.mounts.push((name.into(), module));
        self
    }

    /// Adds a route: a method or `ANY`, and a path of texts, `:parameters` and at the end maybe `*`.
    ///
    /// Of the routes that accept a request the most specific one gets it: segment by segment a text is better than
    /// a parameter, and a parameter better than `*`. `*` also stands for nothing; what it captured is found
    /// under `*`, or under `path` with `*path`. `HEAD` goes to `GET` routes, `OPTIONS` is answered here unless a route wants it.
    pub fn route(mut self, pattern: impl Into<String>, target: Target) -> Self {
        self.routes.push((pattern.into(), target));
        self
    }

    /// Checks limits, patterns and targets, without listening.
    ///
    /// # Errors
    /// See [`ServeError`]; the first problem in the order of the calls.
    pub fn check(&self) -> Result<(), ServeError> {
        self.gateway().map(drop)
    }

    fn gateway(&self) -> Result<Gateway, ServeError> {
        self.config.check()?;
        let mut routes = Routes::default();
        for (pattern, target) in &self.routes {
            let responder = target
                .resolve(&self.node, &self.mounts)
                .map_err(|error| ServeError::Target { pattern: pattern.clone(), error })?;
            routes.insert(pattern, responder)?;
        }
        Ok(Gateway::new(self.config.clone(), routes))
    }

    /// Listens and serves.
    ///
    /// # Errors
    /// See [`ServeError`]; nothing listens then.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn bind(self) -> Result<Server, ServeError> {
        let gateway = Arc::new(self.gateway()?);
        let listen = self.config.listen;
        let bind = |error| ServeError::Bind { listen, error };
        let listener = TcpListener::bind(listen).await.map_err(bind)?;
        let local_addr = listener.local_addr().map_err(bind)?;
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(listener::run(listener, gateway, stopped));
        Ok(Server { local_addr, stop, task })
    }
}

/// A server that listens. Dropping it closes the listener and cuts its connections.
#[derive(Debug)]
#[must_use = "dropping a server ends it"]
pub struct Server {
    local_addr: SocketAddr,
    stop: oneshot::Sender<Duration>,
    task: JoinHandle<usize>,
}

impl Server {
    /// Begins a server without routes, with the defaults of [`ServeConfig`].
    pub fn builder(node: &Node) -> ServerBuilder {
        ServerBuilder::new(node)
    }

    /// The address it listens on, with the port that it got.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops listening, closes idle connections, lets requests in flight go on for `drain`, and cuts what is left:
    /// the processes of cut requests are killed. Gives the number of connections that were cut.
    ///
    /// # Cancel safety
    /// The shutdown goes on when the future is dropped.
    pub async fn shutdown(self, drain: Duration) -> usize {
        // The listener only ends when told, so it is still there to be told.
        let _ = self.stop.send(drain);
        self.task.await.unwrap_or_else(|error| {
            tracing::error!(target: "rusm::serve", %error, "the listener's task failed");
            0
        })
    }
}

//! From a manifest to a running node.
//!
//! [`App::load`] does everything that can fail for what is written somewhere: schemas, routes, arguments, compiling.
//! Only then [`App::start`] starts processes and listens, and if a part of that fails the parts before it are ended: a
//! node is either up as the manifest says, or not at all.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::layout::{Layout, Resident, Schemas, Target};
use super::manifest::Manifest;
use super::report::{Mistakes, Problem};
use super::residents;
use crate::otp::{BuildError, Node, SpawnError};
use crate::serve::{self, RouteError, ServeError, Server, ServerBuilder};
use crate::wasm::{self, LoadError, Source, Wasm};

/// How many processes of components may live at once, beside those that answer requests.
const PROCESSES: u32 = 4096;

/// An app that was checked, and is ready to start.
#[derive(Debug)]
pub struct App {
    manifest: Manifest,
    layout: Layout,
    node: Node,
    servers: Vec<ServerBuilder>,
}

/// Why an app can't be loaded or started. Each text says where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BootError {
    /// `rusm.toml` names something that isn't there, or that doesn't fit.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// Components can't be loaded.
    #[error("{}", .0.iter().map(LoadError::to_string).collect::<Vec<_>>().join("\n"))]
    Components(Vec<LoadError>),
    /// There is no node to start them on.
    #[error("the node could not be made: {0}")]
    Node(#[from] BuildError),
    /// A server could not be set up.
    #[error("{}: [[serve]] {listen}: {error}", path.display())]
    Serve {
        /// The manifest.
        path: PathBuf,
        /// Where it should listen.
        listen: SocketAddr,
        /// Why it doesn't.
        error: Box<ServeError>,
    },
    /// A resident component ended before it was started.
    #[error("{}: the resident component `{component}` could not be started: {error}", path.display())]
    Resident {
        /// The manifest.
        path: PathBuf,
        /// Its name.
        component: String,
        /// Why.
        error: SpawnError,
    },
}

/// Checks that a file is a component of rusm, without compiling it.
///
/// # Errors
/// If it can't be read, or is none.
pub fn inspect(name: &str, path: &Path) -> Result<(), LoadError> {
    wasm::schema(name, &Source::File(path.to_owned())).map(drop)
}

impl App {
    /// Loads and checks everything that the manifest names. Starts nothing.
    ///
    /// # Errors
    /// With all mistakes of the manifest, or with what can't be loaded.
    pub async fn load(manifest: Manifest) -> Result<Self, BootError> {
        let layout = Layout::plan(&manifest, &schemas(&manifest)?)?;
        let wasm = components(&manifest)?.build().await.map_err(|error| BootError::Components(vec![error]))?;
        let node = Node::builder().name(node_name(&manifest)).backend(wasm).build().await?;
        let servers = servers(&manifest, &layout, &node)?;
        Ok(Self { manifest, layout, node, servers })
    }

    /// What it was loaded from.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What the manifest's names stand for.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Starts the resident components, then listens.
    ///
    /// # Errors
    /// If one of them can't be started, or an address is not to be had: then nothing runs.
    pub async fn start(self) -> Result<Running, BootError> {
        let Self { manifest, layout, node, servers } = self;
        let drain = manifest.node.drain;
        match up(&manifest, &layout.residents, &node, servers).await {
            Ok(servers) => Ok(Running { layout, node, servers, drain }),
            Err(error) => {
                node.shutdown(drain).await;
                Err(error)
            }
        }
    }
}

async fn up(
    manifest: &Manifest,
    residents: &[Resident],
    node: &Node,
    servers: Vec<ServerBuilder>,
) -> Result<Vec<Server>, BootError> {
    for resident in residents {
        residents::start(node, resident).await.map_err(|error| BootError::Resident {
            path: manifest.path().to_owned(),
            component: resident.component.clone(),
            error,
        })?;
    }
    let mut listening = Vec::new();
    for (server, gateway) in servers.into_iter().zip(&manifest.gateways) {
        match server.bind().await {
            Ok(server) => listening.push(server),
            Err(error) => {
                for server in listening {
                    server.shutdown(Duration::ZERO).await;
                }
                return Err(BootError::Serve {
                    path: manifest.path().to_owned(),
                    listen: gateway.listen.value,
                    error: Box::new(error),
                });
            }
        }
    }
    Ok(listening)
}

/// The schemas of all components; those that can't be read are told together.
fn schemas(manifest: &Manifest) -> Result<Schemas, BootError> {
    let mut schemas = Schemas::new();
    let mut errors = Vec::new();
    for component in &manifest.components {
        let name = &component.name.value;
        match wasm::schema(name, &Source::File(manifest.artifact(name))) {
            Ok(schema) => {
                schemas.insert(name.clone(), Arc::new(schema));
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(schemas) } else { Err(BootError::Components(errors)) }
}

fn components(manifest: &Manifest) -> Result<wasm::Builder, BootError> {
    let in_flight: usize = manifest.gateways.iter().map(|gateway| gateway.max_in_flight).sum();
    let processes = PROCESSES.saturating_add(u32::try_from(in_flight).unwrap_or(u32::MAX));
    // Beside what `cargo rusm build` wrote, unless there is a place for what outlives a run.
    let cache = match &manifest.node.data {
        Some(data) => manifest.folder().join(data).join("cache"),
        None => manifest.folder().join("wasm").join(".cache"),
    };
    let mut builder = Wasm::builder().max_processes(processes).cache_dir(cache);
    let mut problems = Vec::new();
    let mut told = HashSet::new();
    for component in &manifest.components {
        let mut capabilities = manifest.capabilities(&component.capability);
        for preopen in &mut capabilities.preopens {
            let path = manifest.folder().join(&preopen.host);
            match path.canonicalize() {
                Ok(found) if found.is_dir() => preopen.host = found,
                _ if !told.insert((component.capability.clone(), path.clone())) => {}
                Ok(_) => problems.push(missing(&path, &component.capability, "is not a folder")),
                Err(error) => problems.push(missing(&path, &component.capability, &error.to_string())),
            }
        }
        let name = &component.name.value;
        builder = builder
            .component(name, Source::File(manifest.artifact(name)), capabilities)
            .package(&component.package.value);
    }
    Mistakes::check(&manifest.file, problems)?;
    Ok(builder)
}

fn missing(path: &Path, capability: &str, why: &str) -> Problem {
    Problem::new(format!(
        "the `preopen` folder {} of the capability `{capability}` can't be opened: {why}",
        path.display()
    ))
    .help("make it, or take the grant away")
}

/// The manifest's name for the node, or the folder's.
fn node_name(manifest: &Manifest) -> String {
    let named = manifest.node.name.clone();
    let folder = || {
        let path = manifest.folder().canonicalize().ok()?;
        let name: String =
            path.file_name()?.to_str()?.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)).collect();
        (!name.is_empty() && name.len() <= 64).then_some(name)
    };
    named.or_else(folder).unwrap_or_else(|| "local".into())
}

/// The servers, checked but not bound.
fn servers(manifest: &Manifest, layout: &Layout, node: &Node) -> Result<Vec<ServerBuilder>, BootError> {
    let mut problems = Vec::new();
    let mut servers = Vec::new();
    for (gateway, targets) in manifest.gateways.iter().zip(&layout.gateways) {
        let mut left: Vec<(String, &Target)> =
            targets.iter().map(|target| (format!("{} {}", target.method, target.path), target)).collect();
        // The server tells one mistake at a time; without the route that it is about, it tells the next.
        let server = loop {
            let mut server = Server::builder(node).config(gateway.config());
            for (pattern, target) in &left {
                server = server.route(pattern, serve::Target::new(&target.component, &target.action.name));
            }
            let Err(error) = server.check() else { break Some(server) };
            let wrong = match &error {
                ServeError::Route(error) => pattern_of(error),
                ServeError::Target { pattern, .. } => Some(pattern.clone()),
                _ => None,
            };
            let Some(index) = wrong.and_then(|wrong| left.iter().position(|(pattern, _)| *pattern == wrong)) else {
                problems.push(Problem::new(error.to_string()).at(&gateway.listen.span, "this [[serve]]"));
                break None;
            };
            let (pattern, _) = left.remove(index);
            let span = |pattern: &str| {
                let route = gateway.routes.iter().find(|route| format!("{} {}", route.method, route.path) == pattern);
                route.map_or(gateway.listen.span.clone(), |route| route.key.clone())
            };
            problems.push(Problem::new(error.to_string()).at(&span(&pattern), "this route"));
        };
        servers.extend(server);
    }
    Mistakes::check(&manifest.file, problems)?;
    Ok(servers)
}

fn pattern_of(error: &RouteError) -> Option<String> {
    match error {
        RouteError::Form { pattern }
        | RouteError::Method { pattern, .. }
        | RouteError::Segment { pattern, .. }
        | RouteError::Conflict { pattern, .. } => Some(pattern.clone()),
    }
}

/// A node that is up.
///
/// Dropping it closes the listeners at once; [`shutdown`](Self::shutdown) lets work in flight end.
#[derive(Debug)]
#[must_use = "dropping it closes its listeners"]
pub struct Running {
    layout: Layout,
    node: Node,
    servers: Vec<Server>,
    drain: Duration,
}

impl Running {
    /// The node, for clients: `CartClient::named(running.node(), "cart")`.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Where each `[[serve]]` listens, with the ports that were free.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Server::local_addr).collect()
    }

    /// Where each `[[serve]]` listens, and its routes.
    pub fn gateways(&self) -> impl Iterator<Item = (SocketAddr, &[Target])> {
        let routes = self.layout.gateways.iter().map(Vec::as_slice);
        self.servers.iter().map(Server::local_addr).zip(routes)
    }

    /// The names of the resident components.
    pub fn residents(&self) -> impl Iterator<Item = &str> {
        self.layout.residents.iter().map(|resident| resident.component.as_str())
    }

    /// Stops listening, lets requests in flight end, then stops the resident components in reverse order; what is not
    /// done when the drain time of `[node]` is over is cut.
    ///
    /// # Cancel safety
    /// The listeners are closed at the first poll; the rest is left undone if the future is dropped.
    pub async fn shutdown(self) {
        let deadline = tokio::time::Instant::now() + self.drain;
        let mut servers = tokio::task::JoinSet::new();
        for server in self.servers {
            servers.spawn(server.shutdown(self.drain));
        }
        let mut cut = 0;
        while let Some(server) = servers.join_next().await {
            cut += server.unwrap_or(0);
        }
        if cut > 0 {
            tracing::warn!(target: "rusm::app", cut, "connections were cut at the end of the drain time");
        }
        // Residents get a moment even if requests took all of the time.
        let left = deadline.saturating_duration_since(tokio::time::Instant::now()).max(Duration::from_millis(100));
        let killed = self.node.shutdown(left).await;
        if killed > 0 {
            tracing::warn!(target: "rusm::app", killed, "processes were killed at the end of the drain time");
        }
    }
}

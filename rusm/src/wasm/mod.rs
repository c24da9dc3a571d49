//! WebAssembly components as processes.
//!
//! A component is loaded once, by [`Wasm::builder`], and each of its processes is an instance of its own: own memory, own
//! limits, and no more of the world than its [`Capabilities`] grant. What goes wrong in one, a trap, a panic, memory or
//! time used up, ends that one and nothing else, with a reason that says what happened.
//!
//! ```no_run
//! use rusm::prelude::*;
//! use rusm::wasm::{Profile, Source, Wasm};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let wasm = Wasm::builder()
//!     .component("cart", Source::File("wasm/cart.wasm".into()), Profile::Sandboxed.capabilities())
//!     .build()
//!     .await?;
//! let node = Node::builder().backend(wasm).build().await?;
//! # drop(node);
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms
//! Decisions are in [`capability`], pure; effects are in `engine` (settings, pool, tick), `component` and `cache` (from a
//! file to code), `store` (what a process owns), `host` (the world's imports), `wasi` and `stdio`, and `run` (a process's
//! life).

pub mod capability;

mod bindings;
mod cache;
mod component;
mod convert;
mod cpu;
mod denials;
mod engine;
mod error;
mod host;
mod limits;
mod rights;
mod run;
mod stdio;
mod store;
mod waiting;
mod wasi;

pub use capability::{Capabilities, Denial, Names, Network, Place, PlaceError, Preopen, Profile, UnknownProfile};
pub use component::Source;
pub use error::{LoadError, Problem};

use crate::otp::Process;
use crate::otp::backend::{Backend, ComponentInfo, Job};
use crate::wire::schema::Schema;
use crate::wire::{EntryKind, ExitReason};
use bindings::ComponentPre;
use cache::{Cache, Lookup};
use capability::Pins;
use component::{Inspected, Needs};
use denials::Told;
use engine::Engine;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::ToSocketAddrs;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use store::State;
use wasmtime::component::{Component, HasSelf, Linker};

/// How many processes may live at once unless told.
const MAX_PROCESSES: u32 = 4096;

/// Loaded components and the engine that runs them: the [`Backend`] for a node.
#[derive(Debug, Clone)]
pub struct Wasm {
    inner: Arc<Inner>,
}

/// What all processes share.
#[derive(Debug)]
struct Inner {
    components: HashMap<Arc<str>, Arc<Loaded>>,
    engine: Engine,
}

/// A component that is ready to be instantiated.
struct Loaded {
    name: Arc<str>,
    info: ComponentInfo,
    pre: ComponentPre<State>,
    capabilities: Arc<Capabilities>,
    pins: Pins,
    told: Arc<Told>,
}

/// How a [`Wasm`] is made.
///
/// Nothing is read before [`build`](Self::build).
#[derive(Debug)]
pub struct Builder {
    cache: Option<PathBuf>,
    max_processes: u32,
    components: Vec<New>,
}

/// A component to load.
#[derive(Debug)]
struct New {
    name: String,
    source: Source,
    capabilities: Capabilities,
    package: Option<String>,
}

impl Wasm {
    /// Starts to describe the components of a node.
    pub fn builder() -> Builder {
        Builder { cache: None, max_processes: MAX_PROCESSES, components: Vec::new() }
    }

    /// How many processes of components live.
    pub fn processes(&self) -> u32 {
        self.inner.engine.alive()
    }

    /// Whether memory for all processes was reserved ahead; without it, starting one costs system calls.
    pub fn is_pooled(&self) -> bool {
        self.inner.engine.is_pooled()
    }

    /// The names of the loaded components, sorted.
    pub fn components(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.inner.components.keys().cloned().collect();
        names.sort();
        names
    }

    /// What a component may do.
    pub fn capabilities(&self, component: &str) -> Option<&Capabilities> {
        self.inner.components.get(component).map(|loaded| &*loaded.capabilities)
    }
}

/// The schema of a component, without compiling it.
///
/// # Errors
/// A source that can't be read or is no component of rusm.
pub fn schema(name: &str, source: &Source) -> Result<Schema, LoadError> {
    component::read(name, source).map(|inspected| inspected.schema)
}

impl Builder {
    /// Where compiled components are kept from one start to the next; nowhere unless told.
    ///
    /// The directory is made with mode 0700. One that others may write in is not used, and a warning says so: whoever
    /// writes there could run anything as this user.
    #[must_use]
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cache = Some(dir.into());
        self
    }

    /// How many processes may live at once; 4096 unless told. Each takes address space, memory only as it uses it.
    #[must_use]
    pub fn max_processes(mut self, processes: u32) -> Self {
        self.max_processes = processes;
        self
    }

    /// Adds a component under a name of the node's choice.
    #[must_use]
    pub fn component(mut self, name: impl Into<String>, source: impl Into<Source>, capabilities: Capabilities) -> Self {
        self.components.push(New { name: name.into(), source: source.into(), capabilities, package: None });
        self
    }

    /// Tells which package the component that was added last was built from, where it is not called like it. Entries of
    /// other packages came along as its dependencies and are started only by name.
    #[must_use]
    pub fn package(mut self, package: impl Into<String>) -> Self {
        if let Some(component) = self.components.last_mut() {
            component.package = Some(package.into());
        }
        self
    }

    /// Reads, checks and compiles all components; the work is done off the scheduler's threads.
    ///
    /// # Errors
    /// The first component that can't be loaded, and why: then none is.
    ///
    /// # Cancel safety
    /// Dropping the future gives the outcome up; what is being compiled is finished and then dropped.
    pub async fn build(self) -> Result<Arc<Wasm>, LoadError> {
        match tokio::task::spawn_blocking(move || self.load()).await {
            Ok(loaded) => loaded,
            Err(error) => Err(LoadError::engine(error.to_string())),
        }
    }

    fn load(self) -> Result<Arc<Wasm>, LoadError> {
        let Self { cache, max_processes, components } = self;
        let mut inspected: Vec<(New, Inspected)> = Vec::with_capacity(components.len());
        for mut new in components {
            let error = |problem| LoadError::new(&new.name, &new.source, problem);
            if inspected.iter().any(|(known, _)| known.name == new.name) {
                return Err(error(Problem::Twice));
            }
            for preopen in &mut new.capabilities.preopens {
                // Links are resolved now, so that none that a guest makes later leads elsewhere.
                preopen.host = std::fs::canonicalize(&preopen.host)
                    .and_then(|found| std::fs::read_dir(&found).map(|_| found))
                    .map_err(|cause| error(Problem::Preopen(preopen.host.clone(), cause)))?;
            }
            let read = component::read(&new.name, &new.source)?;
            inspected.push((new, read));
        }
        let needs = inspected.iter().map(|(_, read)| read.needs).fold(Needs::default(), Needs::max);
        let engine = Engine::new(max_processes, needs)?;
        let linker = linker(&engine.wasmtime).map_err(|cause| LoadError::engine(format!("{cause:#}")))?;
        let cache = cache.and_then(|dir| match Cache::open(&dir) {
            Ok(cache) => Some(cache),
            Err(cause) => {
                tracing::warn!("compiled components are not kept: {cause}");
                None
            }
        });
        let mut loaded = HashMap::with_capacity(inspected.len());
        for (new, read) in inspected {
            let ready = ready(new, read, &linker, cache.as_ref())?;
            loaded.insert(Arc::clone(&ready.name), Arc::new(ready));
        }
        Ok(Arc::new(Wasm { inner: Arc::new(Inner { components: loaded, engine }) }))
    }
}

fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    bindings::Component::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}

fn ready(new: New, read: Inspected, linker: &Linker<State>, cache: Option<&Cache>) -> Result<Loaded, LoadError> {
    let New { name, source, capabilities, package: told } = new;
    let error = |problem| LoadError::new(&name, &source, problem);
    let engine = linker.engine();
    let compiled = match cache {
        Some(cache) => cache.load(engine, &read.bytes),
        None => Component::from_binary(engine, &read.bytes).map(|component| (component, Lookup::Miss)),
    };
    let (compiled, lookup) = compiled.map_err(|cause| error(Problem::Compile(format!("{cause:#}"))))?;
    tracing::debug!(component = name, ?lookup, "component loaded");
    let world = |cause: wasmtime::Error| error(Problem::World(format!("{cause:#}")));
    let pre = linker.instantiate_pre(&compiled).map_err(world)?;
    let pre = ComponentPre::new(pre).map_err(world)?;
    let info = ComponentInfo {
        package: told.map_or_else(|| package(&name, &source, &read.schema), Arc::from),
        schema: Arc::new(read.schema),
        max_mailbox: Some(capabilities.max_mailbox),
    };
    let pins = pins(&name, &capabilities.network);
    Ok(Loaded { name: name.into(), info, pre, capabilities: Arc::new(capabilities), pins, told: Arc::default() })
}

/// The package that a component was built from: the one that has the component's or its file's name, else the only one.
/// What other packages publish came along as dependencies.
fn package(name: &str, source: &Source, schema: &Schema) -> Arc<str> {
    let same = |a: &str, b: &str| a.replace('-', "_") == b.replace('-', "_");
    let file = match source {
        Source::File(path) => path.file_stem().and_then(|stem| stem.to_str()),
        Source::Bytes(_) => None,
    };
    let packages = || schema.entries.iter().map(|entry| entry.package.as_str());
    let named = |wanted: &str| packages().find(|package| same(package, wanted));
    let package = named(name).or_else(|| named(file?)).or_else(|| {
        let first = packages().next()?;
        if packages().any(|package| package != first) {
            tracing::warn!(
                component = name,
                "no package of it is called so: its entries have to be named when they are started"
            );
            return None;
        }
        Some(first)
    });
    package.unwrap_or(name).into()
}

/// Resolves the host names of a network list, once.
fn pins(component: &str, network: &Network) -> Pins {
    let mut pins = Pins::default();
    for name in network.host_names() {
        match (name.as_str(), 0).to_socket_addrs() {
            Ok(addresses) => addresses.for_each(|address| pins.pin(&name, address.ip())),
            Err(cause) => {
                tracing::warn!(component, %cause, "the host name `{name}` of `allow-network` can't be resolved: it stays out of reach until the next start");
            }
        }
    }
    pins
}

impl Backend for Wasm {
    fn component(&self, name: &str) -> Option<ComponentInfo> {
        self.inner.components.get(name).map(|loaded| loaded.info.clone())
    }

    fn run(&self, job: Job, process: Process) -> Pin<Box<dyn Future<Output = ExitReason> + Send>> {
        Box::pin(run::run(Arc::clone(&self.inner), job, process))
    }
}

impl Loaded {
    /// How an entry is driven; None if it can't be started.
    fn kind(&self, entry: &str) -> Option<EntryKind> {
        let startable = |kind: &EntryKind| matches!(kind, EntryKind::Actor | EntryKind::Process);
        let mut entries = self.info.schema.entries.iter().filter(|known| known.is_called(entry));
        entries.find_map(|known| Some(known.kind).filter(startable))
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("name", &self.name).field("info", &self.info).finish_non_exhaustive()
    }
}

//! Processes of components: started by name, talked to through the same clients as native ones.

use super::address::Address;
use super::backend::{ComponentInfo, Job, NewProcess, Started, Work};
use super::call::{Limit, wait};
use super::mailbox::{Mailbox, Receiver};
use super::node::{Family, KillOnDrop, Start, wait_started};
use super::process::Process;
use super::reply::WireReply;
use super::signal::Trap;
use super::slot::slot;
use super::{CallError, Client, Incoming, Node, SpawnError, context};
use crate::wire::schema::EntrySchema;
use crate::wire::{EntryKind, Pid, Wire, encode};
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// A component of a node, found by name when it is used.
///
/// # Examples
/// ```no_run
/// # use rusm::prelude::*;
/// # #[service] pub trait Cart { async fn total(&self) -> u64; }
/// # async fn example(node: Node) -> Result<(), Box<dyn std::error::Error>> {
/// let cart: CartClient = node.component("cart").spawn(0_u64).await?;
/// cart.total().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ComponentRef {
    node: Node,
    name: Arc<str>,
    entry: Option<Arc<str>>,
    registered: Option<Arc<str>>,
}

impl ComponentRef {
    pub(crate) fn new(node: Node, name: &str) -> Self {
        Self { node, name: name.into(), entry: None, registered: None }
    }

    /// Which of its entries to start; needed if it has several.
    pub fn entry(mut self, entry: &str) -> Self {
        self.entry = Some(entry.into());
        self
    }

    /// Registers the process under this name before it starts.
    pub fn named(mut self, name: &str) -> Self {
        self.registered = Some(name.into());
        self
    }

    /// What the component says of itself.
    ///
    /// # Errors
    /// No such component on this node.
    pub fn info(&self) -> Result<ComponentInfo, SpawnError> {
        info(&self.node, &self.name)
    }

    /// Starts a sandboxed process, and waits for its `#[init]`.
    ///
    /// # Errors
    /// See [`SpawnError`].
    #[track_caller]
    pub fn spawn<C: Client>(&self, args: impl Wire) -> impl Future<Output = Result<C, SpawnError>> + Send {
        let at = Location::caller();
        async move {
            let args = encode(&args).map_err(|error| SpawnError::Malformed(error.to_string()))?;
            let pid = self.spawn_in(args, Family::default(), self.registered.clone(), at).await?;
            Ok(C::from_address(Address::pid_on(&self.node, pid)))
        }
    }

    /// [`spawn`](Self::spawn) with arguments that are bytes already.
    ///
    /// # Errors
    /// See [`SpawnError`].
    #[track_caller]
    pub fn spawn_encoded(&self, args: Vec<u8>) -> impl Future<Output = Result<Pid, SpawnError>> + Send {
        self.spawn_in(args, Family::default(), self.registered.clone(), Location::caller())
    }

    pub(crate) async fn spawn_in(
        &self,
        args: Vec<u8>,
        family: Family<'_>,
        name: Option<Arc<str>>,
        at: &'static Location<'static>,
    ) -> Result<Pid, SpawnError> {
        let new = NewProcess { component: self.name.clone(), entry: self.entry.clone(), args, rights: None };
        spawn(&self.node, new, family, name, at).await
    }

    /// Lets a fresh instance handle one message, and ends it with the answer or at the limit.
    ///
    /// # Errors
    /// See [`CallError`]; `Exited` tells how the instance ended without an answer.
    ///
    /// # Cancel safety
    /// Dropping the future kills the instance.
    #[track_caller]
    pub fn request(
        &self,
        method: u32,
        body: Vec<u8>,
        limit: Duration,
    ) -> impl Future<Output = Result<Vec<u8>, CallError>> + Send {
        let at = Location::caller();
        async move {
            let info = info(&self.node, &self.name).map_err(|error| CallError::NoProcess(error.to_string()))?;
            let node = &self.node;
            let backend = node.backend().ok_or_else(|| CallError::NoProcess(self.name.to_string()))?;
            let limit = Limit::new(limit, context::deadline());
            let (filler, waiter) = slot();
            let message = Incoming::new(method, body, Some(WireReply::new(filler)), Some(limit.until.instant()));
            let start = Start { label: Some(self.name.clone()), ..Start::new(&"component", at) };
            let component = self.name.clone();
            let this = node
                .start(start, Mailbox::new(info.max_mailbox.map(Into::into)), |this| {
                    let job = Job { component, work: Work::Request { message }, rights: None };
                    backend.run(job, Process::new(Receiver::new(this)))
                })
                .map_err(|error| CallError::NoProcess(error.to_string()))?;
            let _guard = KillOnDrop::new(node, this.cell());
            wait(waiter, this.cell(), limit).await
        }
    }
}

fn info(node: &Node, name: &str) -> Result<ComponentInfo, SpawnError> {
    node.backend().and_then(|backend| backend.component(name)).ok_or_else(|| SpawnError::NoComponent(name.to_owned()))
}

/// The entry that is meant: the named one, or the only one that the component's own package holds.
fn entry(info: &ComponentInfo, component: &str, wanted: Option<&str>) -> Result<Arc<EntrySchema>, SpawnError> {
    let startable = |entry: &&Arc<EntrySchema>| matches!(entry.kind, EntryKind::Actor | EntryKind::Process);
    let all = || info.schema.entries.iter().filter(startable);
    let names = |entries: Vec<&Arc<EntrySchema>>| {
        entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    match wanted {
        Some(wanted) => match all().filter(|entry| entry.is_called(wanted)).collect::<Vec<_>>().as_slice() {
            [only] => Ok(Arc::clone(only)),
            [] => Err(SpawnError::NoEntry(format!(
                "component {component:?} has no {wanted:?}; it has: {}",
                names(all().collect())
            ))),
            several => Err(SpawnError::NoEntry(format!(
                "component {component:?} has {wanted:?} of several packages, name one: {}",
                several.iter().map(|entry| entry.qualified()).collect::<Vec<_>>().join(", ")
            ))),
        },
        None => {
            let own: Vec<_> = all().filter(|entry| *entry.package == *info.package).collect();
            match own.as_slice() {
                [only] => Ok(Arc::clone(only)),
                [] => Err(SpawnError::NoEntry(format!("component {component:?} has no actor or service to start"))),
                _ => Err(SpawnError::NoEntry(format!("component {component:?} has several, name one: {}", names(own)))),
            }
        }
    }
}

pub(crate) async fn spawn(
    node: &Node,
    new: NewProcess,
    family: Family<'_>,
    name: Option<Arc<str>>,
    at: &'static Location<'static>,
) -> Result<Pid, SpawnError> {
    let info = info(node, &new.component)?;
    let entry = entry(&info, &new.component, new.entry.as_deref())?;
    let Some(backend) = node.backend() else {
        return Err(SpawnError::NoComponent(new.component.to_string()));
    };
    let (started, is_started) = Started::new();
    let start = Start {
        label: Some(format!("{}#{}", new.component, entry.name).into()),
        name,
        trap: Trap { links: entry.on_exit, stop: entry.on_terminate },
        schema: Some(entry.clone()),
        family,
        ..Start::new(&"component", at)
    };
    let this = node.start(start, Mailbox::new(info.max_mailbox.map(Into::into)), |this| {
        let work = Work::Entry { entry: entry.qualified().into(), args: new.args, started };
        let job = Job { component: new.component, work, rights: new.rights };
        backend.run(job, Process::new(Receiver::new(this)))
    })?;
    wait_started(node, this.cell(), is_started).await?;
    Ok(this.cell().pid())
}

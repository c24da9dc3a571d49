//! Processes of other components, started by name.

use super::{Address, Client, Node};
use crate::wire::{Pid, SpawnError, Wire, encode};
use serde::Serialize;

/// A component of the node, found by name when it is used. `allow-spawn` lists those that may be started.
///
/// # Examples
/// ```ignore
/// let worker: WorkerClient = cx.node().component("worker").spawn(7_u64).await?;
/// ```
#[derive(Debug, Clone)]
pub struct ComponentRef {
    name: String,
    entry: Option<String>,
}

impl ComponentRef {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), entry: None }
    }

    /// Which of its entries to start; needed if it has several.
    pub fn entry(mut self, entry: &str) -> Self {
        self.entry = Some(entry.into());
        self
    }

    /// Starts a process with at most the rights of this one, and waits for its `#[init]`.
    ///
    /// # Errors
    /// See [`SpawnError`].
    ///
    /// # Cancel safety
    /// Dropped while it waits, the process starts none the less.
    pub async fn spawn<C: Client>(&self, args: impl Wire) -> Result<C, SpawnError> {
        let pid = spawn(Some(&self.name), self.entry.as_deref(), args, false).await?;
        Ok(C::from_address(Address::pid_on(&Node::current(), pid)))
    }
}

/// Starts an entry, of this component if none is named.
pub(super) async fn spawn(
    component: Option<&str>,
    entry: Option<&str>,
    args: impl Serialize,
    link: bool,
) -> Result<Pid, SpawnError> {
    let encoded = encode(&args).map_err(|error| SpawnError::Malformed(error.to_string()))?;
    drop(args);
    Ok(rusm_guest::spawn(component, entry, &encoded, link).await?.into())
}

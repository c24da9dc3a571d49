//! The node as a component sees it.

use super::ComponentRef;
use crate::wire::Pid;
use rusm_guest::{names, process};
use std::sync::OnceLock;

/// The node that this process runs on.
#[derive(Debug, Clone)]
pub struct Node(());

impl Node {
    /// The node that this process runs on.
    pub fn current() -> Self {
        Self(())
    }

    /// The node that this process runs on; in a component there always is one.
    pub fn try_current() -> Option<Self> {
        Some(Self(()))
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        static NAME: OnceLock<String> = OnceLock::new();
        NAME.get_or_init(process::node_name)
    }

    /// A component of this node, by name.
    pub fn component(&self, name: &str) -> ComponentRef {
        ComponentRef::new(name)
    }

    /// Who holds a name.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        names::whereis(name).map(Into::into)
    }
}

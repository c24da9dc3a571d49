//! Children by their types: what can be supervised, and what a supervisor's children are to others.

use super::Supervisor;
use super::child::{Starter, Starting};
use super::reference::SupervisorRef;
use crate::otp::{Address, Client, Spawn, SpawnError};
use crate::wire::encode;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// What [`Node::supervise`](crate::Node::supervise) starts: a [`Supervisor`], or a type with [`#[supervisor]`](macro@crate::supervisor).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no supervisor",
    label = "not a supervisor",
    note = "annotate its `impl` block with #[rusm::supervisor], or build a `Supervisor`"
)]
pub trait Tree: Sized + Send + 'static {
    /// How others reach it and its children.
    type Ref: Clone + Send + Sync + 'static;

    /// What there is to look after.
    fn into_supervisor(self) -> Supervisor;

    /// A ref to one that runs; None if its children are others.
    #[doc(hidden)]
    fn reference(running: &SupervisorRef) -> Option<Self::Ref>;
}

impl Tree for Supervisor {
    type Ref = SupervisorRef;

    fn into_supervisor(self) -> Supervisor {
        self
    }

    fn reference(running: &SupervisorRef) -> Option<SupervisorRef> {
        Some(running.clone())
    }
}

/// What can be a [`Child`]: all that is spawned, and all that supervises.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be supervised",
    label = "neither a process nor a supervisor",
    note = "annotate its `impl` block with #[rusm::actor], #[rusm::service] or #[rusm::supervisor]"
)]
pub trait Supervised: Sized + Send + 'static {
    /// What it is started with.
    type Args: Send + 'static;
    /// How others talk to it; finds the child's process at each message.
    type Client: Clone + Send + Sync + 'static;
    #[doc(hidden)]
    const IS_TREE: bool;

    #[doc(hidden)]
    fn start(child: Child<Self>, starter: Starter) -> Starting;

    #[doc(hidden)]
    fn client(supervisor: &SupervisorRef, id: &str) -> Option<Self::Client>;
}

// What is missing is `Supervised`, not one of the traits behind it.
#[diagnostic::do_not_recommend]
impl<P: Spawn> Supervised for P {
    type Args = P::Args;
    type Client = P::Client;
    const IS_TREE: bool = false;

    fn start(child: Child<Self>, starter: Starter) -> Starting {
        match child.component {
            None => starter.process::<P>(child.args),
            Some(component) => match encode(&child.args) {
                Ok(args) => starter.component(&component, Some(P::ENTRY.name), args),
                Err(error) => Starting::done(Err(SpawnError::Malformed(error.to_string()))),
            },
        }
    }

    fn client(supervisor: &SupervisorRef, id: &str) -> Option<P::Client> {
        let seat = supervisor.seat(id)?;
        Some(P::Client::from_address(Address::child(supervisor.node(), seat)))
    }
}

impl Supervised for Supervisor {
    type Args = Self;
    type Client = SupervisorRef;
    const IS_TREE: bool = true;

    fn start(child: Child<Self>, starter: Starter) -> Starting {
        start_tree(child, starter)
    }

    fn client(supervisor: &SupervisorRef, id: &str) -> Option<SupervisorRef> {
        tree_client::<Self>(supervisor, id)
    }
}

/// For expansions: a tree is started with itself.
#[doc(hidden)]
pub fn start_tree<T: Tree + Supervised<Args = T>>(child: Child<T>, starter: Starter) -> Starting {
    starter.tree(child.args)
}

/// For expansions.
#[doc(hidden)]
pub fn tree_client<T: Tree>(supervisor: &SupervisorRef, id: &str) -> Option<T::Ref> {
    T::reference(&supervisor.nested(id)?)
}

/// A child of a supervisor, as the methods of a [`#[supervisor]`](macro@crate::supervisor) return it: with fresh arguments at each start.
pub struct Child<P: Supervised> {
    args: P::Args,
    component: Option<Arc<str>>,
    name: Option<Arc<str>>,
    at: &'static Location<'static>,
}

impl<P: Supervised> Child<P> {
    /// A native process that is started with these arguments, or a tree.
    #[track_caller]
    pub fn new(args: P::Args) -> Self {
        Self { args, component: None, name: None, at: Location::caller() }
    }

    /// Registers it under this name at each start: for those who have no ref to its supervisor, such as components.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(super) fn start(self, mut starter: Starter) -> Starting {
        starter.at = self.at;
        starter.name = self.name.clone().or(starter.name);
        P::start(self, starter)
    }
}

impl<P: Spawn> Child<P> {
    /// Runs it as a process of this component, sandboxed, by the entry of the same name; its client is the same.
    pub fn sandboxed(mut self, component: &str) -> Self {
        self.component = Some(component.into());
        self
    }
}

impl<P: Supervised> fmt::Debug for Child<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("type", &std::any::type_name::<P>())
            .field("component", &self.component)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

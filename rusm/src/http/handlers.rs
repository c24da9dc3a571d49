//! Modules of handlers, as the macro leaves them.

use super::{Exchange, Response};
use crate::wire::{Entry, Method};
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// A handler at work.
#[cfg(not(target_family = "wasm"))]
pub type HandlerFuture = Pin<Box<dyn Future<Output = Response> + Send>>;
/// A handler at work.
#[cfg(target_family = "wasm")]
pub type HandlerFuture = Pin<Box<dyn Future<Output = Response>>>;

/// One handler of a module.
#[derive(Clone, Copy)]
pub struct Action {
    /// Its name, `items::show`, and what is known about it.
    pub method: &'static Method,
    /// Takes its arguments from the exchange and runs it.
    pub run: fn(Exchange) -> HandlerFuture,
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Action").field(&self.method.name).finish()
    }
}

/// A module of handlers: what [`#[handlers]`](macro@crate::handlers) makes of it.
#[derive(Debug, Clone, Copy)]
pub struct Handlers {
    /// The module as an entry of a component.
    pub entry: &'static Entry,
    /// Its handlers.
    pub actions: &'static [Action],
}

impl Handlers {
    /// The handler of this name, `items::show`.
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.method.name == name)
    }
}

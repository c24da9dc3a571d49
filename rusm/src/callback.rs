//! Callbacks: a way back to a process, to be given to others.

use crate::face::Client;
use crate::wire::{Field, SendError, Type, Wire, refuse};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::fmt;
use std::sync::Arc;

/// Sends a value to its owner, as one of the owner's messages: who calls it need not know which, nor who the owner is.
///
/// It goes as an argument of a call, or inside a message, to native processes of the same node; everywhere else it is refused with an
/// error that says so. Cloning it is cheap.
///
/// # Examples
/// ```
/// use rusm::prelude::*;
///
/// /// Knows a number, and who wants to know when it changes.
/// pub struct Setting { watchers: Vec<Callback<u64>> }
///
/// #[actor]
/// impl Setting {
///     #[init]
///     fn start() -> Self { Self { watchers: Vec::new() } }
///     pub fn watch(&mut self, watcher: Callback<u64>) { self.watchers.push(watcher) }
///     /// Whoever is gone is forgotten.
///     pub fn set(&mut self, to: u64) { self.watchers.retain(|watcher| watcher.call(to).is_ok()) }
/// }
///
/// pub struct Screen { shown: u64 }
///
/// #[actor]
/// impl Screen {
///     #[init]
///     fn start() -> Self { Self { shown: 0 } }
///     #[cast]
///     pub fn changed(&mut self, to: u64) { self.shown = to }
///     pub fn shown(&self) -> u64 { self.shown }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::builder().build().await?;
/// let (setting, screen) = (node.spawn::<Setting>(()).await?, node.spawn::<Screen>(()).await?);
/// setting.watch(Callback::new(screen.client().clone(), |screen, to| screen.changed(to).send())).await?;
/// setting.set(7).await?;
/// assert_eq!(screen.shown().await?, 7);
/// # Ok(())
/// # }
/// ```
pub struct Callback<T>(Arc<dyn Fn(T) -> Result<(), SendError> + Send + Sync>);

impl<T> Callback<T> {
    /// A callback whose values `send` sends to `owner`; an actor makes one of itself with [`Cx::me`](crate::Cx::me).
    ///
    /// `send` runs in whoever calls: it must be quick.
    pub fn new<C: Client>(owner: C, send: impl Fn(&C, T) -> Result<(), SendError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |value| send(&owner, value)))
    }

    /// Sends the value, and does not wait.
    ///
    /// # Errors
    /// See [`SendError`]: `NoProcess` once the owner has ended. That it was sent does not mean that it was handled.
    pub fn call(&self, value: T) -> Result<(), SendError> {
        (self.0)(value)
    }
}

impl<T> Clone for Callback<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for Callback<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").finish_non_exhaustive()
    }
}

const LOCAL: &str = "a callback does not leave its node, or a component";

impl<T> Serialize for Callback<T> {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        refuse(LOCAL);
        Err(ser::Error::custom(LOCAL))
    }
}

impl<'de, T> Deserialize<'de> for Callback<T> {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom(LOCAL))
    }
}

impl<T: 'static> Wire for Callback<T> {
    const SCHEMA: &'static Type =
        &Type::Record { name: "Callback", fields: &[Field { name: "local", ty: &Type::U64 }] };
}

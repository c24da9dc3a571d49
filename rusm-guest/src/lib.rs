//! What a rusm component links: bindings of its world, the entry table and the executor.
//!
//! Users name `rusm`, never this crate: on `wasm32` `rusm` is a typed face over it. Here everything is
//! bytes and numbers. A component's exports live in the module `exports`, so that a user's crate needs no
//! macro call for them; what they drive is found in the entry table (`Entry`, `HandlerEntry`),
//! which the expansions of `#[actor]`, `#[service]` and `#[handlers]` fill.
//!
//! On the host only [`executor`] exists, which is generic over its host and tested there.

pub mod executor;

#[cfg(target_family = "wasm")]
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, reason = "generated from wit/world.wit")]
mod bindings;
#[cfg(target_family = "wasm")]
mod entry;
#[cfg(target_family = "wasm")]
mod exports;
#[cfg(target_family = "wasm")]
mod imports;
#[cfg(target_family = "wasm")]
mod panic;

#[cfg(target_family = "wasm")]
pub use self::{
    bindings::rusm::process::{log, messages, names, process, types},
    entry::{Constructor, Entry, HandlerEntry, Process, Run, Start},
    imports::{CallFuture, DeliveryFuture, SpawnFuture, TimerFuture, block_on, call, next_delivery, spawn, timer},
};
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub use inventory;

//! The actor core: processes, their signals, mailboxes and names, calls and supervisors.
//!
//! Knows tokio and [`wire`](mod@crate::wire), nothing else of this crate. WebAssembly plugs in through
//! [`backend`].
//!
//! # Who may touch what
//! A process is a cell in the node's table and a tokio task that runs its body.
//! - The body is polled by its task only. Whoever wants it to end leaves the reason in the cell and
//!   wakes the task; the task drops the body.
//! - `signal` decides, under the cell's lock and without side effects, what a link, monitor or exit signal
//!   means. Its effects happen after the lock is given back, so no two cells are ever locked at once; only
//!   what goes into the cell's own mailbox gets there before.
//! - When a process ends, in this order: its state says why; its names are free and nobody finds it; its body
//!   and its unread messages are dropped, which answers their callers; links and monitors are told; its slot
//!   is free and those who wait for its end go on. Who was told of an end therefore finds no trace of
//!   the process, and a caller finds the reason.

pub mod backend;
pub mod supervisor;

mod actor;
mod address;
mod call;
mod component;
mod context;
mod crash;
mod cx;
mod inbox;
mod incoming;
mod mailbox;
mod node;
mod process;
mod registry;
mod reply;
mod run;
mod signal;
mod spawn;
mod table;
mod task;
mod this;

pub use actor::{Actor, Client, Contract};
pub use address::{Address, Outgoing, Target};
pub use call::{Call, CallFuture, Cast};
pub use component::ComponentRef;
pub use cx::Cx;
pub use inbox::{Inbox, Receive};
pub use incoming::{Incoming, Message, Rejected, ReplyTo};
pub use node::{BuildError, Node, NodeBuilder, Ref, SpawnOptions};
pub use process::{Delivery, Process};
pub use reply::{Reply, WireReply};
pub use spawn::{Birth, RawProcess, Spawn, live};
pub use this::This;
pub use tokio::time::{Instant, sleep};

pub use crate::receive::{Event, Letter};
pub use crate::wire::{
    CallError, Down, Exit, ExitReason, ExitSignal, MonitorRef, NameError, Pid, SendError, SpawnError,
};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long a call waits unless told, as in OTP.
pub const DEFAULT_CALL_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Locks; nothing under our locks runs foreign code, so a poisoned lock holds whole data.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! The actor core: processes, their signals, mailboxes and names, calls and supervisors.
//!
//! Knows tokio and [`wire`](mod@crate::wire), nothing else of this crate. WebAssembly plugs in through
//! [`backend`].
//!
//! # Who may touch what
//! A process is a [`cell`](self) in the node's table: header, mailbox and code in one allocation. The scheduler's workers
//! take turns at it; whoever has the turn polls the code.
//! - Whoever wants a process to end leaves the reason in the cell and wakes it; its next turn drops the code.
//! - `signal` decides, under the cell's lock and without side effects, what a link, monitor or exit signal
//!   means. Its effects happen after the lock is given back, so no two cells are ever locked at once; only
//!   what goes into the cell's own mailbox gets there before.
//! - When a process ends, in this order: its state says why and nobody finds it; its names are free and its groups left;
//!   its timers are gone; its code and its unread messages are dropped, which answers their callers; links and monitors are
//!   told; its slot is free and those who wait for its end go on. Who was told of an end therefore finds no trace of
//!   the process, and a caller finds the reason.

pub mod application;
pub mod backend;
pub mod dynamic;
pub mod partition;
pub mod supervisor;
pub mod tasks;

mod actor;
mod address;
mod bound;
mod bytes;
mod call;
mod cell;
mod component;
mod context;
mod crash;
mod cx;
mod directory;
mod few;
mod gone;
mod groups;
mod guard;
mod inbox;
mod incoming;
mod info;
mod keyed;
mod machine;
mod mailbox;
mod moment;
mod naming;
mod node;
mod pool;
mod process;
mod refs;
mod registry;
mod reply;
mod sched;
mod secret;
mod seen;
mod signal;
mod slot;
mod spawn;
mod spin;
mod stream;
mod sync;
mod table;
mod tap;
mod task;
mod tcp;
mod this;
mod timer;
mod topics;
mod trace;
#[cfg(feature = "testing")]
pub(crate) mod trial;
#[cfg(not(feature = "testing"))]
#[path = "trial/off.rs"]
mod trial;
mod undelivered;

pub use actor::{Actor, Client, Contract, Drive};
pub use address::{Address, Outgoing, Target};
pub use bound::{Bound, Overflow};
pub use bytes::{ByteReader, ByteWriter, byte_stream};
pub use call::{Call, CallFuture, Cast};
pub use cell::Priority;
pub use component::ComponentRef;
pub use cx::Cx;
pub use groups::{Group, GroupEvent};
pub use inbox::{Inbox, Receive};
pub use incoming::{Incoming, Message, Rejected, ReplyTo};
pub use info::{By, ProcessInfo, Snapshot, Tree, TreeEntry, Usage, WorkerInfo};
pub use keyed::{KeyError, Keyed};
pub use machine::{Machine, StateMachine};
pub use naming::OpenError;
pub use node::{BuildError, Node, NodeBuilder, Ref, SpawnOptions};
pub use process::{Delivery, Process};
pub use reply::{Reply, WireReply};
pub use sched::Hog;
pub use spawn::{Birth, RawProcess, Spawn, live};
#[doc(hidden)]
pub use stream::refuse_stream;
pub use stream::{StreamCall, StreamOpening, StreamReply, Streamed};
pub use tap::{Tap, TapEnd, TapEvent, TapOptions, Tapped};
#[cfg(feature = "serve")]
pub(crate) use tcp::pause_after;
pub use tcp::{ListenTcp, Listener};
pub use this::This;
pub use timer::Timer;
pub use tokio::time::{Instant, sleep};
pub use topics::{Published, Slow, Subscriber, Topic};
pub use undelivered::{Undelivered, Why};

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

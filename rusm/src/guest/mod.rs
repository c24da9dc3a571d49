//! The face of `rusm` inside a component: the names of the host's `otp`, over the host's imports.
//!
//! A user's code is the same on both sides. Here one process is the whole world: its messages are
//! handed to it by the exports of `rusm-guest`, its calls, spawns and timers are futures over the host's
//! events, and everything that leaves it is bytes. Futures are polled by one thread, by the process's
//! own executor; they are `Send` because the traits that both sides share say so.

mod actor;
mod address;
mod call;
mod component;
mod convert;
mod cx;
mod inbox;
mod incoming;
mod machine;
mod node;
mod register;
mod spawn;
mod stream;
mod this;

pub use actor::{Actor, Client, Contract};
pub use address::Address;
pub use call::{Call, CallFuture, Cast};
pub use component::ComponentRef;
pub use cx::{Cx, Ref};
pub use inbox::{Inbox, Receive};
pub use incoming::{Incoming, Message, Rejected, Reply, ReplyTo};
#[doc(hidden)]
pub use machine::Machine;
pub use node::Node;
pub use rusm_guest::log::Level;
pub use spawn::{RawProcess, Spawn};
pub use stream::{StreamCall, StreamOpening, StreamReply, Streamed};
pub use this::This;

pub use crate::receive::{Event, Letter};
pub use crate::wire::{
    CallError, Down, Exit, ExitReason, ExitSignal, MonitorRef, NameError, Pid, SendError, SpawnError,
};

#[doc(hidden)]
pub use stream::refuse_stream;

#[doc(hidden)]
pub use register::{answer, run, start};
#[doc(hidden)]
pub use rusm_guest::{Constructor, Entry, HandlerEntry, inventory, types::Answer};

use std::time::Duration;

/// Waits; the time counts from this call, not from the first poll.
///
/// # Cancel safety
/// Dropping the future stops the timer.
pub fn sleep(duration: Duration) -> rusm_guest::TimerFuture {
    rusm_guest::timer(nanoseconds(duration))
}

/// Writes a line into the node's log, with this process named on it.
pub fn log(level: Level, text: &str) {
    rusm_guest::log::write(level, text);
}

/// 584 years are for ever.
fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

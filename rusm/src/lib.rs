//! Erlang/OTP's concurrency and fault tolerance in Rust.
//!
//! Every process is a native task or a sandboxed WebAssembly component; both are driven by the same
//! code, through the same typed clients.
//!
//! ```
//! use rusm::prelude::*;
//!
//! pub struct Counter {
//!     total: i64,
//! }
//!
//! #[actor]
//! impl Counter {
//!     #[init]
//!     fn start(from: i64) -> Self {
//!         Self { total: from }
//!     }
//!
//!     /// Adds to the total and tells it.
//!     pub fn add(&mut self, by: i64) -> i64 {
//!         self.total += by;
//!         self.total
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder().build().await?;
//! let counter = node.spawn::<Counter>(10).await?;
//! assert_eq!(counter.add(5).await?, 15);
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms
//! - [`mod@wire`]: what crosses a boundary; pure.
//! - [`http`]: requests and responses as handlers see them; pure.
//! - `otp`: processes, mailboxes, links, monitors, names, calls, supervisors. Host only.
//! - `guest`: the same names inside a component.
//! - `wasm` (feature `wasm`): components as processes.
//! - `serve` (feature `serve`): HTTP in front of handlers.
//! - `testing` (feature `testing`): tests in virtual time, over explored schedules.
//! - `app` (feature `app`): `rusm.toml` in, a running node out.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod callback;
#[cfg(not(target_family = "wasm"))]
pub mod guide;
pub mod http;
pub mod prelude;
mod receive;
mod register;
mod state;
pub mod wire;

#[cfg(target_family = "wasm")]
pub mod guest;
#[cfg(not(target_family = "wasm"))]
pub mod otp;

#[cfg(all(feature = "app", not(target_family = "wasm")))]
pub mod app;
#[cfg(all(feature = "serve", not(target_family = "wasm")))]
pub mod serve;
#[cfg(all(feature = "testing", not(target_family = "wasm")))]
pub mod testing;
#[cfg(all(feature = "wasm", not(target_family = "wasm")))]
pub mod wasm;

#[cfg(target_family = "wasm")]
use guest as face;
#[cfg(not(target_family = "wasm"))]
use otp as face;

pub use callback::Callback;
pub use face::{
    Actor, Address, Call, Cast, Client, Contract, Cx, Event, Inbox, Node, RawProcess, Receive, Ref, Reply, Spawn,
    StreamCall, Streamed, This, sleep,
};
pub use futures_core::Stream;
#[cfg(not(target_family = "wasm"))]
pub use otp::{
    Bound, ByteReader, ByteWriter, Hog, Listener, Overflow, Priority, SpawnOptions, StateMachine, Timer, Undelivered,
    Why, byte_stream,
};
#[cfg(not(target_family = "wasm"))]
pub use rusm_macros::supervisor;
#[cfg(all(feature = "testing", not(target_family = "wasm")))]
pub use rusm_macros::test;
pub use rusm_macros::{State, actor, handlers, service, wire};
pub use state::{State, Timeout};
pub use wire::{
    CallError, Down, Exit, ExitReason, ExitSignal, MonitorRef, NameError, Pid, SendError, SpawnError, Wire,
};

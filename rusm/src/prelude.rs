//! What most files of an app import.
//!
//! ```
//! use rusm::prelude::*;
//! ```

pub use crate::callback::Callback;
pub use crate::face::{Actor, Client, Cx, Event, Inbox, Node, Ref, Reply, Streamed, sleep};
pub use crate::http::{
    Body, FromRequest, Headers, HttpError, IntoResponse, Json, Method, Params, Query, Request, Response,
};
pub use crate::state::{State, Timeout};
pub use crate::wire::{
    CallError, Down, Exit, ExitReason, ExitSignal, MonitorRef, NameError, Pid, SendError, SpawnError, Wire,
};
pub use futures_core::Stream;
pub use rusm_macros::{State, actor, handlers, service, wire};

#[cfg(not(target_family = "wasm"))]
pub use crate::otp::supervisor::{
    AutoShutdown, Backoff, Child, ChildSpec, Intensity, Restart, Shutdown, Strategy, Supervisor,
};
#[cfg(not(target_family = "wasm"))]
pub use rusm_macros::supervisor;

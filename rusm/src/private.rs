//! All that expansions of the macros may name. Not part of the public API.

pub use crate::__rusm_register_handlers as register_handlers;
pub use crate::__rusm_register_process as register_process;
pub use crate::__rusm_state_machine as state_machine;
pub use crate::face::{
    Actor, Address, Call, Cast, Client, Contract, Cx, Inbox, Incoming, Machine, Message, Node, RawProcess, Rejected,
    Reply, ReplyTo, Spawn, StreamCall, StreamReply, refuse_stream,
};
pub use crate::http::{Action, Exchange, FromRequest, HandlerFuture, Handlers, IntoResponse, Response};
#[cfg(not(target_family = "wasm"))]
pub use crate::otp::StateMachine;
#[cfg(not(target_family = "wasm"))]
pub use crate::otp::supervisor::{
    Child, ChildSpec, Starter, Starting, Supervised, Supervisor, SupervisorRef, Tree, start_tree, tree_client,
};
pub use crate::receive::{Letter, ended};
pub use crate::state::{State, Timeout};
#[cfg(all(feature = "testing", not(target_family = "wasm")))]
pub use crate::testing;
pub use crate::wire::{
    Case, Down, Entry, EntryKind, Exit, ExitReason, ExitSignal, Field, Method, MethodKind, NameError, Payload, Type,
    Wire, chunk, chunk_len,
};
pub use crate::{__rusm_publish as publish, __rusm_register_actor as register_actor};
pub use inventory;
pub use serde;

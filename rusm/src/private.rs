//! All that expansions of the macros may name. Not part of the public API.

pub use crate::__rusm_register_handlers as register_handlers;
pub use crate::__rusm_register_process as register_process;
pub use crate::face::{
    Actor, Address, Call, Cast, Client, Contract, Cx, Inbox, Incoming, Message, Node, RawProcess, Rejected, Reply,
    ReplyTo, Spawn, StreamCall, StreamReply, refuse_stream,
};
pub use crate::http::{Action, Exchange, FromRequest, HandlerFuture, Handlers, IntoResponse, Response};
pub use crate::receive::{Letter, ended};
#[cfg(all(feature = "testing", not(target_family = "wasm")))]
pub use crate::testing;
pub use crate::wire::{
    Case, Down, Entry, EntryKind, Exit, ExitReason, ExitSignal, Field, Method, MethodKind, NameError, Payload, Type,
    Wire, chunk, chunk_len,
};
pub use crate::{__rusm_publish as publish, __rusm_register_actor as register_actor};
pub use inventory;
pub use serde;

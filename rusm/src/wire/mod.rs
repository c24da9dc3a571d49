//! What crosses a boundary: bytes, schemas and the vocabulary of processes.
//!
//! Pure, and the same on the host and inside a component. User data crosses as postcard bytes; its
//! shape is a [`Type`] known at compile time, so that a method has a number ([`Method::id`]) and a
//! [`Method::fingerprint`], and a component carries its [`Entry`]s in the custom section
//! [`SECTION`]. [`schema`] reads that section back.

mod chunk;
mod codec;
mod error;
mod exit;
mod impls;
mod method;
mod pid;
pub mod schema;
mod types;

pub use chunk::{SECTION, chunk, chunk_len};
pub(crate) use codec::refuse;
pub use codec::{CodecError, decode, encode};
pub use error::{CallError, NameError, SendError, SpawnError};
pub use exit::{Down, Exit, ExitReason, ExitSignal, MonitorRef};
pub use method::{Entry, EntryKind, Method, MethodKind, method_id};
pub use pid::Pid;
pub use types::{Case, Field, Payload, Type, Wire};

//! HTTP in front of handlers: listener, limits, routes, and a process for each request.
//!
//! A request passes these stages, each with a limit and an answer for going over it:
//!
//! | stage | limit of [`ServeConfig`] | over it |
//! |---|---|---|
//! | connection | `max_connections` | waits in the system's backlog |
//! | head | `header_timeout`, 64 KiB | 408 or, if nothing came, a close; 431 |
//! | route | | 404, 405 with `allow`, 400 for a path that is none |
//! | body | `max_body`, `body_timeout`, `max_buffered` | 413, 408, 503 |
//! | admission | `max_in_flight`, `queue_timeout` | 503 with `retry-after` |
//! | handler | `request_timeout` | killed; 503 with `retry-after` |
//! | response | `write_timeout` | cut |
//!
//! The handler runs in a process of its own: a fresh instance of a component, or a native process for
//! modules that are [mounted](ServerBuilder::mount). If it panics, traps or goes over its limits the answer is 500, at
//! once; if the client leaves it is killed. What a client is told of a failure is its status; the reason is in
//! the log, under the target `rusm::serve`.
//!
//! Speaks HTTP/1.1 (and 1.0) without TLS; a client that closes its sending side has left.

mod admission;
mod answer;
mod body;
mod builder;
mod config;
mod connection;
mod gateway;
mod io;
mod listener;
mod routes;
mod target;

pub use builder::{ServeError, Server, ServerBuilder};
pub use config::{ConfigError, ServeConfig};
pub use routes::RouteError;
pub use target::{Target, TargetError};

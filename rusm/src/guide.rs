//! The guide: a page for each concept. Every snippet in it is compiled and run by `cargo test`.
//!
//! 1. [`processes`]: what runs, how it starts and how it ends.
//! 2. [`messages`]: calls, casts, deadlines, bounds.
//! 3. [`links`]: links and monitors.
//! 4. [`supervision`]: who starts what again.
//! 5. [`tasks`]: futures that run as processes.
//! 6. [`naming`]: names, registries by key, groups, topics.
//! 7. [`timers`]: sending later, waiting, timing out.
//! 8. [`streams`]: many answers to one call, and callbacks.
//! 9. [`machines`]: actors whose state decides what a message means.
//! 10. [`testing`]: virtual time, orders that a seed chooses, and how not to wait.
//! 11. [`losses`]: what happens to messages at a crash, a stop and a restart.
//! 12. [`coming_from`]: the words of Erlang, Elixir, ractor, actix and tokio in those of rusm.

#[doc = include_str!("guide/processes.md")]
pub mod processes {}

#[doc = include_str!("guide/messages.md")]
pub mod messages {}

#[doc = include_str!("guide/links.md")]
pub mod links {}

#[doc = include_str!("guide/supervision.md")]
pub mod supervision {}

#[doc = include_str!("guide/tasks.md")]
pub mod tasks {}

#[doc = include_str!("guide/naming.md")]
pub mod naming {}

#[doc = include_str!("guide/timers.md")]
pub mod timers {}

#[doc = include_str!("guide/streams.md")]
pub mod streams {}

#[doc = include_str!("guide/machines.md")]
pub mod machines {}

#[doc = include_str!("guide/testing.md")]
#[cfg_attr(feature = "testing", doc = "")]
#[cfg_attr(feature = "testing", doc = include_str!("guide/testing_seeds.md"))]
pub mod testing {}

#[doc = include_str!("guide/losses.md")]
pub mod losses {}

#[doc = include_str!("guide/coming_from.md")]
pub mod coming_from {}

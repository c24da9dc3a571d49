//! Tests of apps: virtual time, a seed, and schedules that are explored. Feature `testing`.
//!
//! ```toml
//! [dev-dependencies]
//! rusm = { version = "0.1", features = ["testing"] }
//! ```
//!
//! `#[rusm::test]` runs an `async fn` beside a node of its own. It takes the node, a [`Test`], both in either order, or
//! nothing, and returns nothing or a `Result`.
//!
//! ```test_harness
//! use rusm::prelude::*;
//! use std::time::Duration;
//!
//! pub struct Kettle {
//!     boils: bool,
//! }
//!
//! #[actor]
//! impl Kettle {
//!     #[init]
//!     fn start() -> Self {
//!         Self { boils: false }
//!     }
//!
//!     pub async fn boil(&mut self) {
//!         sleep(Duration::from_secs(180)).await;
//!         self.boils = true;
//!     }
//! }
//!
//! #[rusm::test(seeds = 20)]
//! async fn water_boils(node: Node) -> Result<(), Box<dyn std::error::Error>> {
//!     let kettle = node.spawn::<Kettle>(()).await?;
//!     // Three minutes are over at once.
//!     kettle.boil().timeout(Duration::from_secs(200)).await?;
//!     Ok(())
//! }
//! ```
//!
//! # Time
//! Time is virtual: it stands still while anything can run, and jumps to the next timer when nothing can. Sleeps, timers,
//! deadlines of calls, intensities of supervisors follow it; an hour costs microseconds. Nobody is reported as a hog.
//!
//! # Seeds
//! The node has one worker, and the seed chooses which process runs next among those that can, and when the test's body
//! gets its turn. The same seed makes the same choices, so a run can be had again. `#[rusm::test]` runs one schedule,
//! `#[rusm::test(seeds = 1000)]` runs the body anew with a thousand of them, `#[rusm::test(seed = 0x5eed)]` with this one. Which seeds
//! these are follows from the test's name, so a test that passes goes on passing. All nodes that the body makes are run so,
//! whatever their builder says about workers.
//!
//! A failure tells its seed, and how to have it again:
//!
//! ```text
//! no_double_charge fails with seed 0x8f1c22a09b3de417, the 12th of 1000, after 57 turns and 3s of virtual time:
//!     assertion failed: charged == 1
//! replay: RUSM_SEED=0x8f1c22a09b3de417 cargo test no_double_charge -- --exact
//! ```
//!
//! | variable | does |
//! |---|---|
//! | `RUSM_SEED=0x5eed` | runs every test with this seed alone; name the test, too |
//! | `RUSM_SEED=random` | runs with seeds that nobody has seen yet |
//! | `RUSM_SEEDS=10000` | so many seeds for each test that names none |
//!
//! # What a seed does not tell
//! - What other threads do, and when: `std::thread`, `spawn_blocking`, and nodes in runtimes of their own.
//! - Real input and output. Time goes on while it is awaited, so deadlines around it pass early; where there are none, the run ends
//!   as a deadlock. The same goes for what other threads are waited for, but for `spawn_blocking`, during which time stands still.
//! - The order of a `std::collections::HashMap`, whose `RandomState` is drawn by the standard library: use a `BTreeMap`, or a
//!   hasher with fixed keys.
//! - Which branch `tokio::select!` looks at first: write `biased;`.
//! - The processor's time: [`std::time::Instant`], and the run times of `Node::info` and `Node::workers`.
//! - Tasks of `tokio::spawn` run in the same order each time, but are not explored: make them processes.
//!
//! A process keeps running until it awaits something that is not there: what is explored are the orders in which processes
//! meet, which is all that they can observe of each other unless they share memory.
//!
//! # What fails a test
//! - A panic of the body, or an `Err`.
//! - A deadlock: the body waits, nothing can run, and no timer is set. The report tells who waits for what.
//! - Too many turns: ten million, or `#[rusm::test(turns = 50_000_000)]`.
//! - A process that crashes, if the test wants that: [`Test::deny_crashes`].
//!
//! After each run all processes are gone: they are killed, as at the end of a runtime. To see how they shut down, have the body
//! await [`Node::shutdown`](crate::Node::shutdown).

mod plan;
mod report;
mod run;
mod test;

pub use plan::Plan;
pub use report::Failed;
pub use run::Outcome;
pub use test::{FromTest, Test};

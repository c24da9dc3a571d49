//! An app: `rusm.toml` in, a running node out.
//!
//! The steps, each of which finds all mistakes of its kind at once:
//!
//! 1. [`Manifest::read`] reads `rusm.toml`: pure, but for the reading.
//! 2. [`App::load`] loads the components of `wasm/` and gives every name of the manifest its meaning ([`Layout`]).
//!    Nothing is started yet.
//! 3. [`App::start`] starts the resident components, each under its own supervisor, and listens.
//!
//! ```no_run
//! use rusm::app::{App, Manifest};
//! use std::path::Path;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let manifest = Manifest::read(Path::new("rusm.toml"))?;
//! let running = App::load(manifest).await?.start().await?;
//! println!("{:?}", running.addresses());
//! running.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod args;
mod boot;
mod layout;
mod manifest;
mod report;
mod residents;

pub use boot::{App, BootError, Running, inspect};
pub use layout::{Layout, Resident, Schemas, Target};
pub use manifest::{
    Arguments, Capability, Component, GatewaySettings, Inherits, LogFormat, LogLevel, LogSettings, Manifest,
    ManifestError, NodeSettings, Package, Residence, Restart, Route,
};
pub use report::{Located, Mistakes, Problem};

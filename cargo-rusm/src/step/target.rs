//! The standard library of the components' target.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use super::plan::TARGET;
use crate::error::{Error, Result};

/// Whether the toolchain that builds in this folder has the target.
pub(crate) fn installed(folder: &Path) -> Result<bool> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(folder)
        .output()
        .map_err(|error| {
            Error::new(format!("rustc could not be started: {error}")).help("install Rust from https://rustup.rs")
        })?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        return Err(Error::new(format!("rustc does not know the target {TARGET}: {}", why.trim()))
            .help("rusm needs Rust 1.95 or newer: `rustup update`"));
    }
    Ok(Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

/// Lets rustup install it.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let missing = || {
        Error::new(format!("the target {TARGET} is not installed"))
            .help(format!("install it with `rustup target add {TARGET}`"))
    };
    let status = Command::new("rustup")
        .args(["target", "add", TARGET])
        .current_dir(folder)
        .stdin(Stdio::null())
        .status()
        .map_err(|_| missing())?;
    if status.success() && installed(folder)? { Ok(()) } else { Err(missing()) }
}

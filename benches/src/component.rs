//! The fixture as a component, built as users build theirs.

use crate::Failure;
use cargo_metadata::MetadataCommand;
use rusm::otp::Node;
use rusm::wasm::{Profile, Source, Wasm};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name it is loaded under.
pub(crate) const NAME: &str = "hello";

/// Builds it with `cargo rusm build --release`, and tells where it is.
///
/// # Errors
/// Whatever cargo says, which it has said on stderr.
pub(crate) fn build() -> Result<PathBuf, Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hello");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--quiet", "--package", "cargo-rusm"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status = command
        .args(["--", "build", "--release", "--quiet", "--manifest-path"])
        .arg(folder.join("rusm.toml"))
        .current_dir(&folder)
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if !status.success() {
        return Err(format!("the component in {} could not be built", folder.display()).into());
    }
    Ok(folder.join("wasm").join(NAME).with_extension("wasm"))
}

/// A node that has it, with nothing granted to it and the limits that apps have unless they say otherwise.
///
/// # Errors
/// A component that can't be loaded.
pub(crate) async fn node(component: &Path) -> Result<Node, Failure> {
    let sandboxed = Profile::Sandboxed.capabilities();
    let metadata =
        MetadataCommand::new().manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).no_deps().exec()?;
    let cache = metadata.target_directory.join("bench-compiled");
    let wasm =
        Wasm::builder().cache_dir(cache).component(NAME, Source::File(component.to_owned()), sandboxed).build().await?;
    if !wasm.is_pooled() {
        eprintln!(
            "warning: memory can't be reserved ahead on this machine; starting components is slower than it could be"
        );
    }
    Ok(Node::builder().name("bench").backend(wasm).build().await?)
}

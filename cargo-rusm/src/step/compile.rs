//! Calls cargo; its messages are shown as they come.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::Message;

use super::plan::Unit;
use super::project::cargo;
use crate::error::{Error, Result};

/// Builds a package and tells where its component is.
pub(crate) fn compile(unit: &Unit, folder: &Path, quiet: bool) -> Result<PathBuf> {
    let failed = |why: String| Error::new(format!("could not build the package `{}`: {why}", unit.package));
    let mut command = Command::new(cargo());
    command.args(&unit.args[..1]);
    if quiet {
        command.arg("--quiet");
    }
    let mut child = command
        .args(&unit.args[1..])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(format!("cargo could not be started: {error}")))?;

    let mut artifact = None;
    let mut unread = None;
    if let Some(stdout) = child.stdout.take() {
        for message in Message::parse_stream(BufReader::new(stdout)) {
            match message {
                Ok(Message::CompilerArtifact(found)) if found.package_id.repr == unit.package_id => {
                    let wasm = found.filenames.into_iter().find(|file| file.extension() == Some("wasm"));
                    artifact = wasm.map(PathBuf::from).or(artifact);
                }
                Ok(_) => {}
                // The pipe has to be emptied all the same, or cargo would wait for ever.
                Err(error) => unread = Some(error),
            }
        }
    }
    let status = child.wait().map_err(|error| failed(format!("cargo was lost: {error}")))?;
    if !status.success() {
        return Err(failed("cargo's messages are above".into()));
    }
    artifact.ok_or_else(|| match unread {
        Some(error) => failed(format!("cargo's answer could not be read: {error}")),
        None => failed("cargo named no component among its artifacts".into()),
    })
}

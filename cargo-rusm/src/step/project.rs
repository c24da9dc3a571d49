//! Which `rusm.toml`, and which cargo packages lie around it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::error::{Error, Result};

/// The `rusm.toml` that is meant: the one named, or the nearest one upwards.
pub(crate) fn manifest_path(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let here =
        env::current_dir().map_err(|error| Error::new(format!("the current folder is out of reach: {error}")))?;
    for folder in here.ancestors() {
        let path = folder.join("rusm.toml");
        if path.is_file() {
            // Short paths read better in messages.
            return Ok(if folder == here { PathBuf::from("rusm.toml") } else { path });
        }
    }
    let error = Error::new(format!("could not find `rusm.toml` in `{}` or any parent folder", here.display()));
    Err(if here.join("Cargo.toml").is_file() {
        error.help(
            "this is a plain cargo package: start it with `cargo run`, or describe its components in a `rusm.toml`",
        )
    } else {
        error.help("make an app with `cargo rusm new NAME`")
    })
}

/// The cargo to call: the one that called us, if one did.
pub(crate) fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// What cargo knows of the workspace around a folder.
pub(crate) fn metadata(folder: &Path) -> Result<Metadata> {
    MetadataCommand::new().cargo_path(cargo()).current_dir(folder).no_deps().exec().map_err(|error| match error {
        cargo_metadata::Error::CargoMetadata { stderr } => {
            let message = stderr.trim().trim_start_matches("error: ");
            Error::new(format!("cargo could not read the workspace of `{}`: {message}", folder.display()))
        }
        other => Error::new(format!("cargo could not be asked about the workspace of `{}`: {other}", folder.display())),
    })
}

/// The profiles that the workspace's own Cargo.toml defines.
pub(crate) fn profiles(metadata: &Metadata) -> Vec<String> {
    let path = metadata.workspace_root.join("Cargo.toml");
    let table = fs::read_to_string(path).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let profiles = table.as_ref().and_then(|table| table.get("profile")?.as_table());
    profiles.map(|profiles| profiles.keys().cloned().collect()).unwrap_or_default()
}

//! `cargo rusm build`

use std::path::Path;

use rusm::app::Manifest;

use crate::cli::Build;
use crate::error::{Error, Result};
use crate::shell::Shell;
use crate::step::artifact::{self, Written};
use crate::step::plan::{self, Profile, TARGET};
use crate::step::{compile, project, target};

pub(super) fn run(path: Option<&Path>, options: Build, shell: &Shell) -> Result<()> {
    let manifest = Manifest::read(&project::manifest_path(path)?)?;
    if manifest.components.is_empty() {
        return Err(Error::new(format!("{} has no components to build", manifest.path().display()))
            .help("add `[components.NAME]`, with the name of a cargo package"));
    }
    build(&manifest, options, shell)
}

/// Builds all components of a manifest into `wasm/`.
pub(super) fn build(manifest: &Manifest, options: Build, shell: &Shell) -> Result<()> {
    if manifest.components.is_empty() {
        return Ok(());
    }
    let folder = manifest.folder();
    let metadata = project::metadata(folder)?;
    manifest.check_packages(&plan::packages(&metadata))?;

    if !target::installed(folder)? {
        shell.status("Installing", format_args!("the target {TARGET} (`rustup target add {TARGET}`)"));
        target::install(folder)?;
    }

    let profile = Profile::new(options.release);
    let units = plan::plan(manifest, &metadata, &project::profiles(&metadata), profile);
    let mut failed: Vec<String> = Vec::new();
    for unit in &units {
        shell.status("Building", format_args!("{} (component)", unit.components.join(", ")));
        let artifact = match compile::compile(unit, folder, shell.is_quiet()) {
            Ok(artifact) => artifact,
            // The others' mistakes are worth knowing as well.
            Err(error) if units.len() > 1 => {
                shell.error(&error);
                failed.push(unit.package.clone());
                continue;
            }
            Err(error) => return Err(error),
        };
        rusm::app::inspect(&unit.package, &artifact).map_err(|error| Error::new(error.to_string()))?;
        for component in &unit.components {
            let path = manifest.artifact(component);
            if artifact::install(&artifact, &path)? == Written::New {
                shell.detail(format_args!("{} ({})", artifact::shown(&path).display(), artifact::size(&path)));
            }
        }
    }
    match failed.as_slice() {
        [] => Ok(()),
        [only] => Err(Error::new(format!("the package `{only}` could not be built"))),
        several => Err(Error::new(format!("the packages `{}` could not be built", several.join("`, `")))),
    }
}

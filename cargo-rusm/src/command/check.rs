//! `cargo rusm check`

use std::path::Path;

use rusm::app::{App, Manifest};

use super::{build, run};
use crate::cli::Build;
use crate::error::Result;
use crate::shell::Shell;
use crate::step::project;

pub(super) fn check(path: Option<&Path>, options: Build, shell: &Shell) -> Result<()> {
    let manifest = Manifest::read(&project::manifest_path(path)?)?;
    build::build(&manifest, options, shell)?;
    let app = run::runtime(0)?.block_on(App::load(manifest))?;
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let routes: usize = app.layout().gateways.iter().map(Vec::len).sum();
    shell.status(
        "Finished",
        format_args!(
            "{}: {}, {} resident, {}; no mistakes",
            app.manifest().path().display(),
            count(app.manifest().components.len(), "component"),
            app.layout().residents.len(),
            count(routes, "route"),
        ),
    );
    Ok(())
}

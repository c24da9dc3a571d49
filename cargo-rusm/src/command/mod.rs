//! A file per verb. Verbs call steps and print; steps don't print.

mod build;
mod check;
mod new;
mod run;

use crate::cli::{Cli, Verb};
use crate::error::Result;
use crate::shell::Shell;

pub(crate) fn run(cli: &Cli, shell: &Shell) -> Result<()> {
    let path = cli.manifest_path.as_deref();
    match &cli.verb {
        Verb::New(options) => new::run(options, shell),
        Verb::Build(options) => build::run(path, *options, shell),
        Verb::Run(options) => run::run(path, *options, run::Mode::Run, shell),
        Verb::Serve(options) => run::run(path, *options, run::Mode::Serve, shell),
        Verb::Check(options) => check::check(path, *options, shell),
    }
}

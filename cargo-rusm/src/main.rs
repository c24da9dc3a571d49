//! `cargo rusm`: scaffolds, builds, checks, runs and serves rusm apps.

mod cli;
mod command;
mod error;
mod shell;
mod step;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // As a subcommand cargo calls `cargo-rusm rusm …`.
    let mut args: Vec<_> = std::env::args_os().collect();
    if args.get(1).is_some_and(|arg| arg == OsStr::new("rusm")) {
        args.remove(1);
    }
    let cli = cli::Cli::parse_from(args);
    let shell = shell::Shell::new(cli.quiet);
    match command::run(&cli, &shell) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell.error(&error);
            ExitCode::FAILURE
        }
    }
}

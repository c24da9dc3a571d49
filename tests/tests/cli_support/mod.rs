//! Runs the real `cargo-rusm`.
#![allow(dead_code, reason = "each test program uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The program, built by the cargo and for the folder that these tests were built in.
pub(crate) fn cargo_rusm() -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let program = PROGRAM.get_or_init(|| {
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "cargo-rusm"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo can be called");
        assert!(status.success(), "cargo-rusm can be built");
        // target/debug/deps/cli_x-0123 -> target/debug/cargo-rusm
        let here = std::env::current_exe().expect("this program is a file");
        here.ancestors()
            .nth(2)
            .expect("it is in target/debug/deps")
            .join("cargo-rusm")
            .with_extension(std::env::consts::EXE_EXTENSION)
    });
    let mut command = Command::new(program);
    for name in
        ["RUSM_NODE", "RUSM_WORKERS", "RUSM_DRAIN", "RUSM_DATA", "RUSM_LOG", "CARGO_TARGET_DIR", "CARGO_MANIFEST_DIR"]
    {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1");
    command
}

/// Runs it in a folder to its end: exit code and what it wrote to stderr.
#[track_caller]
pub(crate) fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, stdout } =
        cargo_rusm().args(args).current_dir(folder).output().expect("cargo-rusm can be started");
    let text = String::from_utf8_lossy(&stderr).into_owned() + &String::from_utf8_lossy(&stdout);
    (status.code(), text)
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

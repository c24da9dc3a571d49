//! A toolchain without the components' target: rustup installs it after saying so, or the one command is named.
#![cfg(unix)]

mod cli_support;

use cli_support::cargo_rusm;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn script(folder: &Path, name: &str, lines: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Builds the shop with a rustc that knows only the library folder `lib`, and this rustup.
fn build(folder: &Path, rustup: &str) -> (Option<i32>, String) {
    let rustc = script(folder, "rustc", &format!("echo {}", folder.join("lib").display()));
    script(folder, "rustup", rustup);
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shop/rusm.toml");
    let path = std::env::var("PATH").unwrap();
    let output = cargo_rusm()
        .args(["build", "--manifest-path"])
        .arg(shop)
        .env("RUSTC", rustc)
        .env("PATH", format!("{}:{path}", folder.display()))
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn rustup_is_asked_after_saying_so() {
    let folder = tempfile::tempdir().unwrap();
    let said = folder.path().join("said");
    let lib = folder.path().join("lib");
    // The compiler is none, so the build itself fails; what counts is what came before.
    let rustup = format!("echo \"$@\" > {}; mkdir {}", said.display(), lib.display());
    let (code, text) = build(folder.path(), &rustup);
    assert_eq!(fs::read_to_string(said).unwrap(), "target add wasm32-wasip2\n");
    assert!(text.contains("Installing the target wasm32-wasip2 (`rustup target add wasm32-wasip2`)"), "{text}");
    assert!(text.contains("Building shop"), "{text}");
    assert_eq!(code, Some(1), "{text}");
}

#[test]
fn without_rustup_s_help_the_command_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = build(folder.path(), "echo no network >&2; exit 1");
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the target wasm32-wasip2 is not installed"), "{text}");
    assert!(text.contains("install it with `rustup target add wasm32-wasip2`"), "{text}");
    assert!(!text.contains("Building"), "nothing was built: {text}");
}

//! The lines of ARCHITECTURE.md that say what must not be, held against the source and the dependency tree.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The packages that a build of `package` with these features compiles.
fn tree(package: &str, arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", package, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

const HEAVY: [&str; 6] = ["wasmtime", "hyper", "redb", "quinn", "wit-bindgen", "rusm-guest"];

#[test]
fn the_core_compiles_no_wasm_no_http_and_no_storage() {
    for package in ["rusm", "native"] {
        let tree = tree(package, &[]);
        assert!(tree.contains("tokio"), "{tree:?}");
        for heavy in HEAVY {
            assert!(!tree.contains(heavy), "{package} without features compiles {heavy}");
        }
    }
    let with = tree("rusm", &["--features", "app"]);
    assert!(with.contains("wasmtime") && with.contains("hyper"), "the test sees features");
}

#[test]
fn serving_native_handlers_compiles_no_wasm() {
    let tree = tree("rusm", &["--features", "serve"]);
    assert!(tree.contains("hyper") && !tree.contains("wasmtime"), "{tree:?}");
}

#[test]
fn a_component_compiles_no_runtime() {
    let tree = tree("rusm", &["--target", "wasm32-wasip2"]);
    assert!(tree.contains("rusm-guest"), "{tree:?}");
    for heavy in ["tokio", "wasmtime", "hyper", "tracing"] {
        assert!(!tree.contains(heavy), "a component compiles {heavy}");
    }
}

/// The features with which a build of `package` compiles tokio.
fn tokio_features(package: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p} {f}",
        ])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find(|line| line.starts_with("tokio v")).unwrap().to_owned()
}

#[test]
fn the_core_has_no_hooks_of_tests() {
    for (package, arguments) in [("rusm", &["--features", "app"] as &[_]), ("race", &[]), ("cargo-rusm", &[])] {
        let features = tokio_features(package, arguments);
        assert!(!features.contains("test-util"), "{package}: {features}");
    }
    assert!(tokio_features("rusm", &["--features", "testing"]).contains("test-util"), "the test sees features");
}

#[test]
fn the_macros_depend_on_no_crate_of_ours() {
    let ours: Vec<_> = tree("rusm-macros", &[]).into_iter().filter(|name| name.contains("rusm")).collect();
    assert_eq!(ours, ["rusm-macros"]);
}

/// Which rooms of `rusm/src` a room may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("http", &["wire"]),
    ("otp", &["wire"]),
    ("guest", &["wire", "http"]),
    ("wasm", &["wire", "otp"]),
    ("serve", &["wire", "http", "otp"]),
    ("testing", &["wire", "otp"]),
    ("app", &["wire", "http", "otp", "wasm", "serve"]),
];

/// Crates that only one room may name.
const OWNED: &[(&str, &[&str])] = &[
    ("wasmtime", &["wasm"]),
    ("wasmtime_wasi", &["wasm"]),
    ("wasmparser", &["wasm"]),
    ("hyper", &["serve"]),
    ("hyper_util", &["serve"]),
    ("toml", &["app"]),
    ("rusm_guest", &["guest"]),
];

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of a file without its comments, in which a room may be mentioned.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether `code` names the path `prefix` as a whole word.
fn names(code: &str, prefix: &str) -> bool {
    code.match_indices(prefix).any(|(at, _)| {
        let before = code[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':');
        let after = code[at + prefix.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
        before && after
    })
}

#[test]
fn rooms_know_only_the_rooms_below_them() {
    let src = root().join("rusm/src");
    let rooms: Vec<_> = ARROWS.iter().map(|(room, _)| *room).collect();
    let mut seen = 0;
    for (room, below) in ARROWS {
        for path in sources(&src.join(room)) {
            let code = code(&path);
            seen += 1;
            // `use crate::{a, b}` would hide a room from this test.
            assert!(!code.contains("crate::{"), "{}: import rooms one by one", path.display());
            for other in rooms.iter().filter(|other| *other != room && !below.contains(other)) {
                assert!(!names(&code, &format!("crate::{other}")), "{} names {other}", path.display());
            }
            for (owned, owners) in OWNED {
                let named = names(&code, &format!("use {owned}")) || code.contains(&format!(" {owned}::"));
                assert!(!named || owners.contains(room), "{} names {owned}", path.display());
            }
        }
    }
    assert!(seen > 50, "the rooms moved: {seen} files seen");
}

#[test]
fn the_command_line_calls_the_app_and_no_room_behind_it() {
    for path in sources(&root().join("cargo-rusm/src")) {
        let code = code(&path);
        for room in ["otp", "wasm", "serve", "http"] {
            assert!(!code.contains(&format!("rusm::{room}")), "{} names {room}", path.display());
        }
    }
}

#[test]
fn expansions_name_only_the_private_door() {
    let expanded = sources(&root().join("rusm-macros/expanded"));
    assert!(!expanded.is_empty());
    for path in expanded {
        for line in code(&path).lines() {
            for (at, _) in line.match_indices("::rusm::") {
                assert!(line[at..].starts_with("::rusm::__private"), "{}: {line}", path.display());
            }
        }
    }
}

//! `cargo rusm new`, without building what it makes.

mod cli_support;

use std::fs;

use cli_support::{cargo_rusm, names, run};

#[test]
fn an_app_is_made_and_says_how_to_go_on() {
    for (template, start) in [("http", "cargo rusm serve"), ("service", "cargo rusm run"), ("native", "cargo run")] {
        let folder = tempfile::tempdir().unwrap();
        let (code, text) = run(folder.path(), &["new", "my-app", "--template", template]);
        assert_eq!(code, Some(0), "{template}: {text}");
        assert!(text.contains(&format!("`cd my-app && {start}`")), "{template}: {text}");
        let package = fs::read_to_string(folder.path().join("my-app/Cargo.toml")).unwrap();
        assert!(package.contains("name = \"my-app\"") && package.contains("rusm = { path = "), "{package}");
        assert_eq!(folder.path().join("my-app/rusm.toml").exists(), template != "native");
    }
}

/// There `cargo rusm` is an alias of the workspace, which no other one has.
#[test]
fn an_app_made_from_source_is_started_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let output =
        cargo_rusm().args(["new", "my-app"]).env("CARGO_MANIFEST_DIR", "/").current_dir(folder.path()).output();
    let text = String::from_utf8(output.unwrap().stderr).unwrap();
    assert!(text.contains("`cargo rusm serve --manifest-path my-app/rusm.toml`"), "{text}");
}

#[test]
fn what_is_there_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("shop")).unwrap();
    let (code, text) = run(folder.path(), &["new", "shop"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("error: `shop` exists already"), "{text}");
    assert!(names(&folder.path().join("shop")).is_empty());
}

#[test]
fn names_that_cargo_would_refuse_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["1a", "a b", "../a", "fn", "rusm", "a.b", ""] {
        let (code, text) = run(folder.path(), &["new", name]);
        assert_eq!(code, Some(1), "{name}: {text}");
        assert!(text.contains("can't name an app"), "{name}: {text}");
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn within_a_workspace_it_can_be_built_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let metadata = |name: &str| {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
        cargo.env_remove("CARGO_TARGET_DIR").current_dir(folder.path().join(name));
        let output = cargo.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    fs::write(folder.path().join("Cargo.toml"), "[workspace]\nmembers = []\n").unwrap();
    let (code, text) = run(folder.path(), &["new", "shop"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("a workspace of its own"), "{text}");
    assert!(metadata("shop").contains("/shop/target"));

    fs::write(folder.path().join("Cargo.toml"), "[workspace]\nmembers = [\"c*\"]\nresolver = \"3\"\n").unwrap();
    let (code, text) = run(folder.path(), &["new", "cart"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains("a workspace of its own"), "{text}");
    assert!(!metadata("cart").contains("/cart/target"));
}

#[test]
fn a_repository_around_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = run(folder.path(), &["new", "outer"]);
    assert_eq!(code, Some(0), "{text}");
    let outer = folder.path().join("outer");
    if !outer.join(".git").exists() {
        // Without git there is nothing to see.
        assert!(std::process::Command::new("git").arg("--version").output().is_err(), "git is there and was not used");
        return;
    }
    let (code, text) = run(&outer, &["new", "inner"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(!outer.join("inner/.git").exists());
}

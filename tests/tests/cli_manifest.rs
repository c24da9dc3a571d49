//! A bad `rusm.toml` ends every verb with 1, tells file, line and what to write instead, and starts nothing.

mod cli_support;

use std::fs;

use cli_support::{names, run};

/// A folder with a package named `web` and this `rusm.toml`.
fn project(manifest: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let package = "[package]\nname = \"web\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(folder.path().join("Cargo.toml"), package).unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    fs::write(folder.path().join("src/lib.rs"), "compile_error!(\"was compiled\");").unwrap();
    fs::write(folder.path().join("rusm.toml"), manifest).unwrap();
    folder
}

#[test]
fn every_verb_refuses_a_bad_manifest_before_it_does_anything() {
    let folder = project("[components.web]\ncapability = \"sandboxd\"\n");
    for verb in ["build", "run", "serve", "check"] {
        let (code, text) = run(folder.path(), &[verb]);
        assert_eq!(code, Some(1), "{verb}: {text}");
        assert!(text.contains("error: unknown capability `sandboxd`"), "{verb}: {text}");
        assert!(text.contains("rusm.toml:2:14"), "{verb}: {text}");
        assert!(text.contains("help: did you mean `sandboxed`?"), "{verb}: {text}");
        assert!(!text.contains("was compiled"), "{verb}: {text}");
        assert_eq!(names(folder.path()), ["Cargo.toml", "rusm.toml", "src"], "{verb}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let folder = project(
        "[node]\nnmae = \"x\"\n[log]\nlevel = \"inof\"\n[admin]\nlisten = \"127.0.0.1:1\"\n\
         [components.web]\n[[serve]]\nlisten = \":8080\"\n[serve.routes]\n\"GET /\" = \"wbe#index\"\n",
    );
    let (code, text) = run(folder.path(), &["serve"]);
    assert_eq!(code, Some(1), "{text}");
    for (place, title, help) in [
        ("rusm.toml:2:1", "unknown key `nmae` in [node]", "did you mean `name`?"),
        ("rusm.toml:4:9", "unknown level `inof` in [log]", "did you mean `info`?"),
        ("rusm.toml:5:2", "`admin` in rusm.toml is not supported yet", "take it out"),
        ("rusm.toml:9:10", "`listen` in [[serve]] must be an address and a port", "\"127.0.0.1:8080\""),
        ("rusm.toml:11:11", "route to the unknown component `wbe`", "did you mean `web`?"),
    ] {
        assert!(text.contains(place) && text.contains(title) && text.contains(help), "{title}: {text}");
    }
    assert!(text.contains("rusm.toml has 5 mistakes"), "{text}");
}

#[test]
fn a_package_that_is_not_there_is_told_before_anything_is_compiled() {
    let folder = project("[components.shop]\npackage = \"wbe\"\n[components.web]\n");
    let (code, text) = run(folder.path(), &["build"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("error: there is no package `wbe`"), "{text}");
    assert!(text.contains("rusm.toml:2:11") && text.contains("did you mean `web`?"), "{text}");
    assert!(!text.contains("was compiled"), "{text}");
}

#[test]
fn rustcs_messages_are_shown_and_end_the_build() {
    let folder = project("[components.web]\n");
    let (code, text) = run(folder.path(), &["build"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("was compiled") && text.contains("src/lib.rs:1:1"), "{text}");
    assert!(text.contains("error: could not build the package `web`"), "{text}");
    assert!(!folder.path().join("wasm").exists());
}

#[test]
fn a_dependency_may_have_the_package_s_name() {
    let folder = project("[components.web]\n");
    let package = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
    let other = tempfile::tempdir().unwrap();
    let dependency = format!("[dependencies]\nother = {{ path = {:?}, package = \"web\" }}\n", other.path());
    fs::write(folder.path().join("Cargo.toml"), package + &dependency).unwrap();
    fs::create_dir(other.path().join("src")).unwrap();
    let package = "[package]\nname = \"web\"\nversion = \"2.0.0\"\nedition = \"2024\"\n";
    fs::write(other.path().join("Cargo.toml"), package).unwrap();
    fs::write(other.path().join("src/lib.rs"), "").unwrap();
    let (code, text) = run(folder.path(), &["build"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("was compiled") && !text.contains("ambiguous"), "{text}");
}

#[test]
fn a_library_without_entries_is_no_component() {
    let folder = project("[components.web]\n");
    fs::write(folder.path().join("src/lib.rs"), "").unwrap();
    let (code, text) = run(folder.path(), &["build"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("component `web`") && text.contains("#[rusm::actor]"), "{text}");
    assert!(!folder.path().join("wasm").exists());
}

#[test]
fn there_has_to_be_something_to_start() {
    let folder = project("[components.web]\n");
    for (verb, title) in [("serve", "rusm.toml has no [[serve]]"), ("run", "rusm.toml starts nothing")] {
        let (code, text) = run(folder.path(), &[verb]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(title) && text.contains("help: "), "{text}");
        assert!(!text.contains("was compiled"), "{text}");
    }
}

#[test]
fn the_manifest_is_searched_upwards_or_named() {
    let folder = project("[node]\nnmae = 1\n");
    let path = folder.path().join("rusm.toml");
    let (code, text) = run(&folder.path().join("src"), &["check"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("rusm.toml:2:1"), "{text}");

    let elsewhere = tempfile::tempdir().unwrap();
    let (code, text) = run(elsewhere.path(), &["check", "--manifest-path", path.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("rusm.toml:2:1"), "{text}");

    let (code, text) = run(elsewhere.path(), &["check", "--manifest-path", "no/rusm.toml"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("could not read no/rusm.toml"), "{text}");

    let (code, text) = run(elsewhere.path(), &["check"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("could not find `rusm.toml`") && text.contains("cargo rusm new"), "{text}");
}

#[test]
fn a_plain_package_is_told_to_use_cargo_run() {
    let folder = project("");
    fs::remove_file(folder.path().join("rusm.toml")).unwrap();
    let (code, text) = run(folder.path(), &["serve"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("start it with `cargo run`"), "{text}");
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["bild"][..], &[], &["build", "--relese"], &["new"], &["new", "x", "--template", "htp"]] {
        let (code, text) = run(folder.path(), args);
        assert_eq!(code, Some(2), "{args:?}: {text}");
        assert!(text.contains("--help") || text.contains("Usage: cargo rusm"), "{args:?}: {text}");
    }
    let (code, own) = run(folder.path(), &["--version"]);
    assert_eq!(code, Some(0), "{own}");
    // As cargo calls it.
    assert_eq!(run(folder.path(), &["rusm", "--version"]), (Some(0), own));
}

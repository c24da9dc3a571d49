//! What `cargo rusm build` leaves in `wasm/`, and what a start makes of what should not be there.
#![cfg(unix)]

mod cli_support;
mod e2e_support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use cli_support::{cargo_rusm, names};
use e2e_support::{app, build, shop};
use rusm::app::{App, BootError, Manifest};

/// Serves until it gives up: exit code and what it said.
fn serve(manifest: &Path) -> (Option<i32>, String) {
    let output = cargo_rusm().args(["serve", "--manifest-path"]).arg(manifest).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_service_of_two_methods_is_small() {
    const MOST: usize = 80_000;
    let manifest = app("tally", "[components.tally]\npackage = \"rusm-tally\"\n");
    build(&manifest, &["--release"]);
    let wasm = manifest.with_file_name("wasm");
    let bytes = fs::read(wasm.join("tally.wasm")).unwrap();
    println!("a service of two methods is {} bytes", bytes.len());
    assert!(bytes.len() < MOST, "{} bytes", bytes.len());
    assert_eq!(names(&wasm), ["tally.wasm"], "nothing else is left there");

    // What did not change is not written again, and a quiet build says nothing.
    let written = fs::metadata(wasm.join("tally.wasm")).unwrap().modified().unwrap();
    assert!(!build(&manifest, &["--release"]).contains("tally.wasm"));
    assert_eq!(build(&manifest, &["--release", "--quiet"]), "");
    assert_eq!(fs::metadata(wasm.join("tally.wasm")).unwrap().modified().unwrap(), written);
}

#[tokio::test]
async fn components_that_are_none_are_all_named_before_anything_starts() {
    let whole = {
        let manifest = app("whole", "[components.tally]\npackage = \"rusm-tally\"\n");
        build(&manifest, &[]);
        fs::read(manifest.with_file_name("wasm/tally.wasm")).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let wasm = folder.path().join("wasm");
    fs::create_dir(&wasm).unwrap();
    fs::write(wasm.join("half.wasm"), &whole[..whole.len() / 2]).unwrap();
    fs::write(wasm.join("text.wasm"), "fn main() {}").unwrap();
    fs::write(wasm.join("module.wasm"), wat::parse_str("(module)").unwrap()).unwrap();
    fs::write(wasm.join("good.wasm"), &whole).unwrap();
    let text = "[components.good]\npackage = \"rusm-tally\"\nresident = true\nargs = 1\n\
        [components.half]\n[components.text]\n[components.module]\n[components.missing]\n";
    let manifest = Manifest::parse(&folder.path().join("rusm.toml"), text, &|_| None).unwrap();
    let error = App::load(manifest).await.unwrap_err();
    let BootError::Components(errors) = &error else { panic!("{error}") };
    assert_eq!(errors.len(), 4, "{error}");
    let text = error.to_string();
    for (line, (name, says)) in text.lines().zip([
        ("half", "truncated"),
        ("text", "not WebAssembly"),
        ("module", "a core module and not a component"),
        ("missing", "there is no such file"),
    ]) {
        let file = wasm.join(format!("{name}.wasm"));
        assert!(line.contains(&format!("component `{name}` ({})", file.display())), "{line}");
        assert!(line.contains(says) && line.contains("cargo rusm build"), "{line}");
    }
}

#[test]
fn a_service_that_refuses_to_start_ends_the_start() {
    // Free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let manifest = shop().replace("127.0.0.1:0", &address.to_string()).replace("\"EUR\"", "\"euro\"");
    let (code, text) = serve(&app("refuses", &manifest));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the resident component `cart` could not be started"), "{text}");
    assert!(text.contains("\"euro\" is no currency code"), "{text}");
    assert!(!text.contains("Serving"), "{text}");
    assert!(TcpStream::connect(address).is_err(), "nothing listens");
}

#[test]
fn an_address_that_is_taken_ends_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (code, text) = serve(&app("taken", &shop().replace("127.0.0.1:0", &address)));
    assert_eq!(code, Some(1), "{text}");
    let error = text.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.contains("rusm.toml: [[serve]]") && error.contains(&address), "{error}");
    assert!(!text.contains("Serving"), "{text}");
}

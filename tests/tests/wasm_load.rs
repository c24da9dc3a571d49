//! Loading components: what is refused, and what the refusal says.

use rusm::wasm::{LoadError, Problem, Profile, Source, Wasm};
use std::path::Path;

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

async fn load(source: impl Into<Source>) -> Result<(), LoadError> {
    Wasm::builder()
        .component("cart", source, Profile::Sandboxed.capabilities())
        .max_processes(2)
        .build()
        .await
        .map(drop)
}

/// A component with this schema section in a nested module.
fn with_section(bytes: &str) -> Vec<u8> {
    component(&format!(r#"(component (core module (@custom "rusm:schema" "{bytes}")))"#))
}

#[tokio::test]
async fn bad_files_are_named_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let whole = with_section("");
    let module = component(r#"(module (func (export "f")))"#);
    let mut garbled = component("(component (core module (func)))");
    // The number of the first section: there is none of this one.
    garbled[8] = 0x7f;
    for (file, bytes, says) in [
        ("empty.wasm", Vec::new(), "empty"),
        ("text.wasm", b"hello, I am no component".to_vec(), "not WebAssembly"),
        ("elf.wasm", b"\x7fELF\x02\x01\x01\0".to_vec(), "not WebAssembly"),
        ("magic.wasm", b"\0as".to_vec(), "truncated"),
        ("version.wasm", b"\0asm".to_vec(), "truncated"),
        ("core.wasm", module, "core module"),
        ("cut.wasm", whole[..whole.len() - 3].to_vec(), "truncated"),
        ("garbled.wasm", garbled, "not valid WebAssembly"),
        ("quiet.wasm", component("(component)"), "rusm:schema"),
        ("schema.wasm", with_section("\\ff\\ff\\ff\\ff"), "schema can't be read"),
    ] {
        let path = dir.path().join(file);
        std::fs::write(&path, bytes).unwrap();
        let error = load(&*path).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.file(), Some(&*path));
        assert!(text.contains(file) && text.contains("`cart`") && text.contains(says), "{file}: {text}");
    }
    let error = load(Path::new("/nowhere/cart.wasm")).await.unwrap_err();
    assert!(matches!(error.problem(), Problem::Read(_)));
    assert!(error.to_string().contains("no such file") && error.to_string().contains("cargo rusm build"), "{error}");
}

#[tokio::test]
async fn every_cut_of_a_component_is_refused() {
    let whole = component(r#"(component (core module (memory 1) (func)) (core module (table 1 funcref)))"#);
    for length in 0..whole.len() {
        let error = load(whole[..length].to_vec()).await.unwrap_err();
        // A cut between two sections leaves something whole that publishes nothing.
        let refused =
            matches!(error.problem(), Problem::Empty | Problem::Truncated | Problem::NoSchema | Problem::Malformed(_));
        assert!(refused, "{length}: {error}");
    }
}

#[tokio::test]
async fn a_preopen_has_to_be_there() {
    let mut capabilities = Profile::Sandboxed.capabilities();
    capabilities.preopens.push(rusm::wasm::Preopen {
        host: "/nowhere/at/all".into(),
        guest: "/x".into(),
        write: false,
    });
    let error = Wasm::builder().component("a", b"x".to_vec(), capabilities).build().await.unwrap_err();
    assert!(matches!(error.problem(), Problem::Preopen(..)), "{error}");
}

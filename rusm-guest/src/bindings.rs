//! `wit/world.wit` as Rust.

wit_bindgen::generate!({
    path: "wit",
    world: "component",
    generate_all,
});

pub(crate) use export as export_component;

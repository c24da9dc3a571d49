//! The world of `wit/`, as Rust types and traits.

#![allow(missing_docs, missing_debug_implementations, unreachable_pub, reason = "generated")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "component",
    imports: {
        "rusm:process/events.next": async | trappable,
        default: trappable,
    },
    exports: { default: async },
});

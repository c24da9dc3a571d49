//! What has no form on the wire.
#![allow(unused)]

use rusm::prelude::*;

#[wire]
struct Borrowed<'a> {
    name: &'a str,
}

#[wire]
struct Static {
    name: &'static str,
}

#[wire]
struct Array<const N: usize>([u8; N]);

#[wire]
enum Empty {}

#[wire]
struct Tree {
    children: Vec<Tree>,
}

#[wire]
union Either {
    small: u8,
    large: u64,
}

#[wire]
struct Conditional {
    #[cfg(debug_assertions)]
    name: String,
}

#[wire]
#[derive(Debug, Serialize)]
struct Twice;

#[wire]
fn function() {}

#[wire(format = "json")]
struct Arguments;

fn takes<T: Wire>(_: T) {}

fn main() {
    // What was reported is no news here.
    takes(Static { name: "" });
}

//! Attributes that would change the form on the wire.
#![allow(unused)]

use rusm::prelude::*;

#[wire]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Item {
    #[serde(rename = "stockKeepingUnit")]
    sku: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(with = "module")]
    price: u64,
}

#[wire]
#[serde(tag = "kind")]
enum Event {
    #[serde(other)]
    Other,
    Nested(#[serde(flatten)] Item),
}

fn main() {}

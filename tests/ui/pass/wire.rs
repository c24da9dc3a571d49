//! Every shape of a wire type.
#![deny(warnings, missing_docs)]
// In a test nothing is reachable.
#![allow(unreachable_pub)]
#![deny(clippy::all, clippy::pedantic)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self,
    reason = "what users write here is a shape"
)]

use rusm::prelude::*;
use rusm::wire::{decode, encode};

#[wire]
#[derive(Debug, Clone, PartialEq)]
struct Item {
    sku: String,
    r#type: Option<Kind>,
}

#[wire]
#[derive(Debug, Clone, Copy, PartialEq, Default)]
enum Kind {
    #[default]
    Plain,
    Sized(u8),
    Both(u8, i8),
    Named {
        first: u8,
    },
}

#[wire]
#[derive(Debug, Clone, PartialEq)]
struct Id(u64);

#[wire]
#[derive(Debug, Clone, PartialEq)]
struct Point(i32, i32);

#[wire]
#[derive(Debug, Clone, PartialEq)]
struct Marker;

#[wire]
#[derive(Debug, Clone, PartialEq)]
struct Page<T, U = u8>
where
    T: Clone,
{
    items: Vec<T>,
    next: Option<(Id, U)>,
}

fn back<T: Wire + Clone + PartialEq + std::fmt::Debug>(value: &T) {
    let bytes = encode(value).expect("it can be encoded");
    assert_eq!(&decode::<T>(&bytes).expect("it can be decoded"), value);
}

#[test]
fn there_and_back() {
    for kind in [Kind::default(), Kind::Sized(1), Kind::Both(2, -3), Kind::Named { first: 4 }] {
        back(&Item { sku: "a".to_owned(), r#type: Some(kind) });
    }
    back(&Point(1, -1));
    back(&Marker);
    back(&Page { items: vec![Id(1)], next: Some((Id(2), 3_u8)) });
}

#[test]
fn schemas() {
    assert_eq!(Id::SCHEMA, u64::SCHEMA);
    assert_eq!(
        Item::SCHEMA.to_string(),
        "Item { sku: string, type: option<Kind [ Plain, Sized(u8), Both(u8, i8), Named { first: u8 } ]> }"
    );
}

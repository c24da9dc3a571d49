//! A field that can't cross.
#![allow(unused)]

use rusm::prelude::*;

pub struct Plain;

#[wire]
pub struct Item {
    plain: Plain,
}

fn takes<T: Wire>(_: T) {}

fn main() {
    takes(Plain);
}

//! Data that can't cross is reported once, where it is written.
#![allow(unused)]

use rusm::prelude::*;

pub struct Item;

#[service]
pub trait Cart {
    async fn add(&mut self, item: Item) -> u64;
    async fn last(&self) -> Item;
}

fn main() {}

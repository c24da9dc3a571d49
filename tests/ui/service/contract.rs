//! What is no contract.
#![allow(unused)]

use rusm::prelude::*;

#[service]
pub trait Cart: Clone {
    const LIMIT: u8;
    type Item;
    async fn add(&mut self, name: &str);
    async fn like(&self, other: Self) -> bool;
    async fn context(&self, cx: &mut Cx<Self>);
    async fn provided(&self) -> u8 {
        0
    }
    fn free();
    #[init]
    fn open() -> Self;
    #[stream]
    fn watch(&self) -> impl Iterator<Item = u8>;
    #[cast]
    async fn clear(&mut self);
}

#[service]
pub trait Generic<T> {
    fn set(&mut self, value: T);
}

#[service]
pub struct Item;

fn clears(cart: &CartClient) {
    let _ = cart.clear().send();
    let _ = cart.add("name");
}

fn main() {
    let _ = clears;
}

//! What is no supervisor, and what is no child.
#![allow(unused)]

use rusm::prelude::*;

pub struct Counter;

#[actor]
impl Counter {
    #[init]
    fn start() -> Self {
        Self
    }
}

pub struct Shop;

#[supervisor(strateg = Strategy::OneForAll, intensity = Intensity::default(), intensity = Intensity::default())]
impl Shop {
    fn fine(&self) -> Child<Counter> {
        Child::new(())
    }
    async fn waits(&self, from: u64) -> Child<Counter> {
        Child::new(())
    }
    fn changes(&mut self) -> Child<Counter> {
        Child::new(())
    }
    fn of_nothing(&self) -> Child {
        Child::new(())
    }
    #[child(restrat = Restart::Transient)]
    fn misspelt(&self) -> Child<Counter> {
        Child::new(())
    }
    #[child(restart = Restart::Transient)]
    fn helper(&self) -> u64 {
        0
    }
    #[cast]
    fn own(&self) -> Child<Shop> {
        Child::new(Shop)
    }
}

#[supervisor]
pub struct Item;

pub struct Many<T>(T);

#[supervisor]
impl<T> Many<T> {}

async fn used(shop: ShopRef) {
    shop.fine();
}

fn main() {}

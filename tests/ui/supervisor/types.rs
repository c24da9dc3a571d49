//! Settings of another type, and trees that can't be shared.
#![allow(unused)]

use rusm::prelude::*;

pub struct Counter;

#[actor]
impl Counter {
    #[init]
    fn start(from: u64) -> Self {
        Self
    }
}

pub struct Settings;

#[supervisor(strategy = Restart::Permanent)]
impl Settings {
    #[child(shutdown = 5)]
    fn counter(&self) -> Child<Counter> {
        Child::new("one")
    }
}

pub struct Alone(std::cell::Cell<u64>);

#[supervisor]
impl Alone {
    fn counter(&self) -> Child<Counter> {
        Child::new(self.0.get())
    }
}

fn main() {}

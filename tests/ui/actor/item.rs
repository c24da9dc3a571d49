//! What is no actor.
#![allow(unused)]

use rusm::prelude::*;

#[actor(name = "worker")]
impl Arguments {
    #[init]
    fn start() -> Self {
        Arguments
    }
}
pub struct Arguments;

#[actor]
pub struct Worker;

#[actor]
async fn raw(args: u8) -> Exit {
    Exit::normal()
}

pub struct Generic<T>(T);

#[actor]
impl<T: Wire> Generic<T> {
    #[init]
    fn start(value: T) -> Self {
        Generic(value)
    }
    pub fn set(&mut self, value: T) {}
}

#[actor]
impl Default for Worker {
    fn default() -> Self {
        Worker
    }
    #[init]
    fn start() -> Self {
        Worker
    }
}

fn main() {}

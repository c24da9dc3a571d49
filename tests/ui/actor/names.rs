//! Names that clash.
#![allow(unused)]

use rusm::prelude::*;

pub struct Worker;

#[actor]
impl Worker {
    #[init]
    fn start() -> Self {
        Worker
    }
    pub fn add_one(&mut self) {}
    #[allow(non_snake_case)]
    pub fn addOne(&mut self) {}
    pub fn costarring(&mut self) {}
    pub fn liquid(&mut self) {}
}

fn main() {}

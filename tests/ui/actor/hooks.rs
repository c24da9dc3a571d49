//! What runs at no event.
#![allow(unused)]

use rusm::prelude::*;

pub struct Worker;

#[actor]
impl Worker {
    #[init]
    fn start() -> Self {
        Worker
    }
    #[on(exti)]
    fn misspelt(&mut self, exit: ExitSignal) {}
    #[on]
    fn unnamed(&mut self) {}
    #[on(exit)]
    fn exit(&mut self, exit: &ExitSignal) -> u8 {
        0
    }
    #[on(terminate)]
    fn terminate(&mut self, reason: ExitReason) {}
    #[on(down)]
    fn down(&mut self, down: Down) {}
    #[on(down)]
    fn down_again(&mut self, down: Down) {}
    #[on(exit)]
    #[cast]
    pub fn both(&mut self) {}
}

pub struct Wrong;

#[actor]
impl Wrong {
    #[init]
    fn start() -> Self {
        Wrong
    }
    #[on(down)]
    fn down(&mut self, down: ExitSignal) {}
}

fn main() {}

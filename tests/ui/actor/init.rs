//! How an actor can't start.
#![allow(unused)]

use rusm::prelude::*;

pub struct Unstartable;
#[actor]
impl Unstartable {}

pub struct Two;
#[actor]
impl Two {
    #[init]
    fn one() -> Self {
        Two
    }
    #[init]
    fn two() -> Self {
        Two
    }
}

pub struct Other;
#[actor]
impl Other {
    #[init]
    fn start(name: &str) -> String {
        String::new()
    }
}

pub struct Error;
pub struct Failing;
#[actor]
impl Failing {
    #[init]
    fn start() -> Result<Self, Error> {
        Ok(Failing)
    }
}

fn main() {}

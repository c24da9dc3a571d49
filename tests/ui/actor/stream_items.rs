//! Streams that can't go to another process, and items that can't.
#![allow(unused)]

use futures_util::{StreamExt, stream};
use rusm::prelude::*;
use std::rc::Rc;

pub struct Opaque;

pub struct Worker;

#[actor]
impl Worker {
    #[init]
    fn start() -> Self {
        Worker
    }
    #[stream]
    pub fn kept(&self) -> impl Stream<Item = u64> {
        let kept = Rc::new(0);
        stream::iter(0..).map(move |number| number + *kept)
    }
    #[stream]
    pub fn opaque(&self) -> impl Stream<Item = Opaque> {
        stream::empty()
    }
}

fn main() {}

//! Streams that can't live on when their message is done, or are for nobody else.
#![allow(unused)]

use futures_util::{StreamExt, stream};
use rusm::prelude::*;

pub struct Worker {
    numbers: Vec<u64>,
}

#[actor]
impl Worker {
    #[init]
    fn start() -> Self {
        Worker { numbers: Vec::new() }
    }
    #[stream]
    pub fn borrowed(&self) -> impl Stream<Item = u64> {
        stream::iter(self.numbers.iter()).map(|number| *number)
    }
    #[stream]
    pub async fn waited(&self) -> impl Stream<Item = u64> {
        stream::iter(self.numbers.iter()).map(|number| *number)
    }
}

fn main() {}

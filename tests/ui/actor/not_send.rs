//! A message whose handling can't move between threads.
#![allow(unused)]

use rusm::prelude::*;
use std::rc::Rc;

pub struct Worker;

#[actor]
impl Worker {
    #[init]
    fn start() -> Self {
        Worker
    }
    pub async fn wait(&mut self) {
        let kept = Rc::new(0);
        rusm::sleep(std::time::Duration::ZERO).await;
        drop(kept);
    }
}

fn main() {}

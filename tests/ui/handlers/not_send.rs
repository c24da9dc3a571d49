//! An action that can't move between threads.
#![allow(unused)]

use rusm::prelude::*;

#[handlers]
pub mod items {
    pub async fn wait() {
        let kept = std::rc::Rc::new(0);
        rusm::sleep(std::time::Duration::ZERO).await;
        drop(kept);
    }
}

fn main() {}

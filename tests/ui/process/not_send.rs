//! A process may move between threads at each of its awaits.
#![allow(unused)]

use rusm::prelude::*;
use std::rc::Rc;

#[actor]
async fn counting(mut inbox: Inbox<u8>) {
    let total = Rc::new(0);
    inbox.receive().await;
    drop(total);
}

fn main() {}

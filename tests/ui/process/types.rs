//! What a process is told, started with and ends with.
#![allow(unused)]

use rusm::prelude::*;

struct Plain;

#[actor]
async fn message(inbox: Inbox<Plain>) {}

#[actor]
async fn argument(inbox: Inbox<u8>, plain: Plain) {}

#[actor]
async fn ending(inbox: Inbox<u8>) -> u8 {
    0
}

#[actor]
async fn failing(inbox: Inbox<u8>) -> Result<(), Plain> {
    Err(Plain)
}

#[actor]
async fn fine(inbox: Inbox<u8>, args: u8) {}

async fn user(node: Node) -> Result<(), SpawnError> {
    node.spawn::<fine>("text").await?;
    Ok(())
}

fn main() {}

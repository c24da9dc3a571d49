//! What a process that is a function must look like.
#![allow(unused)]

use rusm::prelude::*;

#[actor]
async fn no_inbox(args: u8) -> Exit {
    Exit::normal()
}

#[actor]
async fn nothing() {}

#[actor]
fn waits_for_nothing(inbox: Inbox<u8>) {}

#[actor]
async fn borrows(inbox: &mut Inbox<u8>, text: &str) {}

#[actor]
async fn late(args: u8, inbox: Inbox<u8>) {}

#[actor]
async fn generic<M: Wire>(inbox: Inbox<M>) {}

#[actor]
async fn with_context(inbox: Inbox<String>, cx: &mut Cx<Worker>) {}

pub struct Worker;

#[actor]
impl Worker {
    #[init]
    fn start() -> Self {
        Worker
    }
}

// Whoever uses a process with a mistake is told of the mistake alone.
async fn user(client: WithContextClient) {
    let _ = client.send("text").send();
}

fn main() {}

//! What can't be spawned.

use rusm::prelude::*;

struct Plain;

fn user(node: &Node) {
    drop(node.spawn::<Plain>(()));
}

fn main() {}

//! What is no child, and what is no tree.
#![allow(unused)]

use rusm::prelude::*;

pub struct Plain;

fn not_a_child() {
    let _ = ChildSpec::of("plain", || -> Child<Plain> { todo!() });
}

fn not_a_tree(node: &Node) {
    let _ = node.supervise(Plain);
}

fn main() {}

//! What a test looks like.
#![allow(unused)]

use rusm::Node;
use rusm::testing::Test;

#[rusm::test]
struct Nothing;

#[rusm::test]
fn waits_for_nobody() {}

#[rusm::test]
async fn borrows(node: &Node) {}

#[rusm::test]
async fn takes_two(one: Test, two: Test) {}

#[rusm::test]
async fn of<T>(node: Node) {}

#[rusm::test]
#[test]
async fn is_a_test_twice() {}

#[rusm::test]
unsafe fn several(node: &mut Node) {}

fn main() {}

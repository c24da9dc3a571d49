//! Everything that a test may look like, under the strictest lints.
#![deny(warnings, missing_docs, missing_debug_implementations, unused_qualifications)]
// In a test nothing is reachable.
#![allow(unreachable_pub)]
#![deny(clippy::all, clippy::pedantic)]

use rusm::Node;
use rusm::testing::Test;

/// Documented, and visible.
#[rusm::test]
pub async fn takes_nothing() {}

#[rusm::test(seeds = 3, turns = 1_000)]
async fn takes_a_node(node: Node) {
    assert_eq!(node.alive(), 0);
}

#[rusm::test(seed = 0x5eed)]
async fn takes_a_run(mut test: Test) -> Result<(), String> {
    test = test.clone();
    if test.draw(0..1) == 0 { Ok(()) } else { Err("drawn".to_owned()) }
}

#[rusm::test]
async fn takes_both(test: Test, node: Node) {
    assert_eq!(test.node().incarnation(), node.incarnation());
}

#[rusm::test]
#[ignore = "for the sake of it"]
async fn is_left_out() {
    panic!("it runs");
}

#[rusm::test]
#[should_panic(expected = "as it should")]
async fn panics(node: Node) {
    assert_eq!(node.alive(), 1, "as it should");
}

/// No name is taken from the test's own code, and what it holds need not be `Send`.
#[rusm::test]
async fn r#loop(r#test: Test) -> Result<(), std::io::Error> {
    fn run() -> std::rc::Rc<u8> {
        std::rc::Rc::new(1)
    }
    let held = run();
    test.idle().await;
    assert_eq!(*held, 1);
    Ok(())
}

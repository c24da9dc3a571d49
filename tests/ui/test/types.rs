//! What a test is given, and what it returns. Tests themselves are left out of what is compiled here, so this is what they become.
#![allow(unused)]

use rusm::testing::{FromTest, Plan, Test};

struct Plain;

async fn takes_anything(plain: Plain) {}

async fn returns_anything(test: Test) -> u8 {
    0
}

async fn returns_an_error_without_words(test: Test) -> Result<(), Plain> {
    Err(Plain)
}

fn main() {
    Plan::new("takes").run(|test| takes_anything(FromTest::from_test(&test)));
    Plan::new("returns").run(|test| returns_anything(FromTest::from_test(&test)));
    Plan::new("fails").run(|test| returns_an_error_without_words(FromTest::from_test(&test)));
}

//! What stands in the brackets.
#![allow(unused)]

#[rusm::test(sed = 3)]
async fn misspelt() {}

#[rusm::test(workers = 3)]
async fn unknown() {}

#[rusm::test(seeds)]
async fn without_a_number() {}

#[rusm::test(seeds = 0)]
async fn none() {}

#[rusm::test(seed = "0x5eed", turns = -5)]
async fn no_numbers() {}

#[rusm::test(seed = 1, seeds = 2)]
async fn contradicting() {}

#[rusm::test(1000)]
async fn unnamed() {}

fn main() {}

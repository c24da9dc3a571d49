//! What serves no contract.
#![allow(unused)]

use rusm::prelude::*;

#[service]
pub trait Cart {
    async fn add(&mut self, item: u8) -> u64;
    #[cast]
    async fn clear(&mut self);
}

pub struct Marked;
#[service]
impl Cart for Marked {
    #[init]
    fn open() -> Self {
        Marked
    }
    async fn add(&mut self, item: u8) -> u64 {
        0
    }
    #[cast]
    async fn clear(&mut self) {}
}

pub struct WithoutInit;
#[service]
impl Cart for WithoutInit {
    async fn add(&mut self, item: u8) -> u64 {
        0
    }
    async fn clear(&mut self) {}
}

pub struct Missing;
#[service]
impl Cart for Missing {
    #[init]
    fn open() -> Self {
        Missing
    }
    async fn add(&mut self, item: u8) -> u64 {
        0
    }
}

pub struct Context;
#[service]
impl Cart for Context {
    #[init]
    fn open(cx: &mut Cx<Self>) -> Self {
        Context
    }
    async fn add(&mut self, item: u8) -> u64 {
        0
    }
    async fn clear(&mut self, cx: &mut Cx<Self>) {}
}

pub struct Alone;
#[service]
impl Alone {
    #[init]
    fn open() -> Self {
        Alone
    }
}

fn main() {}

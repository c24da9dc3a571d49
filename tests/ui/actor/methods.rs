//! What is no message, all at once. The callers are all right.
#![allow(unused)]

use rusm::prelude::*;

pub struct Point {
    x: i32,
    y: i32,
}

pub struct Worker;

#[actor]
impl Worker {
    #[init]
    fn start() -> Self {
        Worker
    }
    pub fn borrowed(&self, name: &str, parts: Vec<&str>) -> &str {
        ""
    }
    pub fn generic<T>(&self, value: T) {}
    pub fn opaque(&self, value: impl Into<String>) {}
    pub fn object(&self, value: Box<dyn Send>) {}
    pub fn pattern(&self, Point { x, y }: Point, _: u8) {}
    pub fn owned(self) {}
    pub fn free() {}
    pub const fn constant(&self) {}
    pub unsafe fn dangerous(&self) {}
    pub extern "C" fn foreign(&self) {}
    pub fn named(&self) {}
    #[cast]
    pub fn answers(&self) -> u8 {
        0
    }
    #[cast]
    fn private(&self) {}
    pub fn twice(&self, one: Reply<u8>, two: Reply<u8>) {}
    pub fn both(&self, reply: Reply<u8>) -> u8 {
        0
    }
    pub fn context(&self, cx: &Cx<Self>) {}
    #[stream]
    pub async fn stream(&self, to: u64) -> Vec<u64> {
        vec![to]
    }
    #[stream]
    fn silent(&self) -> impl Stream<Item = u64> {
        futures_util::stream::empty()
    }
    pub fn many(&self) -> impl Stream<Item = u64> {
        futures_util::stream::empty()
    }
    pub fn right(&self) {}
}

async fn calls(worker: &WorkerClient) -> Result<(), CallError> {
    worker.right().await?;
    worker.borrowed("a", vec!["b"]).await?;
    worker.generic(1).await?;
    let _ = worker.stream(1).credit(2).await?;
    worker.many().await
}

fn main() {
    let _ = calls;
}

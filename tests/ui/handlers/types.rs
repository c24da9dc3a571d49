//! Arguments that no request holds, and answers that are no response.
#![allow(unused)]

use rusm::prelude::*;

pub struct Item;

#[handlers]
pub mod items {
    use super::*;

    pub async fn argument(request: Request, item: Item, id: u64) -> String {
        String::new()
    }
    pub async fn answer() -> Item {
        Item
    }
}

fn main() {}

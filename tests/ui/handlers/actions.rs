//! What is no action.
#![allow(unused)]

use rusm::prelude::*;

#[handlers]
pub mod items {
    use super::*;

    pub async fn borrowed(request: &Request) -> String {
        String::new()
    }
    pub async fn generic<T: FromRequest>(value: T) {}
    pub async fn opaque(value: impl FromRequest) {}
    #[cast]
    pub async fn cast() {}
    pub fn handlers() {}
}

#[handlers]
pub mod nothing {
    fn helper() {}
}

#[handlers(prefix = "/items")]
pub mod arguments {
    pub fn ping() {}
}

#[handlers]
pub fn ping() {}

fn main() {}

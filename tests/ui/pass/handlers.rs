//! A module of actions, with helpers beside them.
#![deny(warnings, missing_docs)]
// In a test nothing is reachable.
#![allow(unreachable_pub)]
#![deny(clippy::all, clippy::pedantic)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self,
    reason = "what users write here is a shape"
)]

use rusm::prelude::*;

/// An item.
#[wire]
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is called.
    pub name: String,
}

/// The actions.
#[handlers]
pub mod items {
    use super::*;

    /// Shows one.
    ///
    /// # Errors
    /// There is none.
    pub async fn show(_request: Request, params: Params) -> Result<Json<Item>, HttpError> {
        find(params.parse("id")?).await.map(Json)
    }

    /// Makes one.
    pub async fn create(Json(item): Json<Item>) -> impl IntoResponse {
        Json(item)
    }

    /// Is there.
    pub fn ping() {}

    async fn find(id: u64) -> Result<Item, HttpError> {
        Err(HttpError::not_found(format!("there is no item {id}")))
    }

    pub(crate) fn unlisted(_: &str) {}
}

#[test]
fn lists_its_actions() {
    items::unlisted("");
    let handlers = items::handlers();
    let names: Vec<&str> = handlers.actions.iter().map(|action| action.method.name).collect();
    assert_eq!(names, ["items::show", "items::create", "items::ping"]);
    assert_eq!(handlers.entry.name, "items");
    assert_eq!(handlers.actions[0].method.doc, "Shows one.");
}

//! A web app in two sandboxed parts: handlers that live for one request, and a counter that stays.

use rusm::prelude::*;

/// What the counter starts with: `args` in `rusm.toml`.
#[wire]
pub struct Start {
    pub from: i64,
}

/// A contract: who calls a counter needs to know this and nothing else. It comes with a client, `CounterClient`.
#[service]
pub trait Counter {
    /// Adds to the total, and tells it.
    async fn add(&mut self, by: i64) -> i64;
    /// The total.
    async fn total(&self) -> i64;
}

/// A counter in memory. If it crashes, its supervisor starts it anew.
pub struct MemoryCounter {
    total: i64,
}

#[service]
impl Counter for MemoryCounter {
    #[init]
    async fn start(start: Start) -> Result<Self, Exit> {
        Ok(Self { total: start.from })
    }

    async fn add(&mut self, by: i64) -> i64 {
        self.total = self.total.saturating_add(by);
        self.total
    }

    async fn total(&self) -> i64 {
        self.total
    }
}

/// What the routes in `rusm.toml` lead to: `web#index` is `pages::index`.
#[handlers]
pub mod pages {
    use super::*;

    pub async fn index() -> &'static str {
        "Hello from {{name}}! See /count, or POST to /count/1.\n"
    }

    pub async fn show() -> Result<Json<i64>, HttpError> {
        let counter = CounterClient::connect("counter");
        Ok(Json(counter.total().await?))
    }

    pub async fn add(params: Params) -> Result<Json<i64>, HttpError> {
        let by = params.parse("by")?;
        let counter = CounterClient::connect("counter");
        Ok(Json(counter.add(by).await?))
    }
}

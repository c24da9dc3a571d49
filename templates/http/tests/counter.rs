//! The same code runs natively: a test needs no WebAssembly.

use {{crate}}::{CounterClient, MemoryCounter, Start};
use rusm::prelude::*;

#[tokio::test]
async fn it_counts() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().build().await?;
    let counter = node.spawn::<MemoryCounter>(Start { from: 40 }).await?;
    assert_eq!(counter.add(2).await?, 42);

    // By name, as the handlers do.
    node.register("counter", counter.pid())?;
    assert_eq!(CounterClient::named(&node, "counter")?.total().await?, 42);
    Ok(())
}

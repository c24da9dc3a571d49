//! The same code runs natively: a test needs no WebAssembly.

use {{crate}}::{CountingGreeter, Start};
use rusm::prelude::*;

#[tokio::test]
async fn it_greets_and_counts() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().build().await?;
    let greeter = node.spawn::<CountingGreeter>(Start { greeting: "Hello".into() }).await?;

    let first = greeter.greet("Joe".into()).await?;
    assert_eq!(first.text, "Hello, Joe!");
    assert_eq!(greeter.greet("Mike".into()).await?.number, 2);

    // Messages of one sender arrive in order: the reset comes before the next greeting.
    greeter.reset().send()?;
    assert_eq!(greeter.greet("Robert".into()).await?.number, 1);
    Ok(())
}

//! Two phones that are state machines, and a bad line between them.

mod line;
mod phone;

use line::Line;
use phone::Phone;
use rusm::prelude::*;
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().build().await?;
    let line = node.spawn::<Line>(()).await?;
    node.register("line", line.pid())?;
    let (ann, bob) =
        (node.spawn::<Phone>(("line".into(), false)).await?, node.spawn::<Phone>(("line".into(), true)).await?);

    line.lose(1).await?;
    // Bob will pick up as soon as it rings, and what Ann says waits until he has.
    let (dialled, said, picked_up) = tokio::join!(ann.dial(), ann.say("hello".into()), bob.pick_up());
    println!("dialled: {:?}, said: {}, picked up: {}", dialled?, said?, picked_up.is_ok());
    println!("ann's phone is {:?}", node.info(ann.pid()).and_then(|info| info.state));
    // It answers after it has carried what was said.
    line.lose(0).await?;
    println!("bob heard {:?}", bob.heard().await?);
    bob.hang_up().await?;

    node.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

#[cfg(test)]
mod tests;

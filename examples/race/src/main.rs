//! A shop that charges twice, once in a while: a race between two processes, and the test that finds it.
//!
//! `cargo test -p race` finds the race and replays it. `cargo run -p race` meets it now and
//! then, and never twice in the same way.

mod shop;

use rusm::prelude::*;
use shop::{Cashier, Ledger};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().build().await?;
    let ledger = node.spawn::<Ledger>(()).await?;
    let cashiers = [node.spawn::<Cashier>(ledger.pid()).await?, node.spawn::<Cashier>(ledger.pid()).await?];
    for order in 0..20 {
        // The customer is impatient, and orders at the other desk as well.
        for cashier in &cashiers {
            cashier.charge(order).send()?;
        }
    }
    for cashier in &cashiers {
        cashier.close().await?;
    }
    println!("20 orders, {} charges", ledger.charges().await?.len());
    Ok(())
}

#[cfg(test)]
mod tests;

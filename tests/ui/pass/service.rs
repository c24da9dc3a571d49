//! A contract, two types that serve it from other modules, and its client.
#![deny(warnings, missing_docs, missing_debug_implementations)]
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

/// The contract.
pub mod shop {
    use rusm::prelude::*;

    /// Something to buy.
    #[wire]
    #[derive(Debug, Clone)]
    pub struct Item {
        /// What it costs.
        pub cents: u64,
    }

    /// Why there is no receipt.
    #[wire]
    #[derive(Debug, PartialEq)]
    pub enum CartError {
        /// Nothing to buy.
        Empty,
    }

    /// A cart.
    #[service]
    pub trait Cart {
        /// Adds an item and returns how many there are.
        async fn add(&mut self, item: Item) -> usize;
        /// What everything costs.
        fn total(&self) -> u64;
        /// The app's own error stays its own.
        async fn checkout(&mut self) -> Result<u64, CartError>;
        /// Starts over.
        #[cast]
        async fn clear(&mut self);
        /// Answered by hand.
        fn later(&mut self, reply: Reply<u8>);
        /// What everything costs, one by one.
        #[stream]
        async fn prices(&self) -> impl Stream<Item = u64>;
        /// Nothing.
        #[stream]
        fn nothing(&mut self) -> impl Stream<Item = Item>;
    }
}

mod memory {
    use super::shop::{CartError, Item};
    use futures_util::{StreamExt, stream};
    use rusm::prelude::*;

    pub(super) struct MemoryCart {
        items: Vec<Item>,
    }

    #[service]
    impl super::shop::Cart for MemoryCart {
        #[init]
        fn open(items: Vec<Item>) -> Self {
            Self { items }
        }

        async fn add(&mut self, item: Item) -> usize {
            self.items.push(item);
            self.items.len()
        }

        fn total(&self) -> u64 {
            self.items.iter().map(|item| item.cents).sum()
        }

        async fn checkout(&mut self) -> Result<u64, CartError> {
            if self.items.is_empty() { Err(CartError::Empty) } else { Ok(self.total_of_all()) }
        }

        async fn clear(&mut self) {
            self.items.clear();
        }

        fn later(&mut self, reply: Reply<u8>) {
            reply.send(7);
        }

        async fn prices(&self) -> impl Stream<Item = u64> {
            stream::iter(self.items.clone()).map(|item| item.cents)
        }

        fn nothing(&mut self) -> impl Stream<Item = Item> {
            stream::empty()
        }

        #[on(terminate)]
        async fn close(&mut self, _reason: &ExitReason) {
            self.items.clear();
        }
    }

    impl MemoryCart {
        fn total_of_all(&self) -> u64 {
            super::shop::Cart::total(self)
        }
    }
}

#[tokio::test]
async fn serves() -> Result<(), Box<dyn std::error::Error>> {
    use shop::{CartClient, CartError, Item};

    let node = Node::builder().build().await?;
    let cart = node.spawn::<memory::MemoryCart>(Vec::new()).await?;
    assert_eq!(cart.checkout().await?, Err(CartError::Empty));
    assert_eq!(cart.add(Item { cents: 5 }).await?, 1);
    assert_eq!(cart.total().await?, 5);
    assert_eq!(cart.later().await?, 7);
    assert_eq!(cart.prices().await?.try_next().await?, Some(5));
    assert!(cart.nothing().credit(1).await?.next().await.is_none());

    node.register("cart", cart.pid())?;
    let named = CartClient::named(&node, "cart")?;
    assert_eq!(named.checkout().await?, Ok(5));
    named.clear().send()?;
    assert_eq!(named.total().await?, 0);
    Ok(())
}

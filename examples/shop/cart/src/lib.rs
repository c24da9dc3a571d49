//! A cart: the contract, its data, and a service that keeps one cart in memory.

use rusm::prelude::*;
use std::collections::BTreeMap;

/// What a cart is made with.
#[wire]
#[derive(Debug, Clone)]
pub struct CartConfig {
    /// The currency of all prices, as an ISO 4217 code.
    pub currency: String,
}

/// Some pieces of one article.
#[wire]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The article.
    pub sku: String,
    /// The price of one piece.
    pub cents: u64,
    /// How many pieces.
    pub quantity: u32,
}

/// What is in the cart.
#[wire]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The currency of all prices.
    pub currency: String,
    /// The items, sorted by article.
    pub items: Vec<Item>,
    /// The price of everything.
    pub total_cents: u64,
}

/// Why the cart did not do something.
#[wire]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CartError {
    /// The article is not in the cart.
    NotInCart(String),
    /// More pieces or a higher price than can be counted.
    TooMuch,
}

/// A cart.
#[service]
pub trait Cart {
    /// Puts an item in; pieces of an article that is there already are added up.
    async fn add(&mut self, item: Item) -> Result<Summary, CartError>;
    /// Takes all pieces of an article out.
    async fn remove(&mut self, sku: String) -> Result<Summary, CartError>;
    /// Tells what is in it.
    async fn summary(&self) -> Summary;
    /// Takes everything out.
    #[cast]
    async fn clear(&mut self);
}

/// A cart that lives as long as its process.
#[derive(Debug)]
pub struct MemoryCart {
    currency: String,
    items: BTreeMap<String, Item>,
}

#[service]
impl Cart for MemoryCart {
    #[init]
    fn open(config: CartConfig) -> Result<Self, Exit> {
        if config.currency.len() != 3 {
            return Err(Exit::error(format!("{:?} is no currency code of three letters", config.currency)));
        }
        Ok(Self { currency: config.currency, items: BTreeMap::new() })
    }

    async fn add(&mut self, item: Item) -> Result<Summary, CartError> {
        let known = self.items.get(&item.sku).map_or(0, |known| known.quantity);
        let quantity = known.checked_add(item.quantity).ok_or(CartError::TooMuch)?;
        let before = self.items.insert(item.sku.clone(), Item { quantity, ..item.clone() });
        match self.total() {
            Some(_) => Ok(self.summary().await),
            None => {
                match before {
                    Some(before) => self.items.insert(item.sku, before),
                    None => self.items.remove(&item.sku),
                };
                Err(CartError::TooMuch)
            }
        }
    }

    async fn remove(&mut self, sku: String) -> Result<Summary, CartError> {
        self.items.remove(&sku).ok_or(CartError::NotInCart(sku))?;
        Ok(self.summary().await)
    }

    async fn summary(&self) -> Summary {
        Summary {
            currency: self.currency.clone(),
            items: self.items.values().cloned().collect(),
            total_cents: self.total().unwrap_or(u64::MAX),
        }
    }

    async fn clear(&mut self) {
        self.items.clear();
    }
}

impl MemoryCart {
    fn total(&self) -> Option<u64> {
        self.items
            .values()
            .try_fold(0, |total: u64, item| total.checked_add(item.cents.checked_mul(u64::from(item.quantity))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tea(quantity: u32) -> Item {
        Item { sku: "tea".into(), cents: 450, quantity }
    }

    #[tokio::test]
    async fn keeps_what_was_added() -> Result<(), Box<dyn std::error::Error>> {
        let node = Node::builder().build().await?;
        let cart = node.spawn::<MemoryCart>(CartConfig { currency: "EUR".into() }).await?;
        cart.add(tea(1)).await?.unwrap();
        assert_eq!(cart.add(tea(2)).await?.unwrap().total_cents, 1350);
        assert_eq!(cart.remove("coffee".into()).await?, Err(CartError::NotInCart("coffee".into())));
        cart.clear().send()?;
        assert_eq!(cart.summary().await?.items, []);
        Ok(())
    }

    #[tokio::test]
    async fn refuses_what_it_cannot_count_and_stays_as_it_was() -> Result<(), Box<dyn std::error::Error>> {
        let node = Node::builder().build().await?;
        let cart = node.spawn::<MemoryCart>(CartConfig { currency: "EUR".into() }).await?;
        cart.add(tea(2)).await?.unwrap();
        let gold = Item { sku: "gold".into(), cents: u64::MAX, quantity: 1 };
        assert_eq!(cart.add(gold).await?, Err(CartError::TooMuch));
        assert_eq!(cart.add(tea(u32::MAX)).await?, Err(CartError::TooMuch));
        assert_eq!(cart.summary().await?.items, [tea(2)]);
        Ok(())
    }

    #[tokio::test]
    async fn refuses_to_start_without_a_currency() {
        let node = Node::builder().build().await.unwrap();
        let refused = node.spawn::<MemoryCart>(CartConfig { currency: "euro".into() }).await.unwrap_err();
        assert!(matches!(refused, SpawnError::Init(ExitReason::Error(_))), "{refused}");
    }
}

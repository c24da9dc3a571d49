//! Cashiers who ask the ledger whether an order was charged, and charge it if not: two steps, and others may come between.

use rusm::Address;
use rusm::prelude::*;

/// Who keeps the books.
#[derive(Debug)]
pub struct Ledger {
    charges: Vec<u64>,
}

#[actor]
impl Ledger {
    #[init]
    fn open() -> Self {
        Self { charges: Vec::new() }
    }

    /// Whether an order was charged.
    pub fn is_charged(&self, order: u64) -> bool {
        self.charges.contains(&order)
    }

    /// Charges it.
    pub fn charge(&mut self, order: u64) {
        self.charges.push(order);
    }

    /// Charges it unless it was: what a cashier should ask for.
    pub fn charge_once(&mut self, order: u64) {
        if !self.charges.contains(&order) {
            self.charges.push(order);
        }
    }

    /// All charges.
    pub fn charges(&self) -> Vec<u64> {
        self.charges.clone()
    }
}

/// Who takes orders.
#[derive(Debug)]
pub struct Cashier {
    ledger: LedgerClient,
    /// Leaves the check to the ledger.
    careful: bool,
}

#[actor]
impl Cashier {
    #[init]
    fn start(ledger: Pid) -> Self {
        let ledger = LedgerClient::from_address(Address::pid_on(&Node::current(), ledger));
        Self { ledger, careful: false }
    }

    /// Takes care from now on.
    #[cast]
    pub fn be_careful(&mut self) {
        self.careful = true;
    }

    /// Charges an order that is not charged yet.
    #[cast]
    pub async fn charge(&mut self, order: u64) {
        let charged = if self.careful {
            self.ledger.charge_once(order).await
        } else {
            // The race: between the answer and the charge the other cashier may have asked.
            match self.ledger.is_charged(order).await {
                Ok(false) => self.ledger.charge(order).await,
                other => other.map(|_| ()),
            }
        };
        if let Err(error) = charged {
            eprintln!("order {order} is not charged: {error}");
        }
    }

    /// Answers when everything before it is done.
    pub fn close(&self) {}
}

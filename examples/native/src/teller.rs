//! An actor: takes orders as people write them, and has the ledger carry them out.

use crate::ledger::LedgerClient;
use rusm::prelude::*;

/// What a teller remembers; lost when it crashes.
#[derive(Debug)]
pub struct Teller {
    ledger: LedgerClient,
    served: u32,
}

#[actor]
impl Teller {
    #[init]
    fn start() -> Self {
        Self { ledger: LedgerClient::connect("ledger"), served: 0 }
    }

    /// Carries out an order such as `ann pays bob 30`, and tells how many it has carried out.
    pub async fn order(&mut self, order: String) -> Result<u32, String> {
        let words: Vec<_> = order.split_whitespace().collect();
        let [from, "pays", to, amount] = words.as_slice() else { return Err(format!("{order:?} is no order")) };
        // A teller that can't read the amount gives up; its supervisor sends in the next one.
        let amount = amount.parse().expect("an amount is a number");
        let moved = self.ledger.transfer(from.to_string(), to.to_string(), amount).await;
        match moved {
            Ok(Ok(())) => {
                self.served += 1;
                Ok(self.served)
            }
            Ok(Err(refused)) => Err(format!("{refused:?}")),
            Err(failed) => Err(failed.to_string()),
        }
    }
}

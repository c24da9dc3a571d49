//! A bank in one native binary: an actor, a service and a supervisor; no WebAssembly is compiled.

mod ledger;
mod teller;

use ledger::{LedgerClient, MemoryLedger};
use rusm::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;
use teller::{Teller, TellerClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let node = Node::builder().name("bank").build().await?;
    let bank = node.supervise(bank()).await?;
    let (teller, ledger) = (TellerClient::named(&node, "teller")?, LedgerClient::named(&node, "ledger")?);

    println!("served: {:?}", teller.order("ann pays bob 30".into()).await?);
    println!("served: {:?}", teller.order("ann pays bob 1000".into()).await?);

    let before = node.whereis("teller");
    println!("served: {:?}", teller.order("ann pays bob everything".into()).await);
    bank.restarted("teller", before).await?;
    println!("served by the next teller: {:?}", teller.order("bob pays ann 5".into()).await?);
    println!("money in the bank: {}", ledger.total().await?);

    node.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

/// The ledger first: tellers need it, and nothing that a teller does may end it.
fn bank() -> Supervisor {
    let accounts = || BTreeMap::from([("ann".to_owned(), 100), ("bob".to_owned(), 20)]);
    Supervisor::new()
        .strategy(Strategy::RestForOne)
        .intensity(Intensity::new(3, Duration::from_secs(5)))
        .child(ChildSpec::actor::<MemoryLedger>("ledger", accounts).named("ledger"))
        .child(ChildSpec::actor::<Teller>("teller", || ()).named("teller"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_crashed_teller_is_replaced_and_the_ledger_lives_on() -> Result<(), Box<dyn std::error::Error>> {
        let node = Node::builder().build().await?;
        let bank = node.supervise(bank()).await?;
        let (teller, ledger) = (TellerClient::named(&node, "teller")?, LedgerClient::named(&node, "ledger")?);
        assert_eq!(teller.order("ann pays bob 30".into()).await?, Ok(1));
        let (before, keeper) = (node.whereis("teller"), node.whereis("ledger"));
        let crash = teller.order("ann pays bob everything".into()).await.unwrap_err();
        assert!(
            matches!(&crash, CallError::Exited(ExitReason::Panicked(text)) if text.contains("a number")),
            "{crash}"
        );
        bank.restarted("teller", before).await?;
        assert_eq!(teller.order("bob pays ann 5".into()).await?, Ok(1), "a new teller counts anew");
        assert_eq!((ledger.total().await?, node.whereis("ledger")), (120, keeper));
        Ok(())
    }
}

//! A bank in one native binary: an actor, a service and a supervisor; no WebAssembly is compiled.

mod ledger;
mod teller;

use ledger::MemoryLedger;
use rusm::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;
use teller::Teller;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let node = Node::builder().name("bank").build().await?;
    let bank = node.supervise(Bank).await?;

    println!("served: {:?}", bank.teller().order("ann pays bob 30".into()).await?);
    println!("served: {:?}", bank.teller().order("ann pays bob 1000".into()).await?);

    let before = bank.teller().address().pid();
    println!("served: {:?}", bank.teller().order("ann pays bob everything".into()).await);
    bank.restarted("teller", before).await?;
    println!("served by the next teller: {:?}", bank.teller().order("bob pays ann 5".into()).await?);
    println!("money in the bank: {}", bank.ledger().total().await?);

    node.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

/// Who works here.
#[derive(Debug)]
pub struct Bank;

/// The ledger first: tellers need it, and nothing that a teller does may end it.
#[supervisor(strategy = Strategy::RestForOne, intensity = Intensity::new(3, Duration::from_secs(5)))]
impl Bank {
    fn ledger(&self) -> Child<MemoryLedger> {
        Child::new(BTreeMap::from([("ann".to_owned(), 100), ("bob".to_owned(), 20)])).named("ledger")
    }

    fn teller(&self) -> Child<Teller> {
        Child::new(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_crashed_teller_is_replaced_and_the_ledger_lives_on() -> Result<(), Box<dyn std::error::Error>> {
        let node = Node::builder().build().await?;
        let bank = node.supervise(Bank).await?;
        let (teller, ledger) = (bank.teller(), bank.ledger());
        assert_eq!(teller.order("ann pays bob 30".into()).await?, Ok(1));
        let (before, keeper) = (teller.address().pid(), ledger.address().pid());
        let crash = teller.order("ann pays bob everything".into()).await.unwrap_err();
        assert!(
            matches!(&crash, CallError::Exited(ExitReason::Panicked(text)) if text.contains("a number")),
            "{crash}"
        );
        bank.restarted("teller", before).await?;
        assert_eq!(teller.order("bob pays ann 5".into()).await?, Ok(1), "a new teller counts anew");
        assert_eq!((ledger.total().await?, ledger.address().pid()), (120, keeper));
        Ok(())
    }
}

//! The race is found, replayed and mended.

use crate::shop::{Cashier, CashierClient, Ledger};
use rusm::prelude::*;
use rusm::testing::{Plan, Test};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// One order at two desks, the second a little later than the first.
async fn order_twice(node: &Node, prepare: impl Fn(&CashierClient)) -> Result {
    let ledger = node.spawn::<Ledger>(()).await?;
    let mut cashiers = Vec::new();
    for _ in 0..2 {
        let cashier = node.spawn::<Cashier>(ledger.pid()).await?;
        prepare(&cashier);
        cashiers.push(cashier);
    }
    for cashier in &cashiers {
        cashier.charge(7).send()?;
        // Served already, nearly always.
        tokio::task::yield_now().await;
    }
    for cashier in &cashiers {
        cashier.close().await?;
    }
    assert_eq!(ledger.charges().await?, [7], "charged once");
    Ok(())
}

/// What the shop's author writes, if it were right: `#[should_panic]` says that it is not.
#[rusm::test(seeds = 1000)]
#[should_panic(expected = "charged once")]
async fn no_double_charge(node: Node) -> Result {
    order_twice(&node, |_| ()).await
}

#[rusm::test(seeds = 1000)]
async fn a_careful_cashier_charges_once(node: Node) -> Result {
    order_twice(&node, |cashier| {
        let _ = cashier.be_careful().send();
    })
    .await
}

#[test]
fn the_race_is_replayed_from_its_seed() {
    let body = async |test: Test| order_twice(test.node(), |_| ()).await;
    let found = Plan::new("race").seeds(1000).check(body).unwrap_err();
    let replay = Plan::new("race").seed(found.seed());
    let (one, two) = (replay.check(body).unwrap_err(), replay.check(body).unwrap_err());
    assert_eq!(one, two, "the same failure, trace and all");
    assert_eq!((one.trace(), one.text()), (found.trace(), found.text()));
}

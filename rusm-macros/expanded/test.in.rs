/// Pays once.
#[test(seeds = 1000, turns = 50_000)]
#[ignore = "slow"]
async fn no_double_charge(node: Node, test: Test) -> Result<(), CallError> {
    let bank = node.spawn::<Bank>(()).await.unwrap();
    test.crash(bank.pid(), "on purpose");
    Ok(())
}

#[test]
async fn r#loop() {}

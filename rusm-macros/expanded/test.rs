#[::core::prelude::v1::test]
/// Pays once.
#[ignore = "slow"]
fn no_double_charge() {
    #[allow(clippy::unused_async)]
    async fn no_double_charge(node: Node, test: Test) -> Result<(), CallError> {
        let bank = node.spawn::<Bank>(()).await.unwrap();
        test.crash(bank.pid(), "on purpose");
        Ok(())
    }
    ::rusm::__private::testing::Plan::new(
            ::core::concat!(::core::module_path!(), "::no_double_charge"),
        )
        .seeds(1000)
        .turns(50_000)
        .run(|test| no_double_charge(
            ::rusm::__private::testing::FromTest::from_test(&test),
            ::rusm::__private::testing::FromTest::from_test(&test),
        ));
}
#[::core::prelude::v1::test]
fn r#loop() {
    #[allow(clippy::unused_async)]
    async fn r#loop() {}
    ::rusm::__private::testing::Plan::new(
            ::core::concat!(::core::module_path!(), "::loop"),
        )
        .run(|_| r#loop());
}

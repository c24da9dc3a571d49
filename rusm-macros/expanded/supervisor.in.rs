/// A shop.
#[supervisor(strategy = Strategy::RestForOne, intensity = Intensity::new(3, Duration::from_secs(5)))]
impl Shop {
    /// What is in the basket.
    #[child(restart = Restart::Transient, shutdown = Duration::from_secs(5))]
    fn cart(&self) -> Child<MemoryCart> {
        Child::new(self.config()).sandboxed("cart")
    }
    #[cfg(feature = "billing")]
    #[deprecated]
    pub fn billing(&self) -> rusm::Child<crate::billing::Billing> {
        Child::new(crate::billing::Billing)
    }
    fn r#type(&self) -> Child<Counter> {
        Child::new(0)
    }
    fn config(&self) -> Config {
        self.config.clone()
    }
}

#[service]
impl shop::Cart for MemoryCart {
    #[init]
    async fn open(config: CartConfig) -> Result<Self, CartError> {
        Ok(Self { config })
    }

    async fn add(&mut self, item: Item) -> u64 {
        0
    }

    async fn checkout(&mut self) -> Result<Receipt, CartError> {
        Err(CartError::Empty)
    }

    async fn clear(&mut self) {}

    #[on(down)]
    async fn watched_died(&mut self, down: Down) {}
}

/// A shopping cart.
#[service]
pub trait Cart {
    /// Adds an item and returns how many there are.
    async fn add(&mut self, item: Item) -> u64;
    async fn checkout(&mut self) -> Result<Receipt, CartError>;
    fn total(&self) -> u64;
    #[cast]
    async fn clear(&mut self);
    fn later(&mut self, reply: Reply<()>);
}

#[supervisor]
impl Pool {}

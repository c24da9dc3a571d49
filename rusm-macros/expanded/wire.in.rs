/// Something to buy.
#[wire]
#[derive(Debug, Clone)]
pub struct Item {
    pub sku: String,
    r#type: Kind,
}

#[wire]
struct Id(u64);

#[wire]
struct Point(i32, i32);

#[wire]
struct Marker;

#[wire]
pub struct Page<T: Clone = u8>
where
    T: Default,
{
    items: Vec<T>,
    next: Option<Id>,
}

#[wire]
pub enum CartError {
    Empty,
    Limit(u32),
    Both(u8, u8),
    Refused { reason: String },
}

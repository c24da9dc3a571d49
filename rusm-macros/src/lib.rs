//! The attribute macros of `rusm`: [`macro@actor`], [`macro@service`], [`macro@handlers`], [`macro@wire`] and [`macro@test`].
//!
//! Use them through the `rusm` crate, which re-exports them: what they generate names `::rusm::__private` and nothing
//! else. Each macro goes the same way: the item is parsed, lowered to a small representation of its own, checked while it
//! is lowered, and expanded. Every mistake of an item is reported in one go, each under its own token, and the item
//! itself is always given back, with stand-ins for what could not be generated.

use proc_macro::TokenStream;

mod actor;
mod attrs;
mod ctxt;
mod doc;
mod handlers;
mod lifecycle;
mod messages;
mod method;
mod naming;
mod process;
mod service;
mod test;
mod types;
mod wire;

#[cfg(test)]
mod tests;

/// Makes an actor of an `impl` block, or a process of an `async fn`.
///
/// # Actors
/// The public methods become messages, and a client struct with the same methods is generated beside the block:
///
/// - `pub fn` with `&self` or `&mut self`, sync or async, is a *call*: the caller waits for the value;
/// - `#[cast] pub fn` is a *cast*: nobody waits, so it returns nothing;
/// - `pub fn` with an argument of type `Reply<T>` is a call that is answered later, by whoever holds the reply;
/// - `#[stream] pub fn`, which returns `impl Stream<Item = T>`, is a call that is answered with many values, as fast as the
///   caller takes them. The actor goes on to its next message, and the stream lives beside it: it owns what it needs
///   (`E0700` says that it borrows from `self`), and is `Send`;
/// - `#[init] fn` makes the actor from its arguments: it returns `Self` or `Result<Self, E>` with `E: Into<Exit>`;
/// - `#[on(exit)]`, `#[on(down)]` and `#[on(terminate)]` mark what runs when a linked process ends, when a monitored
///   process ends, and before the actor itself ends;
/// - everything else stays as it is.
///
/// `cx: &mut Cx<Self>` may stand anywhere among the arguments. It is the one reference that is allowed: everything else
/// that a message carries is owned, and implements `Wire`.
///
/// ```
/// use rusm::prelude::*;
///
/// pub struct Counter { total: i64 }
///
/// #[actor]
/// impl Counter {
///     #[init]
///     fn start(from: i64) -> Self { Self { total: from } }
///     /// Adds to the total and returns it.
///     pub fn add(&mut self, by: i64) -> i64 { self.total += by; self.total }
///     #[cast]
///     pub fn reset(&mut self) { self.total = 0 }
/// }
/// ```
///
/// # Processes that are functions
/// An `async fn` whose first argument is an `Inbox<M>` asks for its messages itself, in the order it likes; it lives until it
/// returns. `M` and the other arguments implement `Wire`. It returns nothing, an `Exit`, or `Result<(), E>` with
/// `E: Into<Exit>`.
///
/// Its name also becomes a type, by which it is spawned, and a client named after it has `send`:
///
/// ```
/// use rusm::prelude::*;
///
/// #[wire]
/// pub enum Job { Add(u64), Done }
///
/// #[actor]
/// pub async fn summer(mut inbox: Inbox<Job>, from: u64) -> Exit {
///     let mut total = from;
///     while let Job::Add(more) = inbox.receive().await {
///         total += more;
///     }
///     Exit::error(format!("{total} is my last word"))
/// }
///
/// # async fn example(node: Node) -> Result<(), Box<dyn std::error::Error>> {
/// let summer = node.spawn::<summer>(40).await?;
/// summer.send(Job::Add(2)).send()?;
/// summer.send(Job::Done).send()?;
/// # Ok(()) }
/// ```
#[proc_macro_attribute]
pub fn actor(arguments: TokenStream, item: TokenStream) -> TokenStream {
    actor::expand(arguments.into(), item.into()).into()
}

/// Makes a contract of a trait, or an actor of a type that implements one.
///
/// On a trait, every method becomes a message, with the rules of [`macro@actor`] except that a contract knows no context;
/// the client that is generated beside the trait talks to whatever implements it, here, in a component or on another
/// machine. On `impl Contract for Type`, the type becomes an actor: the block holds the contract's methods, one `#[init]`
/// function and any `#[on(..)]` functions.
///
/// ```
/// use rusm::prelude::*;
///
/// #[wire]
/// #[derive(Clone)]
/// pub struct Item { sku: String }
///
/// #[service]
/// pub trait Cart {
///     /// Adds an item and returns how many there are.
///     async fn add(&mut self, item: Item) -> u64;
///     #[cast]
///     async fn clear(&mut self);
///     #[stream]
///     async fn items(&self) -> impl Stream<Item = Item>;
/// }
///
/// pub struct MemoryCart { items: Vec<Item> }
///
/// #[service]
/// impl Cart for MemoryCart {
///     #[init]
///     fn open() -> Self { Self { items: Vec::new() } }
///     async fn add(&mut self, item: Item) -> u64 { self.items.push(item); self.items.len() as u64 }
///     async fn clear(&mut self) { self.items.clear() }
///     async fn items(&self) -> impl Stream<Item = Item> { futures_util::stream::iter(self.items.clone()) }
/// }
/// ```
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(arguments.into(), item.into()).into()
}

/// Makes HTTP actions of the `pub` functions of a module.
///
/// Each argument is taken from the request (`FromRequest`), the returned value becomes the response (`IntoResponse`). An
/// action's name is `module::function`. Functions that are not plainly `pub` (private or `pub(crate)`) are left alone. The
/// module gains a function `handlers()`, which lists its actions for a gateway to mount.
///
/// ```
/// use rusm::prelude::*;
///
/// #[wire]
/// pub struct Item { sku: String }
///
/// #[handlers]
/// pub mod items {
///     use super::*;
///
///     pub async fn show(params: Params) -> Result<String, HttpError> {
///         Ok(format!("item {}", params.parse::<u64>("id")?))
///     }
///
///     pub async fn create(Json(item): Json<Item>) -> (u16, Json<Item>) {
///         (201, Json(item))
///     }
/// }
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn handlers(arguments: TokenStream, item: TokenStream) -> TokenStream {
    handlers::expand(arguments.into(), item.into()).into()
}

/// Makes a struct or an enum fit to cross a boundary: it derives serde's traits and implements `Wire`.
///
/// The type's shape is its wire form, field by field in the order of the source, so serde attributes that change the form
/// are refused. A struct around a single unnamed field is, on the wire, that field.
///
/// ```
/// use rusm::prelude::*;
///
/// #[wire]
/// #[derive(Debug, Clone)]
/// pub struct Item { sku: String, cents: u64 }
///
/// #[wire]
/// #[derive(Debug)]
/// pub enum CartError { Empty, Refused { reason: String } }
/// ```
#[proc_macro_attribute]
pub fn wire(arguments: TokenStream, item: TokenStream) -> TokenStream {
    wire::expand(arguments.into(), item.into()).into()
}

/// Makes a test of an `async fn`: in virtual time, over schedules that a seed chooses. Feature `testing` of `rusm`.
///
/// The function takes a `Node`, which is there for it alone, a `rusm::testing::Test`, both in either order, or nothing. It
/// returns nothing or a `Result<(), E>` with `E: Debug`. `#[ignore]`, `#[should_panic]` and the like keep their meaning.
///
/// | argument | does | unless told |
/// |---|---|---|
/// | `seeds = 1000` | runs it with so many seeds, up to the first that fails | 1, or `RUSM_SEEDS` |
/// | `seed = 0x5eed` | runs it with this seed | seeds follow from the test's name |
/// | `turns = 50_000_000` | fails a run in which processes have so many turns | 10 000 000 |
///
/// A failure tells its seed; `RUSM_SEED=0x5eed cargo test its_name` runs that again, whatever the attribute says. What runs
/// are made of, what fails them, and what a seed does not tell: see the module `testing` of `rusm`.
///
/// ```test_harness
/// use rusm::prelude::*;
/// use std::time::Duration;
///
/// pub struct Account { balance: u64 }
///
/// #[actor]
/// impl Account {
///     #[init]
///     fn open(balance: u64) -> Self { Self { balance } }
///     pub fn balance(&self) -> u64 { self.balance }
///     #[cast]
///     pub fn pay_in(&mut self, amount: u64) { self.balance += amount }
/// }
///
/// #[rusm::test(seeds = 100)]
/// async fn what_is_paid_in_is_there(node: Node) -> Result<(), Box<dyn std::error::Error>> {
///     let account = node.spawn::<Account>(10).await?;
///     account.pay_in(5).after(Duration::from_secs(24 * 3600))?;
///     sleep(Duration::from_secs(25 * 3600)).await;
///     assert_eq!(account.balance().await?, 15);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    test::expand(arguments.into(), item.into()).into()
}

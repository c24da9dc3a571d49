//! The macros of `rusm`: [`macro@actor`], [`macro@service`], [`macro@supervisor`], [`macro@handlers`], [`macro@wire`],
//! [`macro@test`] and [`macro@State`].
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
mod machine;
mod messages;
mod method;
mod naming;
mod process;
mod service;
mod state;
mod supervisor;
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
/// - `#[on(report)] fn(&self) -> String` tells its state in a few words, for its crash report: it is asked while a panic ends the
///   actor, so the state may be half changed. A component is not asked;
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
/// # State machines
/// `#[actor(state = Phase)]` makes the actor a state machine with the rules of OTP's `gen_statem`: `Phase` is what it does next, `self` is
/// what it knows. Native actors only.
///
/// - `cx.state()` is the state, `cx.to(Phase::Open)` goes to another one once the message in hand is done;
/// - `#[postpone(Phase::Opening | Phase::Closing)]` on a message has it wait while the machine is in such a state: it comes again, in order, once the
///   state has changed. It is a pattern, and may have a guard that looks at the arguments: `#[postpone(Phase::Open { left } if *left < *amount)]`;
/// - `#[on(enter)] fn(&mut self, from: Option<Phase>)` runs when a state is entered, the first one too;
/// - `#[on(timeout)] fn(&mut self, timeout: Timeout)` takes what `cx.state_timeout(..)`, `cx.event_timeout(..)` and `cx.timeout(name, ..)` set.
///
/// ```
/// use rusm::prelude::*;
/// use std::time::Duration;
///
/// #[derive(Default, PartialEq, State)]
/// pub enum Phase { #[default] Locked, Open }
///
/// pub struct Turnstile { passed: u32 }
///
/// #[actor(state = Phase)]
/// impl Turnstile {
///     #[init]
///     fn start() -> Self { Self { passed: 0 } }
///     #[cast]
///     pub fn coin(&mut self, cx: &mut Cx<Self>) { cx.to(Phase::Open) }
///     /// Waits for a coin.
///     #[postpone(Phase::Locked)]
///     pub fn pass(&mut self, cx: &mut Cx<Self>) -> u32 {
///         cx.to(Phase::Locked);
///         self.passed += 1;
///         self.passed
///     }
///     #[on(enter)]
///     fn entered(&mut self, cx: &mut Cx<Self>) {
///         if *cx.state() == Phase::Open {
///             cx.state_timeout(Duration::from_secs(10));
///         }
///     }
///     #[on(timeout)]
///     fn timed_out(&mut self, cx: &mut Cx<Self>) { cx.to(Phase::Locked) }
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

/// Names the states of a state machine: implements `State`, which an actor's `state = ..` needs.
///
/// For an enum, with or without data in its variants; it also needs `PartialEq` and a default, in which the machine begins.
///
/// ```
/// use rusm::prelude::*;
///
/// #[derive(Default, PartialEq, State)]
/// enum Phase { #[default] Idle, Ringing { times: u32 } }
///
/// assert_eq!(Phase::Ringing { times: 3 }.name(), "Ringing");
/// ```
#[proc_macro_derive(State)]
pub fn state(item: TokenStream) -> TokenStream {
    state::expand(item.into()).into()
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

/// Makes a supervisor of an `impl` block: each method that returns `Child<T>` is a child.
///
/// Children start in the order of the methods and stop in reverse. At each start, the first and every restart, the method is
/// called again, so that the child gets fresh arguments. `T` is an actor, a service's implementation, a process that is a function,
/// or another supervisor, whose tree is then nested. All other functions are helpers and stay as they are.
///
/// `#[supervisor(..)]` takes `strategy`, `intensity`, `auto_shutdown` and `backoff`; `#[child(..)]` on a method takes `restart`,
/// `shutdown`, `significant` and `backoff`. Unless told, a supervisor is one-for-one and does one restart in five seconds, and a
/// child is permanent and has five seconds to stop; a nested supervisor has as long as it needs.
///
/// Beside the block a ref is generated, `ShopRef` for `Shop`, which `Node::supervise` gives: it has a method for each child, which
/// gives the child's client, or the ref of a nested tree. A client looks for the child's process at each call, so it survives
/// restarts; while the child is down, calls end with `NoProcess`. By `Deref` it is also a `SupervisorRef`.
///
/// Supervisors are native, their children need not be: `.sandboxed("component")` is all the difference.
///
/// ```
/// use rusm::prelude::*;
/// use std::time::Duration;
///
/// pub struct Counter { total: i64 }
///
/// #[actor]
/// impl Counter {
///     #[init]
///     fn start(from: i64) -> Self { Self { total: from } }
///     pub fn add(&mut self, by: i64) -> i64 { self.total += by; self.total }
///     #[cast]
///     pub fn crash(&mut self) { panic!("as asked") }
/// }
///
/// pub struct Shop { from: i64 }
///
/// #[supervisor(strategy = Strategy::RestForOne, intensity = Intensity::new(3, Duration::from_secs(5)))]
/// impl Shop {
///     fn stock(&self) -> Child<Counter> { Child::new(self.from) }
///     #[child(restart = Restart::Transient, shutdown = Duration::from_secs(1))]
///     fn sold(&self) -> Child<Counter> { Child::new(0) }
/// }
///
/// # async fn example(node: Node) -> Result<(), Box<dyn std::error::Error>> {
/// let shop = node.supervise(Shop { from: 100 }).await?;
/// assert_eq!(shop.stock().add(-1).await?, 99);
///
/// let before = shop.which_children()[0].pid;
/// shop.stock().crash().send()?;
/// shop.restarted("stock", before).await?;
/// assert_eq!(shop.stock().add(-1).await?, 99);
/// # Ok(()) }
/// ```
#[proc_macro_attribute]
pub fn supervisor(arguments: TokenStream, item: TokenStream) -> TokenStream {
    supervisor::expand(arguments.into(), item.into()).into()
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

//! `#[supervisor]`: typed children, and clients that find them at each message.

use rusm::otp::backend::{Backend, ComponentInfo, Job, Work};
use rusm::otp::{Delivery, Process};
use rusm::prelude::*;
use rusm::wire::schema::{EntrySchema, Schema};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Counts from where it is told.
pub struct Counter {
    total: i64,
}

#[actor]
impl Counter {
    #[init]
    fn start(from: i64) -> std::result::Result<Self, Exit> {
        if from < 0 { Err(Exit::error("below zero")) } else { Ok(Self { total: from }) }
    }

    pub fn add(&mut self, by: i64) -> i64 {
        self.total += by;
        self.total
    }

    #[cast]
    pub fn crash(&self) {
        panic!("as asked")
    }

    #[cast]
    pub fn finish(&self, cx: &mut Cx<Self>) {
        cx.stop(Exit::normal());
    }
}

/// A contract, to be served here or in a component.
#[service]
pub trait Cart {
    async fn put(&mut self, sku: String) -> usize;
    #[cast]
    async fn lose(&mut self);
}

/// Keeps it in memory.
pub struct MemoryCart {
    items: Vec<String>,
}

#[service]
impl Cart for MemoryCart {
    #[init]
    fn open(first: String) -> Self {
        Self { items: vec![first] }
    }

    async fn put(&mut self, sku: String) -> usize {
        self.items.push(sku);
        self.items.len()
    }

    async fn lose(&mut self) {
        panic!("lost")
    }
}

/// A process that is a function.
#[actor]
pub async fn echo(mut inbox: Inbox<u8>) {
    while inbox.receive().await > 0 {}
}

/// A tree below another one.
#[derive(Default)]
pub struct Billing {
    starts: AtomicI64,
}

#[supervisor(intensity = Intensity::new(0, Duration::from_secs(5)))]
impl Billing {
    fn ledger(&self) -> Child<Counter> {
        Child::new(self.starts.fetch_add(1, Ordering::SeqCst))
    }

    /// Once, and never again.
    #[child(restart = Restart::Temporary)]
    fn audit(&self) -> Child<Counter> {
        Child::new(7)
    }
}

/// All that a tree can have.
#[derive(Clone, Default)]
pub struct Shop {
    started: Arc<AtomicI64>,
    trees: Arc<AtomicUsize>,
    is_sandboxed: bool,
}

#[supervisor(
    strategy = Strategy::OneForOne,
    intensity = Intensity::new(1000, Duration::from_secs(5)),
    auto_shutdown = AutoShutdown::AnySignificant,
    backoff = Backoff::new(Duration::ZERO, Duration::ZERO),
)]
impl Shop {
    /// Counts its own starts.
    fn counter(&self) -> Child<Counter> {
        Child::new(self.next()).named("counter")
    }

    #[child(restart = Restart::Transient, shutdown = Duration::from_secs(1), significant = true)]
    fn cart(&self) -> Child<MemoryCart> {
        let child = Child::new("first".to_owned());
        if self.is_sandboxed { child.sandboxed("cart") } else { child }
    }

    fn billing(&self) -> Child<Billing> {
        self.trees.fetch_add(1, Ordering::SeqCst);
        Child::new(Billing::default())
    }

    fn echo(&self) -> Child<echo> {
        Child::new(())
    }

    /// A tree of children that come at run time.
    fn pool(&self) -> Child<Supervisor> {
        Child::new(Supervisor::new())
    }

    fn next(&self) -> i64 {
        self.started.fetch_add(1, Ordering::SeqCst)
    }
}

async fn node() -> Node {
    Node::builder().build().await.unwrap()
}

#[tokio::test]
async fn clients_survive_restarts_and_each_start_asks_anew() -> Result {
    let node = node().await;
    let shop = node.supervise(Shop::default()).await?;
    let counter = shop.counter().clone();
    for start in 0..20 {
        assert_eq!(counter.add(100).await?, 100 + start);
        let before = counter.address().pid();
        assert_eq!((before, before), (shop.which_children()[0].pid, node.whereis("counter")));
        counter.crash().send()?;
        shop.restarted("counter", before).await?;
    }
    assert_eq!(shop.cart().put("tea".into()).await?, 2);
    shop.echo().send(1).send()?;
    let ids: Vec<_> = shop.which_children().into_iter().map(|child| child.id.to_string()).collect();
    assert_eq!(ids, ["counter", "cart", "billing", "echo", "pool"], "in the order of the methods");
    assert_eq!(format!("{:?}", counter.address()), "Address(child \"counter\")");
    assert_eq!(shop.stop().await, ExitReason::Shutdown);
    assert!(matches!(counter.add(1).await, Err(CallError::NoProcess(_))));
    assert_eq!((counter.address().pid(), node.alive()), (None, 0));
    Ok(())
}

#[tokio::test]
async fn a_nested_tree_keeps_its_clients_when_it_escalates() -> Result {
    let node = node().await;
    let shop = node.supervise(Shop::default()).await?;
    let (billing, ledger, audit) = (shop.billing().clone(), shop.billing().ledger().clone(), shop.billing().audit());
    assert_eq!((ledger.add(0).await?, audit.add(0).await?), (0, 7));
    let before = audit.address().pid();
    audit.finish().send()?;
    while audit.address().pid().is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(billing.which_children().len(), 1, "a temporary child is forgotten");

    let old = shop.billing().pid();
    ledger.crash().send()?;
    shop.restarted("billing", Some(old)).await?;
    assert_eq!(ledger.add(5).await?, 5, "a tree that starts anew makes its own value anew");
    assert_eq!(audit.add(0).await?, 7, "and all its children");
    assert_ne!((billing.pid(), audit.address().pid()), (old, before));
    assert_eq!(shop.which_children()[2].pid, Some(billing.pid()));

    let pool = shop.pool();
    pool.start_child(ChildSpec::actor::<Counter>("extra", || 3)).await?;
    let extra = pool.client::<Counter>("extra").ok_or("it was started")?;
    assert_eq!(extra.add(1).await?, 4);
    assert!(pool.client::<Billing>("extra").is_none(), "it is no tree");
    assert!(shop.client::<Shop>("billing").is_none(), "it is another tree");
    node.kill(pool.pid());
    shop.restarted("pool", Some(pool.pid())).await?;
    assert_eq!(pool.which_children().len(), 0, "what came at run time is gone with the process");
    assert!(matches!(extra.add(1).await, Err(CallError::NoProcess(_))));
    Ok(())
}

#[tokio::test]
async fn settings_are_those_of_the_attributes() -> Result {
    let node = node().await;
    let shop = node.supervise(Shop::default()).await?;
    let ended = node.ended(shop.pid());
    let before = shop.cart().address().pid();
    shop.cart().lose().send()?;
    shop.restarted("cart", before).await?;
    // Transient and significant: an end in order is the end of all.
    node.exit(shop.cart().address().pid().ok_or("it runs")?, ExitReason::Shutdown);
    assert_eq!((ended.await, node.alive()), (ExitReason::Shutdown, 0));
    Ok(())
}

#[tokio::test]
async fn a_tree_that_does_not_start_says_why() {
    let node = node().await;
    let shop = Shop { started: Arc::new(AtomicI64::new(-1)), ..Shop::default() };
    let error = node.supervise(shop).await.unwrap_err().to_string();
    assert!(error.contains("\"counter\"") && error.contains("below zero"), "{error}");
    let shop = Shop { is_sandboxed: true, ..Shop::default() };
    let error = node.supervise(shop).await.unwrap_err().to_string();
    assert!(error.contains("\"cart\"") && error.contains("no component"), "{error}");
    assert_eq!(node.alive(), 0);
}

/// Runs components without WebAssembly: a cart that takes its arguments and messages in bytes.
struct Fake;

impl Backend for Fake {
    fn component(&self, name: &str) -> Option<ComponentInfo> {
        let entry = EntrySchema::from(<MemoryCart as Actor>::ENTRY);
        let package = entry.package.as_str().into();
        let schema = Arc::new(Schema { entries: vec![Arc::new(entry)] });
        (name == "cart").then_some(ComponentInfo { schema, package, max_mailbox: None })
    }

    fn run(&self, job: Job, mut process: Process) -> Pin<Box<dyn Future<Output = ExitReason> + Send>> {
        Box::pin(async move {
            let Work::Entry { args, started, .. } = job.work else { return ExitReason::Killed };
            assert_eq!(args, rusm::wire::encode(&"first".to_owned()).unwrap());
            started.ok();
            let mut items = 1_usize;
            loop {
                match process.next().await {
                    Delivery::Message(message) => match message.into_parts().2 {
                        Some(reply) => {
                            items += 1;
                            reply.send(rusm::wire::encode(&items).unwrap());
                        }
                        None => return ExitReason::Trapped("lost".into()),
                    },
                    Delivery::Stop(reason) => return reason,
                    Delivery::Exit(_) | Delivery::Down(_) => {}
                }
            }
        })
    }
}

#[tokio::test]
async fn a_component_is_a_child_as_any_other() -> Result {
    let node = Node::builder().backend(Arc::new(Fake)).build().await?;
    let shop = node.supervise(Shop { is_sandboxed: true, ..Shop::default() }).await?;
    for _ in 0..3 {
        assert_eq!(shop.cart().put("tea".into()).await?, 2);
        assert_eq!(shop.cart().put("tea".into()).await?, 3);
        let before = shop.cart().address().pid();
        shop.cart().lose().send()?;
        shop.restarted("cart", before).await?;
    }
    assert_eq!(shop.stop().await, ExitReason::Shutdown);
    assert_eq!(node.alive(), 0);
    Ok(())
}

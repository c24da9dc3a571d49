//! Streams: order, credit, what ends them and what the consumer is told of it.

use futures_util::{StreamExt, stream};
use rusm::otp::{Address, SpawnOptions};
use rusm::prelude::*;
use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What the producers of one test tell; they find it by its number, as it can't cross a boundary.
static PROBES: LazyLock<Mutex<HashMap<u64, Arc<Probe>>>> = LazyLock::new(Mutex::default);

struct Probe {
    made: AtomicUsize,
    /// One for each stream that was dropped.
    dropped: Semaphore,
    gate: Semaphore,
}

fn probe() -> (u64, Arc<Probe>) {
    let probe = Arc::new(Probe { made: 0.into(), dropped: Semaphore::new(0), gate: Semaphore::new(0) });
    let mut probes = PROBES.lock().unwrap();
    let number = probes.len() as u64;
    probes.insert(number, probe.clone());
    (number, probe)
}

impl Probe {
    fn numbered(number: u64) -> Arc<Self> {
        PROBES.lock().unwrap()[&number].clone()
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    async fn until_dropped(&self) {
        let dropped = tokio::time::timeout(Duration::from_secs(20), self.dropped.acquire()).await;
        dropped.expect("the stream is dropped").unwrap().forget();
    }
}

/// Part of a stream: tells when it is dropped.
struct Held(Arc<Probe>);

impl Held {
    fn make<T>(&self, item: T) -> T {
        self.0.made.fetch_add(1, Ordering::SeqCst);
        item
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dropped.add_permits(1);
    }
}

pub struct Counter {
    heard: u64,
}

#[actor]
impl Counter {
    #[init]
    fn start() -> Self {
        Self { heard: 0 }
    }

    #[stream]
    pub async fn count_to(&self, n: u64) -> impl Stream<Item = u64> {
        stream::iter(1..=n)
    }

    /// All numbers; each that was made is counted.
    #[stream]
    pub fn all(&self, probe: u64) -> impl Stream<Item = usize> {
        let held = Held(Probe::numbered(probe));
        stream::iter(0..).map(move |number| held.make(number))
    }

    /// One number, and then nothing for ever.
    #[stream]
    pub async fn one(&mut self, probe: u64) -> impl Stream<Item = u64> {
        let held = Held(Probe::numbered(probe));
        stream::iter([1]).chain(stream::pending()).map(move |number| held.make(number))
    }

    #[stream]
    pub fn panics_after(&self, n: u64) -> impl Stream<Item = u64> {
        stream::iter(0..).inspect(move |number| assert!(*number < n, "no more"))
    }

    /// The app's own errors are items like others.
    #[stream]
    pub fn fallible(&self) -> impl Stream<Item = std::result::Result<u64, String>> {
        stream::iter([Ok(1), Err("two".to_owned()), Ok(3)])
    }

    /// Its method waits at the gate.
    #[stream]
    pub async fn gated(&mut self, probe: u64) -> impl Stream<Item = u64> + use<> {
        let probe = Probe::numbered(probe);
        probe.gate.acquire().await.unwrap().forget();
        let held = Held(probe);
        stream::pending().map(move |()| held.make(1))
    }

    #[stream]
    pub fn own(&self, cx: &mut Cx<Self>) -> impl Stream<Item = Pid> {
        let me = cx.pid();
        stream::iter([me])
    }

    /// Opens one of its own streams, and waits for it.
    pub async fn ask_itself(&mut self, cx: &mut Cx<Self>) -> String {
        cx.me().count_to(1).await.map_or_else(|error| error.to_string(), |_| String::new())
    }

    pub fn heard(&self) -> u64 {
        self.heard
    }

    #[cast]
    pub fn fail(&self, cx: &mut Cx<Self>) {
        cx.stop(Exit::error("had enough"));
    }

    #[on(exit)]
    fn linked_died(&mut self, _exit: ExitSignal) {
        self.heard += 1;
    }

    #[on(down)]
    fn watched_died(&mut self, _down: Down) {
        self.heard += 1;
    }
}

/// Sums streams of others.
pub struct Summer;

#[actor]
impl Summer {
    #[init]
    fn start() -> Self {
        Self
    }

    pub async fn sum(&mut self, mut numbers: Streamed<u64>) -> std::result::Result<u64, String> {
        let mut sum = 0;
        while let Some(number) = numbers.try_next().await.map_err(|error| error.to_string())? {
            sum += number;
        }
        Ok(sum)
    }

    pub async fn sum_of(&mut self, name: String, to: u64) -> std::result::Result<u64, String> {
        let numbers = CounterClient::connect(&name).count_to(to).await.map_err(|error| error.to_string())?;
        self.sum(numbers).await
    }
}

#[service]
pub trait Ticker {
    #[stream]
    async fn ticks(&self, n: u8) -> impl Stream<Item = u8>;
    #[stream]
    fn words(&mut self) -> impl Stream<Item = String>;
    async fn asked(&self) -> u64;
}

pub struct Clock {
    asked: u64,
}

#[service]
impl Ticker for Clock {
    #[init]
    fn start() -> Self {
        Self { asked: 0 }
    }

    async fn ticks(&self, n: u8) -> impl Stream<Item = u8> {
        stream::iter(0..n)
    }

    fn words(&mut self) -> impl Stream<Item = String> {
        self.asked += 1;
        stream::iter(["tick", "tock"]).map(str::to_owned)
    }

    async fn asked(&self) -> u64 {
        self.asked
    }
}

#[actor]
async fn reader(mut inbox: Inbox<u8>) {
    inbox.receive().await;
}

/// In the test's runtime, and on workers of its own.
async fn nodes() -> Result<[Node; 2]> {
    Ok([Node::builder().in_runtime().build().await?, Node::builder().workers(3).build().await?])
}

async fn counter() -> Result<(Node, Ref<Counter>)> {
    let node = Node::builder().workers(2).build().await?;
    let counter = node.spawn::<Counter>(()).await?;
    Ok((node, counter))
}

/// All items, and the error that came behind them.
async fn all<T>(mut items: Streamed<T>) -> (Vec<T>, Option<CallError>) {
    let mut got = Vec::new();
    let mut error = None;
    let wait = Duration::from_secs(20);
    while let Some(item) = tokio::time::timeout(wait, items.next()).await.expect("items come, or the end") {
        assert_eq!(error, None, "an error is the last item");
        match item {
            Ok(item) => got.push(item),
            Err(end) => error = Some(end),
        }
    }
    assert!(items.next().await.is_none(), "the end stays the end");
    (got, error)
}

/// Polls once.
async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// Waits for what others are about to do.
async fn until(mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it never happens");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn items_come_in_order_whatever_the_credit() -> Result {
    for node in nodes().await? {
        let counter = node.spawn::<Counter>(()).await?;
        for credit in [0, 1, 2, 3, 32, usize::MAX] {
            for n in [0, 1, 2, 31, 32, 33, 5000] {
                let items = counter.count_to(n).credit(credit).await?;
                assert_eq!(all(items).await, ((1..=n).collect(), None), "credit {credit}, {n} items");
            }
        }
        assert_eq!(
            all(counter.count_to(100).open().await?).await.0.len(),
            100,
            "with the credit that it has unless told"
        );
        assert_eq!(all(counter.own().await?).await, (vec![counter.pid()], None));
        until(|| node.alive() == 1).await;
        assert_eq!(counter.heard().await?, 0, "the actor hears nothing of it");
    }
    Ok(())
}

#[tokio::test]
async fn credit_bounds_how_far_the_producer_is_ahead() -> Result {
    for node in nodes().await? {
        let counter = node.spawn::<Counter>(()).await?;
        for credit in [1, 2, 5, 32] {
            let (number, probe) = probe();
            let mut items = counter.all(number).credit(credit).await?;
            until(|| probe.made() == credit).await;
            for taken in 1..=2000 {
                assert_eq!(items.try_next().await?, Some(taken - 1));
                let made = probe.made();
                assert!((taken..=taken + credit).contains(&made), "{made} made, {taken} taken, credit {credit}");
                if taken % 7 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            drop(items);
            probe.until_dropped().await;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_dropped_stream_ends_its_producer() -> Result {
    for node in nodes().await? {
        let counter = node.spawn::<Counter>(()).await?;
        // It waits for an item, for credit, and has not begun.
        let (number, probe) = probe();
        let mut items = counter.one(number).await?;
        assert_eq!(items.try_next().await?, Some(1));
        assert_eq!(counter.heard().await?, 0, "the actor takes messages meanwhile");
        drop(items);
        probe.until_dropped().await;
        let items = counter.all(number).credit(3).await?;
        until(|| probe.made() >= 4).await;
        drop(items);
        probe.until_dropped().await;
        drop(counter.one(number).await?);
        probe.until_dropped().await;
        until(|| node.alive() == 1).await;
        assert_eq!(counter.heard().await?, 0);
    }
    Ok(())
}

#[tokio::test]
async fn the_end_of_its_consumer_ends_the_producer() -> Result {
    let (node, counter) = counter().await?;
    let (number, probe) = probe();
    let client = counter.client().clone();
    let consumer = node.spawn_fn("consumer", move |_| async move {
        let items = client.one(number).await?;
        all(items).await;
        Ok::<(), CallError>(())
    })?;
    until(|| probe.made() == 1).await;
    node.kill(consumer);
    probe.until_dropped().await;
    Ok(())
}

#[tokio::test]
async fn the_death_of_the_actor_comes_behind_the_items_that_were_made() -> Result {
    let (node, first) = counter().await?;
    let (number, probe) = probe();
    let items = first.one(number).await?;
    until(|| probe.made() == 1).await;
    node.kill(first.pid());
    assert_eq!(all(items).await, (vec![1], Some(CallError::Exited(ExitReason::Killed))));
    probe.until_dropped().await;

    let second = node.spawn::<Counter>(()).await?;
    let mut items = second.one(number).await?;
    assert_eq!(items.try_next().await?, Some(1));
    {
        let mut next = pin!(items.try_next());
        assert!(is_pending(next.as_mut()).await);
        second.fail().send()?;
    }
    assert_eq!(items.try_next().await, Err(CallError::Exited(ExitReason::Error("had enough".into()))));
    assert_eq!(items.try_next().await?, None);
    until(|| node.alive() == 0).await;

    // What has ended before stays an end.
    let third = node.spawn::<Counter>(()).await?;
    let items = third.count_to(3).await?;
    until(|| node.alive() == 1).await;
    node.kill(third.pid());
    node.ended(third.pid()).await;
    assert_eq!(all(items).await, (vec![1, 2, 3], None));
    Ok(())
}

#[tokio::test]
async fn a_panic_in_a_stream_ends_that_stream_alone() -> Result {
    let (node, counter) = counter().await?;
    let mut other = counter.count_to(100).credit(1).await?;
    assert_eq!(other.try_next().await?, Some(1));
    let (items, error) = all(counter.panics_after(5).await?).await;
    assert_eq!(items, [0, 1, 2, 3, 4]);
    match error {
        Some(CallError::Exited(ExitReason::Panicked(text))) => assert!(text.contains("no more"), "{text}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(all(other).await.0.len(), 99);
    until(|| node.alive() == 1).await;
    assert_eq!(counter.heard().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_killed_producer_is_no_silent_end() -> Result {
    let (node, counter) = counter().await?;
    let (number, probe) = probe();
    let items = counter.one(number).await?;
    until(|| probe.made() == 1).await;
    let pump = node.processes().into_iter().find(|pid| *pid != counter.pid());
    node.kill(pump.expect("the producer is a process"));
    assert_eq!(all(items).await, (vec![1], Some(CallError::Exited(ExitReason::Killed))));
    assert_eq!(counter.heard().await?, 0, "and the actor lives");
    Ok(())
}

#[tokio::test]
async fn a_shutdown_ends_streams() -> Result {
    let (node, counter) = counter().await?;
    let (number, probe) = probe();
    let items = counter.one(number).await?;
    until(|| probe.made() == 1).await;
    node.shutdown(Duration::from_secs(5)).await;
    match all(items).await {
        (items, Some(CallError::Exited(_))) => assert_eq!(items, [1]),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[tokio::test]
async fn errors_of_the_app_are_items() -> Result {
    let (_node, counter) = counter().await?;
    let (items, error) = all(counter.fallible().await?).await;
    assert_eq!(items, [Ok(1), Err("two".to_owned()), Ok(3)]);
    assert_eq!(error, None);
    Ok(())
}

#[tokio::test]
async fn two_at_once_do_not_mix() -> Result {
    for node in nodes().await? {
        let counter = node.spawn::<Counter>(()).await?;
        let mut long = counter.count_to(300).credit(4).await?;
        let mut short = counter.count_to(100).credit(1).await?;
        for n in 1..=100 {
            assert_eq!(long.try_next().await?, Some(3 * n - 2));
            assert_eq!(short.try_next().await?, Some(n));
            assert_eq!(long.try_next().await?, Some(3 * n - 1));
            assert_eq!(long.try_next().await?, Some(3 * n));
        }
        assert_eq!((long.try_next().await?, short.try_next().await?), (None, None));
    }
    Ok(())
}

#[tokio::test]
async fn a_contract_has_streams() -> Result {
    let node = Node::builder().workers(2).build().await?;
    node.spawn_with::<Clock>((), SpawnOptions::default().name("clock")).await?;
    let clock = TickerClient::named(&node, "clock")?;
    assert_eq!(all(clock.ticks(4).credit(1).await?).await, (vec![0, 1, 2, 3], None));
    assert_eq!(all(clock.words().await?).await.0, ["tick", "tock"]);
    assert_eq!(clock.asked().await?, 1);
    Ok(())
}

#[tokio::test]
async fn actors_consume_streams_and_pass_them_on() -> Result {
    for node in nodes().await? {
        let counter = node.spawn_with::<Counter>((), SpawnOptions::default().name("counter")).await?;
        let summer = node.spawn::<Summer>(()).await?;
        assert_eq!(summer.sum_of("counter".to_owned(), 1000).await?, Ok(500_500));
        assert_eq!(summer.sum(counter.count_to(100).await?).await?, Ok(5050));
        let (items, error) = (counter.panics_after(0).await?, summer.sum(counter.panics_after(3).await?).await?);
        assert!(error.unwrap_err().contains("no more"));
        drop(items);
        assert!(counter.ask_itself().await?.contains("deadlock"));
    }
    Ok(())
}

#[tokio::test]
async fn the_opening_has_a_deadline_and_can_be_given_up() -> Result {
    let (node, counter) = counter().await?;
    let (number, probe) = probe();
    let limit = Duration::from_millis(20);
    assert_eq!(counter.gated(number).timeout(limit).await.unwrap_err(), CallError::Timeout(limit));
    {
        let mut opening = pin!(counter.gated(number).open());
        assert!(is_pending(opening.as_mut()).await);
    }
    probe.gate.add_permits(2);
    // What is opened for nobody is dropped.
    probe.until_dropped().await;
    probe.until_dropped().await;
    until(|| node.alive() == 1).await;
    node.kill(counter.pid());
    node.ended(counter.pid()).await;
    assert!(matches!(counter.count_to(1).await, Err(CallError::NoProcess(_))));
    let nobody = CounterClient::named(&node, "nobody")?;
    assert!(matches!(nobody.count_to(1).await, Err(CallError::NoProcess(_))));
    Ok(())
}

#[tokio::test]
async fn items_have_a_deadline_when_told() -> Result {
    for node in nodes().await? {
        let counter = node.spawn::<Counter>(()).await?;
        let (number, probe) = probe();
        let limit = Duration::from_millis(20);
        let items = counter.one(number).await?.timeout(limit);
        assert_eq!(all(items).await, (vec![1], Some(CallError::Timeout(limit))));
        probe.until_dropped().await;
        // In a process the time comes another way.
        let client = counter.client().clone();
        let heard = node.run("consumer", Duration::from_secs(20), async move {
            let items = client.one(number).await?.timeout(limit);
            Ok::<_, CallError>(all(items).await)
        });
        assert_eq!(heard.await??, (vec![1], Some(CallError::Timeout(limit))));
        probe.until_dropped().await;
        let items = counter.count_to(100).await?.timeout(Duration::from_secs(20));
        assert_eq!(all(items).await.1, None);
    }
    Ok(())
}

#[tokio::test]
async fn a_busy_stream_lets_others_run() -> Result {
    let node = Node::builder().in_runtime().build().await?;
    let counter = node.spawn::<Counter>(()).await?;
    let (number, probe) = probe();
    let client = counter.client().clone();
    let stop = Arc::new(AtomicUsize::new(0));
    let stopped = stop.clone();
    let consumer = node.spawn_fn("consumer", move |_| async move {
        let mut items = client.all(number).await?;
        let begin = Instant::now();
        while stopped.load(Ordering::SeqCst) == 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "nobody else runs");
            items.try_next().await?;
        }
        Ok::<(), CallError>(())
    })?;
    until(|| probe.made() > 10_000).await;
    assert_eq!(counter.heard().await?, 0);
    let ended = node.ended(consumer);
    stop.store(1, Ordering::SeqCst);
    assert_eq!(ended.await, ExitReason::Normal);
    probe.until_dropped().await;
    Ok(())
}

/// With one worker the pump makes nothing while the consumer has its turn.
#[tokio::test]
async fn a_consumer_that_always_finds_items_lets_others_run() -> Result {
    const MOST: usize = 65_536;
    let node = Node::builder().workers(1).build().await?;
    let counter = node.spawn::<Counter>(()).await?;
    let (number, probe) = probe();
    let mut items = counter.all(number).credit(usize::MAX).await?;
    until(|| probe.made() == MOST).await;
    let in_one_turn = node.run("consumer", Duration::from_secs(20), async move {
        let mut taken = 0;
        std::future::poll_fn(move |cx| {
            while let Poll::Ready(Some(_)) = Pin::new(&mut items).poll_next(cx) {
                taken += 1;
            }
            Poll::Ready(taken)
        })
        .await
    });
    let taken = in_one_turn.await?;
    assert!((1..MOST).contains(&taken), "{taken}");
    probe.until_dropped().await;
    Ok(())
}

#[tokio::test]
async fn what_reads_bytes_says_that_it_has_no_streams() -> Result {
    let node = Node::builder().workers(1).build().await?;
    let reader = node.spawn::<reader>(()).await?;
    let other = CounterClient::from_address(Address::pid_on(&node, reader.pid()));
    let Err(CallError::Malformed(text)) = other.count_to(1).await else { panic!("a stream has crossed") };
    assert!(text.contains("count_to(n: u64) -> stream<u64>") && text.contains("streams do not cross"), "{text}");
    Ok(())
}

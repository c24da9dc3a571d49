//! One crate, two kinds of process: what a client sees does not tell whether the counter behind it is native or sandboxed.

mod cli_support;
mod e2e_support;

use std::error::Error;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use e2e_support::{app, build, root};
use rusm::prelude::*;
use rusm::wasm::{Profile, Source, Wasm};
use rusm::{Address, Client};
use rusm_counter::{CounterClient, CounterError, MemoryCounter};

const LONG: Duration = Duration::from_secs(60);

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// The counter as a component, built once.
fn component() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let manifest = app("counter", "[components.counter]\npackage = \"rusm-counter\"\n");
        build(&manifest, &[]);
        manifest.with_file_name("wasm/counter.wasm")
    })
    .clone()
}

async fn node() -> Result<Node> {
    let wasm = Wasm::builder()
        .cache_dir(root().join("target/e2e/data/cache"))
        .component("counter", Source::File(component()), Profile::Sandboxed.capabilities())
        .build()
        .await?;
    Ok(Node::builder().backend(wasm).build().await?)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Native,
    Sandboxed,
}

const KINDS: [Kind; 2] = [Kind::Native, Kind::Sandboxed];

async fn spawn(node: &Node, kind: Kind, from: i64) -> Result<CounterClient, SpawnError> {
    match kind {
        Kind::Native => node.spawn::<MemoryCounter>(from).await.map(|counter| counter.client().clone()),
        Kind::Sandboxed => node.component("counter").spawn::<CounterClient>(from).await,
    }
}

fn pid(client: &CounterClient) -> Pid {
    client.address().pid().expect("an address by pid")
}

/// An app's error and a call's error are one `?` each.
async fn twice(counter: &CounterClient, by: i64) -> Result<i64> {
    counter.add(by).await??;
    Ok(counter.add(by).await??)
}

/// Everything a client can see of a counter at 10, but for how it dies.
async fn drive(kind: Kind, node: &Node, counter: CounterClient) -> Result {
    // Calls and casts, in order.
    assert_eq!(counter.add(5).await?, Ok(15));
    counter.reset(2).send()?;
    assert_eq!(counter.total().await?, 2);
    assert_eq!(twice(&counter, 4).await?, 10);

    // The app's own errors are values, and leave it alive.
    let refused = twice(&counter, i64::MAX).await.unwrap_err();
    let expected = CounterError::Overflow { total: 10, by: i64::MAX };
    assert_eq!(refused.downcast_ref::<CounterError>(), Some(&expected), "{refused}");
    assert_eq!(counter.total().await?, 10);

    // An answer that is given later, by another message.
    let reached = tokio::spawn({
        let counter = counter.clone();
        async move { counter.reaches(100).timeout(LONG).await }
    });
    let mut total = 10;
    while !reached.is_finished() {
        assert!(total < 100_000, "nobody answers");
        total = counter.add(30).await?.expect("there is room");
        tokio::task::yield_now().await;
    }
    let answer = reached.await??;
    assert!((100..=total).contains(&answer), "{answer} of {total}");

    // No answer: in time, or at all.
    let limit = Duration::from_millis(50);
    match counter.reaches(i64::MAX).timeout(limit).await {
        Err(CallError::Timeout(told)) => assert!(told <= limit && told > limit / 2, "{told:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(counter.forget().await, Err(CallError::NoReply));
    assert_eq!(counter.total().await?, total, "it lives on");

    // By name, for as long as somebody has it.
    let name = format!("{kind:?}");
    node.register(&name, pid(&counter))?;
    let named = CounterClient::named(node, &name)?;
    assert_eq!(named.add(1).await?, Ok(total + 1));

    // A panic: with its text for who waits for the answer, and for who waited before.
    let waits = tokio::spawn({
        let counter = counter.clone();
        async move { counter.reaches(i64::MAX).timeout(LONG).await }
    });
    // On one thread: it has sent its call when it has been polled.
    tokio::task::yield_now().await;
    let failed = counter.fail("out of fingers".into()).await.unwrap_err();
    let CallError::Exited(ExitReason::Panicked(text)) = &failed else { panic!("{failed:?}") };
    assert!(text.starts_with("out of fingers, at ") && text.contains("fixtures/counter/src/lib.rs"), "{text}");
    assert_eq!(waits.await?, Err(failed.clone()));

    // Gone is gone, by pid and by name.
    assert!(matches!(counter.total().await, Err(CallError::NoProcess(_))));
    assert!(matches!(counter.reset(1).send(), Err(SendError::NoProcess(_))));
    match named.total().await {
        Err(CallError::NoProcess(who)) => assert!(who.contains(&name), "{who}"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[tokio::test]
async fn both_kinds_are_the_same_to_a_client() -> Result {
    let node = node().await?;
    for kind in KINDS {
        let counter = spawn(&node, kind, 10).await?;
        let result = drive(kind, &node, counter).await;
        assert!(result.is_ok(), "{kind:?}: {result:?}");
        match spawn(&node, kind, -1).await {
            Err(SpawnError::Init(ExitReason::Error(text))) => assert!(text.contains("-1 is nothing"), "{text}"),
            other => panic!("{kind:?}: {other:?}"),
        }
    }
    assert_eq!(node.shutdown(LONG).await, 0);
    Ok(())
}

#[tokio::test]
async fn a_killed_one_tells_why() -> Result {
    let node = node().await?;
    for kind in KINDS {
        let counter = spawn(&node, kind, 0).await?;
        let waits = tokio::spawn({
            let counter = counter.clone();
            async move { counter.reaches(1).timeout(LONG).await }
        });
        assert_eq!(counter.total().await?, 0);
        node.kill(pid(&counter));
        assert_eq!(waits.await?, Err(CallError::Exited(ExitReason::Killed)), "{kind:?}");
    }
    Ok(())
}

/// Counters of another make: one method has other types, one is unheard of.
#[allow(dead_code, reason = "only its client is used")]
mod other {
    use rusm::prelude::*;

    #[service]
    pub trait Counter {
        async fn add(&mut self, by: String) -> Vec<u8>;
        async fn total(&self) -> i64;
        async fn multiply(&mut self, by: i64) -> i64;
        #[cast]
        async fn reset(&mut self, to: u8);
    }
}

#[tokio::test]
async fn contracts_that_differ_are_told_apart_before_anything_is_handled() -> Result {
    let node = node().await?;
    for kind in KINDS {
        let counter = spawn(&node, kind, 7).await?;
        let stranger = other::CounterClient::from_address(Address::pid_on(&node, pid(&counter)));
        match stranger.add("1".into()).await {
            Err(CallError::Incompatible { ours, theirs }) => {
                assert!(ours.contains("add") && ours.to_lowercase().contains("string"), "{ours}");
                assert!(theirs.contains("add") && theirs.contains("i64") && theirs.contains("Overflow"), "{theirs}");
            }
            answer => panic!("{kind:?}: {answer:?}"),
        }
        match stranger.reset(1).send() {
            Err(SendError::Incompatible { ours, theirs }) => {
                assert!(ours.contains("u8") && theirs.contains("i64"), "{ours} {theirs}");
            }
            answer => panic!("{kind:?}: {answer:?}"),
        }
        match stranger.multiply(3).await {
            Err(CallError::UnknownMethod(method)) => assert!(method.contains("multiply"), "{method}"),
            answer => panic!("{kind:?}: {answer:?}"),
        }
        assert_eq!(stranger.total().await?, 7, "what they agree on works");
        assert_eq!(counter.total().await?, 7, "nothing was changed");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loops_on_every_thread_are_ended_by_a_kill() -> Result {
    let node = node().await?;
    let bystander = spawn(&node, Kind::Sandboxed, 0).await?;
    let mut spinning = Vec::new();
    for _ in 0..4 {
        let counter = spawn(&node, Kind::Sandboxed, 0).await?;
        let pid = pid(&counter);
        spinning.push((pid, tokio::spawn(async move { counter.spin().timeout(LONG).await })));
    }
    for total in 1..=50 {
        assert_eq!(bystander.add(1).await?, Ok(total));
    }
    let began = std::time::Instant::now();
    let ends: Vec<_> = spinning.iter().map(|(pid, _)| node.ended(*pid)).collect();
    for (pid, _) in &spinning {
        node.kill(*pid);
    }
    for end in ends {
        assert_eq!(end.await, ExitReason::Killed);
    }
    // Two ticks of a millisecond for each of those that share a thread, and much for a machine that is busy.
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    for (_, call) in spinning {
        assert_eq!(call.await?, Err(CallError::Exited(ExitReason::Killed)));
    }
    assert_eq!(bystander.total().await?, 50);
    Ok(())
}

//! A component's process that asks for its messages itself: the world's pull side.

use rusm::otp::SpawnOptions;
use rusm::prelude::*;
use rusm::wasm::{Profile, Source, Wasm};
use rusm_raw::{Ears, Job, WorkerClient, worker};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const LONG: Duration = Duration::from_secs(20);

/// The fixture as a component, built once per run.
fn component() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let built = Command::new(env!("CARGO"))
            .args(["rustc", "-p", "rusm-raw", "--target", "wasm32-wasip2", "--crate-type", "cdylib", "--quiet"])
            .current_dir(&root)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the fixture builds: is the target wasm32-wasip2 installed?");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        target.join("wasm32-wasip2/debug/rusm_raw.wasm")
    })
    .clone()
}

/// Hears what workers tell, and gives it to the test. `hold` is answered once the test says so.
pub struct Listener {
    lines: UnboundedSender<String>,
    heard: u64,
}

static SEEN: Mutex<Vec<UnboundedSender<String>>> = Mutex::new(Vec::new());
static RELEASE: Semaphore = Semaphore::const_new(0);

#[service]
impl Ears for Listener {
    #[init]
    fn start(channel: usize) -> Self {
        Self { lines: SEEN.lock().unwrap()[channel].clone(), heard: 0 }
    }

    async fn hear(&mut self, line: String) {
        if line == "hold" {
            RELEASE.acquire().await.expect("nobody closes it").forget();
        }
        self.heard += 1;
        let _ = self.lines.send(line);
    }

    async fn heard(&self) -> u64 {
        self.heard
    }
}

/// Where a worker runs: the same code, the same words.
#[derive(Debug, Clone, Copy)]
enum Side {
    Native,
    Sandboxed,
}

struct Stage {
    node: Node,
    side: Side,
    seen: UnboundedReceiver<String>,
}

impl Stage {
    /// One stage for each side; links need the right to control others.
    async fn both() -> [Self; 2] {
        [Self::new(Side::Native).await, Self::new(Side::Sandboxed).await]
    }

    async fn new(side: Side) -> Self {
        let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        let mut capabilities = Profile::Sandboxed.capabilities();
        capabilities.process_control = true;
        let builder = Wasm::builder().cache_dir(cache).max_processes(8);
        let wasm = builder.component("raw", Source::File(component()), capabilities).build().await.expect("loads");
        let node = Node::builder().backend(wasm).build().await.expect("a node");
        let (sender, seen) = unbounded_channel();
        let channel = {
            let mut all = SEEN.lock().unwrap();
            all.push(sender);
            all.len() - 1
        };
        let options = SpawnOptions::default().name("ears");
        node.spawn_with::<Listener>(channel, options).await.expect("spawns");
        Self { node, side, seen }
    }

    async fn worker(&self) -> WorkerClient {
        let to = "ears".to_owned();
        match self.side {
            Side::Native => self.node.spawn::<worker>(to).await.expect("spawns").client().clone(),
            Side::Sandboxed => self.node.component("raw").spawn::<WorkerClient>(to).await.expect("spawns"),
        }
    }

    /// The next lines that were told.
    async fn hears<const N: usize>(&mut self, expected: [&str; N]) {
        for expected in expected {
            let line = tokio::time::timeout(LONG, self.seen.recv()).await.expect("in time");
            assert_eq!(line.as_deref(), Some(expected), "{:?}", self.side);
        }
    }
}

fn pid(client: &WorkerClient) -> Pid {
    client.address().pid().expect("an address by pid")
}

fn tell<const N: usize>(worker: &WorkerClient, jobs: [Job; N]) {
    for job in jobs {
        worker.send(job).send().expect("it takes messages");
    }
}

fn say(text: &str) -> Job {
    Job::Say(text.to_owned())
}

#[tokio::test]
async fn it_takes_messages_in_order_and_calls_others_meanwhile() {
    for mut stage in Stage::both().await {
        let worker = stage.worker().await;
        tell(&worker, [say("a"), say("b"), Job::Ask("ears".into()), Job::Ask("nobody".into())]);
        stage.hears(["a", "b", "2 lines"]).await;
        let refused = stage.seen.recv().await.unwrap();
        assert!(refused.contains("nobody"), "{refused}");
    }
}

#[tokio::test]
async fn it_receives_what_it_wants_and_leaves_the_rest_in_order() {
    for mut stage in Stage::both().await {
        let worker = stage.worker().await;
        tell(&worker, [say("hold"), Job::Sort]);
        for number in 0..20 {
            tell(&worker, [say("one"), Job::Urgent(number), say("two")]);
        }
        RELEASE.add_permits(1);
        stage.hears(["hold"]).await;
        for number in 0..20 {
            stage.hears([&*format!("urgent {number}")]).await;
        }
        stage.hears(["sorted"]).await;
        for _ in 0..20 {
            stage.hears(["one", "two"]).await;
        }
    }
}

#[tokio::test]
async fn its_patience_ends_and_what_came_meanwhile_stays() {
    for mut stage in Stage::both().await {
        let worker = stage.worker().await;
        tell(&worker, [Job::Patience(20), say("a"), Job::GiveUp, say("b")]);
        stage.hears(["None", "a", "gave up", "b"]).await;
        tell(&worker, [Job::Patience(20_000), say("c"), Job::Urgent(4)]);
        stage.hears(["Some(Urgent(4))", "c"]).await;
    }
}

#[tokio::test]
async fn it_waits_for_the_end_of_another() {
    for mut stage in Stage::both().await {
        let (worker, other) = (stage.worker().await, stage.worker().await);
        tell(&worker, [Job::Await(pid(&other)), say("later")]);
        tell(&other, [say("first"), Job::Fail("worn out".into())]);
        stage.hears(["first", "down error: worn out", "later"]).await;
        tell(&worker, [Job::Await(pid(&other))]);
        stage.hears(["down no such process"]).await;
    }
}

#[tokio::test]
async fn it_ends_with_its_own_reason() {
    for stage in Stage::both().await {
        let worker = stage.worker().await;
        let ended = stage.node.ended(pid(&worker));
        tell(&worker, [Job::Fail("enough".into())]);
        assert_eq!(ended.await, ExitReason::Error("enough".into()));
        assert!(matches!(worker.send(Job::Sort).send(), Err(SendError::NoProcess(_))));

        let worker = stage.worker().await;
        let ended = stage.node.ended(pid(&worker));
        tell(&worker, [Job::Panic]);
        let reason = ended.await;
        assert!(matches!(&reason, ExitReason::Panicked(text) if text.contains("as told")), "{reason}");
    }
}

#[tokio::test]
async fn a_kill_finds_it_parked() {
    for mut stage in Stage::both().await {
        let (watcher, worker) = (stage.worker().await, stage.worker().await);
        tell(&worker, [Job::Trap(true)]);
        stage.hears(["trapped before: false"]).await;
        tell(&watcher, [Job::Await(pid(&worker))]);
        while stage.node.info(pid(&worker)).is_some_and(|info| info.watchers.is_empty()) {
            tokio::task::yield_now().await;
        }
        let ended = stage.node.ended(pid(&worker));
        let began = Instant::now();
        stage.node.kill(pid(&worker));
        assert_eq!(ended.await, ExitReason::Killed);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        stage.hears(["down killed"]).await;
    }
}

#[tokio::test]
async fn exits_and_requests_to_end_are_told_to_it_if_it_traps() {
    for mut stage in Stage::both().await {
        let (plain, other) = (stage.worker().await, stage.worker().await);
        tell(&plain, [Job::Link(pid(&other))]);
        stage.hears(["linked"]).await;
        let ended = stage.node.ended(pid(&plain));
        tell(&other, [Job::Fail("broken".into())]);
        assert_eq!(ended.await, ExitReason::Error("broken".into()));

        let (trapping, other) = (stage.worker().await, stage.worker().await);
        tell(&trapping, [Job::Trap(true), Job::Link(pid(&other))]);
        stage.hears(["trapped before: false", "linked"]).await;
        tell(&other, [Job::Fail("broken".into())]);
        stage.hears(["exit error: broken"]).await;
        let ended = stage.node.ended(pid(&trapping));
        stage.node.exit(pid(&trapping), ExitReason::Shutdown);
        stage.hears(["stop shutdown"]).await;
        assert_eq!(ended.await, ExitReason::Shutdown);

        let again = stage.worker().await;
        tell(&again, [Job::Trap(true), Job::Trap(false)]);
        stage.hears(["trapped before: false", "trapped before: true"]).await;
        let ended = stage.node.ended(pid(&again));
        stage.node.exit(pid(&again), ExitReason::Shutdown);
        assert_eq!(ended.await, ExitReason::Shutdown);
        assert!(stage.seen.try_recv().is_err(), "it was not asked");
    }
}

/// Takes other messages than the worker.
#[actor]
async fn stranger(mut inbox: Inbox<u64>) {
    inbox.receive().await;
}

#[tokio::test]
async fn messages_of_another_type_are_refused_with_both_signatures() {
    for stage in Stage::both().await {
        let worker = stage.worker().await;
        let wrong = StrangerClient::from_address(rusm::Address::pid_on(&stage.node, pid(&worker)));
        match wrong.send(7).send() {
            Err(SendError::Incompatible { ours, theirs }) => {
                assert!(ours.contains("u64") && theirs.contains("Job"), "{ours} and {theirs}");
            }
            other => panic!("{:?}: {other:?}", stage.side),
        }
    }
}

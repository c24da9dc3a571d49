//! `#[rusm::test]`: that a seed tells the schedule, that time is virtual, what fails a run, and the faults that a test makes.

use rusm::SpawnOptions;
use rusm::otp::Instant;
use rusm::otp::dynamic::{DynamicChild, DynamicSupervisor};
use rusm::otp::tasks::{TaskSupervisor, await_many};
use rusm::prelude::*;
use rusm::testing::{Failed, Plan, Test};
use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const SECOND: Duration = Duration::from_secs(1);

/// What happened, in order.
#[derive(Debug, Default, Clone)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl ToString) {
        self.0.lock().unwrap().push(what.to_string());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// The log of the run under way on this thread: arguments of actors cross boundaries, and a log can't.
fn log() -> Log {
    thread_local! {
        static LOG: Log = Log::default();
    }
    LOG.with(Log::clone)
}

/// Passes rumours on.
pub struct Gossip {
    number: u64,
    others: Vec<GossipClient>,
    heard: u64,
}

#[actor]
impl Gossip {
    #[init]
    fn start(number: u64) -> Self {
        Self { number, others: Vec::new(), heard: 0 }
    }

    pub fn meet(&mut self, others: Vec<Pid>) {
        let node = Node::current();
        let client = |pid| GossipClient::from_address(rusm::Address::pid_on(&node, pid));
        self.others = others.into_iter().map(client).collect();
    }

    #[cast]
    pub async fn hear(&mut self, rumour: u64) {
        log().note(format!("{} hears {rumour} from {:?}", self.number, Node::current().names().len()));
        self.heard += 1;
        if rumour == 0 {
            return;
        }
        let next = &self.others[(rumour * 7 + self.number) as usize % self.others.len()];
        if rumour.is_multiple_of(3) {
            sleep(Duration::from_millis(rumour)).await;
        }
        if rumour.is_multiple_of(4) {
            let _ = next.hear(rumour - 1).after(Duration::from_millis(5));
        } else {
            let _ = next.hear(rumour - 1).send();
        }
    }

    pub fn heard(&self) -> u64 {
        self.heard
    }
}

/// Twenty processes with timers, casts and calls; the log and the trace of one run.
fn gossip(seed: u64) -> (Vec<String>, u64) {
    log().take();
    let trace = AtomicU64::new(0);
    let body = |test: Test| {
        let trace = &trace;
        async move {
            let mut all = Vec::new();
            for number in 0..20 {
                all.push(test.node().spawn::<Gossip>(number).await?);
            }
            let pids: Vec<_> = all.iter().map(|one| one.pid()).collect();
            for one in &all {
                one.meet(pids.clone()).await?;
            }
            for (number, one) in all.iter().enumerate() {
                one.hear(10 + number as u64 % 5).send()?;
            }
            let mut sum = 0;
            while sum < 20 * 13 {
                sleep(Duration::from_millis(3)).await;
                sum = 0;
                for one in &all {
                    sum += one.heard().await?;
                }
            }
            for pid in &pids {
                log().note(pid);
            }
            trace.store(test.trace(), Ordering::Relaxed);
            Result::Ok(())
        }
    };
    Plan::new("gossip").seed(seed).check(body).unwrap();
    (log().take(), trace.into_inner())
}

#[test]
fn a_seed_tells_the_schedule() {
    let mut traces = BTreeSet::new();
    let mut logs = BTreeSet::new();
    for seed in 0..100 {
        let (first, again) = (gossip(seed), gossip(seed));
        assert!(first.0.len() > 200, "{}", first.0.len());
        assert_eq!(first, again, "seed {seed}");
        traces.insert(first.1);
        logs.insert(first.0);
    }
    assert_eq!((traces.len(), logs.len()), (100, 100), "other seeds, other schedules");
}

/// Notes its starts, and crashes now and then.
pub struct Fragile;

#[actor]
impl Fragile {
    #[init]
    fn start(number: u64, cx: &mut Cx<Self>) -> Self {
        log().note(format!("{number} {}", cx.pid()));
        Self
    }

    #[cast]
    pub fn crash(&self) {
        panic!("as told");
    }

    pub fn echo(&self, value: u64) -> u64 {
        value
    }
}

/// A tree of all kinds of children, some of which crash while tasks call them: the log and the trace of one run.
fn trees(seed: u64) -> (Vec<String>, u64) {
    log().take();
    let trace = AtomicU64::new(0);
    let body = |test: Test| {
        let trace = &trace;
        async move {
            let node = test.node().clone();
            let often = Intensity::new(100, Duration::from_secs(1));
            let fixed = |number: u64| ChildSpec::actor::<Fragile>(&number.to_string(), move || number);
            let tree = Supervisor::new().strategy(Strategy::RestForOne).intensity(often);
            let backoff = Backoff::new(Duration::from_millis(5), Duration::from_millis(50));
            let tree = (0..3).map(fixed).fold(tree.backoff(backoff), Supervisor::child);
            let tree = node.supervise(tree).await?;
            let dynamic = node.supervise_dynamic(DynamicSupervisor::new().intensity(often))?;
            for number in 10..14 {
                dynamic.start(DynamicChild::<Fragile>::new(move || number).restart(Restart::Permanent)).await?;
            }
            let tasks = TaskSupervisor::start(&node)?;
            for round in 0..6 {
                let all: Vec<_> = dynamic.which_children();
                let victim = all[test.draw(0..all.len() as u64) as usize];
                FragileClient::from_address(rusm::Address::pid_on(&node, victim)).crash().send()?;
                if round % 3 == 0 {
                    let first = tree.client::<Fragile>("0").ok_or("no such child")?;
                    first.crash().send()?;
                }
                let calls = (0..3).map(|number| {
                    let client = tree.client::<Fragile>(&number.to_string()).expect("a child of the tree");
                    tasks.spawn_nolink(async move { client.echo(number).await.is_ok() })
                });
                let calls = calls.collect::<std::result::Result<Vec<_>, _>>()?;
                for answer in await_many(calls, Duration::from_secs(5)).await {
                    log().note(format!("{answer:?}"));
                }
                sleep(Duration::from_millis(test.draw(0..20))).await;
                test.until(|| dynamic.count_children() == 4).await;
            }
            dynamic.stop().await;
            tree.stop().await;
            trace.store(test.trace(), Ordering::Relaxed);
            Result::Ok(())
        }
    };
    Plan::new("trees").seed(seed).check(body).unwrap();
    (log().take(), trace.into_inner())
}

#[test]
fn a_seed_tells_what_supervisors_do() {
    let mut logs = BTreeSet::new();
    for seed in 0..40 {
        let (first, again) = (trees(seed), trees(seed));
        assert!(first.0.len() > 7 + 6 + 18, "{first:?}");
        assert_eq!(first, again, "seed {seed}");
        logs.insert(first.0);
    }
    assert!(logs.len() > 30, "other seeds, other schedules: {}", logs.len());
}

#[rusm::test]
async fn a_day_passes_at_once(test: Test, node: Node) -> Result {
    let day = Duration::from_secs(24 * 3600);
    let began = Instant::now();
    let gossip = node.spawn::<Gossip>(0).await?;
    gossip.meet(vec![gossip.pid()]).await?;
    gossip.hear(0).after(day)?;
    test.until(|| log().len() == 1).await;
    assert_eq!(began.elapsed().as_secs(), day.as_secs());
    sleep(day).await;
    assert_eq!(test.elapsed().as_secs(), 2 * day.as_secs());
    log().take();
    Ok(())
}

#[rusm::test]
async fn takes_nothing() {}

#[rusm::test(seeds = 3)]
async fn takes_a_node(node: Node) {
    assert_eq!(node.alive(), 0);
}

#[rusm::test(seed = 0x5eed, turns = 1_000)]
async fn takes_both(node: Node, test: Test) {
    // Replayed with another seed by whoever asks for it.
    assert!(test.seed() == 0x5eed || std::env::var_os("RUSM_SEED").is_some());
    assert_eq!(test.node().incarnation(), node.incarnation());
}

#[rusm::test]
#[should_panic(expected = "RUSM_SEED=0x")]
async fn a_panic_tells_the_seed() {
    panic!("on purpose");
}

#[rusm::test]
#[should_panic(expected = "Error: \"no\"")]
async fn an_error_is_a_failure() -> std::result::Result<(), &'static str> {
    Err("no")
}

fn fails<F: Future<Output = Result>>(plan: Plan, body: impl Fn(Test) -> F) -> Failed {
    plan.check(body).unwrap_err()
}

/// Counts how many of its kind there are.
struct Counted(&'static AtomicUsize);

impl Counted {
    fn new(count: &'static AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn nothing_is_left_between_runs() {
    static LIVING: AtomicUsize = AtomicUsize::new(0);
    let nodes = Mutex::new(Vec::new());
    let body = |test: Test| {
        assert_eq!(LIVING.load(Ordering::SeqCst), 0, "the run before is gone");
        nodes.lock().unwrap().push(test.node().clone());
        async move {
            for number in 0..50 {
                let held = Counted::new(&LIVING);
                let life = async move {
                    let _held = held;
                    sleep(SECOND * number).await;
                    std::future::pending::<()>().await;
                };
                test.node().spawn_fn("held", |_| life)?;
            }
            sleep(SECOND * 25).await;
            assert_eq!(LIVING.load(Ordering::SeqCst), 50);
            if test.draw(0..2) == 0 { Err("one in two fails".into()) } else { Result::Ok(()) }
        }
    };
    let (mut failed, mut passed) = (0, 0);
    for seed in 0..20 {
        match Plan::new("left").seed(seed).check(body) {
            Ok(()) => passed += 1,
            Err(_) => failed += 1,
        }
    }
    assert!(failed > 0 && passed > 0, "{failed} {passed}");
    assert_eq!(LIVING.load(Ordering::SeqCst), 0);
    let nodes = nodes.into_inner().unwrap();
    assert_eq!(nodes.len(), 20);
    assert!(nodes.iter().all(|node| node.alive() == 0));
}

/// Asks another one, which asks it, in a way that nobody can see.
pub struct Waits;

#[actor]
impl Waits {
    #[init]
    fn start() -> Self {
        Self
    }

    pub async fn for_ever(&self) {
        std::future::pending().await
    }

    pub async fn for_other(&self, other: Pid) {
        let other = WaitsClient::from_address(rusm::Address::pid_on(&Node::current(), other));
        let _ = other.for_ever().timeout(Duration::from_secs(u64::MAX / 4)).await;
    }
}

#[test]
fn a_deadlock_is_told_with_who_waits_for_what() {
    let failed = fails(Plan::new("deadlock"), async |test: Test| {
        let (one, two) = (test.node().spawn::<Waits>(()).await?, test.node().spawn::<Waits>(()).await?);
        sleep(SECOND).await;
        one.for_other(two.pid()).timeout(Duration::from_secs(u64::MAX / 4)).await?;
        Ok(())
    });
    let text = failed.text();
    assert!(text.starts_with("deadlock: "), "{text}");
    assert!(text.contains("waits for the answer of <0.1.1>") && text.contains("Waits"), "{text}");
    assert_eq!(failed.elapsed().as_secs(), 1, "the time when the last process moved: {failed}");

    let idle = fails(Plan::new("deadlock"), async |test: Test| {
        let _one = test.node().spawn::<Waits>(()).await?;
        test.until(|| false).await;
        Ok(())
    });
    assert!(idle.text().contains("waits for messages"), "{idle}");

    let nobody = fails(Plan::new("deadlock"), async |_| std::future::pending().await);
    assert_eq!(nobody.text(), "deadlock: the test waits, no process can run, and no timer is set");
}

#[test]
fn a_run_without_end_is_ended() {
    let failed = fails(Plan::new("endless").turns(5000), async |test: Test| {
        let spin = async {
            for _ in 0..u64::MAX {
                pass().await;
            }
        };
        test.node().spawn_fn("spinner", |_| spin)?;
        sleep(SECOND).await;
        Ok(())
    });
    assert!(failed.text().starts_with("no end after 5000 turns"), "{failed}");
    assert!(failed.text().contains("(spinner) waits for its turn; 5000 turns"), "{failed}");
    // Who only looks does not end it.
    let watcher = fails(Plan::new("endless"), async |test: Test| {
        loop {
            test.idle().await;
        }
    });
    assert!(watcher.text().starts_with("no end"), "{watcher}");
}

#[rusm::test(seeds = 50)]
async fn idle_is_before_time_passes(test: Test) -> Result {
    let gossip = test.node().spawn::<Gossip>(0).await?;
    gossip.meet(vec![gossip.pid()]).await?;
    log().take();
    for _ in 0..10 {
        gossip.hear(2).send()?;
    }
    assert_eq!(log().len(), 0, "the test has not waited");
    test.idle().await;
    assert_eq!(log().take().len(), 30, "twos, ones and noughts");
    assert_eq!(test.elapsed(), Duration::ZERO);
    // At once if nothing can run.
    test.idle().await;
    gossip.hear(0).after(SECOND)?;
    test.idle().await;
    assert_eq!(log().len(), 0, "a timer is not waited for");
    test.until(|| log().len() == 1).await;
    assert_eq!(test.elapsed(), SECOND);
    log().take();
    Ok(())
}

#[rusm::test(seeds = 20)]
async fn until_sees_what_tasks_and_threads_do(test: Test) -> Result {
    // No process has a turn in any of these.
    let flag = Arc::new(AtomicUsize::new(0));
    let (task, later, thread) = (flag.clone(), flag.clone(), flag.clone());
    tokio::spawn(async move {
        tokio::task::yield_now().await;
        task.store(1, Ordering::SeqCst);
    });
    test.until(|| flag.load(Ordering::SeqCst) == 1).await;
    assert_eq!(test.elapsed(), Duration::ZERO);
    tokio::spawn(async move {
        sleep(SECOND).await;
        later.store(2, Ordering::SeqCst);
    });
    let both =
        tokio::join!(test.until(|| flag.load(Ordering::SeqCst) > 1), test.until(|| flag.load(Ordering::SeqCst) > 0));
    assert_eq!((both, test.elapsed()), (((), ()), SECOND));
    let blocking = tokio::task::spawn_blocking(move || thread.store(3, Ordering::SeqCst));
    test.until(|| flag.load(Ordering::SeqCst) == 3).await;
    blocking.await?;
    assert_eq!(test.elapsed(), SECOND, "time stands still for a blocking task");
    Ok(())
}

/// Lets others run first.
async fn pass() {
    let mut passed = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut passed, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// Two processes that read, wait, and write; one begins so much later that they rarely meet.
async fn add_racily(test: Test) -> Result {
    let cell = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicUsize::new(0));
    for later in [0, 8] {
        let (cell, done) = (cell.clone(), done.clone());
        let life = async move {
            for _ in 0..later {
                pass().await;
            }
            let seen = cell.load(Ordering::SeqCst);
            pass().await;
            cell.store(seen + 1, Ordering::SeqCst);
            done.fetch_add(1, Ordering::SeqCst);
        };
        test.node().spawn_fn("adder", |_| life)?;
    }
    test.until(|| done.load(Ordering::SeqCst) == 2).await;
    assert_eq!(cell.load(Ordering::SeqCst), 2, "an addition is lost");
    Ok(())
}

#[test]
fn a_race_is_found_and_replayed() {
    let found = Plan::new("race").seeds(1000).check(add_racily).unwrap_err();
    assert!(found.text().contains("an addition is lost"), "{found}");
    let again = Plan::new("race").seed(found.seed());
    let (one, two) = (again.check(add_racily).unwrap_err(), again.check(add_racily).unwrap_err());
    assert_eq!(one, two);
    assert_eq!((one.text(), one.trace(), one.turns()), (found.text(), found.trace(), found.turns()));
}

#[rusm::test(seeds = 1000)]
#[ignore = "fails: what `the_printed_line_replays` runs"]
async fn has_a_race(test: Test) -> Result {
    add_racily(test).await
}

/// Runs a test of this file in a process of its own; what it prints.
fn run_test(name: &str, vars: &[(&str, &str)]) -> (bool, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--include-ignored", "--nocapture"]).envs(vars.iter().copied());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
fn the_printed_line_replays() {
    let line = |text: &str, start: &str| {
        let found = text.lines().find_map(|line| line.find(start).map(|at| line[at + start.len()..].to_owned()));
        found.unwrap_or_else(|| panic!("no {start:?} in {text}"))
    };
    let (passed, text) = run_test("has_a_race", &[]);
    assert!(!passed && text.contains("an addition is lost"), "{text}");
    let replay = line(&text, "replay: RUSM_SEED=");
    let (seed, command) = replay.split_once(' ').unwrap();
    assert_eq!(command, "cargo test has_a_race -- --exact");
    let trace = line(&text, "virtual time, trace ");
    for _ in 0..2 {
        let (passed, text) = run_test("has_a_race", &[("RUSM_SEED", seed)]);
        assert!(!passed && text.contains(&format!("has_a_race fails with seed {seed}, after")), "{text}");
        assert_eq!(line(&text, "virtual time, trace "), trace);
    }
    let (passed, text) = run_test("takes_both", &[("RUSM_SEED", "7")]);
    assert!(passed, "{text}");
    let (passed, text) = run_test("takes_nothing", &[("RUSM_SEED", "seven")]);
    assert!(!passed && text.contains("RUSM_SEED=seven: no number"), "{text}");
}

/// Notes what it is told, and how those end that it watches.
pub struct Witness;

#[actor]
impl Witness {
    #[init]
    fn start() -> Self {
        Self
    }

    pub fn watch(&self, cx: &mut Cx<Self>, pid: Pid) {
        cx.monitor(pid);
    }

    #[cast]
    pub fn tell(&self, what: u64) {
        log().note(what);
    }

    pub fn ask(&self, what: u64) -> u64 {
        what
    }

    pub fn panics(&self) {
        panic!("as asked");
    }

    #[on(down)]
    fn down(&mut self, down: Down) {
        log().note(down.reason);
    }
}

#[rusm::test(seeds = 20)]
async fn messages_are_lost_by_rule(test: Test) -> Result {
    log().take();
    let witness = test.node().spawn::<Witness>(()).await?;
    test.drop_messages(witness.pid(), |number| number % 2 == 1);
    for number in 0..6 {
        witness.tell(number).send()?;
    }
    test.idle().await;
    assert_eq!(log().take(), ["0", "2", "4"]);
    // Number 6 gets there; number 7 is lost, and nobody tells its caller.
    assert_eq!(witness.ask(1).await?, 1);
    let before = test.elapsed();
    let lost = witness.ask(1).timeout(SECOND * 3).await;
    assert!(matches!(lost, Err(CallError::Timeout(limit)) if limit == SECOND * 3), "{lost:?}");
    assert_eq!(test.elapsed() - before, SECOND * 3);
    test.deliver_messages(witness.pid());
    for _ in 0..4 {
        assert_eq!(witness.ask(2).await?, 2);
    }
    // A caller of a lost message learns of the end of its callee.
    test.drop_messages(witness.pid(), |_| true);
    let (node, pid) = (test.node().clone(), witness.pid());
    node.spawn_fn("killer", |_| async move {
        sleep(SECOND).await;
        Node::current().kill(pid);
    })?;
    let lost = witness.ask(1).await;
    assert!(matches!(lost, Err(CallError::Exited(ExitReason::Killed))), "{lost:?}");
    Ok(())
}

#[test]
fn delays_keep_the_order_of_each_sender() {
    let mut orders = BTreeSet::new();
    for seed in 0..50 {
        log().take();
        let body = async |test: Test| {
            let witness = test.node().spawn::<Witness>(()).await?;
            test.delay_messages(witness.pid(), Duration::ZERO..=Duration::from_millis(100));
            for sender in 0..3 {
                let to = witness.clone();
                let begin = async move |this: rusm::This| {
                    // The delay of a call counts as well.
                    to.watch(this.pid()).await.unwrap();
                    for number in 0..5 {
                        to.tell(10 * sender + number).send().unwrap();
                    }
                    Exit::error(format!("end {sender}"))
                };
                test.node().spawn_fn("sender", begin)?;
            }
            test.until(|| log().len() == 18).await;
            assert!(test.elapsed() > Duration::ZERO && test.elapsed() < SECOND, "{:?}", test.elapsed());
            test.deliver_messages(witness.pid());
            let now = test.elapsed();
            assert_eq!(witness.ask(3).await?, 3);
            assert_eq!(test.elapsed(), now, "not late any more");
            Result::Ok(())
        };
        Plan::new("delays").seed(seed).check(body).unwrap();
        let seen = log().take();
        for sender in 0..3_u64 {
            let end = format!("error: end {sender}");
            let of_sender =
                |what: &&String| **what == end || what.parse().is_ok_and(|number: u64| number / 10 == sender);
            let of_sender: Vec<_> = seen.iter().filter(of_sender).cloned().collect();
            let expected: Vec<_> = (0..5).map(|number| (10 * sender + number).to_string()).chain([end]).collect();
            assert_eq!(of_sender, expected, "seed {seed}: {seen:?}");
        }
        orders.insert(seen);
    }
    assert!(orders.len() > 25, "the seeds mix senders: {}", orders.len());
}

#[rusm::test(seeds = 20)]
async fn late_messages_meet_the_bound_when_they_come(test: Test) -> Result {
    log().take();
    let options = SpawnOptions::default().mailbox(2);
    let witness = test.node().spawn_with::<Witness>((), options).await?;
    test.delay_messages(witness.pid(), SECOND..=SECOND);
    for number in 0..10 {
        witness.tell(number).send()?;
    }
    test.idle().await;
    assert_eq!(log().len(), 0);
    test.until(|| log().len() >= 2).await;
    test.idle().await;
    let read = log().take();
    assert_eq!(test.node().undelivered().0 as usize, 10 - read.len(), "{read:?}");
    assert_eq!(read[..2], ["0", "1"]);
    Ok(())
}

#[rusm::test(seeds = 20)]
async fn a_crash_is_made_and_its_exit_is_known_for_ever(test: Test) -> Result {
    log().take();
    test.deny_crashes();
    let (witness, victim) = (test.node().spawn::<Witness>(()).await?, test.node().spawn::<Witness>(()).await?);
    witness.watch(victim.pid()).await?;
    test.crash(victim.pid(), "made so");
    let reason = ExitReason::Panicked("made so".into());
    assert_eq!(test.exits(victim.pid()).await, reason);
    assert_eq!(test.exits(victim.pid()).await, reason);
    test.idle().await;
    assert_eq!(log().take(), [reason.to_string()]);
    // Once more does nothing.
    test.crash(victim.pid(), "again");
    assert_eq!(test.exits(victim.pid()).await, reason);
    let elsewhere = Node::builder().workers(4).build().await?.spawn_fn("elsewhere", |_| async { Exit::error("so") })?;
    test.expect_crash(elsewhere);
    assert_eq!(test.exits(elsewhere).await, ExitReason::Error("so".into()));
    Ok(())
}

#[test]
fn a_crash_fails_a_run_that_denies_it() {
    let panics = async |test: &Test| -> Result {
        let victim = test.node().spawn_with::<Witness>((), SpawnOptions::default().label("victim")).await?;
        let _ = victim.panics().await;
        Ok(())
    };
    Plan::new("crash").check(async |test: Test| panics(&test).await).unwrap();
    let during = fails(Plan::new("crash"), async |test: Test| {
        test.deny_crashes();
        panics(&test).await?;
        std::future::pending().await
    });
    let after = fails(Plan::new("crash"), async |test: Test| {
        panics(&test).await?;
        test.deny_crashes();
        Ok(())
    });
    for failed in [during, after] {
        let text = failed.text();
        assert!(text.contains("(victim) crashed, and the test denies crashes"), "{text}");
        assert!(text.contains("panicked: as asked"), "{text}");
    }
    Plan::new("crash")
        .check(async |test: Test| {
            test.deny_crashes();
            let victim = test.node().spawn::<Witness>(()).await?;
            test.expect_crash(victim.pid());
            let _ = victim.panics().await;
            test.node().kill(test.node().spawn::<Witness>(()).await?.pid());
            test.idle().await;
            Result::Ok(())
        })
        .unwrap();
}

/// A member of many groups and a registry, so that hashed maps have something to put out of order.
#[test]
fn the_order_of_hashing_is_a_part_of_the_seed() {
    let seen = |seed| {
        log().take();
        let body = async |test: Test| {
            let node = test.node();
            let (member, observer) = (node.spawn::<Witness>(()).await?, node.spawn::<Witness>(()).await?);
            let keyed = node.registry::<String, u64>("keys")?;
            for number in 0..30 {
                let group = node.group(&format!("group {number}"))?;
                group.join(member.pid())?;
                let to = observer.client().clone();
                group.monitor(observer.pid(), move |_| to.tell(number).send())?;
                keyed.register(member.pid(), format!("key {number}"), number)?;
            }
            keyed.keys(member.pid()).iter().for_each(|key| log().note(key));
            keyed.entries().iter().for_each(|(key, ..)| log().note(key));
            // In each group it is told of, in the order in which the member leaves them.
            test.node().kill(member.pid());
            test.until(|| log().len() == 90).await;
            Result::Ok(())
        };
        Plan::new("hashing").seed(seed).check(body).unwrap();
        log().take()
    };
    let (one, two) = (seen(1), seen(2));
    assert_eq!(one, seen(1));
    for part in [0..30, 30..60, 60..90] {
        assert_ne!(one[part.clone()], two[part], "another seed, another order");
    }
}

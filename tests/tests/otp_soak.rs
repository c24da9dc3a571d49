//! Many processes on more threads than there are cores: spawns, links, monitors, names, calls, kills and panics in any
//! order, after which nothing is left and every monitor has told its watcher once.
//!
//! `RUSM_SEED` repeats a run as far as the scheduler lets it; `RUSM_SOAK` is for how many seconds the long one runs.

use rusm::otp::{Address, Bound, Group, Overflow, Priority, Slow, SpawnOptions, Topic};
use rusm::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

const DRIVERS: u64 = 8;
const STEPS: usize = 1500;
const LIMIT: Duration = Duration::from_secs(2);

/// What watchers have asked for and were told.
#[derive(Default)]
struct Ledger {
    told: HashMap<u64, u32>,
    taken_back: HashSet<u64>,
}

static LEDGER: LazyLock<Mutex<Ledger>> = LazyLock::new(Mutex::default);

/// Watches others; lives to the end.
pub struct Watcher;

#[actor]
impl Watcher {
    #[init]
    fn start() -> Self {
        Self
    }

    pub fn watch(&self, cx: &mut Cx<Self>, pid: Pid) {
        // Locked across: the entry is there before the end can be told.
        let mut ledger = LEDGER.lock().unwrap();
        ledger.told.insert(cx.monitor(pid).raw(), 0);
    }

    /// Links and monitors while the other one may be ending, and takes both back.
    pub fn glance(&self, cx: &mut Cx<Self>, pid: Pid) {
        let monitor = cx.monitor(pid);
        cx.link(pid);
        std::thread::yield_now();
        cx.demonitor(monitor);
        cx.unlink(pid);
        LEDGER.lock().unwrap().taken_back.insert(monitor.raw());
    }

    pub fn ping(&self) {}

    #[on(down)]
    fn down(&mut self, down: Down) {
        let mut ledger = LEDGER.lock().unwrap();
        assert!(!ledger.taken_back.contains(&down.monitor.raw()), "told of a monitor that was taken back");
        *ledger.told.get_mut(&down.monitor.raw()).expect("told of a monitor that nobody has") += 1;
    }

    #[on(exit)]
    fn exit(&mut self, exit: ExitSignal) {
        panic!("told of a link that was taken back: {}", exit.reason);
    }
}

/// Lives and dies as it is told; its children are others of its kind.
pub struct Victim;

#[actor]
impl Victim {
    #[init]
    fn start(fail: u8) -> std::result::Result<Self, Exit> {
        match fail {
            1 => Err(Exit::error("no start")),
            2 => panic!("no start"),
            _ => Ok(Self),
        }
    }

    pub fn link(&self, cx: &mut Cx<Self>, to: Pid) {
        cx.link(to);
    }

    pub fn unlink(&self, cx: &mut Cx<Self>, from: Pid) {
        cx.unlink(from);
    }

    pub fn monitor(&self, cx: &mut Cx<Self>, pid: Pid) {
        cx.monitor(pid);
    }

    pub fn register(&self, cx: &mut Cx<Self>, name: String) -> bool {
        cx.register(&name).is_ok()
    }

    pub async fn child(&self, cx: &mut Cx<Self>, fail: u8, link: bool) -> Option<Pid> {
        let child = if link { cx.spawn_link::<Victim>(fail).await } else { cx.spawn::<Victim>(fail).await };
        child.ok().map(|child| child.pid())
    }

    pub fn echo(&self, value: u64) -> u64 {
        value
    }

    pub fn keep_silent(&self, reply: Reply<u64>) {
        drop(reply);
    }

    pub fn panic(&self) -> u64 {
        panic!("as told")
    }

    #[cast]
    pub fn finish(&self, cx: &mut Cx<Self>) {
        cx.stop(Exit::normal());
    }
}

/// xorshift64*: no dependency, one number to repeat it.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

#[derive(Clone)]
struct World {
    node: Node,
    watchers: Vec<Ref<Watcher>>,
    victims: Arc<Mutex<Vec<Pid>>>,
}

impl World {
    fn victim(&self, random: &mut Random) -> Option<(VictimClient, Pid)> {
        let victims = self.victims.lock().unwrap();
        let pid = *victims.get(random.below(victims.len().max(1)))?;
        Some((VictimClient::from_address(Address::pid_on(&self.node, pid)), pid))
    }

    fn born(&self, pid: Pid) {
        self.victims.lock().unwrap().push(pid);
    }

    async fn step(&self, random: &mut Random) {
        let watcher = &self.watchers[random.below(self.watchers.len())];
        let name = format!("name {}", random.below(8));
        let fail = random.below(6) as u8;
        let (Some((one, pid)), Some((_, other))) = (self.victim(random), self.victim(random)) else {
            let born = self.node.spawn::<Victim>(0).await.expect("a start that can't fail");
            return self.born(born.pid());
        };
        match random.below(16) {
            0..3 => {
                let options =
                    if random.below(2) == 0 { SpawnOptions::default().name(&name) } else { Default::default() };
                match self.node.spawn_with::<Victim>(fail, options).await {
                    Ok(born) => self.born(born.pid()),
                    Err(SpawnError::Init(_) | SpawnError::Name(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            3 | 4 => {
                if let Ok(Some(born)) = one.child(fail, random.below(2) == 0).await {
                    self.born(born);
                }
            }
            5 => drop(one.link(other).await),
            6 => drop(one.unlink(other).await),
            7 => drop(one.monitor(other).await),
            8 => drop(one.register(name).await),
            9 | 10 => watcher.watch(pid).await.expect("watchers live"),
            11 => watcher.glance(pid).await.expect("watchers live"),
            12 => {
                // Truth of a call: the callee is there and answers, or it is told why not.
                match one.echo(7).await {
                    Ok(7) | Err(CallError::NoProcess(_) | CallError::Exited(_)) => {}
                    answer => panic!("{answer:?}"),
                }
                let silent = one.keep_silent().await.expect_err("nobody answers");
                assert!(!matches!(silent, CallError::Timeout(_)), "{silent}");
            }
            13 => {
                let ended = self.node.ended(pid);
                self.node.kill(pid);
                ended.await;
                assert!(!self.node.is_alive(pid));
            }
            14 => match one.panic().await.expect_err("it panics") {
                CallError::Exited(_) | CallError::NoProcess(_) => {}
                error => panic!("{error}"),
            },
            _ => drop(one.finish().send()),
        }
    }
}

/// Says how to repeat a run that failed.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat with RUSM_SEED={}", self.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_any_mix_nothing_is_left_and_every_monitor_told_once() {
    let now = || std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos() as u64;
    let seed = std::env::var("RUSM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(now);
    let _seed = Seed(seed);
    let node = Node::builder().build().await.unwrap();
    let mut watchers = Vec::new();
    for _ in 0..4 {
        watchers.push(node.spawn::<Watcher>(()).await.unwrap());
    }
    let world = World { node: node.clone(), watchers, victims: Arc::default() };
    let begun = Instant::now();
    let drivers: Vec<_> = (0..DRIVERS)
        .map(|driver| {
            let world = world.clone();
            tokio::spawn(async move {
                let mut random = Random(seed.wrapping_add(driver) | 1);
                for _ in 0..STEPS {
                    if begun.elapsed() > LIMIT {
                        break;
                    }
                    world.step(&mut random).await;
                }
            })
        })
        .collect();
    for driver in drivers {
        driver.await.unwrap();
    }

    let victims = std::mem::take(&mut *world.victims.lock().unwrap());
    for pid in victims {
        let ended = node.ended(pid);
        node.kill(pid);
        ended.await;
    }
    // What was told before is read before the answer.
    for watcher in &world.watchers {
        watcher.ping().await.unwrap();
    }
    let ledger = std::mem::take(&mut *LEDGER.lock().unwrap());
    let wrong: Vec<_> = ledger.told.iter().filter(|(_, times)| **times != 1).collect();
    assert!(wrong.is_empty(), "monitors and how often they told: {wrong:?}");
    assert!(ledger.told.len() > 100, "hardly anything happened");
    assert_eq!(node.names(), []);
    // Children whose spawner was killed while it waited for them are nobody's to know of; they are asked here.
    assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
    assert_eq!(node.alive(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_gets_past_a_shutdown() {
    for _ in 0..20 {
        let node = Node::builder().build().await.unwrap();
        let spawners: Vec<_> = (0..DRIVERS)
            .map(|_| {
                let node = node.clone();
                tokio::spawn(async move {
                    loop {
                        match node.spawn::<Victim>(0).await {
                            Err(SpawnError::NodeDown) => return,
                            Ok(_) | Err(SpawnError::Init(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        while node.alive() < 20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
        assert_eq!(node.alive(), 0);
        for spawner in spawners {
            spawner.await.unwrap();
        }
        assert_eq!(node.alive(), 0);
    }
}

/// All that a process can have: names, groups, topics, timers, links, monitors, children, calls under way.
pub struct Citizen;

static CITIZENS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn citizen(pid: Pid) -> CitizenClient {
    CitizenClient::from_address(Address::pid_on(&Node::current(), pid))
}

/// No call waits long: what is under way at a time is bounded.
const SHORT: Duration = Duration::from_millis(50);

#[actor]
impl Citizen {
    #[init]
    fn start(cx: &mut Cx<Self>) -> Self {
        CITIZENS.lock().unwrap().push(cx.pid());
        Self
    }

    pub fn live(&self, cx: &mut Cx<Self>, other: Pid, what: u8, name: String) {
        let node = cx.node().clone();
        let group: Group = node.group(&name).unwrap();
        let topic: Topic<CitizenClient> = node.topic(&name).unwrap();
        match what {
            0 => drop(cx.register(&name)),
            1 => drop(cx.unregister(&name)),
            2 => drop(group.join(cx.pid())),
            3 => drop(group.leave(cx.pid())),
            4 => drop(group.monitor(cx.pid(), |_| Ok(()))),
            5 => drop(topic.subscribe_with(cx.me(), Slow::Skip { above: 4 })),
            6 => drop(topic.subscribe_with(cx.me(), Slow::Disconnect { above: 4 })),
            7 => drop(topic.publish(|citizen| citizen.note(1).send())),
            8 => cx.link(other),
            9 => cx.unlink(other),
            10 => drop(cx.monitor(other)),
            11 => {
                let monitor = cx.monitor(other);
                cx.demonitor(monitor);
            }
            12 => drop(citizen(other).note(2).after(Duration::from_millis(3))),
            13 => drop(citizen(other).note(3).every(Duration::from_millis(2))),
            14 => drop(cx.me().note(4).after(Duration::from_secs(3600))),
            15 => {
                let timer = cx.me().note(5).every(Duration::from_secs(3600)).unwrap();
                assert!(timer.is_set() && timer.cancel() && !timer.is_set());
            }
            16 => drop(cx.urgent().note(6).send()),
            17 => cx.set_priority(Priority::Low),
            18 => cx.set_priority(Priority::High),
            _ => cx.exit(other, ExitReason::Shutdown),
        }
    }

    #[cast]
    pub fn note(&self, _number: u64) {}

    /// Asks the first, which asks the second, and so on: in a cycle, or not.
    pub async fn ask(&self, mut path: Vec<Pid>) -> bool {
        if path.is_empty() {
            return true;
        }
        let next = path.remove(0);
        citizen(next).ask(path).timeout(SHORT).await.unwrap_or(false)
    }

    pub async fn child(&self, cx: &mut Cx<Self>, link: bool) {
        let _ = if link { cx.spawn_link::<Citizen>(()).await } else { cx.spawn::<Citizen>(()).await };
    }

    pub fn panic(&self) {
        panic!("as told")
    }

    #[on(down)]
    fn down(&mut self, _down: Down) {}

    #[on(exit)]
    fn exit(&mut self, cx: &mut Cx<Self>, exit: ExitSignal) {
        if exit.reason != ExitReason::Normal && cx.pid().slot().is_multiple_of(2) {
            cx.stop(Exit::shutdown());
        }
    }
}

async fn live(node: &Node, random: &mut Random) {
    let any = |random: &mut Random| {
        let all = CITIZENS.lock().unwrap();
        all.get(random.below(all.len().max(1))).copied()
    };
    let (Some(one), Some(other)) = (any(random), any(random)) else {
        node.spawn::<Citizen>(()).await.unwrap();
        return;
    };
    let client = CitizenClient::from_address(Address::pid_on(node, one));
    let name = format!("name {}", random.below(8));
    match random.below(12) {
        0 | 1 => {
            let overflow = [Overflow::Reject, Overflow::Block, Overflow::DropNew, Overflow::DropOld][random.below(4)];
            let options = SpawnOptions::default().mailbox(Bound::new(random.below(4)).overflow(overflow));
            let options = if random.below(4) == 0 { options.name(&name) } else { options };
            // A mailbox may be too small for anything, but a start needs none.
            let _ = node.spawn_with::<Citizen>((), options).await;
        }
        2 => {
            let mut path = vec![other; 1 + random.below(3)];
            path.push(one);
            let _ = client.ask(path).timeout(SHORT).await;
        }
        3 => drop(client.child(random.below(2) == 0).timeout(SHORT).await),
        4 => drop(client.panic().timeout(SHORT).await),
        5 => {
            let ended = node.ended(one);
            node.kill(one);
            ended.await;
            assert!(!node.is_alive(one));
            CITIZENS.lock().unwrap().retain(|pid| *pid != one);
        }
        6 => drop(tokio::time::timeout(Duration::from_micros(50), client.ask(vec![other]).into_future()).await),
        _ => drop(client.live(other, random.below(20) as u8, name).timeout(SHORT).await),
    }
}

#[cfg(target_os = "linux")]
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[cfg(not(target_os = "linux"))]
fn resident() -> usize {
    0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_long_life_nothing_is_left() {
    let now = || std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos() as u64;
    let seed = std::env::var("RUSM_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(now);
    let seconds = std::env::var("RUSM_SOAK").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(8);
    let _seed = Seed(seed);
    let node = Node::builder().workers(8).build().await.unwrap();
    const ROUNDS: u32 = 4;
    let mut memory = Vec::new();
    for round in 0..ROUNDS {
        let until = Instant::now() + Duration::from_secs(seconds) / ROUNDS;
        let drivers: Vec<_> = (0..DRIVERS)
            .map(|driver| {
                let node = node.clone();
                tokio::spawn(async move {
                    let mut random = Random(seed.wrapping_add(u64::from(round) << 32 | driver) | 1);
                    let mut steps = 0;
                    while Instant::now() < until {
                        live(&node, &mut random).await;
                        steps += 1;
                    }
                    steps
                })
            })
            .collect();
        let mut steps = 0;
        for driver in drivers {
            steps += driver.await.unwrap();
        }
        assert!(steps > 100, "hardly anything happened");
        // A child may still be on its way to say who it is.
        while node.alive() > 0 {
            let all = std::mem::take(&mut *CITIZENS.lock().unwrap());
            all.into_iter().for_each(|pid| node.kill(pid));
            tokio::task::yield_now().await;
        }
        assert_eq!(node.names(), []);
        for name in (0..8).map(|name| format!("name {name}")) {
            assert_eq!(node.whereis(&name), None);
            assert_eq!(node.group(&name).unwrap().members(), []);
            let topic = node.topic::<CitizenClient>(&name).unwrap();
            assert_eq!(topic.publish(|_| Ok(())), Default::default(), "nobody is subscribed");
        }
        memory.push(resident());
    }
    assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
    let (first, last) = (memory[0], memory[ROUNDS as usize - 1]);
    assert!(last < 2 * first + (64 << 20), "memory after each round: {memory:?}");
}

//! Children that do as a script says and write down what happens to them.

#![allow(dead_code, reason = "each test uses a part of it")]

use rusm::otp::supervisor::SupervisorRef;
use rusm::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

pub const OFTEN: Intensity = Intensity::new(1_000_000, std::time::Duration::from_secs(5));

/// What a start does besides starting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnStart {
    /// It does not come up.
    Fail,
    /// It never says whether it comes up.
    Hang,
    /// It first kills this child, and comes up when that one's supervisor was told.
    Kill(String),
}

/// What a stop does besides stopping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnStop {
    /// It does not end by itself.
    Refuse,
    /// It first kills this child.
    Kill(String),
}

/// What the children of one test share.
#[derive(Default)]
pub struct World {
    number: u64,
    /// `+a`: a starts, `!a`: its start fails, `-a`: it was asked to stop.
    log: Mutex<Vec<String>>,
    /// By id and number of the start, from 0.
    on_start: Mutex<BTreeMap<(String, u32), OnStart>>,
    on_stop: Mutex<BTreeMap<(String, u32), OnStop>>,
    pids: Mutex<BTreeMap<String, Pid>>,
    starts: Mutex<BTreeMap<String, u32>>,
    changed: tokio::sync::Notify,
}

static WORLDS: Mutex<BTreeMap<u64, Arc<World>>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(0);

fn world(number: u64) -> Arc<World> {
    WORLDS.lock().unwrap()[&number].clone()
}

impl World {
    pub fn new() -> Arc<Self> {
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let world = Arc::new(Self { number, ..Self::default() });
        WORLDS.lock().unwrap().insert(number, world.clone());
        world
    }

    /// The `n`th start of a child does this.
    pub fn on_start(&self, id: &str, n: u32, what: OnStart) {
        self.on_start.lock().unwrap().insert((id.to_owned(), n), what);
    }

    /// The stop after the `n`th start of a child does this.
    pub fn on_stop(&self, id: &str, n: u32, what: OnStop) {
        self.on_stop.lock().unwrap().insert((id.to_owned(), n), what);
    }

    /// Lets go of it once its test is done.
    pub fn forget(&self) {
        WORLDS.lock().unwrap().remove(&self.number);
    }

    /// A child of this id that does as the script says.
    pub fn child(&self, id: &str) -> ChildSpec {
        let (number, name) = (self.number, id.to_owned());
        ChildSpec::actor::<Probe>(id, move || (number, name.clone()))
    }

    /// A child that kills these, in this order, and does not come up itself. Its supervisor waits for it, so it sees none of the
    /// ends before the last.
    pub fn bomb(&self, ids: &[&str]) -> ChildSpec {
        let (number, ids) = (self.number, ids.iter().map(ToString::to_string).collect::<Vec<_>>());
        ChildSpec::actor::<Bomb>("bomb", move || (number, ids.clone()))
    }

    /// What has been written since the last look.
    pub fn log(&self) -> String {
        std::mem::take(&mut *self.log.lock().unwrap()).join(" ")
    }

    /// Waits until this line has been written.
    pub async fn wait(&self, line: &str) {
        loop {
            let changed = self.changed.notified();
            if self.log.lock().unwrap().iter().any(|written| written == line) {
                return;
            }
            changed.await;
        }
    }

    fn write(&self, what: char, id: &str) {
        self.log.lock().unwrap().push(format!("{what}{id}"));
        self.changed.notify_waiters();
    }

    /// The latest process of a child.
    pub fn pid(&self, id: &str) -> Option<Pid> {
        self.pids.lock().unwrap().get(id).copied()
    }

    /// Kills a child, if it is there, and waits until its supervisor was told.
    pub async fn kill(&self, node: &Node, id: &str) {
        if let Some(pid) = self.pid(id) {
            let ended = node.ended(pid);
            node.kill(pid);
            ended.await;
        }
    }
}

pub struct Probe {
    world: Arc<World>,
    id: String,
    n: u32,
    ends_itself: bool,
}

/// How a child ends by itself.
#[wire]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Normal,
    Shutdown,
    Error,
    Panic,
}

impl How {
    pub fn is_orderly(self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown)
    }
}

#[actor]
impl Probe {
    #[init]
    async fn start(number: u64, id: String, cx: &mut Cx<Self>) -> std::result::Result<Self, Exit> {
        let world = world(number);
        let n = {
            let mut starts = world.starts.lock().unwrap();
            let n = starts.entry(id.clone()).or_default();
            *n += 1;
            *n - 1
        };
        let what = world.on_start.lock().unwrap().get(&(id.clone(), n)).cloned();
        if what == Some(OnStart::Fail) {
            world.write('!', &id);
            return Err(Exit::error("no start"));
        }
        world.write('+', &id);
        match what {
            Some(OnStart::Kill(other)) => world.kill(cx.node(), &other).await,
            Some(OnStart::Hang) => std::future::pending().await,
            _ => {}
        }
        world.pids.lock().unwrap().insert(id.clone(), cx.pid());
        Ok(Self { world, id, n, ends_itself: false })
    }

    pub fn starts(&self) -> u32 {
        self.n
    }

    #[cast]
    pub fn end(&mut self, how: How, cx: &mut Cx<Self>) {
        self.ends_itself = true;
        match how {
            How::Normal => cx.stop(Exit::normal()),
            How::Shutdown => cx.stop(Exit::shutdown()),
            How::Error => cx.stop(Exit::error("as asked")),
            How::Panic => panic!("as asked"),
        }
    }

    #[on(terminate)]
    async fn bye(&mut self, cx: &mut Cx<Self>) {
        if self.ends_itself {
            return;
        }
        self.world.write('-', &self.id);
        let what = self.world.on_stop.lock().unwrap().get(&(self.id.clone(), self.n)).cloned();
        match what {
            Some(OnStop::Refuse) => std::future::pending().await,
            Some(OnStop::Kill(other)) => self.world.kill(cx.node(), &other).await,
            None => {}
        }
    }
}

/// See [`World::bomb`].
pub struct Bomb;

#[actor]
impl Bomb {
    #[init]
    async fn start(number: u64, ids: Vec<String>, cx: &mut Cx<Self>) -> std::result::Result<Self, Exit> {
        for id in ids {
            world(number).kill(cx.node(), &id).await;
        }
        Err(Exit::normal())
    }
}

/// Ends a child that runs, and waits until its supervisor was told.
pub async fn end(node: &Node, tree: &SupervisorRef, id: &str, how: How) {
    let child = tree.which_children().into_iter().find(|child| *child.id == *id);
    let ended = node.ended(child.and_then(|child| child.pid).expect("it runs"));
    tree.client::<Probe>(id).expect("it is known").end(how).send().expect("it runs");
    ended.await;
}

/// Waits until the supervisor has taken all that reached it before.
pub async fn settled(tree: &SupervisorRef) {
    let _ = tree.delete_child("nobody").await;
}

/// The ids of those that run.
pub fn running(tree: &SupervisorRef) -> BTreeSet<String> {
    tree.which_children().into_iter().filter(|child| child.pid.is_some()).map(|child| child.id.to_string()).collect()
}

pub async fn node() -> Node {
    Node::builder().build().await.unwrap()
}

pub async fn supervise(node: &Node, tree: Supervisor, children: impl IntoIterator<Item = ChildSpec>) -> SupervisorRef {
    node.supervise(children.into_iter().fold(tree, Supervisor::child)).await.unwrap()
}

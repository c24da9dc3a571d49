//! Ours, written as an application would write it.

use super::finish;
use super::rows::{BATCH, Done, FAR, MEMBERS, SENDERS, WAITING, Work};
use super::{END, Hold, Peer, SINK, WORKERS, payload, runtime, sockets, total};
use crate::Failure;
use rusm::Address;
use rusm::otp::SpawnOptions;
use rusm::otp::dynamic::DynamicSupervisor;
use rusm::prelude::*;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Sixteen bytes.
#[wire]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payload {
    pub(crate) head: u64,
    pub(crate) tail: u64,
}

/// How many processes start the children of a dynamic supervisor.
const STARTERS: u64 = WORKERS as u64;
/// The name of the server that is called by name.
const SERVER: &str = "bench-server";

pub(crate) struct Ours {
    node: Node,
    runtime: Runtime,
}

impl Ours {
    /// The node has its own workers; the runtime is for this thread, which starts things and waits.
    ///
    /// # Errors
    /// A node that can't be made.
    pub(crate) fn new() -> Result<Self, Failure> {
        let runtime = runtime()?;
        let node = runtime.block_on(Node::builder().name("native").workers(WORKERS).build())?;
        Ok(Self { node, runtime })
    }

    async fn spawn(&self, spawners: u64, amount: u64) -> Result<Done, Failure> {
        let mut done = Done { count: 0, took: Duration::ZERO };
        while done.count < amount {
            let each = (amount - done.count).div_ceil(spawners).min(BATCH);
            let alive = self.node.alive();
            finish::expect(spawners);
            for _ in 0..spawners {
                self.node.spawn::<spawner>(each).await?;
            }
            finish::wait()?;
            done.took += finish::until(|| self.node.alive() <= alive)?;
            done.count += each * spawners;
        }
        Ok(done)
    }

    async fn ping_pong(&self, pairs: u64, each: u64) -> Result<Duration, Failure> {
        let mut pingers = Vec::new();
        finish::expect(pairs);
        for _ in 0..pairs {
            pingers.push(self.node.spawn::<pinger>(each).await?);
        }
        finish::wait()?;
        finish::expect(pairs);
        for pinger in &pingers {
            pinger.send(payload()).send()?;
        }
        finish::wait()
    }

    async fn fan_in(&self, each: u64) -> Result<Duration, Failure> {
        let sink = self.node.spawn::<sink>(each * SENDERS).await?;
        let mut senders = Vec::new();
        for _ in 0..SENDERS {
            senders.push(self.node.spawn::<sender>((sink.pid(), each)).await?);
        }
        finish::expect(1);
        for sender in &senders {
            sender.send(payload()).send()?;
        }
        finish::wait()
    }

    async fn ring(&self, hops: u64) -> Result<Duration, Failure> {
        finish::expect(1);
        let opener = self.node.spawn::<opener>(()).await?;
        finish::wait()?;
        finish::expect(1);
        opener.send(Payload { head: hops, tail: 0 }).send()?;
        let took = finish::wait()?;
        let ended = self.node.ended(opener.pid());
        opener.send(Payload { head: 0, tail: END }).send()?;
        ended.await;
        Ok(took)
    }

    async fn call(&self, clients: u64, each: u64) -> Result<Duration, Failure> {
        let server = self.node.spawn::<Server>(()).await?;
        let mut callers = Vec::new();
        for _ in 0..clients {
            callers.push(self.node.spawn::<caller>((server.pid(), each)).await?);
        }
        finish::expect(clients);
        for caller in &callers {
            caller.send(payload()).send()?;
        }
        let took = finish::wait()?;
        self.node.exit(server.pid(), ExitReason::Shutdown);
        Ok(took)
    }

    async fn selective_call(&self, calls: u64) -> Result<Duration, Failure> {
        let server = self.node.spawn::<Server>(()).await?;
        finish::expect(1);
        self.node.spawn::<crowded>((server.pid(), calls)).await?;
        let took = finish::wait()?;
        self.node.exit(server.pid(), ExitReason::Shutdown);
        Ok(took)
    }

    async fn name_send(&self, amount: u64) -> Result<Duration, Failure> {
        let sink = self.node.spawn_with::<sink>(amount, SpawnOptions::default().name(SINK)).await?;
        let ended = self.node.ended(sink.pid());
        finish::expect(1);
        self.node.spawn::<by_name>(amount).await?;
        let took = finish::wait()?;
        ended.await;
        Ok(took)
    }

    async fn timers(&self, amount: u64) -> Result<Duration, Failure> {
        finish::expect(1);
        self.node.spawn::<timed>(amount).await?;
        finish::wait()
    }

    async fn cascade(&self, amount: u64) -> Result<Duration, Failure> {
        let alive = self.node.alive();
        finish::expect(1);
        let hub = self.node.spawn::<hub>(amount).await?;
        finish::wait()?;
        finish::begin();
        self.node.kill(hub.pid());
        finish::until(|| self.node.alive() <= alive)
    }

    async fn downs(&self, amount: u64) -> Result<Duration, Failure> {
        finish::expect(1);
        self.node.spawn::<watcher>(amount).await?;
        finish::wait()
    }
}

impl Ours {
    async fn restarts(&self, amount: u64, panics: bool) -> Result<Duration, Failure> {
        LIVES.store(amount, Ordering::Relaxed);
        let often = Intensity::new(usize::MAX, Duration::from_micros(1));
        let child = ChildSpec::actor::<mayfly>("mayfly", move || panics);
        finish::expect(1);
        let supervisor = self.node.supervise(Supervisor::new().intensity(often).child(child)).await?;
        let took = finish::wait()?;
        supervisor.stop().await;
        Ok(took)
    }

    async fn supervisor(&self, amount: u64) -> Result<Duration, Failure> {
        // One of them says when it is there again.
        LIVES.store(1, Ordering::Relaxed);
        let child = |number: u64| ChildSpec::actor::<parked>(&number.to_string(), || ());
        let children = (1..amount).map(child).chain([ChildSpec::actor::<mayfly>("mayfly", || false).named("mayfly")]);
        let tree = children.fold(Supervisor::new(), Supervisor::child);
        finish::expect(1);
        let supervisor = self.node.supervise(tree).await?;
        finish::wait()?;
        supervisor.stop().await;
        finish::until(|| true)
    }

    async fn dynamic(&self, each: u64) -> Result<Duration, Failure> {
        finish::expect(STARTERS);
        let supervisor = self.node.supervise_dynamic(DynamicSupervisor::new())?;
        for _ in 0..STARTERS {
            let supervisor = supervisor.clone();
            self.node.spawn_fn("starter", move |_| async move {
                for _ in 0..each {
                    supervisor.start_child::<parked>(()).await.expect("there is room");
                }
                finish::arrive();
            })?;
        }
        finish::wait()?;
        supervisor.stop().await;
        finish::until(|| true)
    }

    async fn call_named(&self, calls: u64) -> Result<Duration, Failure> {
        let server = ChildSpec::actor::<Server>("server", || ()).named(SERVER);
        let supervisor = self.node.supervise(Supervisor::new().child(server)).await?;
        finish::expect(1);
        self.node.spawn::<caller_by_name>(calls).await?;
        let took = finish::wait()?;
        supervisor.stop().await;
        Ok(took)
    }
}

/// What a call costs without a name.
pub(crate) struct ByPid(Ours);

impl ByPid {
    /// # Errors
    /// As for [`Ours`].
    pub(crate) fn new() -> Result<Self, Failure> {
        Ours::new().map(Self)
    }
}

impl Peer for ByPid {
    fn name(&self) -> &'static str {
        "by-pid"
    }

    fn has(&self, work: Work) -> bool {
        work == Work::CallNamed
    }

    fn measure(&mut self, _: Work, amount: u64) -> Result<Done, Failure> {
        self.0.measure(Work::Call { clients: 1 }, amount)
    }
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn has(&self, _: Work) -> bool {
        true
    }

    fn measure(&mut self, work: Work, amount: u64) -> Result<Done, Failure> {
        let run = &self.runtime;
        match work {
            Work::Spawn { spawners } => run.block_on(self.spawn(spawners, amount)),
            Work::PingPong { pairs } => total(pairs, amount, |each| run.block_on(self.ping_pong(pairs, each))),
            Work::FanIn => total(SENDERS, amount, |each| run.block_on(self.fan_in(each))),
            Work::Ring => total(1, amount, |hops| run.block_on(self.ring(hops))),
            Work::Call { clients } => total(clients, amount, |each| run.block_on(self.call(clients, each))),
            Work::SelectiveCall => total(1, amount, |calls| run.block_on(self.selective_call(calls))),
            Work::NameSend => total(1, amount, |amount| run.block_on(self.name_send(amount))),
            Work::TimerCancel => total(1, amount, |amount| run.block_on(self.timers(amount))),
            Work::Cascade => total(1, amount, |amount| run.block_on(self.cascade(amount))),
            Work::Downs => total(1, amount, |amount| run.block_on(self.downs(amount))),
            Work::Restart { panics } => total(1, amount, |amount| run.block_on(self.restarts(amount, panics))),
            Work::Supervisor => total(1, amount, |amount| run.block_on(self.supervisor(amount))),
            Work::Dynamic => total(STARTERS, amount, |each| run.block_on(self.dynamic(each))),
            Work::CallNamed => total(1, amount, |calls| run.block_on(self.call_named(calls))),
            Work::Parked | Work::TcpEcho | Work::HyperHello => Err("is measured otherwise".into()),
        }
    }

    fn park(&mut self, count: u64) -> Result<Hold, Failure> {
        self.runtime.block_on(async {
            for _ in 0..count {
                self.node.spawn::<parked>(()).await?;
            }
            Ok(Hold::nothing())
        })
    }

    fn serve(&mut self, work: Work) -> Result<SocketAddr, Failure> {
        let listening = self.node.listen_tcp(sockets::ANY);
        let listener = self.runtime.block_on(listening.serve(move |stream, _, _| sockets::connection(work, stream)))?;
        Ok(listener.local_addr())
    }
}

#[actor]
async fn nothing(_inbox: Inbox<Payload>) {}

#[actor]
async fn spawner(inbox: Inbox<Payload>, count: u64) {
    for _ in 0..count {
        inbox.node().spawn::<nothing>(()).await.expect("the node is up");
    }
    finish::arrive();
}

/// Ends with its first message.
#[actor]
async fn parked(mut inbox: Inbox<Payload>) {
    inbox.receive().await;
}

#[actor]
async fn pinger(mut inbox: Inbox<Payload>, rounds: u64) {
    let ponger = inbox.spawn::<ponger>((inbox.pid(), rounds)).await.expect("the node is up");
    finish::arrive();
    let mut ball = inbox.receive().await;
    for _ in 0..rounds {
        ponger.send(ball).send().expect("it waits");
        ball = inbox.receive().await;
    }
    finish::arrive();
}

#[actor]
async fn ponger(mut inbox: Inbox<Payload>, to: Pid, rounds: u64) {
    let pinger = PingerClient::from_address(Address::pid_on(inbox.node(), to));
    for _ in 0..rounds {
        let ball = inbox.receive().await;
        pinger.send(ball).send().expect("it waits");
    }
}

#[actor]
async fn sink(mut inbox: Inbox<Payload>, count: u64) {
    for _ in 0..count {
        inbox.receive().await;
    }
    finish::arrive();
}

#[actor]
async fn sender(mut inbox: Inbox<Payload>, to: Pid, count: u64) {
    let sink = SinkClient::from_address(Address::pid_on(inbox.node(), to));
    let message = inbox.receive().await;
    for _ in 0..count {
        sink.send(message).send().expect("it waits");
    }
}

#[actor]
async fn by_name(_inbox: Inbox<Payload>, count: u64) {
    let sink = SinkClient::connect(SINK);
    for _ in 0..count {
        sink.send(payload()).send().expect("it waits");
    }
}

/// Closes the ring with itself, and brings the token in.
#[actor]
async fn opener(mut inbox: Inbox<Payload>) {
    let mut next = inbox.pid();
    for _ in 1..MEMBERS {
        next = inbox.spawn::<member>(next).await.expect("the node is up").pid();
    }
    finish::arrive();
    hand_on(&mut inbox, next).await;
    inbox.receive().await;
}

#[actor]
async fn member(mut inbox: Inbox<Payload>, next: Pid) {
    hand_on(&mut inbox, next).await;
}

async fn hand_on(inbox: &mut Inbox<Payload>, next: Pid) {
    let next = MemberClient::from_address(Address::pid_on(inbox.node(), next));
    loop {
        let Payload { head, tail } = inbox.receive().await;
        if tail == END {
            next.send(Payload { head, tail }).send().expect("it waits");
            return;
        }
        match head.checked_sub(1) {
            Some(head) => next.send(Payload { head, tail }).send().expect("it waits"),
            None => finish::arrive(),
        }
    }
}

struct Server;

#[actor]
impl Server {
    #[init]
    fn start() -> Self {
        Self
    }

    pub(crate) fn echo(&self, value: Payload) -> Payload {
        value
    }
}

#[actor]
async fn caller(mut inbox: Inbox<Payload>, server: Pid, count: u64) {
    let server = ServerClient::from_address(Address::pid_on(inbox.node(), server));
    let value = inbox.receive().await;
    for _ in 0..count {
        server.echo(value).await.expect("it answers");
    }
    finish::arrive();
}

#[actor]
async fn caller_by_name(_inbox: Inbox<Payload>, count: u64) {
    let server = ServerClient::connect(SERVER);
    for _ in 0..count {
        server.echo(payload()).await.expect("it answers");
    }
    finish::arrive();
}

/// How often a mayfly is to end.
static LIVES: AtomicU64 = AtomicU64::new(0);

/// Ends at once, but for the last one, which stays.
#[actor]
async fn mayfly(mut inbox: Inbox<Payload>, panics: bool) {
    let stays = LIVES.fetch_sub(1, Ordering::Relaxed) == 0;
    if stays {
        finish::arrive();
        inbox.receive().await;
    }
    assert!(stays || !panics, "as told");
}

#[actor]
async fn crowded(inbox: Inbox<Payload>, server: Pid, count: u64) {
    let server = ServerClient::from_address(Address::pid_on(inbox.node(), server));
    let me: CrowdedClient = inbox.me();
    for _ in 0..WAITING {
        me.send(payload()).send().expect("it lives");
    }
    finish::begin();
    for _ in 0..count {
        server.echo(payload()).await.expect("it answers");
    }
    finish::arrive();
}

#[actor]
async fn timed(inbox: Inbox<Payload>, count: u64) {
    let me: TimedClient = inbox.me();
    for _ in 0..count {
        let timer = me.send(payload()).after(FAR).expect("it lives");
        assert!(timer.cancel(), "it is far away");
    }
    finish::arrive();
}

#[actor]
async fn hub(mut inbox: Inbox<Payload>, count: u64) {
    for _ in 0..count {
        inbox.spawn_link::<parked>(()).await.expect("the node is up");
    }
    finish::arrive();
    inbox.receive().await;
}

#[actor]
async fn watcher(mut inbox: Inbox<Payload>, count: u64) {
    let mut all = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let one = inbox.spawn::<parked>(()).await.expect("the node is up");
        inbox.monitor(one.pid());
        all.push(one);
    }
    finish::begin();
    for one in &all {
        one.send(payload()).send().expect("it waits");
    }
    for _ in 0..count {
        inbox.next_match(|event| matches!(event, Event::Down(_))).await;
    }
    finish::arrive();
}

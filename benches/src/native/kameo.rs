//! kameo: an actor is a type that implements a trait per message. Its mailboxes hold 64 messages unless told, and a sender
//! waits for room.

use super::finish::Arrive;
use super::rows::{BATCH, Done, MEMBERS, SENDERS, Work};
use super::{END, Hold, Payload, Peer, SINK, finish, payload, runtime, total};
use crate::Failure;
use kameo::actor::{ActorId, ActorRef, Spawn, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible};
use kameo::message::{Context, Message};
use kameo::{Actor, Reply};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

pub(crate) struct Kameo {
    runtime: Runtime,
}

impl Kameo {
    /// # Errors
    /// No threads.
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self { runtime: runtime()? })
    }
}

fn spawn(spawners: u64, amount: u64) -> Result<Done, Failure> {
    let mut done = Done { count: 0, took: Duration::ZERO };
    while done.count < amount {
        let each = (amount - done.count).div_ceil(spawners).min(BATCH);
        finish::expect(each * spawners);
        for _ in 0..spawners {
            tokio::spawn(async move {
                for _ in 0..each {
                    // With no reference to it left it ends.
                    Nothing::spawn(Nothing(Arrive));
                }
            });
        }
        done.took += finish::wait()?;
        done.count += each * spawners;
    }
    Ok(done)
}

async fn ping_pong(pairs: u64, each: u64) -> Result<Duration, Failure> {
    let pingers: Vec<_> = (0..pairs).map(|_| Pinger::spawn(each)).collect();
    for pinger in &pingers {
        pinger.wait_for_startup().await;
    }
    finish::expect(pairs);
    for pinger in &pingers {
        pinger.tell(payload()).send().await?;
    }
    finish::wait()
}

async fn fan_in(each: u64) -> Result<Duration, Failure> {
    let sink = Sink::spawn(Sink(each * SENDERS));
    let senders: Vec<_> = (0..SENDERS).map(|_| Sender::spawn(Sender(sink.clone(), each))).collect();
    for sender in &senders {
        sender.wait_for_startup().await;
    }
    finish::expect(1);
    for sender in &senders {
        sender.tell(payload()).send().await?;
    }
    finish::wait()
}

async fn ring(hops: u64) -> Result<Duration, Failure> {
    let opener = Member::spawn(Member(None));
    let next = (1..MEMBERS).fold(opener.clone(), |next, _| Member::spawn(Member(Some(next))));
    opener.ask(Next(next)).await?;
    finish::expect(1);
    opener.tell(Payload { head: hops, tail: 0 }).send().await?;
    let took = finish::wait()?;
    opener.tell(Payload { head: 0, tail: END }).send().await?;
    Ok(took)
}

async fn call(clients: u64, each: u64) -> Result<Duration, Failure> {
    let server = Server::spawn(Server);
    let callers: Vec<_> = (0..clients).map(|_| Caller::spawn(Caller(server.clone(), each))).collect();
    for caller in &callers {
        caller.wait_for_startup().await;
    }
    finish::expect(clients);
    for caller in &callers {
        caller.tell(payload()).send().await?;
    }
    finish::wait()
}

async fn name_send(amount: u64) -> Result<Duration, Failure> {
    // Another name each time: when that of an actor that has stopped is free again is not told.
    static USED: AtomicU64 = AtomicU64::new(0);
    let name = format!("{SINK}-{}", USED.fetch_add(1, Ordering::Relaxed));
    let sink = Sink::spawn(Sink(amount));
    sink.register(name.clone())?;
    finish::expect(1);
    tokio::spawn(async move {
        for _ in 0..amount {
            let sink = ActorRef::<Sink>::lookup(name.as_str()).expect("it has the type").expect("it has the name");
            sink.tell(payload()).send().await.expect("it waits");
        }
    });
    let took = finish::wait()?;
    sink.wait_for_shutdown().await;
    Ok(took)
}

/// Its children arrive when they are gone.
async fn cascade(amount: u64) -> Result<Duration, Failure> {
    let hub = Hub::spawn(Hub { left: amount, all: Vec::new() });
    hub.ask(Start).await?;
    finish::expect(amount);
    hub.kill();
    finish::wait()
}

async fn downs(amount: u64) -> Result<Duration, Failure> {
    let hub = Hub::spawn(Hub { left: amount, all: Vec::new() });
    hub.ask(Start).await?;
    // One for each child itself, and one for the last of the downs.
    finish::expect(amount + 1);
    hub.tell(End).send().await?;
    finish::wait()
}

impl Peer for Kameo {
    fn name(&self) -> &'static str {
        "kameo"
    }

    fn has(&self, work: Work) -> bool {
        let has_not = matches!(work, Work::SelectiveCall | Work::TimerCancel | Work::TcpEcho | Work::HyperHello);
        !has_not && !work.is_supervision()
    }

    fn measure(&mut self, work: Work, amount: u64) -> Result<Done, Failure> {
        let _inside = self.runtime.enter();
        match work {
            Work::Spawn { spawners } => spawn(spawners, amount),
            Work::PingPong { pairs } => total(pairs, amount, |each| self.runtime.block_on(ping_pong(pairs, each))),
            Work::FanIn => total(SENDERS, amount, |each| self.runtime.block_on(fan_in(each))),
            Work::Ring => total(1, amount, |hops| self.runtime.block_on(ring(hops))),
            Work::Call { clients } => total(clients, amount, |each| self.runtime.block_on(call(clients, each))),
            Work::NameSend => total(1, amount, |amount| self.runtime.block_on(name_send(amount))),
            Work::Cascade => total(1, amount, |amount| self.runtime.block_on(cascade(amount))),
            Work::Downs => total(1, amount, |amount| self.runtime.block_on(downs(amount))),
            _ => Err("kameo has nothing like it".into()),
        }
    }

    fn park(&mut self, count: u64) -> Result<Hold, Failure> {
        let _inside = self.runtime.enter();
        Ok(Hold::all(count, |_| Parked::spawn(Parked(Arrive))))
    }
}

#[derive(Actor)]
struct Nothing(#[allow(dead_code, reason = "is dropped")] Arrive);

/// Ends with its first message, or with what it is linked to.
#[derive(Actor)]
struct Parked(#[allow(dead_code, reason = "is dropped")] Arrive);

impl Message<Payload> for Parked {
    type Reply = ();

    async fn handle(&mut self, _: Payload, context: &mut Context<Self, ()>) {
        context.stop();
    }
}

struct Pinger {
    ponger: ActorRef<Ponger>,
    left: u64,
}

impl Actor for Pinger {
    type Args = u64;
    type Error = Infallible;

    async fn on_start(rounds: u64, me: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self { ponger: Ponger::spawn(Ponger(me)), left: rounds })
    }
}

impl Message<Payload> for Pinger {
    type Reply = ();

    async fn handle(&mut self, ball: Payload, context: &mut Context<Self, ()>) {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.ponger.tell(ball).send().await.expect("it waits");
        } else {
            finish::arrive();
            self.ponger.kill();
            context.stop();
        }
    }
}

#[derive(Actor)]
struct Ponger(ActorRef<Pinger>);

impl Message<Payload> for Ponger {
    type Reply = ();

    async fn handle(&mut self, ball: Payload, _: &mut Context<Self, ()>) {
        self.0.tell(ball).send().await.expect("it waits");
    }
}

#[derive(Actor)]
struct Sink(u64);

impl Message<Payload> for Sink {
    type Reply = ();

    async fn handle(&mut self, _: Payload, context: &mut Context<Self, ()>) {
        self.0 -= 1;
        if self.0 == 0 {
            finish::arrive();
            context.stop();
        }
    }
}

#[derive(Actor)]
struct Sender(ActorRef<Sink>, u64);

impl Message<Payload> for Sender {
    type Reply = ();

    async fn handle(&mut self, message: Payload, context: &mut Context<Self, ()>) {
        for _ in 0..self.1 {
            self.0.tell(message).send().await.expect("it waits");
        }
        context.stop();
    }
}

#[derive(Actor)]
struct Member(Option<ActorRef<Member>>);

struct Next(ActorRef<Member>);

impl Message<Next> for Member {
    type Reply = ();

    async fn handle(&mut self, Next(next): Next, _: &mut Context<Self, ()>) {
        self.0 = Some(next);
    }
}

impl Message<Payload> for Member {
    type Reply = ();

    async fn handle(&mut self, Payload { head, tail }: Payload, context: &mut Context<Self, ()>) {
        let Some(next) = &self.0 else { return };
        if tail == END {
            // The one that opened the ring is gone when it comes back.
            let _ = next.tell(Payload { head, tail }).send().await;
            context.stop();
        } else if let Some(head) = head.checked_sub(1) {
            next.tell(Payload { head, tail }).send().await.expect("it waits");
        } else {
            finish::arrive();
        }
    }
}

#[derive(Actor)]
struct Server;

#[derive(Reply)]
struct Echo(Payload);

impl Message<Echo> for Server {
    type Reply = Echo;

    async fn handle(&mut self, value: Echo, _: &mut Context<Self, Echo>) -> Echo {
        value
    }
}

#[derive(Actor)]
struct Caller(ActorRef<Server>, u64);

impl Message<Payload> for Caller {
    type Reply = ();

    async fn handle(&mut self, mut value: Payload, context: &mut Context<Self, ()>) {
        for _ in 0..self.1 {
            value = self.0.ask(Echo(value)).await.expect("it answers").0;
        }
        finish::arrive();
        context.stop();
    }
}

struct Hub {
    left: u64,
    all: Vec<ActorRef<Parked>>,
}

impl Actor for Hub {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(hub: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(hub)
    }

    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        _: ActorId,
        _: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        self.left -= 1;
        if self.left > 0 {
            return Ok(ControlFlow::Continue(()));
        }
        finish::arrive();
        Ok(ControlFlow::Break(ActorStopReason::Normal))
    }
}

struct Start;
struct End;

impl Message<Start> for Hub {
    type Reply = ();

    async fn handle(&mut self, _: Start, context: &mut Context<Self, ()>) {
        for _ in 0..self.left {
            self.all.push(Parked::spawn_link(context.actor_ref(), Parked(Arrive)).await);
        }
    }
}

impl Message<End> for Hub {
    type Reply = ();

    async fn handle(&mut self, _: End, _: &mut Context<Self, ()>) {
        for one in &self.all {
            one.tell(payload()).send().await.expect("it waits");
        }
    }
}

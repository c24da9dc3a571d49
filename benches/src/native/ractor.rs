//! ractor: an actor is a type with a state and one type of message.

use super::finish::Arrive;
use super::rows::{BATCH, Done, FAR, MEMBERS, SENDERS, Work};
use super::{END, Hold, Payload, Peer, SINK, finish, payload, runtime, total};
use crate::Failure;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent, call};
use std::time::Duration;
use tokio::runtime::Runtime;

type Outcome<T = ()> = Result<T, ActorProcessingErr>;

pub(crate) struct Ractor {
    runtime: Runtime,
}

impl Ractor {
    /// # Errors
    /// No threads.
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self { runtime: runtime()? })
    }
}

async fn spawn(spawners: u64, amount: u64) -> Result<Done, Failure> {
    let mut done = Done { count: 0, took: Duration::ZERO };
    while done.count < amount {
        let each = (amount - done.count).div_ceil(spawners).min(BATCH);
        finish::expect(each * spawners);
        for _ in 0..spawners {
            tokio::spawn(async move {
                for _ in 0..each {
                    Actor::spawn(None, Nothing, ()).await.expect("it starts");
                }
            });
        }
        done.took += finish::wait()?;
        done.count += each * spawners;
    }
    Ok(done)
}

async fn ping_pong(pairs: u64, each: u64) -> Result<Duration, Failure> {
    let mut pingers = Vec::new();
    for _ in 0..pairs {
        pingers.push(Actor::spawn(None, Pinger, each).await?.0);
    }
    finish::expect(pairs);
    for pinger in &pingers {
        pinger.cast(payload())?;
    }
    finish::wait()
}

async fn fan_in(each: u64) -> Result<Duration, Failure> {
    let (sink, _) = Actor::spawn(None, Sink, each * SENDERS).await?;
    let mut senders = Vec::new();
    for _ in 0..SENDERS {
        senders.push(Actor::spawn(None, Sender, (sink.clone(), each)).await?.0);
    }
    finish::expect(1);
    for sender in &senders {
        sender.cast(payload())?;
    }
    finish::wait()
}

async fn ring(hops: u64) -> Result<Duration, Failure> {
    let (opener, _) = Actor::spawn(None, Member, None).await?;
    let mut next = opener.clone();
    for _ in 1..MEMBERS {
        next = Actor::spawn(None, Member, Some(next)).await?.0;
    }
    opener.cast(Hop::Next(next))?;
    finish::expect(1);
    opener.cast(Hop::Token(Payload { head: hops, tail: 0 }))?;
    let took = finish::wait()?;
    opener.cast(Hop::Token(Payload { head: 0, tail: END }))?;
    Ok(took)
}

async fn calls(clients: u64, each: u64) -> Result<Duration, Failure> {
    let (server, _) = Actor::spawn(None, Server, ()).await?;
    let mut callers = Vec::new();
    for _ in 0..clients {
        callers.push(Actor::spawn(None, Caller, (server.clone(), each)).await?.0);
    }
    finish::expect(clients);
    for caller in &callers {
        caller.cast(payload())?;
    }
    let took = finish::wait()?;
    server.stop(None);
    Ok(took)
}

async fn name_send(amount: u64) -> Result<Duration, Failure> {
    let (_, ended) = Actor::spawn(Some(SINK.into()), Sink, amount).await?;
    finish::expect(1);
    tokio::spawn(async move {
        for _ in 0..amount {
            let sink = ActorRef::<Payload>::where_is(SINK).expect("it has the name");
            sink.cast(payload()).expect("it waits");
        }
    });
    let took = finish::wait()?;
    ended.await?;
    Ok(took)
}

async fn timers(amount: u64) -> Result<Duration, Failure> {
    let (sink, _) = Actor::spawn(None, Sink, 1).await?;
    let timed = sink.clone();
    finish::expect(1);
    tokio::spawn(async move {
        for _ in 0..amount {
            timed.send_after(FAR, payload).abort();
        }
        finish::arrive();
    });
    let took = finish::wait()?;
    sink.stop(None);
    Ok(took)
}

/// Its children arrive when they are gone.
async fn cascade(amount: u64) -> Result<Duration, Failure> {
    let (hub, _) = Actor::spawn(None, Hub, ()).await?;
    finish::expect(1);
    hub.cast(Order::Start(amount))?;
    finish::wait()?;
    finish::expect(amount);
    hub.kill();
    finish::wait()
}

/// A supervisor hears of the end of its children; monitors are a feature that is off unless asked for.
async fn downs(amount: u64) -> Result<Duration, Failure> {
    let (hub, _) = Actor::spawn(None, Hub, ()).await?;
    finish::expect(1);
    hub.cast(Order::Start(amount))?;
    finish::wait()?;
    // One more for each child itself, and one for the last of the downs.
    finish::expect(amount + 1);
    hub.cast(Order::End)?;
    finish::wait()
}

impl Peer for Ractor {
    fn name(&self) -> &'static str {
        "ractor"
    }

    fn has(&self, work: Work) -> bool {
        !matches!(work, Work::SelectiveCall | Work::TcpEcho | Work::HyperHello) && !work.is_supervision()
    }

    fn measure(&mut self, work: Work, amount: u64) -> Result<Done, Failure> {
        let run = &self.runtime;
        match work {
            Work::Spawn { spawners } => run.block_on(spawn(spawners, amount)),
            Work::PingPong { pairs } => total(pairs, amount, |each| run.block_on(ping_pong(pairs, each))),
            Work::FanIn => total(SENDERS, amount, |each| run.block_on(fan_in(each))),
            Work::Ring => total(1, amount, |hops| run.block_on(ring(hops))),
            Work::Call { clients } => total(clients, amount, |each| run.block_on(calls(clients, each))),
            Work::NameSend => total(1, amount, |amount| run.block_on(name_send(amount))),
            Work::TimerCancel => total(1, amount, |amount| run.block_on(timers(amount))),
            Work::Cascade => total(1, amount, |amount| run.block_on(cascade(amount))),
            Work::Downs => total(1, amount, |amount| run.block_on(downs(amount))),
            _ => Err("ractor has nothing like it".into()),
        }
    }

    fn park(&mut self, count: u64) -> Result<Hold, Failure> {
        self.runtime.block_on(async {
            for _ in 0..count {
                Actor::spawn(None, Parked, ()).await?;
            }
            Ok(Hold::nothing())
        })
    }
}

/// Ends as soon as it runs.
struct Nothing;

impl Actor for Nothing {
    type Msg = Payload;
    type State = Arrive;
    type Arguments = ();

    async fn pre_start(&self, myself: ActorRef<Payload>, (): ()) -> Outcome<Arrive> {
        myself.stop(None);
        Ok(Arrive)
    }
}

/// Ends with its first message, or with its supervisor.
struct Parked;

impl Actor for Parked {
    type Msg = Payload;
    type State = Arrive;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Payload>, (): ()) -> Outcome<Arrive> {
        Ok(Arrive)
    }

    async fn handle(&self, myself: ActorRef<Payload>, _: Payload, _: &mut Arrive) -> Outcome {
        myself.stop(None);
        Ok(())
    }
}

struct Pinger;

impl Actor for Pinger {
    type Msg = Payload;
    type State = (ActorRef<Payload>, u64);
    type Arguments = u64;

    async fn pre_start(&self, myself: ActorRef<Payload>, rounds: u64) -> Outcome<Self::State> {
        Ok((Actor::spawn(None, Ponger, myself).await?.0, rounds))
    }

    async fn handle(&self, myself: ActorRef<Payload>, ball: Payload, state: &mut Self::State) -> Outcome {
        if let Some(left) = state.1.checked_sub(1) {
            state.1 = left;
            state.0.cast(ball)?;
        } else {
            finish::arrive();
            state.0.stop(None);
            myself.stop(None);
        }
        Ok(())
    }
}

struct Ponger;

impl Actor for Ponger {
    type Msg = Payload;
    type State = ActorRef<Payload>;
    type Arguments = ActorRef<Payload>;

    async fn pre_start(&self, _: ActorRef<Payload>, pinger: ActorRef<Payload>) -> Outcome<ActorRef<Payload>> {
        Ok(pinger)
    }

    async fn handle(&self, _: ActorRef<Payload>, ball: Payload, pinger: &mut ActorRef<Payload>) -> Outcome {
        Ok(pinger.cast(ball)?)
    }
}

struct Sink;

impl Actor for Sink {
    type Msg = Payload;
    type State = u64;
    type Arguments = u64;

    async fn pre_start(&self, _: ActorRef<Payload>, count: u64) -> Outcome<u64> {
        Ok(count)
    }

    async fn handle(&self, myself: ActorRef<Payload>, _: Payload, left: &mut u64) -> Outcome {
        *left -= 1;
        if *left == 0 {
            finish::arrive();
            myself.stop(None);
        }
        Ok(())
    }
}

struct Sender;

impl Actor for Sender {
    type Msg = Payload;
    type State = (ActorRef<Payload>, u64);
    type Arguments = (ActorRef<Payload>, u64);

    async fn pre_start(&self, _: ActorRef<Payload>, state: Self::State) -> Outcome<Self::State> {
        Ok(state)
    }

    async fn handle(&self, myself: ActorRef<Payload>, message: Payload, (sink, count): &mut Self::State) -> Outcome {
        for _ in 0..*count {
            sink.cast(message)?;
        }
        myself.stop(None);
        Ok(())
    }
}

struct Member;

enum Hop {
    Next(ActorRef<Hop>),
    Token(Payload),
}

impl Actor for Member {
    type Msg = Hop;
    type State = Option<ActorRef<Hop>>;
    type Arguments = Option<ActorRef<Hop>>;

    async fn pre_start(&self, _: ActorRef<Hop>, next: Self::State) -> Outcome<Self::State> {
        Ok(next)
    }

    async fn handle(&self, myself: ActorRef<Hop>, hop: Hop, next: &mut Self::State) -> Outcome {
        let Payload { head, tail } = match hop {
            Hop::Next(member) => {
                *next = Some(member);
                return Ok(());
            }
            Hop::Token(token) => token,
        };
        let Some(next) = next else { return Ok(()) };
        if tail == END {
            // The one that opened the ring is gone when it comes back.
            let _ = next.cast(Hop::Token(Payload { head, tail }));
            myself.stop(None);
        } else if let Some(head) = head.checked_sub(1) {
            next.cast(Hop::Token(Payload { head, tail }))?;
        } else {
            finish::arrive();
        }
        Ok(())
    }
}

struct Server;

struct Echo(Payload, RpcReplyPort<Payload>);

impl Actor for Server {
    type Msg = Echo;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Echo>, (): ()) -> Outcome {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<Echo>, Echo(value, answer): Echo, (): &mut ()) -> Outcome {
        Ok(answer.send(value)?)
    }
}

struct Caller;

impl Actor for Caller {
    type Msg = Payload;
    type State = (ActorRef<Echo>, u64);
    type Arguments = (ActorRef<Echo>, u64);

    async fn pre_start(&self, _: ActorRef<Payload>, state: Self::State) -> Outcome<Self::State> {
        Ok(state)
    }

    async fn handle(&self, myself: ActorRef<Payload>, value: Payload, (server, count): &mut Self::State) -> Outcome {
        for _ in 0..*count {
            call!(server, Echo, value)?;
        }
        finish::arrive();
        myself.stop(None);
        Ok(())
    }
}

struct Hub;

enum Order {
    Start(u64),
    End,
}

impl Actor for Hub {
    type Msg = Order;
    type State = (Vec<ActorRef<Payload>>, usize);
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Order>, (): ()) -> Outcome<Self::State> {
        Ok((Vec::new(), 0))
    }

    async fn handle(&self, myself: ActorRef<Order>, order: Order, (all, left): &mut Self::State) -> Outcome {
        match order {
            Order::Start(count) => {
                for _ in 0..count {
                    all.push(Actor::spawn_linked(None, Parked, (), myself.get_cell()).await?.0);
                }
                *left = all.len();
                finish::arrive();
            }
            Order::End => {
                for one in all {
                    one.cast(payload())?;
                }
            }
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Order>,
        event: SupervisionEvent,
        (_, left): &mut Self::State,
    ) -> Outcome {
        if let SupervisionEvent::ActorTerminated(..) = event {
            *left -= 1;
            if *left == 0 {
                finish::arrive();
                myself.stop(None);
            }
        }
        Ok(())
    }
}

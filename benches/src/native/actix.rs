//! actix: an actor lives on one arbiter, a thread with an event loop; it is placed by whoever starts it.
//!
//! Pairs are put on one arbiter, every other one on the second; a ring and a crowd are spread over both.

use super::finish::Arrive;
use super::rows::{BATCH, Done, MEMBERS, SENDERS, Work};
use super::{END, Hold, Payload, Peer, WORKERS, finish, payload, total};
use crate::Failure;
use actix::prelude::*;
use std::time::Duration;

pub(crate) struct Actix {
    arbiters: Vec<Arbiter>,
    _system: SystemRunner,
}

impl Actix {
    pub(crate) fn new() -> Self {
        let system = System::new();
        Self { arbiters: (0..WORKERS).map(|_| Arbiter::new()).collect(), _system: system }
    }

    fn arbiter(&self, number: u64) -> ArbiterHandle {
        self.arbiters[number as usize % self.arbiters.len()].handle()
    }

    fn spawn(&self, spawners: u64, amount: u64) -> Result<Done, Failure> {
        let mut done = Done { count: 0, took: Duration::ZERO };
        while done.count < amount {
            let each = (amount - done.count).div_ceil(spawners).min(BATCH);
            finish::expect(each * spawners);
            for spawner in 0..spawners {
                self.arbiter(spawner).spawn_fn(move || {
                    for _ in 0..each {
                        Nothing(Arrive).start();
                    }
                });
            }
            done.took += finish::wait()?;
            done.count += each * spawners;
        }
        Ok(done)
    }

    fn ping_pong(&self, pairs: u64, each: u64) -> Result<Duration, Failure> {
        let start = |pair| {
            Pinger::start_in_arbiter(&self.arbiter(pair), move |context| {
                finish::arrive();
                Pinger { ponger: Ponger(context.address()).start(), left: each }
            })
        };
        finish::expect(pairs);
        let pingers: Vec<_> = (0..pairs).map(start).collect();
        finish::wait()?;
        finish::expect(pairs);
        for pinger in &pingers {
            pinger.do_send(Hit(payload()));
        }
        finish::wait()
    }

    fn fan_in(&self, each: u64) -> Result<Duration, Failure> {
        let sink = Sink::start_in_arbiter(&self.arbiter(0), move |_| Sink(each * SENDERS));
        let start = |number| {
            let sink = sink.clone();
            Sender::start_in_arbiter(&self.arbiter(number), move |_| {
                finish::arrive();
                Sender(sink, each)
            })
        };
        finish::expect(SENDERS);
        let senders: Vec<_> = (0..SENDERS).map(start).collect();
        finish::wait()?;
        finish::expect(1);
        for sender in &senders {
            sender.do_send(Hit(payload()));
        }
        finish::wait()
    }

    fn ring(&self, hops: u64) -> Result<Duration, Failure> {
        let start = |number: u64, next: Option<Addr<Member>>| {
            Member::start_in_arbiter(&self.arbiter(2 * number / MEMBERS), move |_| {
                finish::arrive();
                Member(next)
            })
        };
        finish::expect(MEMBERS);
        let opener = start(0, None);
        let next = (1..MEMBERS).fold(opener.clone(), |next, number| start(number, Some(next)));
        opener.do_send(Next(next));
        finish::wait()?;
        finish::expect(1);
        opener.do_send(Hit(Payload { head: hops, tail: 0 }));
        let took = finish::wait()?;
        opener.do_send(Hit(Payload { head: 0, tail: END }));
        Ok(took)
    }

    fn call(&self, clients: u64, each: u64) -> Result<Duration, Failure> {
        let server = Server::start_in_arbiter(&self.arbiter(0), |_| Server);
        finish::expect(clients);
        for client in 0..clients {
            let server = server.clone();
            self.arbiter(client).spawn(async move {
                for _ in 0..each {
                    server.send(Echo(payload())).await.expect("it answers");
                }
                finish::arrive();
            });
        }
        finish::wait()
    }
}

impl Peer for Actix {
    fn name(&self) -> &'static str {
        "actix"
    }

    fn has(&self, work: Work) -> bool {
        matches!(
            work,
            Work::Spawn { .. } | Work::Parked | Work::PingPong { .. } | Work::FanIn | Work::Ring | Work::Call { .. }
        )
    }

    fn measure(&mut self, work: Work, amount: u64) -> Result<Done, Failure> {
        match work {
            Work::Spawn { spawners } => self.spawn(spawners, amount),
            Work::PingPong { pairs } => total(pairs, amount, |each| self.ping_pong(pairs, each)),
            Work::FanIn => total(SENDERS, amount, |each| self.fan_in(each)),
            Work::Ring => total(1, amount, |hops| self.ring(hops)),
            Work::Call { clients } => total(clients, amount, |each| self.call(clients, each)),
            _ => Err("actix has nothing like it".into()),
        }
    }

    fn park(&mut self, count: u64) -> Result<Hold, Failure> {
        Ok(Hold::all(count, |number| Parked::start_in_arbiter(&self.arbiter(number), |_| Parked)))
    }
}

struct Nothing(#[allow(dead_code, reason = "is dropped")] Arrive);

impl Actor for Nothing {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        context.stop();
    }
}

struct Parked;

impl Actor for Parked {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Hit(Payload);

struct Pinger {
    ponger: Addr<Ponger>,
    left: u64,
}

impl Actor for Pinger {
    type Context = Context<Self>;
}

impl Handler<Hit> for Pinger {
    type Result = ();

    fn handle(&mut self, ball: Hit, context: &mut Context<Self>) {
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            self.ponger.do_send(ball);
        } else {
            finish::arrive();
            context.stop();
        }
    }
}

/// Ends when its pinger lets go of it.
struct Ponger(Addr<Pinger>);

impl Actor for Ponger {
    type Context = Context<Self>;
}

impl Handler<Hit> for Ponger {
    type Result = ();

    fn handle(&mut self, ball: Hit, _: &mut Context<Self>) {
        self.0.do_send(ball);
    }
}

struct Sink(u64);

impl Actor for Sink {
    type Context = Context<Self>;
}

impl Handler<Hit> for Sink {
    type Result = ();

    fn handle(&mut self, _: Hit, context: &mut Context<Self>) {
        self.0 -= 1;
        if self.0 == 0 {
            finish::arrive();
            context.stop();
        }
    }
}

struct Sender(Addr<Sink>, u64);

impl Actor for Sender {
    type Context = Context<Self>;
}

impl Handler<Hit> for Sender {
    type Result = ();

    fn handle(&mut self, Hit(message): Hit, context: &mut Context<Self>) {
        for _ in 0..self.1 {
            self.0.do_send(Hit(message));
        }
        context.stop();
    }
}

struct Member(Option<Addr<Member>>);

#[derive(Message)]
#[rtype(result = "()")]
struct Next(Addr<Member>);

impl Actor for Member {
    type Context = Context<Self>;
}

impl Handler<Next> for Member {
    type Result = ();

    fn handle(&mut self, Next(next): Next, _: &mut Context<Self>) {
        self.0 = Some(next);
    }
}

impl Handler<Hit> for Member {
    type Result = ();

    fn handle(&mut self, Hit(Payload { head, tail }): Hit, context: &mut Context<Self>) {
        let Some(next) = &self.0 else { return };
        if tail == END {
            next.do_send(Hit(Payload { head, tail }));
            context.stop();
        } else if let Some(head) = head.checked_sub(1) {
            next.do_send(Hit(Payload { head, tail }));
        } else {
            finish::arrive();
        }
    }
}

struct Server;

impl Actor for Server {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "Payload")]
struct Echo(Payload);

impl Handler<Echo> for Server {
    type Result = MessageResult<Echo>;

    fn handle(&mut self, Echo(value): Echo, _: &mut Context<Self>) -> MessageResult<Echo> {
        MessageResult(value)
    }
}

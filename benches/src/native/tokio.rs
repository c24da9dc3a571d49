//! Plain tokio: a process is a task, its mailbox an unbounded channel, an answer a oneshot.

use super::rows::{BATCH, Done, FAR, MEMBERS, SENDERS, Work};
use super::{Hold, Payload, Peer, finish, payload, runtime, sockets, total};
use crate::Failure;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

pub(crate) struct Tokio {
    runtime: Runtime,
}

type Called = (Payload, oneshot::Sender<Payload>);

impl Tokio {
    /// # Errors
    /// No threads.
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self { runtime: runtime()? })
    }

    fn spawn(&self, spawners: u64, amount: u64) -> Result<Done, Failure> {
        let mut done = Done { count: 0, took: Duration::ZERO };
        let metrics = self.runtime.metrics();
        while done.count < amount {
            let each = (amount - done.count).div_ceil(spawners).min(BATCH);
            finish::expect(spawners);
            for _ in 0..spawners {
                tokio::spawn(async move {
                    for _ in 0..each {
                        let (_mailbox, receiver) = unbounded_channel::<Payload>();
                        tokio::spawn(async move { drop(receiver) });
                    }
                    finish::arrive();
                });
            }
            finish::wait()?;
            done.took += finish::until(|| metrics.num_alive_tasks() == 0)?;
            done.count += each * spawners;
        }
        Ok(done)
    }
}

fn ping_pong(pairs: u64, each: u64) -> Result<Duration, Failure> {
    finish::expect(pairs);
    let start = |_| {
        let (to_pinger, mut pings) = unbounded_channel();
        let starts = to_pinger.clone();
        tokio::spawn(async move {
            let (to_ponger, mut pongs) = unbounded_channel::<Payload>();
            tokio::spawn(async move {
                while let Some(ball) = pongs.recv().await {
                    let _ = to_pinger.send(ball);
                }
            });
            finish::arrive();
            let Some(mut ball) = pings.recv().await else { return };
            for _ in 0..each {
                let _ = to_ponger.send(ball);
                let Some(back) = pings.recv().await else { return };
                ball = back;
            }
            finish::arrive();
        });
        starts
    };
    let pingers: Vec<_> = (0..pairs).map(start).collect();
    finish::wait()?;
    finish::expect(pairs);
    for pinger in pingers {
        pinger.send(payload())?;
    }
    finish::wait()
}

fn sink(count: u64) -> UnboundedSender<Payload> {
    let (sender, mut receiver) = unbounded_channel();
    tokio::spawn(async move {
        for _ in 0..count {
            receiver.recv().await;
        }
        finish::arrive();
    });
    sender
}

fn fan_in(each: u64) -> Result<Duration, Failure> {
    let sink = sink(each * SENDERS);
    let start = |_| {
        let (sender, mut receiver) = unbounded_channel::<Payload>();
        let sink = sink.clone();
        tokio::spawn(async move {
            let Some(message) = receiver.recv().await else { return };
            for _ in 0..each {
                let _ = sink.send(message);
            }
        });
        sender
    };
    let senders: Vec<_> = (0..SENDERS).map(start).collect();
    finish::expect(1);
    for sender in &senders {
        sender.send(payload())?;
    }
    finish::wait()
}

fn member(mut receiver: UnboundedReceiver<Payload>, next: UnboundedSender<Payload>) {
    tokio::spawn(async move {
        while let Some(Payload { head, tail }) = receiver.recv().await {
            match head.checked_sub(1) {
                Some(head) => drop(next.send(Payload { head, tail })),
                None => {
                    finish::arrive();
                    return;
                }
            }
        }
    });
}

/// The one that the token ends at goes, and all behind it with it.
fn ring(hops: u64) -> Result<Duration, Failure> {
    let (opener, receiver) = unbounded_channel();
    let next = (1..MEMBERS).fold(opener.clone(), |next, _| {
        let (sender, receiver) = unbounded_channel();
        member(receiver, next);
        sender
    });
    member(receiver, next);
    finish::expect(1);
    opener.send(Payload { head: hops, tail: 0 })?;
    finish::wait()
}

fn call(clients: u64, each: u64) -> Result<Duration, Failure> {
    let (server, mut calls) = unbounded_channel::<Called>();
    tokio::spawn(async move {
        while let Some((value, answer)) = calls.recv().await {
            let _ = answer.send(value);
        }
    });
    let start = |_| {
        let (go, gone) = oneshot::channel();
        let server = server.clone();
        tokio::spawn(async move {
            let Ok(value) = gone.await else { return };
            for _ in 0..each {
                let (answer, answered) = oneshot::channel();
                let _ = server.send((value, answer));
                let _ = answered.await;
            }
            finish::arrive();
        });
        go
    };
    let callers: Vec<_> = (0..clients).map(start).collect();
    finish::expect(clients);
    for caller in callers {
        caller.send(payload()).map_err(|_| "a caller is gone")?;
    }
    finish::wait()
}

fn timers(amount: u64) -> Result<Duration, Failure> {
    finish::expect(1);
    tokio::spawn(async move {
        let (sender, _receiver) = unbounded_channel();
        for _ in 0..amount {
            let sender = sender.clone();
            let timer = tokio::spawn(async move {
                tokio::time::sleep(FAR).await;
                let _ = sender.send(payload());
            });
            timer.abort();
        }
        finish::arrive();
    });
    finish::wait()
}

impl Peer for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn has(&self, work: Work) -> bool {
        let has_not = matches!(work, Work::SelectiveCall | Work::NameSend | Work::Cascade | Work::Downs);
        !has_not && !work.is_supervision()
    }

    fn measure(&mut self, work: Work, amount: u64) -> Result<Done, Failure> {
        let _inside = self.runtime.enter();
        match work {
            Work::Spawn { spawners } => self.spawn(spawners, amount),
            Work::PingPong { pairs } => total(pairs, amount, |each| ping_pong(pairs, each)),
            Work::FanIn => total(SENDERS, amount, fan_in),
            Work::Ring => total(1, amount, ring),
            Work::Call { clients } => total(clients, amount, |each| call(clients, each)),
            Work::TimerCancel => total(1, amount, timers),
            _ => Err("tokio has nothing like it".into()),
        }
    }

    fn park(&mut self, count: u64) -> Result<Hold, Failure> {
        let _inside = self.runtime.enter();
        Ok(Hold::all(count, |_| {
            let (sender, mut receiver) = unbounded_channel::<Payload>();
            tokio::spawn(async move { receiver.recv().await });
            sender
        }))
    }

    fn serve(&mut self, work: Work) -> Result<SocketAddr, Failure> {
        let listener = self.runtime.block_on(TcpListener::bind(sockets::ANY))?;
        let address = listener.local_addr()?;
        self.runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(sockets::connection(work, stream));
            }
        });
        Ok(address)
    }
}

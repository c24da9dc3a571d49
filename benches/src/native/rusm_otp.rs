//! rusm-otp: a process is a closure over its context, a message is a vector of bytes.
//!
//! It has no call of its own. What its documents show is a message that says who asks, and a selective receive of the
//! answer; a number in both tells the answers apart.

use super::rows::{BATCH, Done, FAR, MEMBERS, SENDERS, WAITING, Work};
use super::{END, Hold, Peer, SINK, finish, runtime, total};
use crate::Failure;
use rusm_otp::{Context, Message, Pid, Received, Runtime as System, Strategy};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

pub(crate) struct RusmOtp {
    system: System,
    runtime: Runtime,
}

fn message(head: u64, tail: u64) -> Message {
    [head.to_le_bytes(), tail.to_le_bytes()].concat()
}

/// Both numbers of a message; nothing else is ever sent.
fn numbers(received: &Received) -> (u64, u64) {
    let Received::Message(bytes) = received else { return (0, 0) };
    let number =
        |at: usize| bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
    (number(0), number(8))
}

async fn receive(context: &mut Context) -> Message {
    context.recv().await.message().unwrap_or_default()
}

impl RusmOtp {
    /// # Errors
    /// No threads.
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self { system: System::new(), runtime: runtime()? })
    }

    fn spawn(&self, spawners: u64, amount: u64) -> Result<Done, Failure> {
        let mut done = Done { count: 0, took: Duration::ZERO };
        while done.count < amount {
            let each = (amount - done.count).div_ceil(spawners).min(BATCH);
            finish::expect(spawners);
            for _ in 0..spawners {
                let system = self.system.clone();
                self.system.spawn(move |_| async move {
                    for _ in 0..each {
                        system.spawn(|_| async {});
                    }
                    finish::arrive();
                });
            }
            finish::wait()?;
            done.took += finish::until(|| self.system.process_count() == 0)?;
            done.count += each * spawners;
        }
        Ok(done)
    }

    fn ping_pong(&self, pairs: u64, each: u64) -> Result<Duration, Failure> {
        finish::expect(pairs);
        let start = |_| {
            let system = self.system.clone();
            self.system.spawn(move |mut pinger| async move {
                let (me, pongs) = (pinger.pid(), system.clone());
                let ponger = system.spawn(move |mut ponger| async move {
                    for _ in 0..each {
                        pongs.send(me, receive(&mut ponger).await);
                    }
                });
                finish::arrive();
                let mut ball = receive(&mut pinger).await;
                for _ in 0..each {
                    system.send(ponger.pid(), ball);
                    ball = receive(&mut pinger).await;
                }
                finish::arrive();
            })
        };
        let pingers: Vec<_> = (0..pairs).map(start).collect();
        finish::wait()?;
        finish::expect(pairs);
        for pinger in &pingers {
            self.system.send(pinger.pid(), message(0, 0));
        }
        finish::wait()
    }

    fn sink(&self, count: u64) -> Pid {
        let body = move |mut context: Context| async move {
            for _ in 0..count {
                receive(&mut context).await;
            }
            finish::arrive();
        };
        self.system.spawn(body).pid()
    }

    fn fan_in(&self, each: u64) -> Result<Duration, Failure> {
        let sink = self.sink(each * SENDERS);
        let start = |_| {
            let system = self.system.clone();
            self.system.spawn(move |mut context| async move {
                receive(&mut context).await;
                for _ in 0..each {
                    system.send(sink, message(0, 0));
                }
            })
        };
        let senders: Vec<_> = (0..SENDERS).map(start).collect();
        finish::expect(1);
        for sender in &senders {
            self.system.send(sender.pid(), message(0, 0));
        }
        finish::wait()
    }

    fn member(&self, next: Option<Pid>) -> Pid {
        let system = self.system.clone();
        let body = move |mut context: Context| async move {
            let next = match next {
                Some(next) => next,
                None => Pid::from_raw(numbers(&context.recv().await).0),
            };
            loop {
                let (head, tail) = numbers(&context.recv().await);
                match head.checked_sub(1) {
                    _ if tail == END => {
                        system.send(next, message(head, tail));
                        return;
                    }
                    Some(head) => drop(system.send(next, message(head, tail))),
                    None => finish::arrive(),
                }
            }
        };
        self.system.spawn(body).pid()
    }

    fn ring(&self, hops: u64) -> Result<Duration, Failure> {
        let opener = self.member(None);
        let next = (1..MEMBERS).fold(opener, |next, _| self.member(Some(next)));
        self.system.send(opener, message(next.raw(), 0));
        finish::expect(1);
        self.system.send(opener, message(hops, 0));
        let took = finish::wait()?;
        self.system.send(opener, message(0, END));
        finish::until(|| self.system.process_count() == 0)?;
        Ok(took)
    }

    fn server(&self) -> Pid {
        let system = self.system.clone();
        let body = move |mut context: Context| async move {
            loop {
                let (from, call) = numbers(&context.recv().await);
                system.send(Pid::from_raw(from), message(from, call));
            }
        };
        self.system.spawn(body).pid()
    }

    /// Starts a process that waits for a message, gets `waiting` of them, and calls.
    fn caller(&self, server: Pid, waiting: u64, count: u64) -> Pid {
        let system = self.system.clone();
        let body = move |mut context: Context| async move {
            receive(&mut context).await;
            let me = context.pid();
            for _ in 0..waiting {
                system.send(me, message(0, END));
            }
            if waiting > 0 {
                finish::begin();
            }
            for call in 0..count {
                system.send(server, message(me.raw(), call));
                context.recv_match(|received| numbers(received) == (me.raw(), call)).await;
            }
            finish::arrive();
        };
        self.system.spawn(body).pid()
    }

    fn call(&self, clients: u64, waiting: u64, each: u64) -> Result<Duration, Failure> {
        let server = self.server();
        let callers: Vec<_> = (0..clients).map(|_| self.caller(server, waiting, each)).collect();
        finish::expect(clients);
        for caller in callers {
            self.system.send(caller, message(0, 0));
        }
        let took = finish::wait()?;
        self.system.kill(server);
        Ok(took)
    }

    fn name_send(&self, amount: u64) -> Result<Duration, Failure> {
        self.system.register(SINK, self.sink(amount));
        finish::expect(1);
        let system = self.system.clone();
        self.system.spawn(move |_| async move {
            for _ in 0..amount {
                system.send_named(SINK, message(0, 0));
            }
        });
        let took = finish::wait()?;
        finish::until(|| self.system.whereis(SINK).is_none())?;
        Ok(took)
    }

    fn timers(&self, amount: u64) -> Result<Duration, Failure> {
        finish::expect(1);
        let system = self.system.clone();
        self.system.spawn(move |context| async move {
            for _ in 0..amount {
                system.send_after(context.pid(), FAR, message(0, 0)).cancel();
            }
            finish::arrive();
        });
        finish::wait()
    }

    fn cascade(&self, amount: u64) -> Result<Duration, Failure> {
        finish::expect(1);
        let system = self.system.clone();
        let hub = self.system.spawn(move |mut context| async move {
            for _ in 0..amount {
                system.spawn_link(context.pid(), |mut context| async move { drop(context.recv().await) });
            }
            finish::arrive();
            context.recv().await;
        });
        finish::wait()?;
        finish::begin();
        hub.kill();
        finish::until(|| self.system.process_count() == 0)
    }

    fn downs(&self, amount: u64) -> Result<Duration, Failure> {
        finish::expect(1);
        let system = self.system.clone();
        self.system.spawn(move |mut context| async move {
            let start = |_| {
                let one = system.spawn(|mut context| async move { drop(context.recv().await) }).pid();
                system.monitor(context.pid(), one);
                one
            };
            let all: Vec<_> = (0..amount).map(start).collect();
            finish::begin();
            for one in all {
                system.send(one, message(0, 0));
            }
            for _ in 0..amount {
                context.recv_match(|received| matches!(received, Received::Down { .. })).await;
            }
            finish::arrive();
        });
        finish::wait()
    }
}

/// Keeps what panics say off the terminal while it lives.
struct Quiet(Option<PanicHook>);

type PanicHook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync>;

impl Quiet {
    fn new() -> Self {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| ()));
        Self(Some(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            std::panic::set_hook(before);
        }
    }
}

impl RusmOtp {
    fn restarts(&self, amount: u64, panics: bool) -> Result<Duration, Failure> {
        let _quiet = Quiet::new();
        finish::expect(1);
        let left = AtomicU64::new(amount);
        let life = move |system: &System| {
            // The last one stays.
            let stays = left.fetch_sub(1, Ordering::Relaxed) == 0;
            system.spawn(move |mut context| async move {
                if stays {
                    finish::arrive();
                    context.recv().await;
                }
                assert!(stays || !panics, "as told");
            })
        };
        let supervisor = self.system.supervisor(Strategy::OneForOne).max_restarts(0).child(life).start();
        let took = finish::wait()?;
        supervisor.kill();
        Ok(took)
    }
}

impl Peer for RusmOtp {
    fn name(&self) -> &'static str {
        "rusm-otp"
    }

    fn has(&self, work: Work) -> bool {
        !matches!(work, Work::Supervisor | Work::Dynamic | Work::CallNamed | Work::TcpEcho | Work::HyperHello)
    }

    fn measure(&mut self, work: Work, amount: u64) -> Result<Done, Failure> {
        let _inside = self.runtime.enter();
        match work {
            Work::Spawn { spawners } => self.spawn(spawners, amount),
            Work::PingPong { pairs } => total(pairs, amount, |each| self.ping_pong(pairs, each)),
            Work::FanIn => total(SENDERS, amount, |each| self.fan_in(each)),
            Work::Ring => total(1, amount, |hops| self.ring(hops)),
            Work::Call { clients } => total(clients, amount, |each| self.call(clients, 0, each)),
            Work::SelectiveCall => total(1, amount, |calls| self.call(1, WAITING, calls)),
            Work::NameSend => total(1, amount, |amount| self.name_send(amount)),
            Work::TimerCancel => total(1, amount, |amount| self.timers(amount)),
            Work::Cascade => total(1, amount, |amount| self.cascade(amount)),
            Work::Downs => total(1, amount, |amount| self.downs(amount)),
            Work::Restart { panics } => total(1, amount, |amount| self.restarts(amount, panics)),
            // Its supervisors can't be stopped with their children, start none later, and name none.
            Work::Supervisor | Work::Dynamic | Work::CallNamed => Err("it has no such thing".into()),
            Work::Parked | Work::TcpEcho | Work::HyperHello => Err("is measured otherwise".into()),
        }
    }

    fn park(&mut self, count: u64) -> Result<Hold, Failure> {
        let _inside = self.runtime.enter();
        for _ in 0..count {
            self.system.spawn(|mut context| async move { drop(context.recv().await) });
        }
        Ok(Hold::nothing())
    }
}

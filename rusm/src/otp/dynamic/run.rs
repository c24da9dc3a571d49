//! The process behind a dynamic supervisor, and what it shares with those who start children.
//!
//! # Who does what
//! - A child is started by whoever asks for it, as a linked child of the supervisor's process: slow `#[init]`s do not wait for each
//!   other. It is in the [`Book`] before it can run or be found.
//! - The supervisor's process takes the exits, starts again, and stops. It waits for no `#[init]`: one that fails is an exit
//!   like any other, and counts as one.
//! - The book is under a lock that guards no foreign code.
//!
//! # Risky cases
//! - A child is started while the supervisor stops. Its place is reserved before, and the stop waits for reserved places. The
//!   stop closes the book, then signals who is in it; a starter publishes its process, then looks at the book. One of the
//!   two comes second and signals.
//! - A child ends before its starter has heard that it came up: see [`book`](super::book).
//! - The supervisor is killed: its links take the children along, and a child that is linked later is refused by
//!   [`Node::start`].

use super::DynamicSupervisor;
use super::book::{Book, Entry, Phase, Refused, Restarts, Rule, Verdict};
use crate::otp::cell::Typed;
use crate::otp::mailbox::{Item, Mailbox, Other, Receiver, deliver};
use crate::otp::node::{Family, Start};
use crate::otp::signal::{Signal, Trap};
use crate::otp::supervisor::{Restart, Shutdown};
use crate::otp::{Incoming, Instant, Message, Node, Rejected, SpawnError, lock};
use crate::wire::{ExitReason, Method, MethodKind, Pid, Type};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard};

type StartAgain = Box<dyn Fn(&Arc<Shared>, Kind) -> Result<(), SpawnError> + Send + Sync>;
/// What the book is told of a child that begins.
pub(in crate::otp) struct Kind(Entry<Arc<Spec>>);

impl Kind {
    pub(in crate::otp) const TEMPORARY: Self = Self(Entry::Temporary);
    pub(in crate::otp) const STARTING: Self = Self(Entry::Starting);

    pub(in crate::otp) fn kept(spec: Arc<Spec>) -> Self {
        Self(Entry::Kept(spec))
    }
}

/// How a child is started again.
pub(in crate::otp) struct Spec {
    pub(in crate::otp) restart: Restart,
    pub(in crate::otp) start: StartAgain,
}

impl Rule for Arc<Spec> {
    fn restart(&self) -> Restart {
        self.restart
    }
}

/// What those who start children tell the supervisor's process.
pub(super) enum Order {
    /// This child has come up and ended: start it again.
    Again(Arc<Spec>, ExitReason),
    /// Somebody is gone without an exit.
    Look,
}

impl Message for Order {
    const METHODS: &'static [&'static Method] = &[];

    fn method(&self) -> &'static Method {
        const NONE: &Method = &Method::new(MethodKind::Cast, "nothing", &[], &Type::Unit, "");
        NONE
    }

    fn from_wire(message: Incoming) -> Result<Self, Rejected> {
        Err(message.unknown())
    }
}

/// What a supervisor's process and its handles share.
pub(in crate::otp) struct Shared {
    pub(in crate::otp) node: Node,
    pub(super) this: Typed<Order>,
    book: Mutex<Book<Arc<Spec>>>,
    pub(super) restart: Restart,
    pub(super) shutdown: Shutdown,
    max: usize,
}

impl Shared {
    pub(super) fn book(&self) -> MutexGuard<'_, Book<Arc<Spec>>> {
        lock(&self.book)
    }

    pub(in crate::otp) fn family(&self) -> Family<'_> {
        Family { parent: Some(self.this.cell()), link: true, monitor: None }
    }

    pub(in crate::otp) fn pid(&self) -> Pid {
        self.this.cell().pid()
    }

    pub(in crate::otp) fn reserve(&self) -> Result<(), SpawnError> {
        self.book().reserve().map_err(|refused| match refused {
            Refused::Full => SpawnError::Capacity(format!("the supervisor has its {} children", self.max)),
            Refused::Closed => SpawnError::Init(ExitReason::Shutdown),
        })
    }

    /// Starts a child whose place is reserved. `start` says its pid before it can run.
    pub(in crate::otp) fn launch<T>(
        &self,
        kind: Kind,
        start: impl FnOnce(&mut dyn FnMut(Pid)) -> Result<T, SpawnError>,
    ) -> Result<T, SpawnError> {
        let (mut begun, mut entry) = (None, Some(kind.0));
        let result = start(&mut |pid| {
            if let Some(entry) = entry.take() {
                self.book().begin(pid, entry);
                begun = Some(pid);
            }
        });
        match (result.is_ok(), begun) {
            (true, Some(pid)) => match self.book().phase() {
                Phase::Open => {}
                Phase::Asked => self.ask(pid),
                Phase::Killing => self.node.kill(pid),
            },
            (false, Some(pid)) => self.forget(pid),
            (_, None) => {
                self.book().release();
                self.tell_stop();
            }
        }
        result
    }

    pub(in crate::otp) fn forget(&self, pid: Pid) {
        self.book().forget(pid);
        self.tell_stop();
    }

    /// The stop waits for an empty book.
    fn tell_stop(&self) {
        if self.book().phase() != Phase::Open {
            self.order(Order::Look);
        }
    }

    /// A child with a spec has come up.
    pub(in crate::otp) fn started(&self, pid: Pid, spec: Arc<Spec>) {
        let verdict = self.book().started(pid, spec);
        if let Verdict::Again(spec) = verdict {
            self.order(Order::Again(spec, ExitReason::Shutdown));
        }
    }

    fn order(&self, order: Order) {
        // A supervisor that has ended has nothing to do.
        let _ = deliver(self.this.cell().ptr(), self.this.mailbox(), order, None, false, None);
    }

    pub(super) fn ask(&self, pid: Pid) {
        self.node.signal(pid, Signal::Exit { from: Some(self.pid()), reason: ExitReason::Shutdown });
    }
}

/// Starts a supervisor's process; `begun` hears its pid before it can run.
pub(in crate::otp) fn start(
    node: &Node,
    config: &DynamicSupervisor,
    family: Family<'_>,
    begun: impl FnOnce(Pid),
    at: &'static Location<'static>,
) -> Result<Arc<Shared>, SpawnError> {
    let new = Start {
        label: config.label.clone(),
        name: config.name.clone(),
        trap: Trap { links: true, stop: true },
        family,
        ..Start::new(&"dynamic supervisor", at)
    };
    let mut made = None;
    node.start(new, Mailbox::<Order>::new(None), |this| {
        begun(this.cell().pid());
        let shared = Arc::new(Shared {
            node: node.clone(),
            this: this.clone(),
            book: Mutex::new(Book::new(config.max_children)),
            restart: config.restart,
            shutdown: config.shutdown,
            max: config.max_children,
        });
        made = Some(shared.clone());
        let restarts = Restarts::new(config.max_restarts, config.within);
        run(Run { shared, receiver: Receiver::new(this), restarts })
    })?;
    made.ok_or(SpawnError::NodeDown)
}

struct Run {
    shared: Arc<Shared>,
    receiver: Receiver<Order>,
    restarts: Restarts,
}

async fn run(mut run: Run) -> ExitReason {
    let reason = loop {
        let ended = match run.receiver.next().await {
            Item::Local(Order::Look, _) => Ok(()),
            Item::Local(Order::Again(spec, reason), _) => run.again(spec, reason).await,
            Item::Other(other) => match *other {
                Other::Exit(exit) => {
                    let verdict = run.shared.book().ended(exit.from, &exit.reason);
                    match verdict {
                        Verdict::Nothing => Ok(()),
                        Verdict::Again(spec) => run.again(spec, exit.reason).await,
                    }
                }
                Other::Stop(reason) => Err(reason),
                Other::Wire(message) => {
                    message.unknown();
                    Ok(())
                }
                Other::Down(_) | Other::Traced(_) => Ok(()),
            },
        };
        if let Err(reason) = ended {
            break reason;
        }
    };
    run.stop_all().await;
    reason
}

impl Run {
    /// Starts a child again; Err if that is too much.
    async fn again(&mut self, spec: Arc<Spec>, mut reason: ExitReason) -> Result<(), ExitReason> {
        loop {
            if self.receiver.is_stop_asked() {
                self.shared.book().release();
                return Ok(());
            }
            if !self.restarts.allow(Instant::now()) {
                self.shared.book().release();
                tracing::error!(
                    target: "rusm::supervisor",
                    pid = %self.shared.pid(),
                    label = %self.shared.this.cell().label(),
                    %reason,
                    "too many restarts: the supervisor gives up"
                );
                return Err(ExitReason::Shutdown);
            }
            match (spec.start)(&self.shared, Kind::kept(spec.clone())) {
                Ok(()) => return Ok(()),
                Err(SpawnError::NodeDown) => return Err(ExitReason::Shutdown),
                Err(error) => reason = ExitReason::Error(error.to_string().into()),
            }
            self.shared.book().reserve_again();
            // A start can fail at once, over and over; others are to run in between.
            tokio::task::yield_now().await;
        }
    }

    /// Ends all children at the same time: asked, waited for, killed.
    async fn stop_all(&mut self) {
        let limit = match self.shared.shutdown {
            Shutdown::Brutal => {
                self.kill_all();
                return self.drained().await;
            }
            Shutdown::Timeout(limit) => Some(limit),
            Shutdown::Infinite => None,
        };
        for pid in self.close(Phase::Asked) {
            self.shared.ask(pid);
        }
        match limit {
            None => self.drained().await,
            Some(limit) => {
                if tokio::time::timeout(limit, self.drained()).await.is_err() {
                    self.kill_all();
                    self.drained().await;
                }
            }
        }
    }

    fn kill_all(&self) {
        for pid in self.close(Phase::Killing) {
            self.shared.node.kill(pid);
        }
    }

    fn close(&self, phase: Phase) -> Vec<Pid> {
        let mut book = self.shared.book();
        book.close(phase);
        book.pids()
    }

    /// Waits until no child is left. Cancel safe.
    async fn drained(&mut self) {
        while self.shared.book().len() > 0 {
            match self.receiver.next().await {
                Item::Local(Order::Look, _) => {}
                Item::Local(Order::Again(..), _) => self.shared.book().release(),
                Item::Other(other) => {
                    if let Other::Exit(exit) = *other {
                        self.saw_end(exit.from, &exit.reason);
                    }
                }
            }
        }
    }

    /// A crash while it stops is told, though nothing comes of it.
    fn saw_end(&self, pid: Pid, reason: &ExitReason) {
        let _ = self.shared.book().ended(pid, reason);
        if !reason.is_orderly() && *reason != ExitReason::Killed {
            let supervisor = self.shared.pid();
            tracing::error!(target: "rusm::supervisor", %supervisor, child = %pid, %reason, "crashed while it was stopped");
        }
    }
}

/// However it ends, nobody starts anything under it any more.
impl Drop for Run {
    fn drop(&mut self) {
        self.shared.book().close(Phase::Killing);
    }
}

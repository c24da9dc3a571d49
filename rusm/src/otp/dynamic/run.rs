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
//! - The supervisor is killed: its links ask the children to end, [`Run`]'s drop sees to those that refuse, and a child that is
//!   linked later is refused by [`Node::start`].

use super::DynamicSupervisor;
use super::book::{Book, Entry, Own, Phase, Refused, Rule, Verdict};
use crate::otp::cell::Typed;
use crate::otp::mailbox::{Item, Mailbox, Other, Receiver, deliver};
use crate::otp::node::{Family, Start};
use crate::otp::signal::{Signal, Trap};
use crate::otp::supervisor::{Restart, Shutdown, Window, see_to};
use crate::otp::timer::FAR;
use crate::otp::{Incoming, Instant, Message, Node, Rejected, SpawnError, lock};
use crate::wire::{ExitReason, Method, MethodKind, Pid, Type};
use std::collections::BTreeSet;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard};

type StartAgain = Box<dyn Fn(&Arc<Shared>, Kind) -> Result<(), SpawnError> + Send + Sync>;
/// What the book is told of a child that begins.
pub(in crate::otp) struct Kind(Entry<Arc<Spec>>);

impl Kind {
    pub(in crate::otp) const TEMPORARY: Self = Self(Entry::Temporary(None));
    pub(in crate::otp) const STARTING: Self = Self(Entry::Starting(None));

    /// Of one that is stopped in its own way, perhaps, and is to be started again or not.
    pub(super) fn new(again: bool, own: Own) -> Self {
        Self(if again { Entry::Starting(own) } else { Entry::Temporary(own) })
    }

    pub(in crate::otp) fn kept(spec: Arc<Spec>) -> Self {
        Self(Entry::Kept(spec))
    }
}

/// How a child is started again.
pub(in crate::otp) struct Spec {
    pub(in crate::otp) restart: Restart,
    /// None: as the supervisor says.
    pub(in crate::otp) shutdown: Option<Shutdown>,
    pub(in crate::otp) start: StartAgain,
}

impl Rule for Arc<Spec> {
    fn restart(&self) -> Restart {
        self.restart
    }

    fn shutdown(&self) -> Option<Shutdown> {
        self.shutdown
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
        let restarts = Window::new(config.intensity);
        run(Run { shared, receiver: Receiver::new(this), restarts })
    })?;
    made.ok_or(SpawnError::NodeDown)
}

struct Run {
    shared: Arc<Shared>,
    receiver: Receiver<Order>,
    restarts: Window,
}

async fn run(mut run: Run) -> ExitReason {
    let reason = loop {
        let ended = match run.receiver.next().await {
            Item::Local(Order::Look, _) => Ok(()),
            Item::Local(Order::Again(spec, reason), _) => run.again(spec, reason).await,
            Item::Other(other) => match other.into_inner() {
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

    /// Ends all children at the same time: asked, waited for, each killed when its time is over.
    async fn stop_all(&mut self) {
        let (begin, usual) = (Instant::now(), self.shared.shutdown);
        let mut limits = BTreeSet::new();
        let phase = if usual == Shutdown::Brutal { Phase::Killing } else { Phase::Asked };
        for (pid, own) in self.shared.book().close(phase) {
            match own.unwrap_or(usual) {
                Shutdown::Brutal => self.shared.node.kill(pid),
                Shutdown::Timeout(limit) => {
                    limits.insert(limit.min(FAR));
                    self.shared.ask(pid);
                }
                Shutdown::Infinite => self.shared.ask(pid),
            }
        }
        // For those, too, that are just being started.
        if let Shutdown::Timeout(limit) = usual {
            limits.insert(limit.min(FAR));
        }
        let mut phase = phase;
        for limit in limits {
            if tokio::time::timeout_at(begin + limit, self.drained()).await.is_ok() {
                return;
            }
            let is_over = |shutdown| matches!(shutdown, Shutdown::Timeout(own) if own.min(FAR) <= limit);
            if is_over(usual) {
                phase = Phase::Killing;
            }
            for (pid, own) in self.shared.book().close(phase) {
                if is_over(own.unwrap_or(usual)) {
                    self.shared.node.kill(pid);
                }
            }
        }
        self.drained().await;
    }

    /// Waits until no child is left. Cancel safe.
    async fn drained(&mut self) {
        while self.shared.book().len() > 0 {
            match self.receiver.next().await {
                Item::Local(Order::Look, _) => {}
                Item::Local(Order::Again(..), _) => self.shared.book().release(),
                Item::Other(other) => {
                    if let Other::Exit(exit) = other.into_inner() {
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

/// However it ends, nobody starts anything under it any more, and its children end.
impl Drop for Run {
    fn drop(&mut self) {
        let (usual, left) = (self.shared.shutdown, self.shared.book().close(Phase::Killing));
        see_to(&self.shared.node, left.into_iter().map(|(pid, own)| (pid, own.unwrap_or(usual))));
    }
}

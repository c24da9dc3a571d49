//! The process that does what the plan says.

use super::intensity::Window;
use super::plan::{Plan, Verdict};
use super::{Child, Shutdown, Supervisor};
use crate::otp::cell::CellRef;
use crate::otp::mailbox::{Item, Mailbox, Other, Receiver};
use crate::otp::node::{Family, Start, wait_started};
use crate::otp::process::children;
use crate::otp::signal::{Signal, Trap};
use crate::otp::slot::{Filler, slot};
use crate::otp::{CallError, Incoming, Instant, Message, Node, Rejected, SpawnError};
use crate::wire::{ExitReason, Method, MethodKind, Pid, Type};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::watch;

impl Node {
    /// Starts a supervisor and its children, in order.
    ///
    /// # Errors
    /// The first child that does not start ends the others, in reverse order, and the supervisor.
    #[track_caller]
    pub fn supervise(&self, supervisor: Supervisor) -> impl Future<Output = Result<SupervisorRef, SpawnError>> + Send {
        start(self, supervisor, Family::default(), None, Location::caller())
    }
}

/// A child as its supervisor sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildInfo {
    /// What it is called by its supervisor.
    pub id: Arc<str>,
    /// Its process, if it runs.
    pub pid: Option<Pid>,
    /// How often it was started again.
    pub restarts: u64,
}

/// A running supervisor.
#[derive(Clone)]
pub struct SupervisorRef {
    node: Node,
    cell: CellRef,
    children: watch::Receiver<Vec<ChildInfo>>,
}

impl SupervisorRef {
    /// Its process.
    pub fn pid(&self) -> Pid {
        self.cell.pid()
    }

    /// Its children, in the order of their start.
    pub fn which_children(&self) -> Vec<ChildInfo> {
        self.children.borrow().clone()
    }

    /// Waits until a child runs as another process than `before`.
    ///
    /// # Errors
    /// `NoProcess` if the supervisor has no such child, `Exited` if it ends.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn restarted(&self, id: &str, before: Option<Pid>) -> Result<Pid, CallError> {
        let mut children = self.children.clone();
        let find = |children: &[ChildInfo]| children.iter().find(|child| *child.id == *id).cloned();
        if find(&children.borrow()).is_none() {
            return Err(CallError::NoProcess(format!("child {id:?} of {}", self.pid())));
        }
        let is_new = |child: &ChildInfo| child.pid.is_some() && child.pid != before;
        let found = children.wait_for(|children| find(children).is_some_and(|child| is_new(&child))).await;
        match found.map(|children| find(&children).and_then(|child| child.pid)) {
            Ok(Some(pid)) => Ok(pid),
            _ => Err(CallError::Exited(self.cell.gone().await)),
        }
    }

    /// Stops the children in reverse order, then itself, and waits for it; why it ended.
    pub async fn stop(&self) -> ExitReason {
        self.node.exit(self.pid(), ExitReason::Shutdown);
        self.cell.gone().await
    }
}

impl fmt::Debug for SupervisorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisorRef").field("pid", &self.pid()).field("children", &self.which_children()).finish()
    }
}

/// A supervisor reads no user messages.
enum Nothing {}

impl Message for Nothing {
    const METHODS: &'static [&'static Method] = &[];

    fn method(&self) -> &'static Method {
        const NONE: &Method = &Method::new(MethodKind::Cast, "nothing", &[], &Type::Unit, "");
        NONE
    }

    fn from_wire(message: Incoming) -> Result<Self, Rejected> {
        Err(message.unknown())
    }
}

pub(super) async fn start(
    node: &Node,
    supervisor: Supervisor,
    family: Family,
    name: Option<Arc<str>>,
    at: &'static Location<'static>,
) -> Result<SupervisorRef, SpawnError> {
    let (started, is_started) = slot();
    let children = supervisor.children.iter().map(|child| ChildInfo { id: child.id.clone(), pid: None, restarts: 0 });
    let (seen, children) = watch::channel(children.collect());
    let new = Start {
        label: supervisor.label.as_deref().map(Into::into),
        name,
        trap: Trap { links: true, stop: true },
        family,
        ..Start::new(&"supervisor", at)
    };
    let this = node.start(new, Mailbox::<Nothing>::new(None), |this| {
        let plan = Plan::new(supervisor.strategy, supervisor.children.iter().map(|child| child.restart));
        let window = Window::new(supervisor.intensity);
        let (node, cell) = (node.clone(), this.cell().clone());
        let receiver = Receiver::new(this);
        Run { node, cell, receiver, children: supervisor.children, plan, window, seen }.run(started)
    })?;
    wait_started(node, this.cell(), is_started).await?;
    Ok(SupervisorRef { node: node.clone(), cell: this.cell().clone(), children })
}

struct Run {
    node: Node,
    cell: CellRef,
    receiver: Receiver<Nothing>,
    children: Vec<Child>,
    plan: Plan,
    window: Window,
    seen: watch::Sender<Vec<ChildInfo>>,
}

/// Why a child was not started.
enum NotStarted {
    Failed(SpawnError),
    /// The supervisor is asked to stop; the request is in its mailbox.
    Stopping,
}

impl Run {
    async fn run(mut self, started: Filler<()>) -> ExitReason {
        for child in 0..self.children.len() {
            match self.start(child).await {
                Ok(()) => {}
                Err(NotStarted::Stopping) => break,
                Err(NotStarted::Failed(error)) => {
                    self.stop_all().await;
                    let id = &self.children[child].id;
                    return ExitReason::Error(format!("child {id:?} did not start: {error}").into());
                }
            }
        }
        if !self.receiver.is_stop_asked() {
            let _ = started.fill(());
        }
        loop {
            let reason = match self.receiver.next().await {
                Item::Local(message, _) => match message {},
                Item::Other(other) => match *other {
                    Other::Exit(exit) => match self.ended(exit.from, exit.reason).await {
                        Ok(()) => continue,
                        Err(reason) => reason,
                    },
                    Other::Stop(reason) => reason,
                    Other::Wire(message) => {
                        message.unknown();
                        continue;
                    }
                    Other::Down(_) | Other::Traced(_) => continue,
                },
            };
            self.stop_all().await;
            return reason;
        }
    }

    /// A linked process has ended; Err if that was too much.
    async fn ended(&mut self, pid: Pid, mut reason: ExitReason) -> Result<(), ExitReason> {
        let (child, mut verdict) = self.plan.ended(pid, &reason);
        let Some(mut child) = child else { return Ok(()) };
        self.show(child);
        while let Verdict::Restart { stop, start } = verdict {
            if self.receiver.is_stop_asked() {
                return Ok(());
            }
            self.allow(child, &reason)?;
            for child in stop {
                self.stop(child).await;
            }
            // A child that does not start again counts as another restart, until it is one too many.
            let Err((failed, error)) = self.start_again(start).await else { return Ok(()) };
            match error {
                NotStarted::Stopping => return Ok(()),
                NotStarted::Failed(SpawnError::NodeDown) => return Err(ExitReason::Shutdown),
                NotStarted::Failed(error) => reason = ExitReason::Error(error.to_string().into()),
            }
            (child, verdict) = (failed, self.plan.restart(failed));
            // A start can fail at once, over and over; others are to run in between.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn start_again(&mut self, children: Vec<usize>) -> Result<(), (usize, NotStarted)> {
        for child in children {
            self.start(child).await.map_err(|error| (child, error))?;
            self.seen.send_modify(|seen| seen[child].restarts += 1);
        }
        Ok(())
    }

    fn allow(&mut self, child: usize, reason: &ExitReason) -> Result<(), ExitReason> {
        if self.window.allow(Instant::now()) {
            return Ok(());
        }
        tracing::error!(
            target: "rusm::supervisor",
            pid = %self.cell.pid(),
            label = %self.cell.label(),
            child = %self.children[child].id,
            %reason,
            "too many restarts: the supervisor gives up"
        );
        Err(ExitReason::Shutdown)
    }

    /// Starts a child; a request to stop does not wait for an `#[init]` that takes its time.
    async fn start(&mut self, child: usize) -> Result<(), NotStarted> {
        let mut starting = self.children[child].start(&self.node, &self.cell);
        let mut stop = pin!(self.receiver.stop_asked());
        let started = poll_fn(|cx| match starting.as_mut().poll(cx) {
            Poll::Ready(started) => Poll::Ready(Some(started)),
            Poll::Pending => stop.as_mut().poll(cx).map(|()| None),
        });
        let Some(started) = started.await else {
            // It is ended like any other child before its start is given up.
            for pid in children(&self.cell) {
                if !self.plan.is_running(pid) {
                    self.end(pid, self.children[child].shutdown).await;
                }
            }
            return Err(NotStarted::Stopping);
        };
        self.plan.started(child, started.map_err(NotStarted::Failed)?);
        self.show(child);
        Ok(())
    }

    async fn stop_all(&mut self) {
        for child in self.plan.to_stop() {
            self.stop(child).await;
        }
    }

    async fn stop(&mut self, child: usize) {
        let Some(pid) = self.plan.running(child) else { return };
        self.end(pid, self.children[child].shutdown).await;
        self.plan.stopped(child);
        self.show(child);
    }

    /// Ends a process in its time, and waits for it.
    async fn end(&self, pid: Pid, shutdown: Shutdown) {
        let ended = self.node.ended(pid);
        tokio::pin!(ended);
        let limit = match shutdown {
            Shutdown::Brutal => None,
            Shutdown::Timeout(limit) => Some(Some(limit)),
            Shutdown::Infinite => Some(None),
        };
        let done = match limit {
            None => false,
            Some(limit) => {
                let exit = Signal::Exit { from: Some(self.cell.pid()), reason: ExitReason::Shutdown };
                self.node.signal(pid, exit);
                match limit {
                    None => {
                        ended.as_mut().await;
                        true
                    }
                    Some(limit) => tokio::time::timeout(limit, ended.as_mut()).await.is_ok(),
                }
            }
        };
        if !done {
            self.node.kill(pid);
            ended.await;
        }
    }

    fn show(&self, child: usize) {
        let pid = self.plan.running(child);
        self.seen.send_modify(|seen| seen[child].pid = pid);
    }
}

/// However it ends, its children end with it.
impl Drop for Run {
    fn drop(&mut self) {
        self.seen.send_modify(|seen| seen.iter_mut().for_each(|child| child.pid = None));
    }
}

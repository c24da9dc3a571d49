//! The process that does what the plan says.

use super::intensity::Window;
use super::plan::{Plan, Verdict};
use super::{Child, Shutdown, Supervisor};
use crate::otp::mailbox::{Item, Mailbox};
use crate::otp::node::{Family, Start, wait_started};
use crate::otp::process::{Cell, Understands};
use crate::otp::signal::{Signal, Trap};
use crate::otp::{CallError, Incoming, Instant, Message, Node, Rejected, SpawnError};
use crate::wire::{ExitReason, Method, MethodKind, Pid, Type};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

impl Node {
    /// Starts a supervisor and its children, in order.
    ///
    /// # Errors
    /// The first child that does not start ends the others, in reverse order, and the supervisor.
    pub async fn supervise(&self, supervisor: Supervisor) -> Result<SupervisorRef, SpawnError> {
        start(self, supervisor, Family::default(), None).await
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
#[derive(Debug, Clone)]
pub struct SupervisorRef {
    node: Node,
    pid: Pid,
    children: watch::Receiver<Vec<ChildInfo>>,
}

impl SupervisorRef {
    /// Its process.
    pub fn pid(&self) -> Pid {
        self.pid
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
            return Err(CallError::NoProcess(format!("child {id:?} of {}", self.pid)));
        }
        let is_new = |child: &ChildInfo| child.pid.is_some() && child.pid != before;
        let found = children.wait_for(|children| find(children).is_some_and(|child| is_new(&child))).await;
        match found.map(|children| find(&children).and_then(|child| child.pid)) {
            Ok(Some(pid)) => Ok(pid),
            _ => Err(CallError::Exited(self.node.ended(self.pid).await)),
        }
    }

    /// Stops the children in reverse order, then itself, and waits for it.
    pub async fn stop(&self) -> ExitReason {
        let ended = self.node.ended(self.pid);
        self.node.exit(self.pid, ExitReason::Shutdown);
        ended.await
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
) -> Result<SupervisorRef, SpawnError> {
    let mailbox = Arc::new(Mailbox::<Nothing>::new(None));
    let (started, is_started) = oneshot::channel();
    let children = supervisor.children.iter().map(|child| ChildInfo { id: child.id.clone(), pid: None, restarts: 0 });
    let (seen, children) = watch::channel(children.collect());
    let new = Start {
        label: supervisor.label.as_deref().unwrap_or("supervisor").into(),
        name,
        trap: Trap { links: true, stop: true },
        understands: Understands::Nothing,
        family,
    };
    let cell = node.start(new, mailbox.clone(), |cell| {
        let plan = Plan::new(supervisor.strategy, supervisor.children.iter().map(|child| child.restart));
        let window = Window::new(supervisor.intensity);
        let run = Run { node: node.clone(), cell, children: supervisor.children, plan, window, seen };
        run.run(mailbox, started)
    })?;
    wait_started(node, &cell, is_started).await?;
    Ok(SupervisorRef { node: node.clone(), pid: cell.pid(), children })
}

struct Run {
    node: Node,
    cell: Arc<Cell>,
    children: Vec<Child>,
    plan: Plan,
    window: Window,
    seen: watch::Sender<Vec<ChildInfo>>,
}

impl Run {
    async fn run(mut self, mailbox: Arc<Mailbox<Nothing>>, started: oneshot::Sender<()>) -> ExitReason {
        for child in 0..self.children.len() {
            if let Err(error) = self.start(child).await {
                self.stop_all().await;
                let id = &self.children[child].id;
                return ExitReason::Error(format!("child {id:?} did not start: {error}").into());
            }
        }
        let _ = started.send(());
        loop {
            let reason = match mailbox.next().await {
                Item::Exit(exit) => match self.ended(exit.from, exit.reason).await {
                    Ok(()) => continue,
                    Err(reason) => reason,
                },
                Item::Stop(reason) => reason,
                Item::Local { message, .. } => match message {},
                Item::Wire(message) => {
                    message.unknown();
                    continue;
                }
                Item::Down(_) => continue,
            };
            self.stop_all().await;
            return reason;
        }
    }

    /// A linked process has ended; Err if that was too much.
    async fn ended(&mut self, pid: Pid, reason: ExitReason) -> Result<(), ExitReason> {
        let (child, verdict) = self.plan.ended(pid, &reason);
        let Some(child) = child else { return Ok(()) };
        self.show(child);
        let Verdict::Restart { stop, start } = verdict else { return Ok(()) };
        self.allow(child, &reason)?;
        for child in stop {
            self.stop(child).await;
        }
        for child in start {
            // A child that does not start again counts as another restart, until it is one too many.
            while let Err(error) = self.start(child).await {
                self.allow(child, &ExitReason::Error(error.to_string().into()))?;
            }
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

    async fn start(&mut self, child: usize) -> Result<(), SpawnError> {
        let pid = self.children[child].start(&self.node, &self.cell).await?;
        self.plan.started(child, pid);
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
        let ended = self.node.ended(pid);
        tokio::pin!(ended);
        let limit = match self.children[child].shutdown {
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
        self.plan.stopped(child);
        self.show(child);
    }

    fn show(&self, child: usize) {
        let pid = self.plan.running(child);
        self.seen.send_modify(|seen| seen[child].pid = pid);
    }
}

//! A running supervisor as others see it, and what they can ask of it.

use super::seat::{Board, Listed, Seat};
use super::typed::Supervised;
use super::{ChildSpec, Phase};
use crate::otp::call::{Limit, wait};
use crate::otp::cell::Typed;
use crate::otp::mailbox::deliver;
use crate::otp::reply::Answer;
use crate::otp::slot::{Filler, slot};
use crate::otp::{CallError, Incoming, Message, Node, Rejected, SpawnError, context, timer};
use crate::wire::{ExitReason, Method, MethodKind, Pid, Type};
use std::fmt;
use std::pin::pin;
use std::sync::Arc;

/// A child as its supervisor sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildInfo {
    /// What it is called by its supervisor.
    pub id: Arc<str>,
    /// Its process, if it runs.
    pub pid: Option<Pid>,
    /// It does not run, and will be started again.
    pub is_restarting: bool,
    /// How often it was started again.
    pub restarts: u64,
    /// Whether it is a supervisor itself.
    pub is_supervisor: bool,
}

/// How many children a supervisor has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildCount {
    /// All that it knows, whether they run or not.
    pub specs: usize,
    /// Those that run.
    pub active: usize,
    /// Those that are supervisors.
    pub supervisors: usize,
    /// Those that are not.
    pub workers: usize,
}

/// Why a supervisor did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildError {
    /// It has no child of this id.
    NotFound(String),
    /// The child runs, as this process.
    Running(Pid),
    /// The child is about to be started again; [`SupervisorRef::terminate_child`] ends that.
    Restarting,
    /// It has a child of this id already, which does not run.
    AlreadyPresent,
    /// It can't have such a child, and why.
    Refused(String),
    /// The child did not start.
    Start(SpawnError),
    /// The supervisor gave no answer: it ended, or the deadline of the message that the caller is handling has passed.
    Supervisor(CallError),
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(id) => write!(f, "the supervisor has no child {id:?}"),
            Self::Running(pid) => write!(f, "the child runs as {pid}"),
            Self::Restarting => f.write_str("the child is about to be started again"),
            Self::AlreadyPresent => {
                f.write_str("there is a child of this id, which does not run: restart or delete it")
            }
            Self::Refused(why) => f.write_str(why),
            Self::Start(error) => write!(f, "the child did not start: {error}"),
            Self::Supervisor(error) => write!(f, "no answer of the supervisor: {error}"),
        }
    }
}

impl std::error::Error for ChildError {}

/// What a supervisor says when something is wrong with the phase that a child is in.
impl From<Phase> for ChildError {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Running(pid) => Self::Running(pid),
            Phase::Restarting(_) => Self::Restarting,
            Phase::Down => Self::AlreadyPresent,
        }
    }
}

type To<T> = Filler<Answer<Result<T, ChildError>>>;

/// What a supervisor is asked.
pub(crate) enum Request {
    Start(Box<ChildSpec>, To<Pid>),
    Terminate(Box<str>, To<()>),
    Restart(Box<str>, To<Pid>),
    Delete(Box<str>, To<()>),
}

/// A supervisor takes no messages in bytes.
impl Message for Request {
    const METHODS: &'static [&'static Method] = &[];

    fn method(&self) -> &'static Method {
        const NONE: &Method = &Method::new(MethodKind::Cast, "nothing", &[], &Type::Unit, "");
        NONE
    }

    fn from_wire(message: Incoming) -> Result<Self, Rejected> {
        Err(message.unknown())
    }
}

/// A running supervisor.
///
/// That of a nested one follows its restarts: it means the process that runs now, or the last one.
#[derive(Clone)]
pub struct SupervisorRef {
    node: Node,
    board: Arc<Board>,
    /// The process that ran when this was made.
    first: Typed<Request>,
}

impl SupervisorRef {
    pub(super) fn new(node: &Node, board: Arc<Board>) -> Option<Self> {
        Some(Self { node: node.clone(), first: board.process()?, board })
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn seat(&self, id: &str) -> Option<Arc<Seat>> {
        self.board.seat(id)
    }

    /// A supervisor below this one, if it has run once.
    pub(super) fn nested(&self, id: &str) -> Option<Self> {
        Self::new(&self.node, self.board.seat(id)?.known_nested()?.clone())
    }

    fn process(&self) -> Typed<Request> {
        self.board.process().unwrap_or_else(|| self.first.clone())
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.process().cell().pid()
    }

    /// Its children, in the order of their start. Looks without asking the supervisor, which may be busy.
    pub fn which_children(&self) -> Vec<ChildInfo> {
        let info = |Listed { seat, is_tree }: Listed| ChildInfo {
            id: seat.id().clone(),
            pid: seat.pid(self.node.table()),
            is_restarting: seat.is_restarting(),
            restarts: seat.restarts(),
            is_supervisor: is_tree,
        };
        self.board.listed().into_iter().map(info).collect()
    }

    /// How many children it has; costs a look at each, without asking the supervisor.
    pub fn count_children(&self) -> ChildCount {
        let mut count = ChildCount::default();
        for Listed { seat, is_tree } in self.board.listed() {
            count.specs += 1;
            count.active += usize::from(seat.pid(self.node.table()).is_some());
            *(if is_tree { &mut count.supervisors } else { &mut count.workers }) += 1;
        }
        count
    }

    /// A client of a child: finds the child's process at each message, so that it survives restarts; `NoProcess` while it is down.
    ///
    /// None if there is no such child, or if it is a tree of another type. A child that has another type than `P` refuses the
    /// client's messages.
    ///
    /// # Examples
    /// ```
    /// # use rusm::prelude::*;
    /// # pub struct Counter(u64);
    /// # #[actor]
    /// # impl Counter {
    /// #     #[init] fn start(from: u64) -> Self { Self(from) }
    /// #     pub fn next(&mut self) -> u64 { self.0 += 1; self.0 }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = Node::builder().build().await?;
    /// let pool = node.supervise(Supervisor::new()).await?;
    /// pool.start_child(ChildSpec::actor::<Counter>("counter", || 5)).await?;
    /// let counter = pool.client::<Counter>("counter").ok_or("it was just started")?;
    /// assert_eq!(counter.next().await?, 6);
    /// # Ok(())
    /// # }
    /// ```
    pub fn client<P: Supervised>(&self, id: &str) -> Option<P::Client> {
        P::client(self, id)
    }

    /// Adds a child behind all others, and starts it. A child that does not start is forgotten.
    ///
    /// Like all requests it is taken between restarts, and not answered to a child that is still in its `#[init]`, for which the
    /// supervisor waits.
    ///
    /// # Errors
    /// `Running`, `Restarting` or `AlreadyPresent` if there is one of this id; `Refused`, `Start`, `Supervisor`.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing: the request may be taken all the same.
    pub async fn start_child(&self, child: ChildSpec) -> Result<Pid, ChildError> {
        self.ask(|to| Request::Start(Box::new(child), to)).await
    }

    /// Stops a child in its time, and keeps it for [`restart_child`](Self::restart_child), unless it is temporary. One that does
    /// not run stays so; one that is about to be started again is not.
    ///
    /// # Errors
    /// `NotFound`, `Supervisor`.
    ///
    /// # Cancel safety
    /// As for [`start_child`](Self::start_child).
    pub async fn terminate_child(&self, id: &str) -> Result<(), ChildError> {
        self.ask(|to| Request::Terminate(id.into(), to)).await
    }

    /// Starts a child that does not run.
    ///
    /// # Errors
    /// `NotFound`, `Running`, `Restarting`, `Start`, `Supervisor`.
    ///
    /// # Cancel safety
    /// As for [`start_child`](Self::start_child).
    pub async fn restart_child(&self, id: &str) -> Result<Pid, ChildError> {
        self.ask(|to| Request::Restart(id.into(), to)).await
    }

    /// Forgets a child that does not run.
    ///
    /// # Errors
    /// `NotFound`, `Running`, `Restarting`, `Supervisor`.
    ///
    /// # Cancel safety
    /// As for [`start_child`](Self::start_child).
    pub async fn delete_child(&self, id: &str) -> Result<(), ChildError> {
        self.ask(|to| Request::Delete(id.into(), to)).await
    }

    async fn ask<T>(&self, request: impl FnOnce(To<T>) -> Request) -> Result<T, ChildError> {
        let process = self.process();
        let (filler, waiter) = slot();
        if deliver(process.cell().ptr(), process.mailbox(), request(filler), None, false, None).is_err() {
            return Err(ChildError::Supervisor(self.exited(&process).await));
        }
        // As in OTP there is no limit but the one of what the caller is doing: a child may take its time to stop.
        let limit = Limit::new(timer::FAR, context::deadline());
        match wait(waiter, process.cell(), limit).await {
            Ok(answer) => answer,
            // It gives no answer only if it ends.
            Err(CallError::NoReply) => Err(ChildError::Supervisor(self.exited(&process).await)),
            Err(error) => Err(ChildError::Supervisor(error)),
        }
    }

    /// Waits until a child runs as another process than `before`.
    ///
    /// # Errors
    /// `NoProcess` if the supervisor has no such child, or no more, `Exited` if it ends.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn restarted(&self, id: &str, before: Option<Pid>) -> Result<Pid, CallError> {
        let process = self.process();
        let unknown = || CallError::NoProcess(format!("child {id:?} of {}", self.pid()));
        let Some(seat) = self.board.seat(id) else {
            return Err(if self.board.is_over() { self.exited(&process).await } else { unknown() });
        };
        let watch = seat.watch();
        loop {
            let mut changed = pin!(watch.changed());
            changed.as_mut().enable();
            if let Some(pid) = seat.pid(self.node.table()).filter(|pid| Some(*pid) != before) {
                return Ok(pid);
            }
            if seat.is_closed() {
                if self.board.is_over() {
                    return Err(self.exited(&process).await);
                }
                if self.board.listed_seat(id).is_none() {
                    return Err(unknown());
                }
            }
            changed.await;
        }
    }

    async fn exited(&self, process: &Typed<Request>) -> CallError {
        CallError::Exited(process.cell().gone().await)
    }

    /// Stops the children in reverse order, then itself, and waits for it; why it ended.
    pub async fn stop(&self) -> ExitReason {
        let process = self.process();
        self.node.exit(process.cell().pid(), ExitReason::Shutdown);
        process.cell().gone().await
    }
}

impl fmt::Debug for SupervisorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisorRef").field("pid", &self.pid()).field("children", &self.count_children()).finish()
    }
}

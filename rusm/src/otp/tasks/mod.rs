//! Tasks: one future each, as a process whose value somebody waits for; as Elixir's `Task` and `Task.Supervisor`.
//!
//! [`Node::run`] is the short form: a task that is started and awaited at once. A task inherits the deadline of the
//! message that its caller is handling.
//!
//! # Examples
//! ```
//! use rusm::otp::tasks::{TaskSupervisor, await_many};
//! use rusm::prelude::*;
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder().build().await?;
//! assert_eq!(node.task(async { 6 * 7 })?.await?, 42);
//!
//! let supervisor = TaskSupervisor::start(&node)?;
//! let tasks = [supervisor.spawn_nolink(async { 1 })?, supervisor.spawn_nolink(async { panic!("as asked") })?];
//! let values = await_many(tasks, Duration::from_secs(5)).await;
//! assert!(matches!(values[..], [Ok(1), Err(CallError::Exited(ExitReason::Panicked(_)))]));
//! # Ok(())
//! # }
//! ```

mod stream;
mod supervisor;

pub use stream::TaskStream;
pub use supervisor::TaskSupervisor;

use super::call::{Limit, poll_late};
use super::cell::CellRef;
use super::mailbox::Mailbox;
use super::node::{Family, Start};
use super::process::own_signal;
use super::slot::{Filler, Waiter, slot};
use super::{CallError, DEFAULT_CALL_TIMEOUT, Incoming, Node, SpawnError, context};
use crate::wire::{ExitReason, Pid};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// A future that runs as a process of its own, and the wait for its value: `.await` waits for 5 seconds from its first poll,
/// but not beyond the deadline of the message that the caller is handling.
///
/// Dropped before it is done, it is killed. That does not touch the process that it is linked to.
///
/// # Errors
/// `Exited` with the reason if it ended without a value, `Timeout` if the time is over, which kills it. Awaited again
/// after its value was taken it is `NoReply`.
///
/// # Cancel safety
/// `&mut task` can be awaited and given up; the value stays.
#[must_use = "a task that is dropped is killed"]
pub struct Task<T> {
    cell: CellRef,
    /// Whom it is linked to, besides a supervisor.
    caller: Option<CellRef>,
    waiter: Waiter<T>,
    wait: Wait,
    span: Duration,
    limit: Option<Limit>,
    time: Option<Pin<Box<Sleep>>>,
}

enum Wait {
    Value,
    /// There is none: for the reason.
    End(Pin<Box<dyn Future<Output = ExitReason> + Send + Sync>>),
    Done,
}

/// The life of a task.
fn life<T: Send + 'static>(
    filler: Filler<T>,
    gate: Option<Waiter<()>>,
    future: impl Future<Output = T> + Send + 'static,
) -> impl Future<Output = ExitReason> + Send + 'static {
    let deadline = context::Deadline::new(context::deadline());
    async move {
        context::set_deadline(deadline);
        if let Some(gate) = gate
            && gate.await.is_err()
        {
            return ExitReason::Killed;
        }
        let _ = filler.fill(future.await);
        ExitReason::Normal
    }
}

/// The running process, if it is one of this node.
fn caller(node: &Node) -> Option<CellRef> {
    context::with(|cell| std::ptr::eq(cell.inner(), node.inner()).then(|| cell.acquire()).flatten()).flatten()
}

impl Node {
    /// Starts a task; in a process of this node it is linked to that, so that neither outlives a crash of the other.
    ///
    /// # Errors
    /// See [`SpawnError`].
    #[track_caller]
    pub fn task<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<Task<T>, SpawnError> {
        begin(self, caller(self), future, Location::caller())
    }
}

fn begin<T: Send + 'static>(
    node: &Node,
    caller: Option<CellRef>,
    future: impl Future<Output = T> + Send + 'static,
    at: &'static Location<'static>,
) -> Result<Task<T>, SpawnError> {
    let (filler, waiter) = slot();
    let family = Family { link: caller.is_some(), parent: caller.as_ref(), monitor: None };
    let start = Start { family, ..Start::new(&"task", at) };
    let this = node.start(start, Mailbox::<Incoming>::new(Some(0.into())), |_| life(filler, None, future))?;
    Ok(Task::new(this.cell().clone(), caller, waiter))
}

impl<T: Send + 'static> Task<T> {
    /// Starts a task that is linked to the running process.
    ///
    /// # Errors
    /// See [`SpawnError`].
    ///
    /// # Panics
    /// Outside of a process; see [`Node::task`].
    #[track_caller]
    pub fn spawn(future: impl Future<Output = T> + Send + 'static) -> Result<Self, SpawnError> {
        let node = Node::current();
        begin(&node, caller(&node), future, Location::caller())
    }
}

impl<T> Task<T> {
    fn new(cell: CellRef, caller: Option<CellRef>, waiter: Waiter<T>) -> Self {
        let (span, limit, time) = (DEFAULT_CALL_TIMEOUT, None, None);
        Self { cell, caller, waiter, wait: Wait::Value, span, limit, time }
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.cell.pid()
    }

    /// Waits this long instead of 5 seconds, from the first poll.
    pub fn timeout(mut self, span: Duration) -> Self {
        self.span = span;
        self
    }

    /// Its value or the reason of its end, if it comes within this time; None leaves it running.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn yield_for(&mut self, span: Duration) -> Option<Result<T, ExitReason>> {
        let limit = Limit::new(span, context::deadline());
        let mut time = None;
        poll_fn(|cx| match self.poll_outcome(cx) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending => poll_late(limit, &mut time, cx).map(|()| None),
        })
        .await
    }

    /// Asks it to end, and kills it after this time; its value if it came before that, else why it ended.
    ///
    /// # Errors
    /// The reason of its end.
    pub async fn shutdown(mut self, span: Duration) -> Result<T, ExitReason> {
        self.unlink();
        self.cell.node().exit(self.pid(), ExitReason::Shutdown);
        if let Some(outcome) = self.yield_for(span).await {
            return outcome;
        }
        self.cell.node().kill(self.pid());
        poll_fn(|cx| self.poll_outcome(cx)).await
    }

    fn unlink(&mut self) {
        if let Some(caller) = self.caller.take() {
            own_signal(caller.node(), caller.ptr(), |signals| signals.unlink(self.cell.pid()));
            caller.ptr().mailbox().flush_exit(caller.ptr(), self.cell.pid());
        }
    }

    fn kill(&mut self) {
        self.unlink();
        self.cell.node().kill(self.cell.pid());
    }

    fn poll_outcome(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, ExitReason>> {
        loop {
            match &mut self.wait {
                Wait::Value => match ready!(self.waiter.poll(cx)) {
                    Ok(value) => {
                        self.wait = Wait::Done;
                        return Poll::Ready(Ok(value));
                    }
                    Err(_) => {
                        let cell = self.cell.clone();
                        self.wait = Wait::End(Box::pin(async move { cell.gone().await }));
                    }
                },
                Wait::End(end) => {
                    let reason = ready!(end.as_mut().poll(cx));
                    self.wait = Wait::Done;
                    return Poll::Ready(Err(reason));
                }
                Wait::Done => return Poll::Ready(Err(ExitReason::NoProcess)),
            }
        }
    }
}

/// Nothing in it is pinned.
impl<T> Unpin for Task<T> {}

impl<T> Future for Task<T> {
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if matches!(this.wait, Wait::Done) {
            return Poll::Ready(Err(CallError::NoReply));
        }
        let limit = *this.limit.get_or_insert_with(|| Limit::new(this.span, context::deadline()));
        if let Poll::Ready(outcome) = this.poll_outcome(cx) {
            return Poll::Ready(outcome.map_err(CallError::Exited));
        }
        ready!(poll_late(limit, &mut this.time, cx));
        this.kill();
        this.wait = Wait::Done;
        Poll::Ready(Err(CallError::Timeout(limit.span)))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if !matches!(self.wait, Wait::Done) {
            self.kill();
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

/// Waits for all of them, for at most this time together; their outcomes, in their order.
///
/// # Cancel safety
/// Dropping the future kills those that are not done.
pub async fn await_many<T>(tasks: impl IntoIterator<Item = Task<T>>, span: Duration) -> Vec<Result<T, CallError>> {
    let limit = Limit::new(span, context::deadline());
    let mut tasks: Vec<_> = tasks.into_iter().collect();
    tasks.iter_mut().for_each(|task| task.limit = Some(limit));
    let mut outcomes = Vec::with_capacity(tasks.len());
    for task in tasks {
        outcomes.push(task.await);
    }
    outcomes
}

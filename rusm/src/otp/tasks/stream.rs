//! A stream whose items are made by tasks, some at a time.

use super::{Task, TaskSupervisor, begin};
use crate::otp::{CallError, DEFAULT_CALL_TIMEOUT, Node, SpawnError};
use futures_core::Stream;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The outcomes of one task for each item; see [`Node::async_stream`] and [`TaskSupervisor::async_stream`].
///
/// Dropping it kills its tasks.
#[must_use = "a stream does nothing until it is polled"]
pub struct TaskStream<I, F, T> {
    home: Home,
    items: Option<I>,
    make: F,
    max: usize,
    is_ordered: bool,
    span: Duration,
    under_way: VecDeque<Running<T>>,
    at: &'static Location<'static>,
}

/// Who starts the tasks.
enum Home {
    Node(Node),
    Supervisor(TaskSupervisor),
}

impl Home {
    fn begin<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
        at: &'static Location<'static>,
    ) -> Result<Task<T>, SpawnError> {
        match self {
            Self::Node(node) => begin(node, None, future, at),
            Self::Supervisor(supervisor) => supervisor.begin(None, future, at),
        }
    }
}

enum Running<T> {
    Task(Task<T>),
    Done(Result<T, CallError>),
}

impl Node {
    /// Runs `make` on each item as a task, at most `max_concurrency` (at least one) at a time; the outcomes come in
    /// the order of the items. It holds no more than so many tasks and outcomes, and takes an item when there is room.
    ///
    /// A task that crashes is an outcome, and ends nobody: unlike Elixir's they are not linked to the process that
    /// polls, whose end drops the stream and so ends them all the same.
    #[track_caller]
    pub fn async_stream<I, F, R, T>(&self, items: I, max_concurrency: usize, make: F) -> TaskStream<I::IntoIter, F, T>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> R,
        R: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        TaskStream::new(Home::Node(self.clone()), items, max_concurrency, make, Location::caller())
    }
}

impl TaskSupervisor {
    /// [`Node::async_stream`] whose tasks are children of this supervisor: its end is theirs, and one that it does not take, since
    /// it has its `max_children` or has ended, is an outcome.
    #[track_caller]
    pub fn async_stream<I, F, R, T>(&self, items: I, max_concurrency: usize, make: F) -> TaskStream<I::IntoIter, F, T>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> R,
        R: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        TaskStream::new(Home::Supervisor(self.clone()), items, max_concurrency, make, Location::caller())
    }
}

impl<I, F, T> TaskStream<I, F, T> {
    fn new(
        home: Home,
        items: impl IntoIterator<IntoIter = I>,
        max_concurrency: usize,
        make: F,
        at: &'static Location<'static>,
    ) -> Self {
        Self {
            home,
            items: Some(items.into_iter()),
            make,
            max: max_concurrency.max(1),
            is_ordered: true,
            span: DEFAULT_CALL_TIMEOUT,
            under_way: VecDeque::new(),
            at,
        }
    }

    /// Gives outcomes as they come.
    pub fn unordered(mut self) -> Self {
        self.is_ordered = false;
        self
    }

    /// How long each task may take instead of 5 seconds; it is killed then.
    pub fn timeout(mut self, span: Duration) -> Self {
        self.span = span;
        self
    }
}

/// Nothing in it is pinned.
impl<I, F, T> Unpin for TaskStream<I, F, T> {}

impl<I, F, R, T> Stream for TaskStream<I, F, T>
where
    I: Iterator,
    F: FnMut(I::Item) -> R,
    R: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    type Item = Result<T, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        while this.under_way.len() < this.max
            && let Some(items) = &mut this.items
        {
            let Some(item) = items.next() else {
                this.items = None;
                break;
            };
            this.under_way.push_back(match this.home.begin((this.make)(item), this.at) {
                Ok(task) => Running::Task(task.timeout(this.span)),
                Err(error) => Running::Done(Err(CallError::NoProcess(error.to_string()))),
            });
        }
        if this.under_way.is_empty() {
            return Poll::Ready(None);
        }
        for running in &mut this.under_way {
            if let Running::Task(task) = running
                && let Poll::Ready(outcome) = Pin::new(task).poll(cx)
            {
                *running = Running::Done(outcome);
            }
        }
        let is_done = |running: &Running<T>| matches!(running, Running::Done(_));
        let ready = match this.is_ordered {
            true => this.under_way.front().is_some_and(is_done).then_some(0),
            false => this.under_way.iter().position(is_done),
        };
        match ready.and_then(|at| this.under_way.remove(at)) {
            Some(Running::Done(outcome)) => Poll::Ready(Some(outcome)),
            // What is ready is done.
            Some(Running::Task(_)) | None => Poll::Pending,
        }
    }
}

impl<I, F, T> fmt::Debug for TaskStream<I, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream").field("under_way", &self.under_way.len()).finish_non_exhaustive()
    }
}

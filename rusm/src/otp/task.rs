//! One future as a process of its own: supervised by whoever awaits it.

use super::call::{Limit, poll_late};
use super::mailbox::Mailbox;
use super::node::{Family, KillOnDrop, Start};
use super::slot::slot;
use super::spawn::reason;
use super::{CallError, Incoming, Node, SpawnError, SpawnOptions, This, context, crash};
use crate::receive::{Ending, ended};
use crate::wire::{ExitReason, Pid};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pin_project_lite::pin_project! {
    /// A closure's life, if the closure has come to one.
    #[project = BegunNow]
    enum Begun<F> {
        Runs { #[pin] life: F },
        Failed { reason: Option<ExitReason> },
    }
}

impl<F: Future<Output = ExitReason>> Future for Begun<F> {
    type Output = ExitReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ExitReason> {
        match self.project() {
            BegunNow::Runs { life } => life.poll(cx),
            BegunNow::Failed { reason } => Poll::Ready(reason.take().unwrap_or(ExitReason::Killed)),
        }
    }
}

impl Node {
    /// Runs a future as a process, and waits for its value for at most `limit`.
    ///
    /// The process is the one that `future` finds as the running one: calls in it inherit the limit. Its panic is its
    /// end and nobody else's.
    ///
    /// # Errors
    /// `Exited` if it ended without a value, `Timeout` if the limit passed, which kills it.
    ///
    /// # Cancel safety
    /// Dropping the future kills the process.
    #[track_caller]
    pub fn run<T: Send + 'static>(
        &self,
        label: &str,
        limit: Duration,
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = Result<T, CallError>> + Send {
        let at = Location::caller();
        async move {
            let limit = Limit::new(limit, context::deadline());
            let (filler, mut waiter) = slot();
            let start = Start { label: Some(label.into()), ..Start::new(&"task", at) };
            let this = self
                .start(start, Mailbox::<Incoming>::new(Some(0.into())), |_| async move {
                    context::set_deadline(context::Deadline::new(Some(limit.until)));
                    let _ = filler.fill(future.await);
                    ExitReason::Normal
                })
                .map_err(|error| CallError::NoProcess(error.to_string()))?;
            let guard = KillOnDrop::new(self, this.cell());
            let mut time = None;
            let value = poll_fn(|cx| match waiter.poll(cx) {
                Poll::Ready(value) => Poll::Ready(Some(value)),
                Poll::Pending => poll_late(limit, &mut time, cx).map(|()| None),
            });
            match value.await {
                Some(Ok(value)) => {
                    guard.disarm();
                    Ok(value)
                }
                Some(Err(_)) => Err(CallError::Exited(this.cell().gone().await)),
                None => Err(CallError::Timeout(limit.span)),
            }
        }
    }

    /// Runs a closure's future as a process that lives on its own, and that nobody waits for: a connection, a job.
    ///
    /// It gets what it can do about itself and others; it reads no messages.
    ///
    /// # Errors
    /// See [`SpawnError`].
    ///
    /// # Examples
    /// ```
    /// # use rusm::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::builder().build().await?;
    /// let pid = node.spawn_fn("job", |this| async move { println!("{} works", this.pid()) })?;
    /// node.ended(pid).await;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_fn<F>(&self, label: &'static str, life: impl FnOnce(This) -> F) -> Result<Pid, SpawnError>
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        self.spawn_fn_in(Family::default(), SpawnOptions::default().label(label), life, Location::caller())
    }

    pub(crate) fn spawn_fn_in<F>(
        &self,
        family: Family<'_>,
        options: SpawnOptions,
        life: impl FnOnce(This) -> F,
        at: &'static Location<'static>,
    ) -> Result<Pid, SpawnError>
    where
        F: Future<Output: Ending> + Send + 'static,
    {
        let mut start = Start { family, ..Start::new(&"task", at) };
        options.apply(&mut start);
        let this = self.start(start, Mailbox::<Incoming>::new(Some(0.into())), |this| {
            // The closure's panic is the process's, which is counted already.
            match crash::guard(|| life(This::new(this.cell().clone()))) {
                Ok(life) => Begun::Runs { life: reason(ended(life)) },
                Err(crash) => Begun::Failed { reason: Some(crash.reason) },
            }
        })?;
        Ok(this.cell().pid())
    }
}

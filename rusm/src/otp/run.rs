//! The task of a process: polls its body, ends it when asked, catches its panics, and sees to its end.

use super::Node;
use super::context::{CURRENT, Current};
use super::crash;
use super::process::Cell;
use crate::wire::ExitReason;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::task::futures::TaskLocalFuture;

type Body = TaskLocalFuture<Current, Pin<Box<dyn Future<Output = ExitReason> + Send>>>;

/// Polled by tokio until the process has ended and everybody was told.
pub(crate) struct Task {
    node: Node,
    cell: Arc<Cell>,
    body: Option<Pin<Box<Body>>>,
}

impl Task {
    pub(crate) fn new(node: Node, cell: Arc<Cell>, body: impl Future<Output = ExitReason> + Send + 'static) -> Self {
        let current = Current { node: node.clone(), deadline: None.into() };
        let body: Pin<Box<dyn Future<Output = ExitReason> + Send>> = Box::pin(body);
        Self { node, cell, body: Some(Box::pin(CURRENT.scope(current, body))) }
    }

    fn end(&mut self, reason: ExitReason, known: Vec<crash::Known>) {
        let body = self.body.take();
        self.cell.finish(&self.node, reason, || {
            drop(known);
            drop(body);
        });
    }
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(body) = &mut this.body else { return Poll::Ready(()) };
        let (reason, known) = match this.cell.poll_end(cx.waker()) {
            Some(reason) => (reason, Vec::new()),
            None => match crash::guard(|| body.as_mut().poll(cx)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(reason)) => (reason, Vec::new()),
                Err(crash) => (crash.reason, crash.known),
            },
        };
        this.end(reason, known);
        Poll::Ready(())
    }
}

/// A task that is dropped unfinished: its runtime is shutting down.
impl Drop for Task {
    fn drop(&mut self) {
        if self.body.is_some() {
            self.end(ExitReason::Killed, Vec::new());
        }
    }
}

//! One future as a process of its own: supervised by whoever awaits it.

use super::call::Limit;
use super::mailbox::Mailbox;
use super::node::{Family, KillOnDrop, Start};
use super::process::Understands;
use super::signal::Trap;
use super::{CallError, Incoming, Node, context};
use crate::wire::ExitReason;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

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
    pub async fn run<T: Send + 'static>(
        &self,
        label: &str,
        limit: Duration,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, CallError> {
        let limit = Limit::new(limit, context::deadline());
        let (sender, receiver) = oneshot::channel();
        let start = Start {
            label: label.into(),
            name: None,
            trap: Trap::default(),
            understands: Understands::Nothing,
            family: Family::default(),
        };
        let mailbox = Arc::new(Mailbox::<Incoming>::new(Some(0)));
        let cell = self
            .start(start, mailbox, |_| async move {
                context::set_deadline(Some(limit.until));
                let _ = sender.send(future.await);
                ExitReason::Normal
            })
            .map_err(|error| CallError::NoProcess(error.to_string()))?;
        let guard = KillOnDrop::new(self, &cell);
        let value = async {
            match receiver.await {
                Ok(value) => Ok(value),
                Err(_) => Err(CallError::Exited(cell.gone().await)),
            }
        };
        match tokio::time::timeout_at(limit.until, value).await {
            Ok(value) => {
                guard.disarm();
                value
            }
            Err(_) => Err(CallError::Timeout(limit.span)),
        }
    }
}

//! What is given to whoever starts a process.

use crate::otp::cell::Typed;
use crate::otp::{Address, Client, Spawn};
use crate::wire::{ExitReason, Pid};
use std::fmt;
use std::future::Future;
use std::ops::Deref;

/// A running process: its client, and its pid.
pub struct Ref<P: Spawn> {
    client: P::Client,
    pid: Pid,
}

impl<P: Spawn> Ref<P> {
    pub(crate) fn new(this: Typed<P::Message>) -> Self {
        let pid = this.cell().pid();
        Self { client: P::Client::from_address(Address::typed(this)), pid }
    }

    /// The process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The client alone.
    pub fn client(&self) -> &P::Client {
        &self.client
    }

    /// Waits until the process has ended and its links and monitors were told; why it ended, also if that was before.
    ///
    /// Called as `Ref::ended(&process)`, so that it hides no message of that name.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn ended(this: &Self) -> impl Future<Output = ExitReason> + Send + use<P> {
        let cell = this.client.address().cell().cloned();
        async move {
            match cell {
                Some(cell) => cell.gone().await,
                None => ExitReason::NoProcess,
            }
        }
    }
}

impl<P: Spawn> Deref for Ref<P> {
    type Target = P::Client;

    fn deref(&self) -> &P::Client {
        &self.client
    }
}

impl<P: Spawn> Clone for Ref<P> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), pid: self.pid }
    }
}

impl<P: Spawn> fmt::Debug for Ref<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref<{}>({})", P::ENTRY.name, self.pid)
    }
}

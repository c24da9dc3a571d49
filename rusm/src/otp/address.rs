//! Whom messages go to, and how they get there.
//!
//! An address is a process or a name; a name is looked up at each message, so it survives restarts. If the
//! process there reads messages of the address's type they are moved into its mailbox, else they go
//! in bytes.

use super::call::{Limit, wait};
use super::mailbox::{Item, Mailbox};
use super::process::Cell;
use super::reply::WireReply;
use super::{CallError, Incoming, Instant, Message, NameError, Node, SendError, context, registry};
use crate::wire::{Method, Pid, encode};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A process or a name that takes messages of one type.
pub struct Address<M> {
    /// None: the node of whoever sends.
    node: Option<Node>,
    to: To<M>,
}

enum To<M> {
    Typed { cell: Arc<Cell>, mailbox: Arc<Mailbox<M>> },
    Pid(Pid),
    Name(Arc<str>),
}

/// Where a message goes, once it is known.
pub(crate) enum Route<M> {
    Typed(Arc<Cell>, Arc<Mailbox<M>>),
    Wire(Arc<Cell>),
}

impl<M: Message> Address<M> {
    pub(crate) fn typed(node: Node, cell: Arc<Cell>, mailbox: Arc<Mailbox<M>>) -> Self {
        Self { node: Some(node), to: To::Typed { cell, mailbox } }
    }

    /// A process of this node.
    pub fn pid_on(node: &Node, pid: Pid) -> Self {
        Self { node: Some(node.clone()), to: To::Pid(pid) }
    }

    /// Whoever holds the name on this node when a message is sent.
    ///
    /// # Errors
    /// A text that can't be a name.
    pub fn named(node: &Node, name: &str) -> Result<Self, NameError> {
        registry::check(name)?;
        Ok(Self { node: Some(node.clone()), to: To::Name(name.into()) })
    }

    /// Whoever holds the name on the node of the process that sends.
    pub fn connect(name: &str) -> Self {
        Self { node: None, to: To::Name(name.into()) }
    }

    /// The process, unless the address is a name.
    pub fn pid(&self) -> Option<Pid> {
        match &self.to {
            To::Typed { cell, .. } => Some(cell.pid()),
            To::Pid(pid) => Some(*pid),
            To::Name(_) => None,
        }
    }

    /// The node to act on.
    pub(crate) fn node(&self) -> Result<Node, SendError> {
        self.node.clone().or_else(context::node).ok_or_else(|| {
            SendError::NoProcess(format!("{self}: no process runs here, so there is no node; use `named(&node, …)`"))
        })
    }

    pub(crate) fn route(&self) -> Result<Route<M>, SendError> {
        let cell = match &self.to {
            To::Typed { cell, mailbox } => return Ok(Route::Typed(cell.clone(), mailbox.clone())),
            To::Pid(pid) => self.node()?.table().get(*pid),
            To::Name(name) => {
                let node = self.node()?;
                node.registry().whereis(name).and_then(|pid| node.table().get(pid))
            }
        };
        let cell = cell.ok_or_else(|| SendError::NoProcess(self.to_string()))?;
        Ok(match cell.mailbox().clone().into_any().downcast::<Mailbox<M>>() {
            Ok(mailbox) => Route::Typed(cell, mailbox),
            Err(_) => Route::Wire(cell),
        })
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        let to = match &self.to {
            To::Typed { cell, mailbox } => To::Typed { cell: cell.clone(), mailbox: mailbox.clone() },
            To::Pid(pid) => To::Pid(*pid),
            To::Name(name) => To::Name(name.clone()),
        };
        Self { node: self.node.clone(), to }
    }
}

impl<M> fmt::Display for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            To::Typed { cell, .. } => write!(f, "{} ({})", cell.pid(), cell.label()),
            To::Pid(pid) => pid.fmt(f),
            To::Name(name) => write!(f, "named {name:?}"),
        }
    }
}

impl<M> fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Whom a message in bytes is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This process.
    Pid(Pid),
    /// Whoever holds this name when the message is sent.
    Name(Arc<str>),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => pid.fmt(f),
            Self::Name(name) => write!(f, "named {name:?}"),
        }
    }
}

/// A message in bytes, on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The number of the method.
    pub method: u32,
    /// See [`Method::fingerprint`].
    pub fingerprint: u64,
    /// The arguments: a postcard tuple.
    pub body: Vec<u8>,
}

impl Outgoing {
    pub(crate) fn new<A: Serialize>(method: &'static Method, args: &A) -> Result<Self, SendError> {
        let body = encode(args).map_err(|error| SendError::Malformed(format!("{}: {error}", method.signature())))?;
        Ok(Self { method: method.id(), fingerprint: method.fingerprint(), body })
    }
}

fn find(node: &Node, to: &Target) -> Result<Arc<Cell>, SendError> {
    let cell = match to {
        Target::Pid(pid) => node.table().get(*pid),
        Target::Name(name) => node.registry().whereis(name).and_then(|pid| node.table().get(pid)),
    };
    cell.ok_or_else(|| SendError::NoProcess(to.to_string()))
}

pub(crate) fn cast_wire(node: &Node, to: &Target, message: Outgoing) -> Result<(), SendError> {
    let cell = find(node, to)?;
    send(&cell, message, None, None)
}

/// Puts a message in bytes into the mailbox of a process that can read it.
pub(crate) fn send(
    cell: &Cell,
    message: Outgoing,
    reply: Option<WireReply>,
    deadline: Option<Instant>,
) -> Result<(), SendError> {
    cell.check(&message)?;
    let incoming = Incoming::new(message.method, message.body, reply, deadline);
    cell.mailbox().push_wire(incoming).map_err(|error| error.into_send_error(cell.pid()))
}

pub(crate) async fn call_wire(
    node: Node,
    to: Target,
    message: Outgoing,
    limit: Duration,
    inherited: Option<Instant>,
) -> Result<Vec<u8>, CallError> {
    let cell = find(&node, &to)?;
    let limit = Limit::new(limit, inherited);
    let (sender, receiver) = oneshot::channel();
    send(&cell, message, Some(WireReply::new(sender)), Some(limit.until))?;
    wait(receiver, &cell, limit).await
}

/// What a typed address sends: moved if the receiver reads its type, in bytes if not.
pub(crate) fn cast<M: Message, A: Serialize>(
    to: &Address<M>,
    method: &'static Method,
    args: A,
    local: fn(A) -> M,
) -> Result<(), SendError> {
    match to.route()? {
        Route::Typed(cell, mailbox) => mailbox
            .push(Item::Local { message: local(args), deadline: None })
            .map_err(|error| error.into_send_error(cell.pid())),
        Route::Wire(cell) => {
            send(&cell, Outgoing::new(method, &args)?, None, None).map_err(|error| name(error, method))
        }
    }
}

/// Fills in what only the sender's side knows of a method.
pub(crate) fn name(error: SendError, method: &'static Method) -> SendError {
    match error {
        SendError::Incompatible { theirs, .. } => SendError::Incompatible { ours: method.signature(), theirs },
        SendError::UnknownMethod(_) => SendError::UnknownMethod(method.signature()),
        error => error,
    }
}

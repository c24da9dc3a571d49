//! Whom messages go to, and how they get there.
//!
//! An address is a process, a name, or a child of a supervisor; who runs as the latter two is asked at each message, so they survive
//! restarts. If the process there reads messages of the address's type they are moved into its mailbox, else they go
//! in bytes.

use super::bound::Overflow;
use super::call::{Limit, wait};
use super::cell::{CellPtr, CellRef, Typed};
use super::context::Deadline;
use super::guard::hold;
use super::mailbox::{Mailbox, deliver_at};
use super::moment::Moment;
use super::registry::{Post, Registry};
use super::reply::WireReply;
use super::slot::slot;
use super::supervisor::Seat;
use super::{CallError, Incoming, Instant, Message, NameError, Node, SendError, context, registry};
use crate::wire::{Method, Pid, encode};
use serde::Serialize;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A process, a name or a supervisor's child that takes messages of one type.
pub struct Address<M>(To<M>);

enum To<M> {
    Typed {
        this: Typed<M>,
        urgent: bool,
    },
    Pid {
        node: Node,
        pid: Pid,
        /// Known once it was called: a process of this pid is always the same one.
        known: OnceLock<CellRef>,
    },
    /// Whoever runs as this child of a supervisor.
    Child {
        node: Node,
        seat: Arc<Seat>,
    },
    /// None: the node of whoever sends.
    Name {
        node: Option<Node>,
        name: Arc<str>,
        /// Known once somebody was found there.
        post: OnceLock<Arc<Post>>,
    },
}

/// A handle to a process.
pub(crate) enum Handle<'a> {
    Own(CellRef),
    Lent(&'a CellRef),
}

impl Deref for Handle<'_> {
    type Target = CellRef;

    #[inline]
    fn deref(&self) -> &CellRef {
        match self {
            Self::Own(cell) => cell,
            Self::Lent(cell) => cell,
        }
    }
}

/// A process that was found, and its mailbox if it reads messages of the address's type.
pub(crate) struct Found<'a, M> {
    pub(crate) cell: CellPtr<'a>,
    pub(crate) mailbox: Option<&'a Mailbox<M>>,
    pub(crate) urgent: bool,
}

impl<M: Message> Address<M> {
    pub(crate) fn typed(this: Typed<M>) -> Self {
        Self(To::Typed { this, urgent: false })
    }

    pub(crate) fn urgent(this: Typed<M>) -> Self {
        this.mailbox().allow_urgent(this.cell().ptr());
        Self(To::Typed { this, urgent: true })
    }

    /// A process of this node. From its first call on, the address keeps that process's memory, as one that a spawn gave does.
    pub fn pid_on(node: &Node, pid: Pid) -> Self {
        Self(To::Pid { node: node.clone(), pid, known: OnceLock::new() })
    }

    /// Whoever holds the name on this node when a message is sent.
    ///
    /// # Errors
    /// A text that can't be a name.
    pub fn named(node: &Node, name: &str) -> Result<Self, NameError> {
        registry::check(name)?;
        Ok(Self(To::Name { node: Some(node.clone()), name: name.into(), post: OnceLock::new() }))
    }

    /// Whoever holds the name on the node of the process that sends.
    pub fn connect(name: &str) -> Self {
        Self(To::Name { node: None, name: name.into(), post: OnceLock::new() })
    }

    pub(crate) fn child(node: &Node, seat: Arc<Seat>) -> Self {
        Self(To::Child { node: node.clone(), seat })
    }

    /// The process, unless the address is a name; that of a supervisor's child is the one that runs now.
    pub fn pid(&self) -> Option<Pid> {
        match &self.0 {
            To::Typed { this, .. } => Some(this.cell().pid()),
            To::Pid { pid, .. } => Some(*pid),
            To::Child { node, seat } => seat.pid(node.table()),
            To::Name { .. } => None,
        }
    }

    /// The process, if the address has always held on to it.
    pub(crate) fn cell(&self) -> Option<&CellRef> {
        match &self.0 {
            To::Typed { this, .. } => Some(this.cell()),
            To::Pid { .. } | To::Child { .. } | To::Name { .. } => None,
        }
    }

    /// A handle to the process that was found at this address, for as long as somebody waits for its answer; None if it is
    /// just going. An address that holds on to the process lends its own, and that of a pid holds on to it from now on.
    #[inline]
    pub(crate) fn handle(&self, found: CellPtr<'_>) -> Option<Handle<'_>> {
        match &self.0 {
            To::Typed { this, .. } => Some(Handle::Lent(this.cell())),
            To::Pid { known, .. } => match known.get() {
                Some(cell) => Some(Handle::Lent(cell)),
                None => {
                    let cell = found.acquire()?;
                    Some(Handle::Lent(known.get_or_init(|| cell)))
                }
            },
            To::Child { .. } | To::Name { .. } => found.acquire().map(Handle::Own),
        }
    }

    /// How many messages wait there now; None if nobody is there.
    pub fn depth(&self) -> Option<usize> {
        self.look(|found| found.cell.mailbox().depth(found.cell))
    }

    /// Looks for the process that a message is for, and lets `act` have it for a moment.
    #[inline]
    pub(crate) fn find<R>(&self, act: impl FnOnce(Found<'_, M>) -> R) -> Result<R, SendError> {
        self.look(act).ok_or_else(|| self.nobody())
    }

    /// Looks for the process; what `act` gives should be small, since it is moved. [`nobody`](Self::nobody) tells why there is none.
    #[inline]
    pub(crate) fn look<R>(&self, act: impl FnOnce(Found<'_, M>) -> R) -> Option<R> {
        let (node, pid) = match &self.0 {
            To::Typed { this, urgent } => {
                return Some(act(Found { cell: this.cell().ptr(), mailbox: Some(this.mailbox()), urgent: *urgent }));
            }
            To::Child { node, seat } => {
                let guard = hold();
                let cell = node.table().look_counted(seat.counted(), &guard)?;
                return Some(act(Found { cell, mailbox: cell.typed::<M>(), urgent: false }));
            }
            To::Pid { node, pid, known } => {
                if let Some(cell) = known.get().filter(|cell| !cell.has_ended()) {
                    let cell = cell.ptr();
                    return Some(act(Found { cell, mailbox: cell.typed::<M>(), urgent: false }));
                }
                (node.uncounted(), *pid)
            }
            To::Name { node, name, post } => {
                let node = match node {
                    Some(node) => node.uncounted(),
                    None => context::with(|cell| cell.node().uncounted())?,
                };
                let names = &node.naming().names;
                if let Some(counted) = post.get().and_then(|post| post.counted(names)) {
                    let guard = hold();
                    if let Some(cell) = node.table().look_counted(counted, &guard) {
                        return Some(act(Found { cell, mailbox: cell.typed::<M>(), urgent: false }));
                    }
                }
                let pid = names.whereis(name)?;
                if post.get().is_none() {
                    remember(post, names, name);
                }
                (node, pid)
            }
        };
        let guard = hold();
        let cell = node.table().look(pid, &guard)?;
        Some(act(Found { cell, mailbox: cell.typed::<M>(), urgent: false }))
    }

    /// What a sender gets that has found nobody.
    #[cold]
    pub(crate) fn nobody(&self) -> SendError {
        let count = |node: &Node| node.losses().found_nobody();
        match &self.0 {
            To::Typed { this, .. } => count(this.cell().node()),
            To::Pid { node, .. } | To::Child { node, .. } | To::Name { node: Some(node), .. } => count(node),
            To::Name { node: None, .. } => {
                if context::with(|cell| count(cell.node())).is_none() {
                    let text = "no process runs here, so there is no node; use `named(&node, …)`";
                    return SendError::NoProcess(format!("{self}: {text}"));
                }
            }
        }
        SendError::NoProcess(self.to_string())
    }
}

#[cold]
fn remember(known: &OnceLock<Arc<Post>>, names: &Registry, name: &str) {
    if let Some(post) = names.post(name) {
        let _ = known.set(post);
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            To::Typed { this, urgent } => To::Typed { this: this.clone(), urgent: *urgent },
            To::Pid { node, pid, known } => To::Pid { node: node.clone(), pid: *pid, known: known.clone() },
            To::Child { node, seat } => To::Child { node: node.clone(), seat: seat.clone() },
            To::Name { node, name, post } => To::Name { node: node.clone(), name: name.clone(), post: post.clone() },
        })
    }
}

impl<M> fmt::Display for Address<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            To::Typed { this, .. } => write!(f, "{} ({})", this.cell().pid(), this.cell().label()),
            To::Pid { pid, .. } => pid.fmt(f),
            To::Child { seat, .. } => write!(f, "child {:?}", seat.id()),
            To::Name { name, .. } => write!(f, "named {name:?}"),
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

fn find(node: &Node, to: &Target) -> Result<CellRef, SendError> {
    let cell = match to {
        Target::Pid(pid) => node.table().get(*pid),
        Target::Name(name) => node.naming().names.whereis(name).and_then(|pid| node.table().get(pid)),
    };
    cell.ok_or_else(|| {
        node.losses().found_nobody();
        SendError::NoProcess(to.to_string())
    })
}

pub(crate) fn cast_wire(node: &Node, to: &Target, message: Outgoing) -> Result<(), SendError> {
    let cell = find(node, to)?;
    send(cell.ptr(), message, None, None)
}

/// Puts a message in bytes into the mailbox of a process that can read it.
pub(crate) fn send(
    cell: CellPtr<'_>,
    message: Outgoing,
    reply: Option<WireReply>,
    deadline: Option<Instant>,
) -> Result<(), SendError> {
    send_as(cell, message, reply, deadline, false)
}

fn send_as(
    cell: CellPtr<'_>,
    message: Outgoing,
    reply: Option<WireReply>,
    deadline: Option<Instant>,
    is_owed: bool,
) -> Result<(), SendError> {
    cell.check(message.method, message.fingerprint)?;
    let incoming = Incoming::new(message.method, message.body, reply, deadline).owed(is_owed);
    cell.mailbox().push_wire(cell, incoming).or_else(|error| settle(cell, error))
}

/// What a sender gets of a message that did not get in.
#[cold]
pub(crate) fn settle(cell: CellPtr<'_>, error: super::mailbox::PushError) -> Result<(), SendError> {
    use super::mailbox::PushError::{Closed, Full};
    use super::undelivered::{Lost, Why};
    match error {
        Closed => {
            cell.node().losses().found_nobody();
            Err(SendError::NoProcess(format!("{} ({})", cell.pid(), cell.label())))
        }
        Full(overflow) => {
            cell.node().lost(cell, Lost { why: Why::Full, messages: 1 });
            if overflow == Overflow::DropNew { Ok(()) } else { Err(SendError::Full) }
        }
    }
}

pub(crate) async fn call_wire(
    node: Node,
    to: Target,
    message: Outgoing,
    limit: Duration,
    inherited: Option<Instant>,
) -> Result<Vec<u8>, CallError> {
    let cell = find(&node, &to)?;
    let limit = Limit::new(limit, inherited.map(Moment::of));
    let (sender, receiver) = slot();
    send(cell.ptr(), message, Some(WireReply::new(sender)), Some(limit.until.instant()))?;
    wait(receiver, &cell, limit).await
}

/// What a typed address sends: moved if the receiver reads its type, in bytes if not.
#[inline]
pub(crate) fn cast<M: Message, A: Serialize>(
    to: &Address<M>,
    method: &'static Method,
    args: A,
    local: fn(A) -> M,
) -> Result<(), SendError> {
    cast_as(to, method, args, local, false)
}

/// [`cast`] of a message that may be owed to its receiver: see [`Bound`](super::Bound).
#[inline]
pub(crate) fn cast_as<M: Message, A: Serialize>(
    to: &Address<M>,
    method: &'static Method,
    args: A,
    local: fn(A) -> M,
    is_owed: bool,
) -> Result<(), SendError> {
    let deadline = if is_owed { Deadline::OWED } else { Deadline::NEVER };
    let mut sent = Ok(());
    let found = to.look(|found| match found.mailbox {
        Some(mailbox) => {
            if let Err((_, error)) = deliver_at(found.cell, mailbox, local(args), deadline, found.urgent, None) {
                sent = settle(found.cell, error);
            }
        }
        None => sent = send_bytes(found.cell, method, &args, is_owed),
    });
    match found {
        Some(()) => sent,
        None => Err(to.nobody()),
    }
}

#[cold]
fn send_bytes<A: Serialize>(
    cell: CellPtr<'_>,
    method: &'static Method,
    args: &A,
    is_owed: bool,
) -> Result<(), SendError> {
    send_as(cell, Outgoing::new(method, args)?, None, None, is_owed).map_err(|error| name(error, method))
}

/// Fills in what only the sender's side knows of a method.
pub(crate) fn name(error: SendError, method: &'static Method) -> SendError {
    match error {
        SendError::Incompatible { theirs, .. } => SendError::Incompatible { ours: method.signature(), theirs },
        SendError::UnknownMethod(_) => SendError::UnknownMethod(method.signature()),
        error => error,
    }
}

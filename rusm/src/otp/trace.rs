//! Calls that can be followed across processes, through `tracing`.
//!
//! Only while somebody listens to the target `rusm::call` at the level `DEBUG`. Then a call to a native actor carries two numbers: which trace it
//! belongs to, and the span of its caller. The actor handles it in a span `call` of that target with the fields `trace`, `span`,
//! `parent`, `pid` and `method`, so that each line it logs meanwhile tells them; calls that it makes meanwhile carry the same trace and
//! its span. The caller logs a line with the same numbers when it sends. A call from outside of any begins a trace of its own.
//!
//! Spans are joined by these numbers and never lie in each other: a chain of calls, however long, has one span in each of its processes at
//! a time. Numbers are random, `trace` has 128 bits and the others 64, in hexadecimal, as in W3C's `traceparent`.
//!
//! A call that a state machine postpones is handled outside of its span. Casts, calls to components and calls to functions with an inbox carry nothing.
//!
//! When nobody listens, a call looks at the level that `tracing` keeps in an atomic, and that is all. When somebody does, it
//! allocates twice more, and the message goes to the mailbox as one of the rare ones.

use super::Message;
use super::cell::{CellPtr, CellRef};
use super::context::{self, Deadline};
use super::mailbox::{Item, Mailbox, Other, PushError, deliver};
use super::moment::Moment;
use super::pool::Pooled;
use crate::wire::Method;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use tracing::Instrument;

/// What a call carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trace {
    trace: u128,
    span: u64,
    /// The span of the caller; 0: it has none.
    parent: u64,
}

/// A number that nobody has.
fn fresh() -> u64 {
    static SECRET: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static NEXT: AtomicU64 = AtomicU64::new(0);
    SECRET.hash_one(NEXT.fetch_add(1, Ordering::Relaxed)).max(1)
}

impl Trace {
    /// That of a call made here.
    fn of_call() -> Self {
        let outer = context::with(|caller| caller.trace()).flatten();
        let (trace, parent) = match outer {
            Some(outer) => (outer.trace, outer.span),
            None => (u128::from(fresh()) << 64 | u128::from(fresh()), 0),
        };
        Self { trace, span: fresh(), parent }
    }

    /// For crash reports.
    pub(crate) fn id(&self) -> String {
        format!("{:032x}", self.trace)
    }
}

/// A message with what its call carries.
pub(crate) struct Traced {
    /// Of the type that the mailbox holds.
    message: Box<dyn Any + Send>,
    deadline: Deadline,
    trace: Trace,
}

impl Traced {
    /// The message, if it is of the mailbox's type, as it always is.
    pub(crate) fn open<M: Message>(self) -> Option<(M, Deadline, Trace)> {
        let message = self.message.downcast().ok()?;
        Some((*message, self.deadline, self.trace))
    }
}

impl fmt::Debug for Traced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traced").field(&self.trace).finish()
    }
}

/// [`mailbox::deliver`](deliver) of a call's message.
#[inline(always)]
pub(crate) fn deliver_call<M: Message>(
    to: CellPtr<'_>,
    mailbox: &Mailbox<M>,
    message: M,
    deadline: Moment,
    urgent: bool,
    sender: &Waker,
) -> Result<(), (M, PushError)> {
    // Nobody but an actor that runs opens a traced message.
    if tracing::enabled!(target: "rusm::call", tracing::Level::DEBUG) && to.is_actor() {
        return deliver_traced(to, mailbox, message, deadline, urgent, sender);
    }
    deliver(to, mailbox, message, Some(deadline), urgent, Some(sender))
}

#[cold]
fn deliver_traced<M: Message>(
    to: CellPtr<'_>,
    mailbox: &Mailbox<M>,
    message: M,
    deadline: Moment,
    urgent: bool,
    sender: &Waker,
) -> Result<(), (M, PushError)> {
    let (trace, method) = (Trace::of_call(), message.method().name);
    let traced = Traced { message: Box::new(message), deadline: Deadline::new(Some(deadline)), trace };
    let item = Item::Other(Pooled::new(Other::Traced(traced)));
    let pushed = mailbox.push(to, item, urgent, Some(sender));
    if let Err((item, error)) = pushed {
        let message = match item {
            Item::Local(message, _) => Some(message),
            Item::Other(other) => match other.into_inner() {
                Other::Traced(traced) => traced.open().map(|(message, ..)| message),
                _ => None,
            },
        };
        // What comes back is what was pushed.
        return message.map_or(Ok(()), |message| Err((message, error)));
    }
    let Trace { trace, span, parent } = trace;
    let (trace, span, parent) = (format!("{trace:032x}"), format!("{span:016x}"), format!("{parent:016x}"));
    tracing::debug!(target: "rusm::call", trace, span, parent, to = %to.pid(), method, "calls");
    Ok(())
}

/// Handles a message in its span.
pub(crate) async fn within(cell: CellRef, trace: Trace, method: &'static Method, handling: impl Future<Output = ()>) {
    let Trace { trace: id, span, parent } = trace;
    let span = tracing::debug_span!(
        target: "rusm::call",
        parent: None,
        "call",
        trace = format!("{id:032x}"),
        span = format!("{span:016x}"),
        parent = format!("{parent:016x}"),
        pid = %cell.pid(),
        method = method.name,
    );
    cell.set_trace(Some(trace));
    handling.instrument(span).await;
    cell.set_trace(None);
}

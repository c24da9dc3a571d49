//! What belongs to one process while it runs: the data of its store.
//!
//! Everything a guest can make the host hold is here and bounded: what is under way ([`Waiting`]), replies it owes,
//! monitors, WASI's handles. The store, and so all of it, is owned by the future that runs the process, and goes when
//! that future ends or is dropped.

use super::bindings::rusm::process::types as wit;
use super::cpu::{Meter, Tick};
use super::denials::Denials;
use super::limits::Limiter;
use super::rights::Rights;
use super::waiting::Waiting;
use super::wasi::Wasi;
use super::{Inner, Loaded};
use crate::otp::{Incoming, Instant, Process, WireReply};
use crate::wire::{CallError, ExitReason};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Waker};
use wasmtime::{Store, UpdateDeadline};

/// How many callers one process may leave waiting.
pub(super) const MAX_REPLIES: usize = 65_536;
/// How many monitors one process may hold.
pub(super) const MAX_MONITORS: usize = 65_536;
/// How many names one process may take.
pub(super) const MAX_NAMES: usize = 1024;
/// What one host call may carry from the guest to the host, in bytes.
const HOSTCALL_BYTES: usize = 32 << 20;
/// WASI handles (files, streams, sockets) of one process.
const HANDLES: usize = 1024;

/// The data of a process's store.
pub(super) struct State {
    pub(super) process: Process,
    pub(super) backend: Arc<Inner>,
    pub(super) component: Arc<Loaded>,
    pub(super) rights: Arc<Rights>,
    pub(super) denials: Denials,
    pub(super) limiter: Limiter,
    pub(super) meter: Arc<Meter>,
    pub(super) waiting: Waiting,
    pub(super) replies: Replies,
    pub(super) monitors: HashSet<u64>,
    /// How many names it took.
    pub(super) names: usize,
    /// The deadline of the message in hand.
    pub(super) deadline: Option<Instant>,
    /// The guest's own words on why it is about to trap.
    pub(super) panicked: Option<Arc<str>>,
    /// Whether the last event came from what is under way, so that the mailbox is looked at first now.
    pub(super) mailbox_first: bool,
    pub(super) wasi: Option<Box<Wasi>>,
}

/// The replies a process owes, under numbers that are never given twice.
#[derive(Debug, Default)]
pub(super) struct Replies {
    owed: HashMap<u64, WireReply>,
    last: u64,
}

impl Replies {
    /// Keeps a reply; the caller is told if there are too many.
    pub(super) fn owe(&mut self, reply: WireReply) -> Option<u64> {
        if self.owed.len() >= MAX_REPLIES {
            self.owed.retain(|_, reply| !reply.is_abandoned());
        }
        if self.owed.len() >= MAX_REPLIES {
            reply.reject(CallError::Full);
            return None;
        }
        self.last += 1;
        self.owed.insert(self.last, reply);
        Some(self.last)
    }

    /// Takes a reply out.
    pub(super) fn take(&mut self, call: u64) -> Option<WireReply> {
        self.owed.remove(&call)
    }

    /// Tells all that still wait why nobody will answer.
    pub(super) fn reject_all(&mut self, reason: &ExitReason) {
        for (_, reply) in self.owed.drain() {
            reply.reject(CallError::Exited(reason.clone()));
        }
    }
}

impl State {
    pub(super) fn new(process: Process, backend: Arc<Inner>, component: Arc<Loaded>, rights: Arc<Rights>) -> Self {
        let capabilities = &rights.capabilities;
        let label: Arc<str> = format!("{} {}", process.pid(), process.label()).into();
        Self {
            denials: Denials::new(label, Arc::clone(&component.told)),
            limiter: Limiter::new(capabilities.max_memory),
            meter: Arc::new(Meter::new(capabilities.max_cpu)),
            waiting: Waiting::default(),
            replies: Replies::default(),
            monitors: HashSet::new(),
            names: 0,
            deadline: None,
            panicked: None,
            mailbox_first: true,
            wasi: None,
            process,
            backend,
            component,
            rights,
        }
    }

    /// A message as the guest gets it; None if its caller was turned away.
    pub(super) fn take_up(&mut self, message: Incoming) -> Option<wit::Incoming> {
        let (method, body, reply, deadline) = message.into_parts();
        let call = match reply {
            Some(reply) => Some(self.replies.owe(reply)?),
            None => None,
        };
        self.deadline = deadline;
        self.meter.restart();
        Some(wit::Incoming { method, body, call })
    }

    /// Something that is no message is in hand.
    pub(super) fn take_up_signal(&mut self) {
        self.deadline = None;
        self.meter.restart();
    }

    /// WASI's part, built when it is first asked for.
    pub(super) fn wasi(&mut self) -> &mut Wasi {
        let Self { wasi, rights, component, denials, .. } = self;
        wasi.get_or_insert_with(|| Box::new(Wasi::new(&rights.capabilities, component, denials, HANDLES)))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("process", &self.process).field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

/// A store with its limits set.
pub(super) fn store(engine: &wasmtime::Engine, state: State) -> Store<State> {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(HOSTCALL_BYTES);
    store.set_max_component_handles(HANDLES);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        // A guest that computes and takes no answers has them counted all the same.
        context.data_mut().waiting.gather(&mut Context::from_waker(Waker::noop()));
        let meter = &context.data().meter;
        match meter.tick() {
            Tick::Continue => Ok(UpdateDeadline::Continue(1)),
            Tick::Yield => Ok(UpdateDeadline::Yield(1)),
            Tick::Over => Err(super::cpu::OverBudget(meter.budget().unwrap_or_default()).into()),
        }
    });
    store
}

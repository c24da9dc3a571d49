//! What the core does with a process: signals, its end, and the handle that a backend runs it with.

use super::cell::{CellPtr, CellRef, Finished};
use super::guard::hold;
use super::mailbox::{Item, Other, Receiver};
use super::signal::{Effect, Farewell, Signal, Signals};
use super::undelivered::{Lost, Why};
use super::{
    CallError, Incoming, Instant, Node, Outgoing, SendError, SpawnError, Target, This, address, context, crash, sched,
    seen, trial,
};
use crate::wire::{Down, ExitReason, ExitSignal, Pid};
use std::fmt;
use std::future::Future;
use std::hint::black_box;
use std::ops::Deref;
use std::panic::Location;
use std::time::Duration;

/// The end of a process, step by step in the order that `otp` promises. `known` is what its panic left to be dropped once
/// the end can be seen. The last step is left to the caller.
///
/// # Safety
/// The caller has the process's turn, and this is its last one.
pub(crate) unsafe fn finish<'a>(cell: CellPtr<'a>, reason: &ExitReason, known: &mut Vec<crash::Known>) -> Finished<'a> {
    let node = cell.node();
    crash::report(cell, reason);
    trial::ended(cell, reason);
    let left = cell.end(reason);
    if cell.is_watched() {
        cell.tell_end(reason);
    }
    let pid = cell.pid();
    let farewell = left.and_then(|left| {
        drop(left.alarm.and_then(|alarm| node.inner().scheduler().cancel_timer(alarm)));
        left.farewell
    });
    node.inner().scheduler().cancel_all_of(&cell);
    if cell.is_member() {
        node.naming().leave_all(pid);
    }
    // A drop that panics must not keep the others from being told.
    let body = crash::guard(|| {
        known.clear();
        // SAFETY: the caller has the turn, and this happens once.
        context::enter(cell, || unsafe { cell.drop_body() });
    });
    let (unread, unread_panic) = cell.mailbox().close(cell);
    if let Err(crash) = body {
        crash::report_drop(pid, &crash.reason);
    }
    if let Some(reason) = unread_panic {
        crash::report_drop(pid, &reason);
    }
    if unread > 0 {
        node.lost(cell, Lost { why: Why::Ended, messages: unread });
    }
    node.inner().scheduler().one_gone(node.inner());
    if let Some(farewell) = farewell {
        node.tell(cell, farewell);
    }
    sched::worker::with_slots(node.inner(), |held| node.table().remove(cell.place(), held));
    node.one_less();
    // SAFETY: this is the end of its end.
    unsafe { Finished::new(cell) }
}

/// How many of those who are told of an end are looked up at a time.
const TOLD_AT_ONCE: usize = 16;

impl Node {
    /// Does what a signal state decided for `cell`.
    pub(crate) fn perform(&self, cell: CellPtr<'_>, effect: Effect) {
        let wake = match effect {
            Effect::Send(to, signal) => return self.signal(to, signal),
            Effect::End(reason) => return cell.request_end(reason),
            Effect::DeliverExit(exit) => cell.mailbox().push_exit(cell, exit),
            Effect::DeliverDown(down) => cell.mailbox().push_down(cell, down),
            Effect::Stop(reason) => cell.mailbox().push_stop(cell, reason),
        };
        if let Some(wake) = wake {
            wake.wake(cell);
        }
    }

    /// Tells of an end.
    ///
    /// Who has many links finds them one by one in memory that no cache has. So some are looked up first, all of which the
    /// processor waits for at once; with 100,000 links that saves a tenth of the time.
    fn tell(&self, cell: CellPtr<'_>, mut farewell: Farewell) {
        let guard = hold();
        // Most have one.
        if let Some((to, exit)) = farewell.only() {
            // Nobody answers an exit, and nothing follows from it that is not done there.
            if let Some(to) = self.table().look(to, &guard)
                && let Some(effect) = to.receive(exit)
            {
                self.perform(to, effect);
            }
            return;
        }
        let mut some = Vec::new();
        while let Some(first) = farewell.next() {
            some.extend(farewell.by_ref().take(TOLD_AT_ONCE - 1));
            for effect in &some {
                if let Effect::Send(to, _) = effect {
                    black_box(self.table().look(*to, &guard));
                }
            }
            self.perform(cell, first);
            some.drain(..).for_each(|effect| self.perform(cell, effect));
        }
    }

    /// Lets a signal arrive. Answers to it are passed on in a loop, so no chain of them nests.
    pub(crate) fn signal(&self, to: Pid, signal: Signal) {
        let guard = hold();
        let mut next = Some((to, signal));
        while let Some((to, signal)) = next.take() {
            let Some(cell) = self.table().look(to, &guard) else {
                next = signal.answer_of_nobody(to);
                continue;
            };
            match cell.receive(signal) {
                Some(Effect::Send(to, signal)) => next = Some((to, signal)),
                Some(effect) => self.perform(cell, effect),
                None => {}
            }
        }
    }
}

/// What reaches a process that a backend runs.
#[derive(Debug)]
pub enum Delivery {
    /// A call or a cast.
    Message(Incoming),
    /// A linked process ended.
    Exit(ExitSignal),
    /// A monitored process ended.
    Down(Down),
    /// The process is asked to end: clean up, then end with this reason.
    Stop(ExitReason),
}

/// A running process as its backend sees it: all that a process can do, and its deliveries.
pub struct Process {
    receiver: Receiver<Incoming>,
}

impl Process {
    pub(crate) fn new(receiver: Receiver<Incoming>) -> Self {
        Self { receiver }
    }

    /// What it is called in logs.
    pub fn label(&self) -> std::sync::Arc<str> {
        self.cell.label()
    }

    /// Waits for the next delivery.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Delivery {
        self.cell.lay_down();
        let (number, delivery) = loop {
            break match self.receiver.next().await {
                Item::Local(message, _) => (message.method(), Delivery::Message(message)),
                Item::Other(other) => match other.into_inner() {
                    Other::Wire(message) => (message.method(), Delivery::Message(message)),
                    Other::Exit(exit) => (seen::EXIT, Delivery::Exit(exit)),
                    Other::Down(down) => (seen::DOWN, Delivery::Down(down)),
                    Other::Stop(reason) => (seen::TERMINATE, Delivery::Stop(reason)),
                    // It is no actor.
                    Other::Traced(_) => continue,
                },
            };
        };
        self.cell.take_up(number);
        delivery
    }

    /// Whether exits of links, and requests to end, are delivered instead of ending it; what it was before.
    pub fn trap_exit(&self, on: bool) -> bool {
        self.cell.signals(|signals| signals.trap_exit(on))
    }

    /// The processes it has spawned and that are alive; looks at all processes of the node.
    pub fn children(&self) -> Vec<Pid> {
        children(&self.cell)
    }

    /// Whether it spawned this process.
    pub fn is_child(&self, pid: Pid) -> bool {
        let guard = hold();
        self.node().table().look(pid, &guard).is_some_and(|cell| cell.is_child_of(&self.cell))
    }

    /// Sends a message in bytes.
    ///
    /// # Errors
    /// Nobody there, a mailbox that is full, a method that the receiver does not have or knows differently.
    pub fn cast_wire(&self, to: &Target, message: Outgoing) -> Result<(), SendError> {
        address::cast_wire(self.node(), to, message)
    }

    /// Calls with a message in bytes: for at most `limit`, and not beyond `inherited`.
    ///
    /// # Cancel safety
    /// Dropping the future gives the call up; the callee may handle the message all the same.
    pub fn call_wire(
        &self,
        to: &Target,
        message: Outgoing,
        limit: Duration,
        inherited: Option<Instant>,
    ) -> impl Future<Output = Result<Vec<u8>, CallError>> + Send + use<> {
        address::call_wire(self.node().clone(), to.clone(), message, limit, inherited)
    }

    /// Starts a process of a component, as a child of this one.
    pub fn spawn_component(
        &self,
        new: super::backend::NewProcess,
        link: bool,
    ) -> impl Future<Output = Result<Pid, SpawnError>> + Send + use<> {
        let (node, parent) = (self.node().clone(), self.cell.clone());
        let at = Location::caller();
        async move {
            let family = super::node::Family { parent: Some(&parent), link, monitor: None };
            super::component::spawn(&node, new, family, None, at).await
        }
    }
}

impl Deref for Process {
    type Target = This;

    fn deref(&self) -> &This {
        self.receiver.this().this()
    }
}

/// The processes that `parent` has spawned and that are alive.
pub(crate) fn children(parent: &CellRef) -> Vec<Pid> {
    let all = parent.node().table().all();
    all.iter().filter(|cell| cell.is_child_of(parent)).map(|cell| cell.pid()).collect()
}

/// A change that a process makes to its own signal state.
pub(crate) fn own_signal(node: &Node, cell: CellPtr<'_>, act: impl FnOnce(&mut Signals) -> Option<Effect>) {
    if let Some(effect) = cell.signals(act) {
        node.perform(cell, effect);
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("pid", &self.pid()).field("label", &self.label()).finish()
    }
}

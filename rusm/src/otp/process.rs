//! A process: its cell, and the handle that a backend runs it with.

use super::crash;
use super::mailbox::{AnyMailbox, Item, Mailbox, wake};
use super::signal::{Effect, Signal, Signals, Trap};
use super::{CallError, Incoming, Instant, NameError, Node, Outgoing, SendError, SpawnError, Target, address, lock};
use crate::wire::schema::EntrySchema;
use crate::wire::{Down, ExitReason, ExitSignal, Method, MonitorRef, Pid};
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;
use tokio::sync::watch;

/// What the node keeps of a process.
pub(crate) struct Cell {
    pid: Pid,
    label: Arc<str>,
    parent: Option<Pid>,
    understands: Understands,
    mailbox: Arc<dyn AnyMailbox>,
    signals: Mutex<Signals>,
    names: Mutex<Vec<Arc<str>>>,
    children: Mutex<BTreeSet<Pid>>,
    control: Control,
    /// Turns true when the links and monitors have been told.
    gone: watch::Sender<bool>,
    started: std::time::Instant,
}

/// How others reach into the running task.
#[derive(Default)]
struct Control {
    /// Set after `end`, so that a poll costs one load.
    asked: AtomicBool,
    end: Mutex<Option<ExitReason>>,
    task: Mutex<Option<Waker>>,
}

/// Which messages a process can read.
pub(crate) enum Understands {
    Native(&'static [&'static Method]),
    Component(Arc<EntrySchema>),
    Nothing,
}

/// What a new cell is made of.
pub(crate) struct NewCell {
    pub(crate) label: Arc<str>,
    pub(crate) parent: Option<Pid>,
    pub(crate) trap: Trap,
    pub(crate) understands: Understands,
    pub(crate) mailbox: Arc<dyn AnyMailbox>,
}

impl Cell {
    pub(crate) fn new(pid: Pid, new: NewCell) -> Self {
        Self {
            pid,
            label: new.label,
            parent: new.parent,
            understands: new.understands,
            mailbox: new.mailbox,
            signals: Mutex::new(Signals::new(pid, new.parent, new.trap)),
            names: Mutex::default(),
            children: Mutex::default(),
            control: Control::default(),
            gone: watch::Sender::new(false),
            started: std::time::Instant::now(),
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn parent(&self) -> Option<Pid> {
        self.parent
    }

    pub(crate) fn started(&self) -> std::time::Instant {
        self.started
    }

    pub(crate) fn depth(&self) -> usize {
        self.mailbox.depth()
    }

    pub(crate) fn mailbox(&self) -> &Arc<dyn AnyMailbox> {
        &self.mailbox
    }

    /// Why it ended, if it did.
    pub(crate) fn ended(&self) -> Option<ExitReason> {
        lock(&self.signals).ended().cloned()
    }

    /// Waits until it has ended and everybody was told.
    pub(crate) async fn gone(&self) -> ExitReason {
        let mut gone = self.gone.subscribe();
        // The sender lives in the cell that is borrowed here: the wait can't fail.
        let _ = gone.wait_for(|gone| *gone).await;
        self.ended().unwrap_or(ExitReason::NoProcess)
    }

    /// Asks the task to end at its next await; the first reason counts.
    pub(crate) fn request_end(&self, reason: ExitReason) {
        {
            let mut end = lock(&self.control.end);
            // A kill overrides a reason that the task has not seen yet.
            if end.is_none() || reason == ExitReason::Killed {
                *end = Some(reason);
            }
        }
        self.control.asked.store(true, Ordering::Release);
        let task = lock(&self.control.task).take();
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Asked by the task at each poll: whether it is to end. Leaves the waker before it looks.
    pub(crate) fn poll_end(&self, waker: &Waker) -> Option<ExitReason> {
        {
            let mut task = lock(&self.control.task);
            if !task.as_ref().is_some_and(|known| known.will_wake(waker)) {
                *task = Some(waker.clone());
            }
        }
        if self.control.asked.load(Ordering::Acquire) { lock(&self.control.end).clone() } else { None }
    }

    /// Whether this message can be read, and if not, why.
    pub(crate) fn check(&self, message: &Outgoing) -> Result<(), SendError> {
        let (fingerprint, theirs): (_, Box<dyn Fn() -> String>) = match &self.understands {
            Understands::Nothing => return Err(unknown(message.method)),
            Understands::Native(methods) => {
                let Some(method) = methods.iter().copied().find(|method| method.id() == message.method) else {
                    return Err(unknown(message.method));
                };
                (method.fingerprint(), Box::new(|| method.signature()))
            }
            Understands::Component(entry) => {
                let Some(method) = entry.method(message.method) else { return Err(unknown(message.method)) };
                (method.fingerprint, Box::new(|| method.signature()))
            }
        };
        if fingerprint == message.fingerprint {
            return Ok(());
        }
        Err(SendError::Incompatible { ours: String::new(), theirs: theirs() })
    }

    pub(crate) fn add_name(&self, name: Arc<str>) {
        lock(&self.names).push(name);
    }

    pub(crate) fn forget_name(&self, name: &str) {
        lock(&self.names).retain(|known| &**known != name);
    }

    pub(crate) fn add_child(&self, pid: Pid) {
        lock(&self.children).insert(pid);
    }

    pub(crate) fn remove_child(&self, pid: Pid) {
        lock(&self.children).remove(&pid);
    }

    pub(crate) fn children(&self) -> Vec<Pid> {
        lock(&self.children).iter().copied().collect()
    }

    pub(crate) fn signals<R>(&self, act: impl FnOnce(&mut Signals) -> R) -> R {
        act(&mut lock(&self.signals))
    }

    /// Lets a signal arrive; what is left to do about it.
    ///
    /// What is for the mailbox gets there under the lock: an `unlink` or a `demonitor` that comes after finds it there.
    fn receive(&self, signal: Signal) -> Option<Effect> {
        let (effect, receiver) = {
            let mut signals = lock(&self.signals);
            match signals.receive(signal)? {
                Effect::DeliverExit(exit) => (None, self.mailbox.push_exit(exit)),
                Effect::DeliverDown(down) => (None, self.mailbox.push_down(down)),
                effect => (Some(effect), None),
            }
        };
        wake(receiver);
        effect
    }

    /// The end, step by step in the order that `otp` promises; `body` drops the process's code.
    pub(crate) fn finish(&self, node: &Node, reason: ExitReason, body: impl FnOnce()) {
        crash::report(self, &reason);
        let effects = lock(&self.signals).end(reason);
        // A name that is being registered right now sees the end, or is seen here.
        let names = std::mem::take(&mut *lock(&self.names));
        for name in names {
            let _ = node.registry().release(&name, self.pid);
        }
        node.table().retire(self.pid);
        // A drop that panics must not keep the others from being told.
        let body = crash::guard(body).err().map(|crash| crash.reason);
        for reason in [body, self.mailbox.close()].into_iter().flatten() {
            tracing::error!(target: "rusm::crash", pid = %self.pid, %reason, "panicked while it was dropped");
        }
        for effect in effects {
            node.perform(self, effect);
        }
        if let Some(parent) = self.parent.and_then(|parent| node.table().get(parent)) {
            parent.remove_child(self.pid);
        }
        node.table().remove(self.pid);
        self.gone.send_replace(true);
        node.one_less();
    }
}

fn unknown(method: u32) -> SendError {
    SendError::UnknownMethod(format!("number {method:#010x}"))
}

impl Node {
    /// Does what a signal state decided for `cell`.
    pub(crate) fn perform(&self, cell: &Cell, effect: Effect) {
        match effect {
            Effect::Send(to, signal) => self.signal(to, signal),
            Effect::DeliverExit(exit) => wake(cell.mailbox.push_exit(exit)),
            Effect::DeliverDown(down) => wake(cell.mailbox.push_down(down)),
            Effect::Stop(reason) => cell.mailbox.push_stop(reason),
            Effect::End(reason) => cell.request_end(reason),
        }
    }

    /// Lets a signal arrive. Answers to it are passed on in a loop, so no chain of them nests.
    pub(crate) fn signal(&self, to: Pid, signal: Signal) {
        let mut next = Some((to, signal));
        while let Some((to, signal)) = next.take() {
            let Some(cell) = self.table().get(to) else {
                next = signal.answer_of_nobody(to);
                continue;
            };
            match cell.receive(signal) {
                Some(Effect::Send(to, signal)) => next = Some((to, signal)),
                Some(effect) => self.perform(&cell, effect),
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

/// A running process as its backend sees it.
pub struct Process {
    pub(crate) node: Node,
    pub(crate) cell: Arc<Cell>,
    pub(crate) mailbox: Arc<Mailbox<Incoming>>,
}

impl Process {
    /// Its pid.
    pub fn pid(&self) -> Pid {
        self.cell.pid
    }

    /// What it is called in logs.
    pub fn label(&self) -> &str {
        &self.cell.label
    }

    /// Its node.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Waits for the next delivery.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Delivery {
        match self.mailbox.next().await {
            Item::Local { message, .. } | Item::Wire(message) => Delivery::Message(message),
            Item::Exit(exit) => Delivery::Exit(exit),
            Item::Down(down) => Delivery::Down(down),
            Item::Stop(reason) => Delivery::Stop(reason),
        }
    }

    /// Links it to another process.
    pub fn link(&self, to: Pid) {
        self.act(|signals| signals.link(to));
    }

    /// Takes a link away, and an exit signal of it that was not read.
    pub fn unlink(&self, from: Pid) {
        self.act(|signals| signals.unlink(from));
        self.cell.mailbox.flush_exit(from);
    }

    /// Watches another process.
    pub fn monitor(&self, pid: Pid) -> MonitorRef {
        let monitor = self.node.next_monitor();
        self.act(|signals| signals.monitor(monitor, pid));
        monitor
    }

    /// Stops watching, and takes a down away that was not read.
    pub fn demonitor(&self, monitor: MonitorRef) {
        self.act(|signals| signals.demonitor(monitor));
        self.cell.mailbox.flush_down(monitor);
    }

    /// Whether exits of links, and requests to end, are delivered instead of ending it; what it was before.
    pub fn trap_exit(&self, on: bool) -> bool {
        self.cell.signals(|signals| signals.trap_exit(on))
    }

    /// Asks another process to end; [`ExitReason::Killed`] can't be refused.
    pub fn exit(&self, pid: Pid, reason: ExitReason) {
        self.node.signal(pid, Signal::Exit { from: Some(self.cell.pid), reason });
    }

    /// Takes a free name.
    ///
    /// # Errors
    /// A name that is taken or not allowed to be one.
    pub fn register(&self, name: &str) -> Result<(), NameError> {
        self.node.register(name, self.cell.pid)
    }

    /// Gives a name back.
    ///
    /// # Errors
    /// A name that this process does not hold.
    pub fn unregister(&self, name: &str) -> Result<(), NameError> {
        // In this order: a name that is taken anew between the two must not be forgotten.
        self.cell.forget_name(name);
        self.node.registry().release(name, self.cell.pid)
    }

    /// The processes it has spawned and that are alive.
    pub fn children(&self) -> Vec<Pid> {
        self.cell.children()
    }

    /// Whether it spawned this process.
    pub fn is_child(&self, pid: Pid) -> bool {
        lock(&self.cell.children).contains(&pid)
    }

    /// Sends a message in bytes.
    ///
    /// # Errors
    /// Nobody there, a mailbox that is full, a method that the receiver does not have or knows differently.
    pub fn cast_wire(&self, to: &Target, message: Outgoing) -> Result<(), SendError> {
        address::cast_wire(&self.node, to, message)
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
        address::call_wire(self.node.clone(), to.clone(), message, limit, inherited)
    }

    /// Starts a process of a component, as a child of this one.
    pub fn spawn_component(
        &self,
        new: super::backend::NewProcess,
        link: bool,
    ) -> impl Future<Output = Result<Pid, SpawnError>> + Send + use<> {
        let (node, parent) = (self.node.clone(), self.cell.clone());
        async move { super::component::spawn(&node, new, super::node::Family { parent: Some(parent), link }, None).await }
    }

    fn act(&self, act: impl FnOnce(&mut Signals) -> Option<Effect>) {
        own_signal(&self.node, &self.cell, act);
    }
}

/// A change that a process makes to its own signal state.
pub(crate) fn own_signal(node: &Node, cell: &Cell, act: impl FnOnce(&mut Signals) -> Option<Effect>) {
    if let Some(effect) = cell.signals(act) {
        node.perform(cell, effect);
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("pid", &self.cell.pid).field("label", &self.cell.label).finish()
    }
}

//! The process that does what the plan says.
//!
//! It does one thing at a time: it stops a child, starts one, or takes the next item of its mailbox. What happens meanwhile
//! waits there: ends of children, requests, the request to stop. An end of a process that was replaced since is
//! recognised by its pid.
//!
//! Three things wait for nobody. A request to stop is seen while a child starts, however long its `#[init]` takes. A child that
//! waits for its restart is only an entry of the plan with a time, so all else is taken until then. And after a start that failed,
//! all that waits in the mailbox at that moment is taken before it is tried again, so that a start that always fails at once lets
//! requests and stops through.
//!
//! # However it ends
//! In order: it has stopped its children, last first. Killed: its code is dropped, then its links are told, which asks each
//! child to end. [`Run`]'s drop sees to those that refuse: what has a time to stop is killed after that time, and what has none
//! at once. A child that is just being started is killed by its start, which is dropped with the rest.

use super::child::{ChildSpec, Starting};
use super::plan::{self, Ended, Key, Phase, Plan, Then};
use super::reference::{ChildError, Request, SupervisorRef};
use super::seat::{Board, Seat};
use super::{Shutdown, Supervisor, Tree, orphans};
use crate::otp::cell::CellRef;
use crate::otp::mailbox::{Item, Mailbox, Other, Receiver};
use crate::otp::node::{Family, Start, wait_started};
use crate::otp::reply::Answer;
use crate::otp::signal::{Signal, Trap};
use crate::otp::slot::{Filler, slot};
use crate::otp::{Instant, Node, SpawnError, context};
use crate::wire::{ExitReason, Pid};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Sleep;
use tracing::Level;
use tracing::level_filters::LevelFilter;

impl Node {
    /// Starts a supervisor and its children, in order: a [`Supervisor`], or a type with [`#[supervisor]`](macro@crate::supervisor).
    ///
    /// # Errors
    /// The first child that does not start ends the others, in reverse order, and the supervisor. Two children of one id, or a
    /// significant child that can't be one, start nothing.
    ///
    /// # Cancel safety
    /// A supervisor whose start is given up is killed, and its children end with it.
    #[track_caller]
    pub fn supervise<T: Tree>(&self, tree: T) -> impl Future<Output = Result<T::Ref, SpawnError>> + Send + use<'_, T> {
        let at = Location::caller();
        let supervisor = tree.into_supervisor();
        async move {
            let running = start(self, supervisor, Family::default(), None, at, Arc::default()).await?;
            T::reference(&running).ok_or_else(|| malformed("its ref knows children that it has not"))
        }
    }
}

fn malformed(text: impl Into<Arc<str>>) -> SpawnError {
    SpawnError::Init(ExitReason::Error(text.into()))
}

pub(super) async fn start(
    node: &Node,
    supervisor: Supervisor,
    family: Family<'_>,
    name: Option<Arc<str>>,
    at: &'static Location<'static>,
    board: Arc<Board>,
) -> Result<SupervisorRef, SpawnError> {
    supervisor.check().map_err(malformed)?;
    let (started, is_started) = slot();
    let new = Start {
        label: supervisor.label.as_deref().map(Into::into),
        name,
        trap: Trap { links: true, stop: true },
        family,
        ..Start::new(&"supervisor", at)
    };
    let this = node.start(new, Mailbox::<Request>::new(None), |this| {
        board.begin(this.clone());
        let plan = Plan::new(supervisor.strategy, supervisor.auto_shutdown, supervisor.intensity);
        let (node, cell) = (node.clone(), this.cell().clone());
        let (receiver, board) = (Receiver::new(this), board.clone());
        let run = Run { node, cell, receiver, plan, board, backoff: supervisor.backoff, patience: 0, alarm: None };
        run.run(supervisor.children, started)
    })?;
    wait_started(node, this.cell(), is_started).await?;
    SupervisorRef::new(node, board).ok_or_else(|| malformed("it never began"))
}

/// What the plan keeps of a child.
struct Member {
    spec: ChildSpec,
    seat: Arc<Seat>,
}

struct Run {
    node: Node,
    cell: CellRef,
    receiver: Receiver<Request>,
    plan: Plan<Member>,
    board: Arc<Board>,
    backoff: Option<super::Backoff>,
    /// How many items are taken before something that is due is started.
    patience: usize,
    alarm: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Why a child was not started.
enum NotStarted {
    Failed(SpawnError),
    /// The supervisor is asked to stop; the request is in its mailbox.
    Stopping,
}

/// What is left to do about a child that has ended.
enum Left {
    /// And when it ended.
    Follow(Ended, Instant),
    /// It is being started again.
    Wait(Key, Starting),
    Failed(Key, NotStarted),
}

/// What the supervisor does next.
enum Next {
    Take(Item<Request>),
    Start,
}

impl Run {
    async fn run(mut self, children: Vec<ChildSpec>, started: Filler<()>) -> ExitReason {
        let reason = match self.boot(children).await {
            Err(reason) => reason,
            Ok(()) => {
                if !self.receiver.is_stop_asked() {
                    let _ = started.fill(());
                }
                self.serve().await
            }
        };
        self.stop_all().await;
        reason
    }

    async fn boot(&mut self, children: Vec<ChildSpec>) -> Result<(), ExitReason> {
        for spec in children {
            self.add(spec, true);
        }
        self.board.all_fixed();
        for key in self.plan.keys() {
            match self.start(key, false).await {
                Ok(_) => {}
                Err(NotStarted::Stopping) => break,
                Err(NotStarted::Failed(error)) => {
                    let id = self.id(key);
                    return Err(ExitReason::Error(format!("child {id:?} did not start: {error}").into()));
                }
            }
        }
        Ok(())
    }

    /// Until there is a reason to end.
    async fn serve(&mut self) -> ExitReason {
        loop {
            let step = match poll_fn(|cx| self.poll_next(cx)).await {
                Next::Start => self.start_due().await,
                Next::Take(Item::Local(request, _)) => {
                    self.answer(request).await;
                    Ok(())
                }
                Next::Take(Item::Other(other)) => match other.into_inner() {
                    Other::Exit(exit) => match self.ended(exit.from, &exit.reason) {
                        None => Ok(()),
                        Some(left) => self.finish(left).await,
                    },
                    Other::Stop(reason) => Err(reason),
                    Other::Wire(message) => {
                        message.unknown();
                        Ok(())
                    }
                    Other::Down(_) | Other::Traced(_) => Ok(()),
                },
            };
            if let Err(reason) = step {
                return reason;
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next> {
        if self.patience == 0 && self.is_due() {
            return Poll::Ready(Next::Start);
        }
        if let Poll::Ready(item) = self.receiver.poll_next(cx) {
            self.patience = self.patience.saturating_sub(1);
            return Poll::Ready(Next::Take(item));
        }
        // There is nothing, or it is somebody else's turn.
        self.patience = self.receiver.queued();
        let Some(due) = self.plan.next_due().filter(|_| self.patience == 0) else {
            self.alarm = None;
            return Poll::Pending;
        };
        if self.is_due() {
            return Poll::Ready(Next::Start);
        }
        let (at, alarm) = self.alarm.get_or_insert_with(|| (due, Box::pin(tokio::time::sleep_until(due))));
        if *at != due {
            *at = due;
            alarm.as_mut().reset(due);
        }
        alarm.as_mut().poll(cx).map(|()| {
            self.alarm = None;
            Next::Start
        })
    }

    fn is_due(&self) -> bool {
        self.plan.next_due().is_some_and(|due| due <= Instant::now())
    }

    /// A linked process has ended: what is left to do about it that may take its time.
    fn ended(&mut self, pid: Pid, reason: &ExitReason) -> Option<Left> {
        let (now, is_turn_over) = context::now_in_turn();
        let ended = self.plan.ended(pid, reason, now)?;
        let decision = match &ended.then {
            Then::Restart { .. } => "a child ended: it is started again",
            Then::GiveUp => "a child ended, and that is too many restarts: the supervisor gives up",
            Then::Rest | Then::Forget if ended.is_done => "a significant child ended: the supervisor is done",
            Then::Rest | Then::Forget => "a child ended and stays down",
        };
        self.log(ended.child, Some(pid), reason, &ended.then, decision);
        let is_alone = !self.plan.is_group() && matches!(&ended.then, Then::Restart { due, .. } if due.at <= now);
        if is_alone && !is_turn_over && !self.receiver.is_stop_asked() {
            return self.start_now(ended.child);
        }
        Some(Left::Follow(ended, now))
    }

    /// Starts a child again: what is left to do, if that is not done at once.
    fn start_now(&mut self, key: Key) -> Option<Left> {
        self.show(key);
        let started = match self.begin(key).map(Starting::now) {
            Ok(Ok(started)) => started.map_err(NotStarted::Failed),
            Ok(Err(starting)) => return Some(Left::Wait(key, starting)),
            Err(error) => Err(error),
        };
        match started {
            Ok(pid) => {
                self.up(key, pid, true);
                None
            }
            Err(error) => Some(Left::Failed(key, error)),
        }
    }

    /// Does what is left; Err if that ends the supervisor.
    async fn finish(&mut self, left: Left) -> Result<(), ExitReason> {
        let (Ended { child, then, is_done }, now) = match left {
            Left::Follow(ended, now) => (ended, now),
            Left::Failed(key, error) => return self.attempted(key, Err(error)).await.map(drop),
            Left::Wait(key, starting) => {
                let started = self.wait(key, starting, true).await;
                return self.attempted(key, started).await.map(drop);
            }
        };
        self.show(child);
        let is_restart = matches!(then, Then::Restart { .. });
        self.follow(child, then).await?;
        if is_done {
            return Err(ExitReason::Shutdown);
        }
        // Now, if it was due when it ended: clocks of other workers may be behind. Those that are tried again after a start that failed
        // have their own turn.
        match is_restart && self.plan.is_due(child, now) {
            true if self.plan.is_group() => self.start_due().await,
            true => self.attempt(child).await.map(drop),
            false => Ok(()),
        }
    }

    /// Does what is to be done about a child at once; what is to be done later is in the plan.
    async fn follow(&mut self, child: Key, then: Then) -> Result<(), ExitReason> {
        match then {
            Then::Rest => {}
            Then::Forget => self.forget(child),
            Then::GiveUp => return Err(ExitReason::Shutdown),
            Then::Restart { stop, due } => {
                for key in stop {
                    self.stop(key, Some(due)).await;
                }
                if self.plan.is_group() {
                    self.plan.waiting().into_iter().for_each(|key| self.show(key));
                }
            }
        }
        Ok(())
    }

    /// Starts what is due: one child, or all of a group.
    async fn start_due(&mut self) -> Result<(), ExitReason> {
        let now = Instant::now();
        while let Some(key) = self.plan.next_start(now) {
            let is_up = self.attempt(key).await?;
            if !is_up || !self.plan.is_group() {
                break;
            }
        }
        Ok(())
    }

    /// Starts a child again; whether it is up. If not, what is to be done is in the plan, and what waits comes first.
    async fn attempt(&mut self, key: Key) -> Result<bool, ExitReason> {
        let started = match self.receiver.is_stop_asked() {
            true => Err(NotStarted::Stopping),
            false => self.start(key, true).await,
        };
        self.attempted(key, started).await
    }

    /// Goes on after a start; as [`attempt`](Self::attempt).
    async fn attempted(&mut self, key: Key, started: Result<Pid, NotStarted>) -> Result<bool, ExitReason> {
        match started {
            Ok(_) => return Ok(true),
            // The request is in the mailbox.
            Err(NotStarted::Stopping) => {}
            Err(NotStarted::Failed(SpawnError::NodeDown)) => return Err(ExitReason::Shutdown),
            Err(NotStarted::Failed(error)) => {
                let reason = ExitReason::Error(error.to_string().into());
                let then = self.plan.restart(key, Instant::now());
                let decision = match &then {
                    Then::GiveUp => "a child did not start, and that is too many restarts: the supervisor gives up",
                    _ => "a child did not start: it is tried again",
                };
                self.log(key, None, &reason, &then, decision);
                self.show(key);
                self.follow(key, then).await?;
                // A start can fail at once, over and over; others are to run in between.
                tokio::task::yield_now().await;
            }
        }
        self.patience = self.receiver.queued();
        Ok(false)
    }

    /// Does what somebody asked for. Who asked learns of a supervisor that is stopping by its end.
    async fn answer(&mut self, request: Request) {
        fn send<T>(to: Filler<Answer<Result<T, ChildError>>>, answer: Option<Result<T, ChildError>>) {
            if let Some(answer) = answer {
                let _ = to.fill(Answer::Value(answer));
            }
        }
        match request {
            Request::Start(spec, to) => send(to, self.start_child(*spec).await),
            Request::Restart(id, to) => send(to, self.restart_child(&id).await),
            Request::Terminate(id, to) => send(to, Some(self.terminate_child(&id).await)),
            Request::Delete(id, to) => send(to, Some(self.delete_child(&id))),
        }
    }

    async fn start_child(&mut self, spec: ChildSpec) -> Option<Result<Pid, ChildError>> {
        if let Some(phase) = self.plan.find(&spec.id).and_then(|known| self.plan.phase(known)) {
            return Some(Err(phase.into()));
        }
        if let Some(why) = spec.rules.refused(self.plan.auto_shutdown()) {
            return Some(Err(ChildError::Refused(why.to_owned())));
        }
        let key = self.add(spec, false)?;
        let started = self.start(key, false).await;
        if started.is_err() {
            self.forget(key);
        }
        outcome(started)
    }

    async fn restart_child(&mut self, id: &str) -> Option<Result<Pid, ChildError>> {
        match self.look(id) {
            Err(error) => Some(Err(error)),
            Ok((key, Phase::Down)) => outcome(self.start(key, true).await),
            Ok((_, phase)) => Some(Err(phase.into())),
        }
    }

    async fn terminate_child(&mut self, id: &str) -> Result<(), ChildError> {
        let (key, _) = self.look(id)?;
        self.stop(key, None).await;
        Ok(())
    }

    fn delete_child(&mut self, id: &str) -> Result<(), ChildError> {
        match self.look(id)? {
            (key, Phase::Down) => {
                self.forget(key);
                Ok(())
            }
            (_, phase) => Err(phase.into()),
        }
    }

    fn look(&self, id: &str) -> Result<(Key, Phase), ChildError> {
        let known = self.plan.find(id).and_then(|key| Some((key, self.plan.phase(key)?)));
        known.ok_or_else(|| ChildError::NotFound(id.to_owned()))
    }

    fn add(&mut self, mut spec: ChildSpec, is_fixed: bool) -> Option<Key> {
        spec.rules.backoff = spec.rules.backoff.or(self.backoff);
        let (id, rules, board) = (spec.id.clone(), spec.rules, &self.board);
        self.plan.add(id, rules, |key| Member { seat: board.add(key, &spec.id, spec.is_tree, is_fixed), spec })
    }

    fn forget(&mut self, key: Key) {
        self.plan.remove(key);
        self.board.remove(key);
    }

    async fn start(&mut self, key: Key, again: bool) -> Result<Pid, NotStarted> {
        // Many that are up at once are not to take one turn.
        context::yield_now().await;
        let starting = self.begin(key)?;
        self.wait(key, starting, again).await
    }

    fn begin(&self, key: Key) -> Result<Starting, NotStarted> {
        let Some(Member { spec, seat }) = self.plan.get(key) else { return Err(NotStarted::Stopping) };
        Ok(spec.start(&self.node, &self.cell, seat))
    }

    /// Waits until a child is up; a request to stop does not wait for an `#[init]` that takes its time.
    async fn wait(&mut self, key: Key, mut starting: Starting, again: bool) -> Result<Pid, NotStarted> {
        let started = {
            let mut stop = pin!(self.receiver.stop_asked());
            poll_fn(|cx| match Pin::new(&mut starting).poll(cx) {
                Poll::Ready(started) => Poll::Ready(Some(started)),
                Poll::Pending => stop.as_mut().poll(cx).map(|()| None),
            })
            .await
        };
        let Some(started) = started else {
            // It is ended like any other child before its start is given up.
            if let Some(shutdown) = self.plan.get(key).map(|member| member.spec.shutdown) {
                for pid in self.starting() {
                    self.end(pid, shutdown).await;
                }
            }
            return Err(NotStarted::Stopping);
        };
        let pid = started.map_err(NotStarted::Failed)?;
        self.up(key, pid, again);
        Ok(pid)
    }

    /// A child is up.
    fn up(&mut self, key: Key, pid: Pid, again: bool) {
        if let Some(Member { seat, .. }) = self.plan.started(key, pid, || context::now().instant()) {
            seat.sit(pid, again);
        }
    }

    /// What is linked to this process and is neither its parent nor a child that is up.
    fn starting(&self) -> Vec<Pid> {
        let (links, ..) = self.cell.signals(|signals| signals.peers());
        links.into_iter().filter(|pid| Some(*pid) != self.cell.parent() && !self.plan.is_running(*pid)).collect()
    }

    async fn stop_all(&mut self) {
        for key in self.plan.to_stop() {
            self.stop(key, None).await;
        }
    }

    /// Stops a child, to be started again at that time or not at all.
    async fn stop(&mut self, key: Key, due: Option<plan::Due>) {
        if let (Some(Phase::Running(pid)), Some(member)) = (self.plan.phase(key), self.plan.get(key)) {
            self.end(pid, member.spec.shutdown).await;
        }
        let is_temporary = self.plan.stopped(key, due);
        self.show(key);
        if is_temporary {
            self.forget(key);
        }
    }

    /// Ends a process in its time, and waits for it.
    async fn end(&self, pid: Pid, shutdown: Shutdown) {
        let mut ended = pin!(self.node.ended(pid));
        let ask = || {
            self.node.signal(pid, Signal::Exit { from: Some(self.cell.pid()), reason: ExitReason::Shutdown });
        };
        let is_over = match shutdown {
            Shutdown::Brutal => false,
            Shutdown::Timeout(limit) => {
                ask();
                tokio::time::timeout(limit, ended.as_mut()).await.is_ok()
            }
            Shutdown::Infinite => {
                ask();
                ended.as_mut().await;
                true
            }
        };
        if !is_over {
            self.node.kill(pid);
            ended.await;
        }
    }

    /// Lets others see what phase a child is in.
    fn show(&self, key: Key) {
        let Some((Member { seat, .. }, phase)) = self.plan.look(key) else { return };
        seat.leave(matches!(phase, Phase::Restarting(_)));
    }

    fn id(&self, key: Key) -> Arc<str> {
        self.plan.get(key).map_or_else(|| "".into(), |member| member.spec.id.clone())
    }

    /// The one line that a supervisor writes about the end of a child, or about a start that failed.
    fn log(&self, child: Key, process: Option<Pid>, reason: &ExitReason, then: &Then, decision: &str) {
        let level = match then {
            Then::GiveUp => Level::ERROR,
            Then::Restart { .. } => Level::WARN,
            Then::Rest | Then::Forget => Level::DEBUG,
        };
        // Most of what it takes to say is made for it.
        if level > LevelFilter::current() {
            return;
        }
        let (pid, label, child) = (self.cell.pid(), self.cell.label(), self.id(child));
        let process = process.map(tracing::field::display);
        let restarts = self.plan.restarts();
        match then {
            Then::GiveUp => {
                tracing::error!(target: "rusm::supervisor", %pid, %label, %child, process, %reason, restarts, "{decision}");
            }
            Then::Restart { due, .. } => {
                let delay = due.at.saturating_duration_since(Instant::now());
                tracing::warn!(target: "rusm::supervisor", %pid, %label, %child, process, %reason, restarts, ?delay, "{decision}");
            }
            Then::Rest | Then::Forget => {
                tracing::debug!(target: "rusm::supervisor", %pid, %label, %child, process, %reason, "{decision}");
            }
        }
    }
}

fn outcome(started: Result<Pid, NotStarted>) -> Option<Result<Pid, ChildError>> {
    match started {
        Ok(pid) => Some(Ok(pid)),
        Err(NotStarted::Failed(error)) => Some(Err(ChildError::Start(error))),
        Err(NotStarted::Stopping) => None,
    }
}

/// However it ends, its children end with it: see the module.
impl Drop for Run {
    fn drop(&mut self) {
        self.board.end();
        let left = self.plan.to_stop().into_iter().filter_map(|key| match (self.plan.phase(key), self.plan.get(key)) {
            (Some(Phase::Running(pid)), Some(member)) => Some((pid, member.spec.shutdown)),
            _ => None,
        });
        orphans::see_to(&self.node, left);
    }
}

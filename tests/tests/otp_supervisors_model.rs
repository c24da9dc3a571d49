//! Supervision as OTP's documentation describes it, as a model, and the real thing beside it: both go through the same random
//! lives, and must write down the same starts and stops in the same order, have the same children in the same state, and end for
//! the same reason.
//!
//! The model knows nothing of how supervisors are made here. Where OTP's documentation leaves something open it says what was
//! decided, in [`Model::restart`] and [`Model::settle`].

mod otp_supervisors_support;

use otp_supervisors_support::*;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Strategy as Generate;
use proptest::test_runner::TestRunner;
use rusm::otp::supervisor::{ChildError, SupervisorRef};
use rusm::prelude::*;
// Both preludes have one.
use rusm::prelude::Strategy;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

const IDS: [&str; 6] = ["a", "b", "c", "d", "x", "y"];
/// Restarts count as long as no test has slept through it.
const WINDOW: Duration = Duration::from_secs(1000);
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy)]
struct Spec {
    id: &'static str,
    restart: Restart,
    is_significant: bool,
    is_brutal: bool,
}

#[derive(Debug, Clone)]
enum Op {
    /// A child ends by itself.
    End(&'static str, How),
    /// Several children die before their supervisor sees the first of them.
    Kill(Vec<&'static str>),
    Start(Spec),
    Terminate(&'static str),
    Restart(&'static str),
    Delete(&'static str),
    /// So long that no restart of before counts any more.
    Sleep,
}

#[derive(Debug, Clone)]
struct Life {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    max: usize,
    children: Vec<Spec>,
    on_start: Vec<(&'static str, u32, OnStart)>,
    on_stop: Vec<(&'static str, u32, OnStop)>,
    ops: Vec<Op>,
    /// At the end the supervisor is asked to stop, or killed.
    is_killed: bool,
}

/// What a request is answered, as far as the model knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Done,
    NotFound,
    Running,
    Restarting,
    AlreadyPresent,
    Refused,
    Failed,
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// As the process of this start, as far as the supervisor knows.
    Up(u32),
    Down,
    Restarting,
}

struct Known {
    spec: Spec,
    state: State,
    /// When it was decided that it is to be started again.
    turn: usize,
}

/// The supervisor has ended.
struct Over;

struct Model<'a> {
    life: &'a Life,
    children: Vec<Known>,
    restarts: usize,
    turns: usize,
    /// How often each child was started, and which of these processes live.
    starts: BTreeMap<&'static str, u32>,
    alive: BTreeMap<&'static str, u32>,
    /// Ends that the supervisor has not seen: whose, of which start, and whether in order.
    ends: VecDeque<(&'static str, u32, bool)>,
    /// How many of them it sees before it tries again to start what did not start.
    barrier: usize,
    log: Vec<String>,
}

impl<'a> Model<'a> {
    fn new(life: &'a Life) -> Self {
        let (children, starts, alive, ends, log) = Default::default();
        Self { life, children, restarts: 0, turns: 0, starts, alive, ends, barrier: 0, log }
    }

    /// "The children are started in the order in which they are listed"; one that fails ends those before it.
    fn boot(&mut self) -> std::result::Result<(), Over> {
        for spec in &self.life.children {
            self.children.push(Known { spec: *spec, state: State::Down, turn: 0 });
        }
        for at in 0..self.children.len() {
            if !self.start(at) {
                self.stop_all();
                return Err(Over);
            }
        }
        self.settle()
    }

    fn at(&self, id: &str) -> Option<usize> {
        self.children.iter().position(|child| child.spec.id == id)
    }

    fn kill(&mut self, id: &str) {
        if let Some((id, n)) = self.alive.remove_entry(id) {
            self.ends.push_back((id, n, false));
        }
    }

    fn start(&mut self, at: usize) -> bool {
        let id = self.children[at].spec.id;
        let starts = self.starts.entry(id).or_default();
        let n = std::mem::replace(starts, *starts + 1);
        let life = self.life;
        let what = life.on_start.iter().rev().find(|(whose, which, _)| (*whose, *which) == (id, n));
        match what.map(|(_, _, what)| what) {
            Some(OnStart::Fail) => {
                self.log.push(format!("!{id}"));
                return false;
            }
            Some(OnStart::Kill(other)) => {
                self.log.push(format!("+{id}"));
                self.kill(other);
            }
            _ => self.log.push(format!("+{id}")),
        }
        self.alive.insert(id, n);
        self.children[at].state = State::Up(n);
        true
    }

    /// Asks the child to end, unless it is to be killed at once; one that refuses is killed.
    fn stop(&mut self, at: usize) {
        let Spec { id, is_brutal, .. } = self.children[at].spec;
        let life = self.life;
        if let Some(n) = self.alive.get(id).copied().filter(|_| !is_brutal) {
            self.log.push(format!("-{id}"));
            let what = life.on_stop.iter().rev().find(|(whose, which, _)| (*whose, *which) == (id, n));
            if let Some((_, _, OnStop::Kill(other))) = what {
                self.kill(other);
            }
        }
        self.alive.remove(id);
        self.children[at].state = State::Down;
    }

    /// "Terminated in reverse start order."
    fn stop_all(&mut self) {
        for at in (0..self.children.len()).rev() {
            if let State::Up(_) = self.children[at].state {
                self.stop(at);
            }
        }
    }

    /// A process has ended by itself.
    fn ended(&mut self, id: &str, n: u32, is_orderly: bool) -> std::result::Result<(), Over> {
        // What the supervisor has stopped or replaced itself is nothing new.
        let Some(at) = self.at(id).filter(|at| self.children[*at].state == State::Up(n)) else { return Ok(()) };
        self.children[at].state = State::Down;
        let Spec { restart, is_significant, .. } = self.children[at].spec;
        let is_again = match restart {
            Restart::Permanent => true,
            Restart::Transient => !is_orderly,
            Restart::Temporary => false,
        };
        if is_again {
            self.restart(at)?;
            return match self.life.strategy {
                Strategy::OneForOne => self.try_start(id),
                _ => self.start_waiting(),
            };
        }
        // "A temporary child is never restarted", and its specification is not kept.
        if restart == Restart::Temporary {
            self.children.remove(at);
        }
        let is_last = || !self.children.iter().any(|child| child.spec.is_significant && child.state != State::Down);
        match self.life.auto_shutdown {
            AutoShutdown::AnySignificant if is_significant => Err(Over),
            AutoShutdown::AllSignificant if is_significant && is_last() => Err(Over),
            _ => Ok(()),
        }
    }

    /// One restart more: "if more than MaxR restarts occur in the last MaxT seconds, the supervisor terminates all children and
    /// then itself". Decided here: a child that does not start again is another restart, with all that this means for the
    /// others, at once.
    fn restart(&mut self, at: usize) -> std::result::Result<(), Over> {
        self.children[at].state = State::Down;
        if self.restarts >= self.life.max {
            return Err(Over);
        }
        self.restarts += 1;
        self.turns += 1;
        let concerned = match self.life.strategy {
            Strategy::OneForOne => at..at + 1,
            Strategy::OneForAll => 0..self.children.len(),
            Strategy::RestForOne => at..self.children.len(),
        };
        for at in concerned.rev() {
            if let State::Up(_) = self.children[at].state {
                self.stop(at);
            }
            if self.children[at].spec.restart == Restart::Temporary {
                self.children.remove(at);
            } else {
                (self.children[at].state, self.children[at].turn) = (State::Restarting, self.turns);
            }
        }
        Ok(())
    }

    fn try_start(&mut self, id: &str) -> std::result::Result<(), Over> {
        let Some(at) = self.at(id) else { return Ok(()) };
        if !self.start(at) {
            self.restart(at)?;
            self.barrier = self.ends.len();
        }
        Ok(())
    }

    /// Starts all of a group that are to be started, in order, up to the first that does not start.
    fn start_waiting(&mut self) -> std::result::Result<(), Over> {
        let waiting = |child: &&Known| child.state == State::Restarting;
        let ids: Vec<_> = self.children.iter().filter(waiting).map(|child| child.spec.id).collect();
        for id in ids {
            self.try_start(id)?;
            if self.at(id).is_some_and(|at| self.children[at].state == State::Restarting) {
                break;
            }
        }
        Ok(())
    }

    /// The supervisor takes all that has happened. Decided here: before it tries again what did not start, it sees what had
    /// happened by then; of several, that which was decided first is first.
    fn settle(&mut self) -> std::result::Result<(), Over> {
        loop {
            let first =
                self.children.iter().filter(|child| child.state == State::Restarting).min_by_key(|child| child.turn);
            let first = first.map(|child| child.spec.id);
            match (first, self.ends.is_empty()) {
                (Some(id), is_empty) if is_empty || self.barrier == 0 => {
                    self.barrier = 0;
                    match self.life.strategy {
                        Strategy::OneForOne => self.try_start(id)?,
                        _ => self.start_waiting()?,
                    }
                }
                (None, true) => return Ok(()),
                _ => {
                    self.barrier = self.barrier.saturating_sub(1);
                    if let Some((id, n, is_orderly)) = self.ends.pop_front() {
                        self.ended(id, n, is_orderly)?;
                    }
                }
            }
        }
    }

    /// What an operation is answered, before the supervisor goes on.
    fn request(&mut self, op: &Op) -> Answer {
        let busy = |state| match state {
            State::Up(_) => Answer::Running,
            State::Restarting => Answer::Restarting,
            State::Down => Answer::AlreadyPresent,
        };
        match op {
            Op::Start(spec) => {
                if let Some(at) = self.at(spec.id) {
                    return busy(self.children[at].state);
                }
                if spec.is_significant
                    && (spec.restart == Restart::Permanent || self.life.auto_shutdown == AutoShutdown::Never)
                {
                    return Answer::Refused;
                }
                self.children.push(Known { spec: *spec, state: State::Down, turn: 0 });
                let last = self.children.len() - 1;
                if !self.start(last) {
                    self.children.pop();
                    return Answer::Failed;
                }
                Answer::Done
            }
            Op::Terminate(id) => {
                let Some(at) = self.at(id) else { return Answer::NotFound };
                self.stop(at);
                if self.children[at].spec.restart == Restart::Temporary {
                    self.children.remove(at);
                }
                Answer::Done
            }
            Op::Restart(id) => match self.at(id).map(|at| (at, self.children[at].state)) {
                None => Answer::NotFound,
                Some((at, State::Down)) => {
                    if self.start(at) {
                        Answer::Done
                    } else {
                        Answer::Failed
                    }
                }
                Some((_, state)) => busy(state),
            },
            Op::Delete(id) => match self.at(id).map(|at| (at, self.children[at].state)) {
                None => Answer::NotFound,
                Some((at, State::Down)) => {
                    self.children.remove(at);
                    Answer::Done
                }
                Some((_, state)) => busy(state),
            },
            Op::End(..) | Op::Kill(_) | Op::Sleep => Answer::Done,
        }
    }

    fn step(&mut self, op: &Op) -> std::result::Result<Answer, Over> {
        match op {
            Op::End(id, how) => {
                if let Some((id, n)) = self.alive.remove_entry(id) {
                    self.ends.push_back((id, n, how.is_orderly()));
                }
            }
            Op::Kill(ids) => ids.iter().for_each(|id| self.kill(id)),
            Op::Sleep => self.restarts = 0,
            _ => {}
        }
        let answer = self.request(op);
        self.settle()?;
        Ok(answer)
    }

    fn seen(&self) -> Vec<(String, State)> {
        // Which process it is, the log tells.
        let state = |state| if let State::Up(_) = state { State::Up(0) } else { state };
        self.children.iter().map(|child| (child.spec.id.to_owned(), state(child.state))).collect()
    }
}

fn spec_of(world: &World, spec: &Spec) -> ChildSpec {
    let shutdown = if spec.is_brutal { Shutdown::Brutal } else { PATIENCE.into() };
    world.child(spec.id).restart(spec.restart).significant(spec.is_significant).shutdown(shutdown)
}

fn answer<T>(answer: std::result::Result<T, ChildError>) -> Answer {
    match answer {
        Ok(_) => Answer::Done,
        Err(ChildError::NotFound(_)) => Answer::NotFound,
        Err(ChildError::Running(_)) => Answer::Running,
        Err(ChildError::Restarting) => Answer::Restarting,
        Err(ChildError::AlreadyPresent) => Answer::AlreadyPresent,
        Err(ChildError::Refused(_)) => Answer::Refused,
        Err(ChildError::Start(_)) => Answer::Failed,
        Err(_) => Answer::Over,
    }
}

async fn perform(node: &Node, world: &Arc<World>, tree: &SupervisorRef, op: &Op) -> Answer {
    match op {
        Op::End(id, how) => {
            if running(tree).contains(*id) {
                end(node, tree, id, *how).await;
            }
            Answer::Done
        }
        Op::Kill(ids) => {
            let _ = tree.start_child(world.bomb(ids)).await;
            Answer::Done
        }
        Op::Start(spec) => answer(tree.start_child(spec_of(world, spec)).await),
        Op::Terminate(id) => answer(tree.terminate_child(id).await),
        Op::Restart(id) => answer(tree.restart_child(id).await),
        Op::Delete(id) => answer(tree.delete_child(id).await),
        Op::Sleep => {
            tokio::time::sleep(2 * WINDOW).await;
            Answer::Done
        }
    }
}

fn seen(tree: &SupervisorRef) -> Vec<(String, State)> {
    let state = |child: &rusm::otp::supervisor::ChildInfo| match (child.pid, child.is_restarting) {
        (Some(_), _) => State::Up(0),
        (None, true) => State::Restarting,
        (None, false) => State::Down,
    };
    tree.which_children().iter().map(|child| (child.id.to_string(), state(child))).collect()
}

/// Lets the supervisor take all that has happened; whether it is still there.
async fn settle(node: &Node, tree: &SupervisorRef) -> bool {
    loop {
        settled(tree).await;
        if !node.is_alive(tree.pid()) {
            return false;
        }
        if seen(tree).iter().all(|(_, state)| *state != State::Restarting) {
            settled(tree).await;
            return node.is_alive(tree.pid());
        }
    }
}

async fn live(life: &Life) -> std::result::Result<(), TestCaseError> {
    let (node, world) = (node().await, World::new());
    for (id, n, what) in &life.on_start {
        world.on_start(id, *n, what.clone());
    }
    for (id, n, what) in &life.on_stop {
        world.on_stop(id, *n, what.clone());
    }
    let mut model = Model::new(life);
    let tree = Supervisor::new().strategy(life.strategy).auto_shutdown(life.auto_shutdown);
    let tree = tree.intensity(Intensity::new(life.max, WINDOW));
    let children = life.children.iter().map(|spec| spec_of(&world, spec));
    let tree = node.supervise(children.fold(tree, Supervisor::child)).await;
    let mut is_over = model.boot().is_err();
    let mut alive = false;
    if let Ok(tree) = &tree {
        alive = settle(&node, tree).await;
        // One that has too much of it at once ends in order.
        if is_over && !alive {
            model.stop_all();
        }
    }
    let mut written = vec![world.log()];
    let mut expected = vec![std::mem::take(&mut model.log).join(" ")];
    prop_assert_eq!(&written, &expected, "boot");
    prop_assert_eq!(alive, !is_over, "boot");
    let Ok(tree) = tree else {
        prop_assert_eq!(node.alive(), 0);
        world.forget();
        return Ok(());
    };
    let ended = node.ended(tree.pid());
    for op in &life.ops {
        if is_over {
            break;
        }
        prop_assert_eq!(seen(&tree), model.seen(), "before {:?}", op);
        prop_assert_eq!(node.alive(), 1 + model.alive.len(), "before {:?}", op);
        let real = perform(&node, &world, &tree, op).await;
        alive = settle(&node, &tree).await;
        match model.step(op) {
            Ok(answer) => prop_assert_eq!(real, answer, "{:?}", op),
            Err(Over) => {
                is_over = true;
                model.stop_all();
            }
        }
        written.push(world.log());
        expected.push(std::mem::take(&mut model.log).join(" "));
        prop_assert_eq!(&written, &expected, "after {:?}", op);
        prop_assert_eq!(alive, !is_over, "after {:?}", op);
    }
    if is_over {
        prop_assert!(matches!(ended.await, ExitReason::Shutdown | ExitReason::NoProcess));
    } else if life.is_killed {
        let ends: Vec<_> = IDS.iter().filter_map(|id| world.pid(id)).map(|pid| node.ended(pid)).collect();
        node.kill(tree.pid());
        prop_assert_eq!(ended.await, ExitReason::Killed);
        for end in ends {
            end.await;
        }
    } else {
        prop_assert_eq!(tree.stop().await, ExitReason::Shutdown);
        prop_assert_eq!(ended.await, ExitReason::Shutdown);
        model.stop_all();
        prop_assert_eq!(world.log(), model.log.join(" "), "the stop");
    }
    prop_assert_eq!(node.alive(), 0, "somebody is left");
    world.forget();
    Ok(())
}

fn spec(id: &'static str, auto_shutdown: AutoShutdown) -> impl Generate<Value = Spec> {
    let restarts = select(vec![Restart::Permanent, Restart::Permanent, Restart::Transient, Restart::Temporary]);
    (restarts, any::<bool>(), prop::bool::weighted(0.2)).prop_map(move |(restart, wants, is_brutal)| {
        let can = restart != Restart::Permanent && auto_shutdown != AutoShutdown::Never;
        Spec { id, restart, is_significant: wants && can, is_brutal }
    })
}

fn two() -> impl Generate<Value = (&'static str, &'static str)> + Clone {
    (0..IDS.len(), 1..IDS.len()).prop_map(|(one, by)| (IDS[one], IDS[(one + by) % IDS.len()]))
}

fn op() -> impl Generate<Value = Op> {
    let id = || select(IDS.to_vec());
    let how = select(vec![How::Normal, How::Shutdown, How::Error, How::Panic]);
    let any_spec = (id(), select(vec![Restart::Permanent, Restart::Transient, Restart::Temporary]), any::<bool>());
    prop_oneof![
        5 => (id(), how).prop_map(|(id, how)| Op::End(id, how)),
        5 => prop::sample::subsequence(IDS.to_vec(), 1..4).prop_shuffle().prop_map(Op::Kill),
        2 => any_spec.prop_map(|(id, restart, is_significant)| Op::Start(Spec { id, restart, is_significant, is_brutal: false })),
        1 => id().prop_map(Op::Terminate),
        1 => id().prop_map(Op::Restart),
        1 => id().prop_map(Op::Delete),
        1 => Just(Op::Sleep),
    ]
}

fn life() -> impl Generate<Value = Life> {
    let strategies = select(vec![Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne]);
    let auto_shutdowns = select(vec![AutoShutdown::Never, AutoShutdown::AnySignificant, AutoShutdown::AllSignificant]);
    let on_start = (two(), 0..5_u32, any::<bool>()).prop_map(|((id, other), n, fails)| {
        // That nothing starts at all is a life as well, but a short one.
        if fails { (id, n.max(1), OnStart::Fail) } else { (id, n, OnStart::Kill(other.to_owned())) }
    });
    let on_stop = (two(), 0..5_u32, any::<bool>()).prop_map(|((id, other), n, refuses)| {
        (id, n, if refuses { OnStop::Refuse } else { OnStop::Kill(other.to_owned()) })
    });
    (strategies, auto_shutdowns, 0..5_usize).prop_flat_map(move |(strategy, auto_shutdown, number)| {
        let children: Vec<_> = IDS[..number].iter().map(|id| spec(id, auto_shutdown)).collect();
        (
            children,
            prop::collection::vec(on_start.clone(), 0..8),
            prop::collection::vec(on_stop.clone(), 0..5),
            prop::collection::vec(op(), 0..10),
            select(vec![0_usize, 2, 5, 50]),
            any::<bool>(),
            prop::bool::weighted(0.05),
        )
            .prop_map(move |(children, mut on_start, on_stop, ops, max, is_killed, fails)| {
                if fails && let Some(last) = children.last() {
                    on_start.push((last.id, 0, OnStart::Fail));
                }
                Life { strategy, auto_shutdown, max, children, on_start, on_stop, ops, is_killed }
            })
    })
}

#[test]
fn supervisors_live_as_the_model_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    if let Err(failed) = TestRunner::new(config).run(&life(), |life| runtime.block_on(live(&life))) {
        panic!("{failed}");
    }
}

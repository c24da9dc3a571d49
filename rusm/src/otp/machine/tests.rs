//! The rules against a model that is written from the documentation of `gen_statem`: one list of events, one mailbox in which a
//! timeout is a message that arrives when it is due.

use super::core::{Held, Machine};
use crate::otp::Instant;
use crate::otp::context::Deadline;
use crate::otp::moment::Moment;
use crate::state::{State, Timeout};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Number(u8);

impl State for Number {
    fn name(&self) -> &'static str {
        "Number"
    }
}

/// What the code of one event asks for.
#[derive(Debug, Clone, Copy)]
enum Action {
    To(u8),
    Postpone,
    Next,
    Set(Timeout, u64),
    Cancel(Timeout),
}

/// What happens to the machine from outside.
#[derive(Debug, Clone, Copy)]
enum Op {
    Send,
    Pass(u64),
    Step,
}

/// What is taken up, as both tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Message(u32),
    Timeout(Timeout),
    Enter(Option<u8>),
}

/// The code of the machine: what the first event that is taken up asks for, the second, and so on.
struct Script {
    actions: VecDeque<Vec<Action>>,
    log: Vec<(Event, u8)>,
}

impl Script {
    fn run(&mut self, event: Event, state: u8) -> Vec<Action> {
        self.log.push((event, state));
        self.actions.pop_front().unwrap_or_default()
    }
}

struct Model {
    script: Script,
    state: u8,
    queue: Vec<Event>,
    postponed: Vec<Event>,
    mailbox: Vec<Event>,
    timers: Vec<(Timeout, u64)>,
    now: u64,
    made: u32,
}

impl Model {
    fn cancel(&mut self, timeout: Timeout) {
        self.timers.retain(|(set, _)| *set != timeout);
        self.queue.retain(|event| *event != Event::Timeout(timeout));
        self.mailbox.retain(|event| *event != Event::Timeout(timeout));
    }

    /// What is due arrives.
    fn notice(&mut self) {
        let mut due: Vec<_> = self.timers.iter().copied().filter(|(_, at)| *at <= self.now).collect();
        self.timers.retain(|(_, at)| *at > self.now);
        due.sort_by_key(|(_, at)| *at);
        self.mailbox.extend(due.into_iter().map(|(timeout, _)| Event::Timeout(timeout)));
    }

    fn step(&mut self) {
        self.notice();
        let from = if self.queue.is_empty() { &mut self.mailbox } else { &mut self.queue };
        if from.is_empty() {
            return;
        }
        let event = from.remove(0);
        self.cancel(Timeout::Event);
        self.take_up(event);
    }

    fn take_up(&mut self, event: Event) {
        let (mut next_state, mut events, mut timeouts) = (self.state, Vec::new(), Vec::new());
        for action in self.script.run(event, self.state) {
            match action {
                Action::To(state) => next_state = state,
                Action::Postpone if matches!(event, Event::Message(_)) => {
                    if self.postponed.last() != Some(&event) {
                        self.postponed.push(event);
                    }
                }
                Action::Postpone => {}
                Action::Next => {
                    self.made += 1;
                    events.push(Event::Message(1000 + self.made));
                }
                Action::Set(timeout, after) => timeouts.push((timeout, Some(after))),
                Action::Cancel(timeout) => timeouts.push((timeout, None)),
            }
        }
        // Of several of a kind the latest counts.
        let all = timeouts.clone();
        let mut at = 0;
        timeouts.retain(|(timeout, _)| {
            at += 1;
            all[at..].iter().all(|(later, _)| later != timeout)
        });
        let before = (next_state != self.state).then_some(self.state);
        if before.is_some() {
            self.state = next_state;
            self.cancel(Timeout::State);
            let postponed = std::mem::take(&mut self.postponed);
            self.queue.splice(0..0, postponed);
        }
        self.queue.splice(0..0, events);
        timeouts.iter().for_each(|(timeout, _)| self.cancel(*timeout));
        for (timeout, set) in timeouts {
            match set {
                None => {}
                // Behind whatever else is queued; an event timeout is taken away once any of that is taken up.
                Some(0) => self.queue.push(Event::Timeout(timeout)),
                Some(after) => self.timers.push((timeout, self.now + after)),
            }
        }
        if before.is_some() {
            self.take_up(Event::Enter(before));
        }
    }
}

struct Real {
    script: Script,
    machine: Machine<Number, u32>,
    mailbox: VecDeque<u32>,
    began: Moment,
    now: u64,
    made: u32,
}

impl Real {
    fn act(&mut self, event: Event) {
        let mut is_postponed = false;
        for action in self.script.run(event, self.machine.state().0) {
            match action {
                Action::To(state) => self.machine.to(Number(state)),
                Action::Postpone => {
                    if let Event::Message(message) = event
                        && !std::mem::replace(&mut is_postponed, true)
                    {
                        self.machine.postpone(held(message));
                    }
                }
                Action::Next => {
                    self.made += 1;
                    self.machine.next_event(held(1000 + self.made));
                }
                Action::Set(timeout, after) => {
                    let at = self.began.after(Duration::from_millis(self.now + after));
                    self.machine.set(timeout, Duration::from_millis(after), at);
                }
                Action::Cancel(timeout) => self.machine.cancel(timeout),
            }
        }
        if let Some(from) = self.machine.settle() {
            self.act(Event::Enter(from.map(|from| from.0)));
        }
    }

    fn step(&mut self) {
        let waiting = self.mailbox.len();
        self.machine.ripen(self.began.after(Duration::from_millis(self.now)), || waiting);
        let event = if let Some(held) = self.machine.pop_ready() {
            Event::Message(held.message)
        } else if let Some(timeout) = self.machine.fire(false) {
            Event::Timeout(timeout)
        } else if let Some(message) = self.mailbox.pop_front() {
            self.machine.count_down();
            Event::Message(message)
        } else {
            match self.machine.fire(true) {
                Some(timeout) => Event::Timeout(timeout),
                None => return,
            }
        };
        self.machine.take_up();
        self.act(event);
    }
}

fn held(message: u32) -> Held<u32> {
    Held { message, deadline: Deadline::NEVER, size: (false, 0) }
}

fn timeouts() -> impl Strategy<Value = Timeout> {
    prop_oneof![Just(Timeout::State), Just(Timeout::Event), Just(Timeout::Named("one")), Just(Timeout::Named("two")),]
}

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (0..3_u8).prop_map(Action::To),
        3 => Just(Action::Postpone),
        1 => Just(Action::Next),
        3 => (timeouts(), 0..6_u64).prop_map(|(timeout, after)| Action::Set(timeout, after)),
        1 => timeouts().prop_map(Action::Cancel),
    ]
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![3 => Just(Op::Send), 2 => (1..4_u64).prop_map(Op::Pass), 5 => Just(Op::Step)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn takes_up_what_gen_statem_would(
        actions in proptest::collection::vec(proptest::collection::vec(actions(), 0..4), 0..40),
        ops in proptest::collection::vec(ops(), 0..80),
    ) {
        let script = || Script { actions: actions.clone().into(), log: Vec::new() };
        let (queue, postponed, mailbox, timers) = Default::default();
        let mut model = Model { script: script(), state: 0, queue, postponed, mailbox, timers, now: 0, made: 0 };
        let (machine, mailbox, began) = (Machine::default(), VecDeque::new(), Moment::of(Instant::now()));
        let mut real = Real { script: script(), machine, mailbox, began, now: 0, made: 0 };
        // The first state is entered from none.
        prop_assert_eq!(real.machine.settle(), Some(None));
        model.take_up(Event::Enter(None));
        real.act(Event::Enter(None));
        let mut sent = 0;
        for op in ops.into_iter().chain(std::iter::repeat_n(Op::Step, 50)) {
            match op {
                Op::Send => {
                    sent += 1;
                    model.mailbox.push(Event::Message(sent));
                    real.mailbox.push_back(sent);
                }
                Op::Pass(time) => {
                    model.now += time;
                    real.now += time;
                }
                Op::Step => {
                    model.step();
                    real.step();
                }
            }
            prop_assert_eq!(&real.script.log, &model.script.log);
            let due = model.timers.iter().map(|(_, at)| *at).min();
            prop_assert_eq!(real.machine.next_due(), due.map(|at| real.began.after(Duration::from_millis(at))));
        }
    }
}

/// Only what is taken up takes an event timeout away, not what would have been.
#[test]
fn a_timeout_that_was_cancelled_takes_no_other_along() {
    let now = Moment::of(Instant::now());
    let mut machine = Machine::<Number, u32>::default();
    machine.settle();
    machine.set(Timeout::State, Duration::ZERO, now);
    machine.set(Timeout::Event, Duration::ZERO, now);
    machine.settle();
    machine.to(Number(1));
    assert_eq!(machine.settle(), Some(Some(Number(0))));
    assert_eq!(machine.fire(false), Some(Timeout::Event));
}

/// The one whose drop panics takes nobody along.
#[test]
fn what_is_left_is_dropped_one_by_one() {
    struct Bang;
    impl Drop for Bang {
        fn drop(&mut self) {
            panic!("bang");
        }
    }
    let mut machine = Machine::<Number, Bang>::default();
    for _ in 0..3 {
        machine.postpone(Held { message: Bang, deadline: Deadline::NEVER, size: (false, 0) });
    }
    drop(machine);
}

//! Tables for single rules, and a property over random worlds: signals in flight in any order between pairs, FIFO within one.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

const fn pid(slot: u32) -> Pid {
    Pid::from_parts(0, 1, slot, 7)
}

fn crash() -> ExitReason {
    ExitReason::Error("boom".into())
}

fn process(trap: Trap) -> Signals {
    Signals::new(pid(0), Some(pid(9)), trap)
}

const PLAIN: Trap = Trap { links: false, stop: false };
const LINKS: Trap = Trap { links: true, stop: false };
const STOP: Trap = Trap { links: false, stop: true };

#[test]
fn exit_signals_by_trap_reason_and_sender() {
    let delivered = |from, reason| Some(Effect::DeliverExit(ExitSignal { from, reason }));
    let (peer, parent) = (pid(1), pid(9));
    let cases = [
        (PLAIN, peer, crash(), Some(Effect::End(crash()))),
        (PLAIN, peer, ExitReason::Normal, None),
        (PLAIN, peer, ExitReason::Shutdown, Some(Effect::End(ExitReason::Shutdown))),
        (PLAIN, parent, ExitReason::Normal, Some(Effect::End(ExitReason::Shutdown))),
        (LINKS, peer, crash(), delivered(peer, crash())),
        (LINKS, peer, ExitReason::Normal, delivered(peer, ExitReason::Normal)),
        (LINKS, parent, ExitReason::Killed, Some(Effect::Stop(ExitReason::Killed))),
        (STOP, peer, crash(), Some(Effect::Stop(crash()))),
        (STOP, peer, ExitReason::Normal, None),
    ];
    for (trap, from, reason, expected) in cases {
        let mut state = process(trap);
        state.receive(Signal::Link { from, half: Half(NonZeroU64::MIN) });
        let got = state.receive(Signal::LinkExit { from, reason: reason.clone() });
        assert_eq!(got, expected, "{trap:?} {from} {reason}");
        assert_eq!(state.receive(Signal::LinkExit { from, reason }), None, "a link fires once");
    }
}

#[test]
fn requests_to_end() {
    let ask = |trap, reason| process(trap).receive(Signal::Exit { from: Some(pid(1)), reason });
    assert_eq!(ask(PLAIN, ExitReason::Normal), None);
    assert_eq!(ask(PLAIN, ExitReason::Shutdown), Some(Effect::End(ExitReason::Shutdown)));
    assert_eq!(ask(LINKS, ExitReason::Shutdown), Some(Effect::Stop(ExitReason::Shutdown)));
    assert_eq!(ask(STOP, ExitReason::Killed), Some(Effect::End(ExitReason::Killed)));
    assert_eq!(process(STOP).receive(Signal::Kill), Some(Effect::End(ExitReason::Killed)));
}

#[test]
fn trapping_is_a_matter_of_the_moment() {
    let mut state = process(PLAIN);
    let ask = |state: &mut Signals| {
        assert_eq!(state.receive(Signal::Link { from: pid(1), half: Half(NonZeroU64::MIN) }), None);
        let exit = state.receive(Signal::LinkExit { from: pid(1), reason: crash() });
        (exit, state.receive(Signal::Exit { from: Some(pid(1)), reason: ExitReason::Shutdown }))
    };
    let ends = (Some(Effect::End(crash())), Some(Effect::End(ExitReason::Shutdown)));
    let delivers = (
        Some(Effect::DeliverExit(ExitSignal { from: pid(1), reason: crash() })),
        Some(Effect::Stop(ExitReason::Shutdown)),
    );
    assert_eq!(ask(&mut state), ends);
    assert!(!state.trap_exit(true));
    assert_eq!(ask(&mut state), delivers);
    assert_eq!(state.receive(Signal::Kill), Some(Effect::End(ExitReason::Killed)));
    assert!(state.trap_exit(false));
    assert_eq!(ask(&mut state), ends);
}

#[test]
fn after_unlink_and_demonitor_nothing_arrives() {
    let mut state = process(LINKS);
    assert!(state.link(pid(1)).is_some());
    assert!(state.unlink(pid(1)).is_some());
    assert_eq!(state.receive(Signal::LinkExit { from: pid(1), reason: crash() }), None);
    let monitor = MonitorRef::from_raw(3);
    assert!(state.monitor(monitor, pid(1)).is_some());
    assert!(state.demonitor(monitor).is_some());
    assert_eq!(state.receive(Signal::Down { monitor, pid: pid(1), reason: crash() }), None);
}

#[test]
fn linking_to_oneself_means_nothing() {
    assert_eq!(process(PLAIN).link(pid(0)), None);
}

/// Steps of two processes, 0 and 1, and whether they are linked once all signals have arrived: with a link and an unlink that
/// cross, it is as if the link came after.
#[test]
fn links_and_unlinks_that_cross() {
    use Step::{Deliver, Link, Unlink};
    let cases: [(&[Step], bool); 12] = [
        (&[Link(0, 1)], true),
        (&[Link(0, 1), Link(1, 0)], true),
        (&[Link(0, 1), Link(1, 0), Unlink(0, 1)], true),
        (&[Link(0, 1), Link(1, 0), Unlink(0, 1), Unlink(1, 0)], false),
        (&[Link(0, 1), Unlink(0, 1)], false),
        (&[Link(0, 1), Unlink(0, 1), Link(1, 0), Deliver(0, 1), Deliver(0, 1)], true),
        (&[Link(0, 1), Unlink(0, 1), Link(0, 1)], true),
        (&[Link(0, 1), Deliver(0, 1), Unlink(1, 0)], false),
        (&[Link(0, 1), Deliver(0, 1), Unlink(1, 0), Unlink(0, 1)], false),
        (&[Link(0, 1), Deliver(0, 1), Unlink(0, 1), Link(1, 0)], false),
        (&[Link(0, 1), Deliver(0, 1), Unlink(0, 1), Link(0, 1), Unlink(1, 0)], true),
        (&[Link(0, 1), Deliver(0, 1), Unlink(0, 1), Link(0, 1), Unlink(1, 0), Link(1, 0)], true),
    ];
    for (steps, expected) in cases {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step.clone()));
        world.settle();
        let linked = [0, 1].map(|i| world.states[i].links().any(|peer| peer == pid(1 - i as u32)));
        assert_eq!(linked, [expected; 2], "{steps:?}");
    }
}

/// An unlink that crosses a link leaves nothing of the dead.
#[test]
fn a_death_after_an_unlink_that_crossed_a_link() {
    use Step::{Deliver, Kill, Link, Unlink};
    let mut world = World::new();
    for step in [Link(3, 1), Unlink(3, 1), Link(1, 3), Deliver(3, 1), Deliver(3, 1), Kill(0, 1)] {
        world.step(step);
    }
    world.settle();
    assert!(world.states[1].ended().is_some());
    assert!(world.states.iter().all(|state| state.links().next().is_none()));
}

#[derive(Debug, Clone)]
enum Step {
    Link(usize, usize),
    Unlink(usize, usize),
    Monitor(usize, usize),
    Demonitor(usize, u64),
    End(usize),
    Kill(usize, usize),
    /// Lets the oldest signal between this pair arrive.
    Deliver(usize, usize),
}

const COUNT: usize = 4;

fn step() -> impl Strategy<Value = Step> {
    let who = 0..COUNT;
    prop_oneof![
        1 => (who.clone(), who.clone()).prop_map(|(a, b)| Step::Link(a, b)),
        1 => (who.clone(), who.clone()).prop_map(|(a, b)| Step::Unlink(a, b)),
        1 => (who.clone(), who.clone()).prop_map(|(a, b)| Step::Monitor(a, b)),
        1 => (who.clone(), 0..8_u64).prop_map(|(a, m)| Step::Demonitor(a, m)),
        1 => who.clone().prop_map(Step::End),
        1 => (who.clone(), who.clone()).prop_map(|(a, b)| Step::Kill(a, b)),
        8 => (who.clone(), who).prop_map(|(a, b)| Step::Deliver(a, b)),
    ]
}

/// Processes and the signals between them.
struct World {
    states: Vec<Signals>,
    flight: Vec<VecDeque<Signal>>,
    downs: BTreeMap<MonitorRef, usize>,
    monitors: BTreeMap<MonitorRef, (usize, usize)>,
    next: u64,
}

impl World {
    fn new() -> Self {
        Self {
            states: (0..COUNT).map(|i| Signals::new(pid(i as u32), None, LINKS)).collect(),
            flight: vec![VecDeque::new(); COUNT * COUNT],
            downs: BTreeMap::new(),
            monitors: BTreeMap::new(),
            next: 0,
        }
    }

    fn effect(&mut self, at: usize, effect: Effect) {
        match effect {
            Effect::Send(to, signal) => self.flight[at * COUNT + to.slot() as usize].push_back(signal),
            Effect::DeliverDown(down) => *self.downs.entry(down.monitor).or_default() += 1,
            Effect::End(reason) => self.end(at, reason),
            Effect::DeliverExit(_) | Effect::Stop(_) => {}
        }
    }

    fn end(&mut self, at: usize, reason: ExitReason) {
        for effect in self.states[at].end(reason).into_iter().flatten() {
            self.effect(at, effect);
        }
    }

    fn deliver(&mut self, from: usize, to: usize) -> bool {
        let Some(signal) = self.flight[from * COUNT + to].pop_front() else { return false };
        if let Some(effect) = self.states[to].receive(signal) {
            self.effect(to, effect);
        }
        true
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Link(a, b) => self.own(a, |state| state.link(pid(b as u32))),
            Step::Unlink(a, b) => self.own(a, |state| state.unlink(pid(b as u32))),
            Step::Monitor(a, b) => {
                let monitor = MonitorRef::from_raw(self.next);
                self.next += 1;
                if self.states[a].ended().is_none() {
                    self.monitors.insert(monitor, (a, b));
                }
                self.own(a, |state| state.monitor(monitor, pid(b as u32)));
            }
            Step::Demonitor(a, m) => {
                let monitor = MonitorRef::from_raw(m);
                if self.monitors.get(&monitor).is_some_and(|(watcher, _)| *watcher == a) {
                    if !self.downs.contains_key(&monitor) {
                        self.monitors.remove(&monitor);
                    }
                    self.own(a, |state| state.demonitor(monitor));
                }
            }
            Step::End(a) => self.end(a, crash()),
            Step::Kill(a, b) => self.flight[a * COUNT + b].push_back(Signal::Kill),
            Step::Deliver(a, b) => {
                self.deliver(a, b);
            }
        }
    }

    fn own(&mut self, at: usize, act: impl FnOnce(&mut Signals) -> Option<Effect>) {
        if let Some(effect) = act(&mut self.states[at]) {
            self.effect(at, effect);
        }
    }

    fn settle(&mut self) {
        while (0..COUNT * COUNT).any(|i| self.deliver(i / COUNT, i % COUNT)) {}
    }
}

proptest! {
    /// Once all signals have arrived: each monitor that is still held has fired exactly when its target
    /// ended, none fired twice, and no living process holds anything of a dead one.
    #[test]
    fn nothing_is_lost_and_nothing_stays_behind(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
        let dead = |i: usize| world.states[i].ended().is_some();
        for (monitor, (watcher, watched)) in &world.monitors {
            if !dead(*watcher) {
                let fired = world.downs.get(monitor).copied().unwrap_or(0);
                prop_assert_eq!(fired, usize::from(dead(*watched)), "{:?} of {} on {}", monitor, watcher, watched);
            }
        }
        for (i, state) in world.states.iter().enumerate() {
            for peer in state.links() {
                let peer = peer.slot() as usize;
                prop_assert!(!dead(i) && !dead(peer), "{} keeps a link to {}", i, peer);
            }
            for (_, watcher) in state.watchers.iter() {
                prop_assert!(!dead(watcher.slot() as usize), "{} keeps a dead watcher", i);
            }
            for (_, watched) in state.watching.iter() {
                prop_assert!(!dead(watched.slot() as usize), "{} watches a dead process", i);
            }
        }
    }

    /// A link is held by both ends or by none, once all signals have arrived.
    #[test]
    fn links_agree(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
        for (i, state) in world.states.iter().enumerate() {
            for peer in state.links() {
                let back: Vec<_> = world.states[peer.slot() as usize].links().collect();
                prop_assert!(back.contains(&pid(i as u32)), "{} -> {} is one-sided", i, peer);
            }
        }
    }
}

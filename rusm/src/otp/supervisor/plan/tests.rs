use super::*;
use Restart::{Permanent, Temporary, Transient};
use Strategy::{OneForAll, OneForOne, RestForOne};
use std::time::Duration;

const fn pid(slot: u64) -> Pid {
    Pid::from_parts(0, 0, slot as u32, 1)
}

fn rules(restart: Restart) -> Rules {
    Rules { restart, ..Rules::default() }
}

fn plan_with(strategy: Strategy, auto_shutdown: AutoShutdown, children: &[Rules]) -> Plan<()> {
    let mut plan = Plan::new(strategy, auto_shutdown, Intensity::new(100, Duration::from_secs(5)));
    for (n, rules) in children.iter().enumerate() {
        let key = plan.add(n.to_string().into(), *rules, drop).unwrap();
        plan.started(key, pid(key), Instant::now);
    }
    plan
}

fn plan(strategy: Strategy, children: &[Restart]) -> Plan<()> {
    plan_with(strategy, AutoShutdown::Never, &children.iter().copied().map(rules).collect::<Vec<_>>())
}

fn crash() -> ExitReason {
    ExitReason::Error("crash".into())
}

/// Does what follows of an end, up to the starts: what was stopped, and what is to be started.
fn follow(plan: &mut Plan<()>, then: Then) -> (Vec<Key>, Vec<Key>) {
    let Then::Restart { stop, due } = then else { return (Vec::new(), Vec::new()) };
    for key in &stop {
        if plan.stopped(*key, Some(due)) {
            plan.remove(*key);
        }
    }
    let mut start = Vec::new();
    let pids = 100 + plan.next;
    while let Some(key) = plan.next_start(due.at) {
        plan.started(key, pid(pids + key), || due.at);
        start.push(key);
    }
    (stop, start)
}

fn end(plan: &mut Plan<()>, child: Key, reason: &ExitReason) -> Then {
    let ended = plan.ended(pid(child), reason, Instant::now()).unwrap();
    assert_eq!(ended.child, child);
    ended.then
}

#[test]
fn who_is_started_again() {
    for (restart, normal, crashed) in [(Permanent, true, true), (Transient, false, true), (Temporary, false, false)] {
        for (reason, again) in [
            (ExitReason::Normal, normal),
            (ExitReason::Shutdown, normal),
            (ExitReason::Killed, crashed),
            (crash(), crashed),
        ] {
            let mut plan = plan(OneForOne, &[restart, restart]);
            let then = end(&mut plan, 1, &reason);
            let expected = if restart == Temporary { Then::Forget } else { Then::Rest };
            assert!(
                if again { matches!(then, Then::Restart { .. }) } else { then == expected },
                "{restart:?} {reason}"
            );
            assert!(plan.ended(pid(1), &crash(), Instant::now()).is_none(), "told twice");
        }
    }
}

#[test]
fn strategies() {
    let cases: &[(Strategy, Key, &[Key], &[Key])] = &[
        (OneForOne, 1, &[], &[1]),
        (OneForAll, 1, &[3, 2, 0], &[0, 1, 3]),
        (RestForOne, 1, &[3, 2], &[1, 3]),
        (RestForOne, 3, &[], &[3]),
    ];
    for (strategy, child, stop, start) in cases {
        let mut plan = plan(*strategy, &[Permanent, Permanent, Temporary, Transient]);
        let then = end(&mut plan, *child, &crash());
        assert_eq!(follow(&mut plan, then), (stop.to_vec(), start.to_vec()), "{strategy:?}");
        assert_eq!(plan.find("2").is_none(), stop.contains(&2), "a temporary child that was stopped is forgotten");
    }
}

#[test]
fn a_transient_child_that_is_done_comes_back_with_its_group() {
    let mut plan = plan(OneForAll, &[Permanent, Transient]);
    assert_eq!(end(&mut plan, 1, &ExitReason::Normal), Then::Rest);
    let then = end(&mut plan, 0, &ExitReason::Normal);
    assert_eq!(follow(&mut plan, then), (vec![], vec![0, 1]));
}

#[test]
fn a_start_that_failed_is_repeated_from_there() {
    let cases = [(OneForOne, vec![], vec![1]), (OneForAll, vec![0], vec![0, 1, 2]), (RestForOne, vec![], vec![1, 2])];
    for (strategy, stop, start) in cases {
        let mut plan = plan(strategy, &[Permanent; 3]);
        let Then::Restart { stop: all, due } = end(&mut plan, 1, &crash()) else { panic!() };
        for key in all {
            assert!(!plan.stopped(key, Some(due)));
        }
        while let Some(key) = plan.next_start(due.at).filter(|key| *key < 1) {
            plan.started(key, pid(50), || due.at);
        }
        assert_eq!(plan.next_start(due.at), Some(1));
        let then = plan.restart(1, due.at);
        assert_eq!(follow(&mut plan, then), (stop, start), "{strategy:?}");
    }
}

#[test]
fn a_group_waits_for_the_last_of_its_delays_and_starts_in_order() {
    let second = Duration::from_secs(1);
    let slow = Rules { backoff: Some(Backoff::new(second, 9 * second)), ..rules(Permanent) };
    let mut plan = plan_with(RestForOne, AutoShutdown::Never, &[rules(Permanent), slow, rules(Permanent)]);
    let now = Instant::now();
    let Some(Ended { then: Then::Restart { stop, due }, .. }) = plan.ended(pid(1), &crash(), now) else { panic!() };
    assert_eq!((stop, due.at), (vec![2], now + second));
    assert!(!plan.stopped(2, Some(due)));
    assert_eq!((plan.next_start(now), plan.next_due()), (None, Some(due.at)));
    // The first one has no delay of its own, and must not start after those that depend on it.
    let Some(Ended { then: Then::Restart { stop, due: later }, .. }) = plan.ended(pid(0), &crash(), now) else {
        panic!()
    };
    assert_eq!((stop, later.at, plan.waiting()), (vec![], due.at, vec![0, 1, 2]));
    // Whoever is asked not to start any more does not.
    assert!(!plan.stopped(1, None));
    assert_eq!(follow(&mut plan, Then::Restart { stop: vec![], due }), (vec![], vec![0, 2]));
}

#[test]
fn one_child_waits_for_itself() {
    let second = Duration::from_secs(1);
    let slow = Rules { backoff: Some(Backoff::new(second, 9 * second)), ..rules(Permanent) };
    let mut plan = plan_with(OneForOne, AutoShutdown::Never, &[slow, rules(Permanent)]);
    let now = Instant::now();
    assert!(matches!(plan.ended(pid(0), &crash(), now), Some(Ended { then: Then::Restart { .. }, .. })));
    assert!(matches!(plan.ended(pid(1), &crash(), now), Some(Ended { then: Then::Restart { .. }, .. })));
    assert_eq!(plan.next_start(now), Some(1));
    plan.started(1, pid(10), || now);
    assert_eq!((plan.next_start(now), plan.next_start(now + second)), (None, Some(0)));
}

#[test]
fn what_was_decided_first_is_started_first() {
    let mut plan = plan(OneForOne, &[Permanent, Permanent, Permanent]);
    let now = Instant::now();
    for child in [2, 0, 1] {
        assert!(matches!(plan.ended(pid(child), &crash(), now), Some(Ended { then: Then::Restart { .. }, .. })));
    }
    assert_eq!(plan.waiting(), [2, 0, 1]);
    let _ = plan.restart(2, now);
    assert_eq!(plan.waiting(), [0, 1, 2], "one that fails again and again keeps nobody waiting");
}

#[test]
fn significant_children() {
    use AutoShutdown::{AllSignificant, AnySignificant, Never};
    let significant = |restart| Rules { significant: true, ..rules(restart) };
    for (restart, auto_shutdown, refused) in [
        (Permanent, Never, true),
        (Permanent, AnySignificant, true),
        (Transient, Never, true),
        (Transient, AnySignificant, false),
        (Temporary, AllSignificant, false),
    ] {
        assert_eq!(significant(restart).refused(auto_shutdown).is_some(), refused);
        assert_eq!(rules(restart).refused(auto_shutdown), None);
    }
    let all = [rules(Temporary), significant(Transient), significant(Temporary)];
    for (auto_shutdown, ends, done) in [
        (AnySignificant, vec![(0, crash()), (1, crash())], false),
        (AnySignificant, vec![(1, ExitReason::Normal)], true),
        (AnySignificant, vec![(2, crash())], true),
        (AllSignificant, vec![(0, crash()), (1, ExitReason::Normal)], false),
        (AllSignificant, vec![(1, crash()), (2, crash())], false),
        (AllSignificant, vec![(2, crash()), (1, ExitReason::Shutdown)], true),
    ] {
        let mut plan = plan_with(OneForOne, auto_shutdown, &all);
        let last = ends.iter().map(|(child, reason)| plan.ended(pid(*child), reason, Instant::now())).last();
        assert_eq!(last.flatten().unwrap().is_done, done, "{auto_shutdown:?} {ends:?}");
    }
    // What is stopped on request ends nobody, and is not waited for.
    let mut plan = plan_with(OneForOne, AllSignificant, &all);
    assert!(!plan.stopped(1, None));
    assert!(plan.ended(pid(2), &crash(), Instant::now()).unwrap().is_done);
}

#[test]
fn ids_are_unique_until_they_are_free_again() {
    let mut plan = plan(OneForOne, &[Permanent, Permanent]);
    assert_eq!(plan.add("1".into(), rules(Permanent), drop), None);
    assert!(!plan.stopped(1, None));
    assert_eq!(plan.add("1".into(), rules(Permanent), drop), None, "it is still known");
    plan.remove(1);
    assert_eq!(plan.add("1".into(), rules(Permanent), drop), Some(2), "behind all others");
    assert_eq!(plan.keys(), [0, 2]);
}

#[test]
fn one_too_many_ends_it() {
    let mut plan = Plan::new(OneForAll, AutoShutdown::Never, Intensity::new(1, Duration::from_secs(5)));
    for id in ["a", "b"] {
        let key = plan.add(id.into(), rules(Permanent), drop).unwrap();
        plan.started(key, pid(key), Instant::now);
    }
    let then = end(&mut plan, 0, &crash());
    assert_eq!(follow(&mut plan, then), (vec![1], vec![0, 1]));
    let now = Instant::now();
    assert_eq!(plan.restart(0, now), Then::GiveUp);
    assert_eq!((plan.to_stop(), plan.restarts()), (vec![1], 1), "it is down, and the others are to be stopped");
}

/// Slots and counts are a node's own: another node's process, and a later one of the same slot, are somebody else.
#[test]
fn only_its_own_process_is_a_child() {
    let mut plan = plan(OneForOne, &[Permanent, Permanent]);
    for (child, slot) in [(1, 1), (0, 0)] {
        for stranger in [Pid::from_parts(7, 0, slot, 1), Pid::from_parts(0, 7, slot, 1), Pid::from_parts(0, 0, slot, 2)]
        {
            assert!(!plan.is_running(stranger));
            assert!(plan.ended(stranger, &crash(), Instant::now()).is_none(), "{stranger}");
        }
        assert!(plan.is_running(pid(child)));
        assert!(plan.ended(pid(child), &crash(), Instant::now()).is_some());
        assert!(!plan.is_running(pid(child)));
    }
}

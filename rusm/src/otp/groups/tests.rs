use super::super::naming::tests::{Ends, kill, listener, pid};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Keeps what it is told.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<GroupEvent>>>);

impl Seen {
    fn tell(&self) -> Tell {
        let seen = self.clone();
        Box::new(move |event| {
            lock(&seen.0).push(event);
            Ok(())
        })
    }

    fn take(&self) -> Vec<GroupEvent> {
        std::mem::take(&mut *lock(&self.0))
    }
}

fn monitor_ref(number: u64) -> MonitorRef {
    MonitorRef::from_raw(number)
}

#[derive(Debug, Clone)]
enum Step {
    Join(u8, u32),
    Leave(u8, u32),
    Monitor(u8, u32),
    Demonitor(u8, u32),
    End(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let whom = || (0..2_u8, 0..4_u32);
    prop_oneof![
        4 => whom().prop_map(|(group, who)| Step::Join(group, who)),
        2 => whom().prop_map(|(group, who)| Step::Leave(group, who)),
        2 => whom().prop_map(|(group, who)| Step::Monitor(group, who)),
        1 => whom().prop_map(|(group, who)| Step::Demonitor(group, who)),
        1 => (0..4_u32).prop_map(Step::End),
    ]
}

proptest! {
    /// A model: counts by group and process; a monitor's members are those of its start, changed by what it was told.
    #[test]
    fn groups_are_counts(steps in proptest::collection::vec(step(), 0..80)) {
        let (groups, ends) = (Groups::default(), Ends::default());
        let is_alive = |pid| ends.is_alive(pid);
        let name = |group: u8| Arc::<str>::from(group.to_string());
        let mut model = BTreeMap::<(u8, u32), u64>::new();
        let mut monitors = BTreeMap::<(u8, u32), (Seen, BTreeMap<Pid, u64>)>::new();
        let mut dead = BTreeSet::new();
        for step in steps {
            match step {
                Step::Join(group, who) => {
                    let joined = groups.join(&name(group), pid(who), is_alive).is_ok();
                    prop_assert_eq!(joined, !dead.contains(&who));
                    if joined {
                        *model.entry((group, who)).or_default() += 1;
                    }
                }
                Step::Leave(group, who) => {
                    let times = model.get_mut(&(group, who));
                    prop_assert_eq!(groups.leave(&name(group), pid(who)), times.is_some());
                    if let Some(times) = times {
                        *times -= 1;
                        if *times == 0 {
                            model.remove(&(group, who));
                        }
                    }
                }
                Step::Monitor(group, who) => {
                    let seen = Seen::default();
                    let key = (pid(who), monitor_ref(1));
                    match groups.monitor(&name(group), key, seen.tell(), is_alive) {
                        Ok(now) => {
                            let mut counts = BTreeMap::new();
                            now.into_iter().for_each(|pid| *counts.entry(pid).or_default() += 1);
                            monitors.insert((group, who), (seen, counts));
                        }
                        Err(_) => prop_assert!(dead.contains(&who)),
                    }
                }
                Step::Demonitor(group, who) => {
                    let had = monitors.remove(&(group, who)).is_some();
                    prop_assert_eq!(groups.demonitor(&name(group), pid(who), monitor_ref(1)), had);
                }
                Step::End(who) => {
                    dead.insert(who);
                    ends.end(pid(who));
                    groups.leave_all(pid(who));
                    model.retain(|(_, member), _| *member != who);
                    monitors.retain(|(_, owner), _| *owner != who);
                }
            }
            for group in 0..2 {
                let of_group = || model.iter().filter(|((of, _), _)| *of == group);
                let members: Vec<_> =
                    of_group().flat_map(|((_, who), times)| vec![pid(*who); *times as usize]).collect();
                prop_assert_eq!(groups.members(&name(group), is_alive), members);
                let counts: BTreeMap<_, _> = of_group().map(|((_, who), times)| (pid(*who), *times)).collect();
                for ((of, _), (seen, known)) in &mut monitors {
                    if *of != group {
                        continue;
                    }
                    for event in seen.take() {
                        match event {
                            GroupEvent::Joined { pid } => *known.entry(pid).or_default() += 1,
                            GroupEvent::Left { pid, times } => {
                                let count = known.get_mut(&pid).unwrap();
                                *count -= times;
                                if *count == 0 {
                                    known.remove(&pid);
                                }
                            }
                            GroupEvent::Missed { .. } => prop_assert!(false, "nothing is missed"),
                        }
                    }
                    prop_assert_eq!(&*known, &counts);
                }
            }
            let inhabited: BTreeSet<_> = model.keys().map(|(group, _)| name(*group)).collect();
            prop_assert_eq!(groups.all(is_alive), inhabited.into_iter().collect::<Vec<_>>());
        }
        for who in 0..4 {
            groups.leave_all(pid(who));
        }
        prop_assert!(groups.is_empty());
    }

    /// Whatever sends fail, what is told and what is said to be missed add up, in order.
    #[test]
    fn what_is_missed_is_counted(fails in proptest::collection::vec(any::<bool>(), 1..60)) {
        let seen = Seen::default();
        let fails = Arc::new(Mutex::new(VecDeque::from(fails)));
        let tell = {
            let (seen, fails) = (seen.tell(), fails.clone());
            move |event| if lock(&fails).pop_front() == Some(true) { Err(SendError::Full) } else { seen(event) }
        };
        let monitor = Monitor { owner: pid(0), tell: Box::new(tell), queue: Mutex::default() };
        let mut pushed = 0;
        while !lock(&fails).is_empty() {
            monitor.push(GroupEvent::Joined { pid: pid(pushed) });
            pushed += 1;
            prop_assert!(monitor.tell());
        }
        // Nothing fails any more: a last event brings what is owed.
        monitor.push(GroupEvent::Joined { pid: pid(pushed) });
        prop_assert!(monitor.tell());
        let mut next = 0;
        for event in seen.take() {
            match event {
                GroupEvent::Joined { pid } => {
                    prop_assert_eq!(pid.slot(), next);
                    next += 1;
                }
                GroupEvent::Missed { events } => next += events as u32,
                GroupEvent::Left { .. } => prop_assert!(false, "nobody left"),
            }
        }
        prop_assert_eq!(next, pushed + 1);
    }
}

#[test]
fn the_end_of_a_member_is_one_event() {
    let groups = Groups::default();
    let (group, seen) = ("g".into(), Seen::default());
    for _ in 0..3 {
        groups.join(&group, pid(1), |_| true).unwrap();
    }
    let now = groups.monitor(&group, (pid(2), monitor_ref(1)), seen.tell(), |_| true);
    assert_eq!(now, Ok(vec![pid(1); 3]));
    groups.leave_all(pid(1));
    assert_eq!(seen.take(), [GroupEvent::Left { pid: pid(1), times: 3 }]);
    groups.leave_all(pid(2));
    assert!(groups.is_empty());
}

#[test]
fn a_monitor_with_nobody_to_tell_goes() {
    let groups = Groups::default();
    let group = "g".into();
    let monitor = |reference, tell| groups.monitor(&group, (pid(1), monitor_ref(reference)), tell, |_| true);
    monitor(1, Box::new(|_| Err(SendError::NoProcess(String::new())))).unwrap();
    monitor(2, Box::new(|_| panic!("bang"))).unwrap();
    groups.join(&group, pid(2), |_| true).unwrap();
    assert!(!groups.demonitor(&group, pid(1), monitor_ref(1)) && !groups.demonitor(&group, pid(1), monitor_ref(2)));
    groups.leave_all(pid(2));
    assert!(groups.is_empty());
}

#[test]
fn events_that_nobody_takes_are_bounded() {
    let seen = Seen::default();
    let monitor = Monitor { owner: pid(0), tell: seen.tell(), queue: Mutex::default() };
    let many = MAX_WAITING as u64 * 3;
    (0..many).for_each(|_| monitor.push(GroupEvent::Joined { pid: pid(1) }));
    assert!(monitor.tell());
    let seen = seen.take();
    assert_eq!(seen.len(), MAX_WAITING + 1);
    assert_eq!(seen.iter().map(|event| event.weight()).sum::<u64>(), many);
}

/// A monitor that joins and leaves the group itself is told of that, too, and does not lock itself out.
#[test]
fn a_monitor_may_change_its_group() {
    let groups = Arc::new(Groups::default());
    let (group, seen) = (Arc::<str>::from("g"), Seen::default());
    let tell: Tell = {
        let (groups, group, seen) = (Arc::downgrade(&groups), group.clone(), seen.tell());
        Box::new(move |event| {
            if event == (GroupEvent::Joined { pid: pid(1) }) {
                groups.upgrade().unwrap().join(&group, pid(2), |_| true).unwrap();
            }
            seen(event)
        })
    };
    groups.monitor(&group, (pid(9), monitor_ref(1)), tell, |_| true).unwrap();
    groups.join(&group, pid(1), |_| true).unwrap();
    assert_eq!(seen.take(), [GroupEvent::Joined { pid: pid(1) }, GroupEvent::Joined { pid: pid(2) }]);
}

#[test]
fn joining_while_ending_leaves_nothing_and_is_told_in_pairs() {
    let (groups, ends, seen) = (Groups::default(), Ends::default(), Seen::default());
    let group = "g".into();
    groups.monitor(&group, (pid(u32::MAX), monitor_ref(1)), seen.tell(), |_| true).unwrap();
    let join = |me| {
        let _ = groups.join(&group, me, |pid| ends.is_alive(pid));
    };
    ends.race(join, |me| groups.leave_all(me));
    let mut inside = BTreeSet::new();
    for event in seen.take() {
        match event {
            GroupEvent::Joined { pid } => assert!(inside.insert(pid)),
            GroupEvent::Left { pid, times } => assert!(inside.remove(&pid) && times == 1),
            GroupEvent::Missed { .. } => panic!("nothing is missed"),
        }
    }
    assert!(inside.is_empty());
    groups.leave_all(pid(u32::MAX));
    assert!(groups.is_empty());
}

/// Many change one group at once: what a monitor is told leads from its start to the end.
#[test]
fn concurrent_changes_are_told_in_their_order() {
    let (groups, seen) = (Groups::default(), Seen::default());
    let group = "g".into();
    groups.monitor(&group, (pid(99), monitor_ref(1)), seen.tell(), |_| true).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (groups, group) = (&groups, &group);
            scope.spawn(move || {
                for round in 0..200 {
                    // The same process from two threads.
                    groups.join(group, pid(thread / 2), |_| true).unwrap();
                    if round % 3 != 0 {
                        assert!(groups.leave(group, pid(thread / 2)));
                    }
                }
            });
        }
    });
    let mut counts = BTreeMap::<Pid, u64>::new();
    for event in seen.take() {
        match event {
            GroupEvent::Joined { pid } => *counts.entry(pid).or_default() += 1,
            // Would go below zero if a leave overtook its join.
            GroupEvent::Left { pid, times } => *counts.get_mut(&pid).unwrap() -= times,
            GroupEvent::Missed { .. } => panic!("nothing is missed"),
        }
    }
    let members: Vec<_> = counts.iter().flat_map(|(pid, times)| vec![*pid; *times as usize]).collect();
    assert_eq!(groups.members(&group, |_| true), members);
    assert_eq!(members.len(), 4 * 67);
}

#[tokio::test]
async fn what_users_see() {
    let node = Node::builder().build().await.unwrap();
    let (first, second) = (listener(&node).await, listener(&node).await);
    let group = node.group("workers").unwrap();
    group.join(first.pid()).unwrap();
    let me = second.client().clone();
    let (monitor, now) = group.monitor(second.pid(), move |_| me.send(1)).unwrap();
    assert_eq!((now, node.groups()), (vec![first.pid()], vec!["workers".into()]));
    kill(&node, first.pid()).await;
    assert!(group.members().is_empty() && node.groups().is_empty());
    assert!(group.demonitor(second.pid(), monitor) && !group.demonitor(second.pid(), monitor));
    assert!(!group.leave(second.pid()));
    assert!(node.naming().groups.is_empty());
}

#[test]
fn events_cross_boundaries() {
    use crate::wire::{decode, encode};
    for event in [
        GroupEvent::Joined { pid: pid(1) },
        GroupEvent::Left { pid: pid(1), times: 2 },
        GroupEvent::Missed { events: 3 },
    ] {
        assert_eq!(decode::<GroupEvent>(&encode(&event).unwrap()).unwrap(), event);
    }
}

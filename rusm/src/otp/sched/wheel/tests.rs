use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn advance(wheel: &mut Wheel<u64>, now: u64) -> Vec<u64> {
    let mut fired = Vec::new();
    wheel.advance(now, &mut fired);
    check(wheel);
    fired.into_iter().map(|(value, _)| value).collect()
}

fn remove(wheel: &mut Wheel<u64>, key: Key) -> Option<u64> {
    wheel.remove(key).map(|(value, _)| value)
}

/// Each timer is where its time says, once, linked both ways, and the bitmaps tell which slots hold some.
fn check(wheel: &Wheel<u64>) {
    let mut seen = 0;
    for (number, list) in wheel.lists.iter().enumerate() {
        let (level, slot) = (number / SLOTS, number % SLOTS);
        assert_eq!(wheel.occupied[level] >> slot & 1 == 1, list.head != NIL, "level {level}, slot {slot}");
        let (mut prev, mut index) = (NIL, list.head);
        while index != NIL {
            let timer = wheel.timers.entry(index);
            assert_eq!((wheel.place(timer.at).list(), timer.prev), (number, prev));
            let around = (wheel.timers.entry(timer.left).right, wheel.timers.entry(timer.right).left);
            assert_eq!(around, (index, index), "the ring");
            (prev, index) = (index, timer.next);
            seen += 1;
        }
        assert_eq!(list.tail, prev);
    }
    assert_eq!(seen, wheel.len());
    assert!(wheel.occupied[wheel.lists.len() / SLOTS..].iter().all(|slots| *slots == 0));
}

/// Times at which the highest digit changes, and their neighbours.
fn edges() -> impl Iterator<Item = u64> {
    let powers = (0..u64::BITS).step_by(DIGIT as usize).map(|shift| 1_u64 << shift);
    powers
        .flat_map(|power| [power - 1, power, power + 1, power.saturating_mul(63), power.saturating_mul(64) - 1])
        .chain([0, u64::MAX])
}

#[test]
fn nothing_is_allocated_before_use() {
    let mut wheel = Wheel::<u64>::new(7);
    assert!(advance(&mut wheel, 1 << 40).is_empty());
    assert_eq!((wheel.next_at(), wheel.len(), wheel.is_empty(), wheel.lists.capacity()), (None, 0, true, 0));
}

#[test]
fn a_timer_alone_is_exact_at_every_edge() {
    for now in edges() {
        for at in edges() {
            let mut wheel = Wheel::new(now);
            let key = wheel.insert(at, 1);
            check(&wheel);
            let when = at.max(now);
            assert_eq!((wheel.next_at(), wheel.contains(key), wheel.len()), (Some(when), true, 1), "{now} to {at}");
            if let Some(before) = when.checked_sub(1) {
                assert!(advance(&mut wheel, before).is_empty());
                assert_eq!(wheel.next_at(), Some(when));
            }
            assert_eq!(advance(&mut wheel, when), [1], "{now} to {at}");
            assert_eq!((remove(&mut wheel, key), wheel.next_at(), wheel.is_empty()), (None, None, true));
        }
    }
}

#[test]
fn all_edges_fire_in_order_from_everywhere() {
    for now in edges() {
        let mut wheel = Wheel::new(now);
        let mut times: Vec<_> = edges().filter(|at| *at > now).collect();
        times.iter().rev().for_each(|at| _ = wheel.insert(*at, *at));
        times.sort();
        let mut fired = Vec::new();
        while let Some(next) = wheel.next_at() {
            fired.extend(advance(&mut wheel, next));
        }
        assert_eq!(fired, times, "step by step from {now}");
        let mut wheel = Wheel::new(now);
        times.iter().rev().for_each(|at| _ = wheel.insert(*at, *at));
        assert_eq!(advance(&mut wheel, u64::MAX), times, "at once from {now}");
    }
}

#[test]
fn equal_times_fire_in_the_order_they_were_set() {
    // The wheel's time at which each of the timers for 5000 is set: they start on every level below, and go down
    // together.
    let mut wheel = Wheel::new(0);
    for (value, now) in [0, 0, 904, 4095, 4096, 4097, 4990, 4991, 4992, 4999].into_iter().enumerate() {
        assert!(advance(&mut wheel, now).is_empty());
        wheel.insert(5000, value as u64);
        wheel.insert(5001, 100 + value as u64);
    }
    let expected: Vec<_> = (0..10).chain(100..110).collect();
    assert_eq!(advance(&mut wheel, 6000), expected);
}

#[test]
fn what_is_late_fires_first_and_in_order() {
    let mut wheel = Wheel::new(1000);
    for (value, at) in [1001, 1000, 3, 999, 3, 1000, 64, 0].into_iter().enumerate() {
        wheel.insert(at, value as u64);
    }
    assert_eq!(wheel.next_at(), Some(1000));
    assert!(advance(&mut wheel, 999).is_empty());
    assert_eq!(advance(&mut wheel, 1000), [7, 2, 4, 6, 3, 1, 5]);
    assert_eq!(wheel.next_at(), Some(1001));
    let late = wheel.insert(5, 8);
    assert_eq!(remove(&mut wheel, late), Some(8));
    wheel.insert(5, 9);
    assert_eq!(advance(&mut wheel, 5000), [9, 0]);
}

#[test]
fn time_does_not_go_back() {
    let mut wheel = Wheel::new(100);
    wheel.insert(50, 1);
    wheel.insert(150, 2);
    assert!(advance(&mut wheel, 99).is_empty());
    assert_eq!(advance(&mut wheel, 100), [1]);
    assert_eq!(advance(&mut wheel, 150), [2]);
}

#[test]
fn a_key_is_for_one_timer_only() {
    let mut wheel = Wheel::new(0);
    let first = wheel.insert(1, 1);
    assert_eq!((remove(&mut wheel, first), remove(&mut wheel, first)), (Some(1), None));
    let second = wheel.insert(2, 2);
    assert!(first != second && !wheel.contains(first) && wheel.contains(second));
    assert_eq!((remove(&mut wheel, first), advance(&mut wheel, 2), remove(&mut wheel, second)), (None, vec![2], None));
}

/// Two timers in one slot are looked after once a level.
#[test]
fn the_way_to_a_far_time_is_a_step_a_level() {
    let mut wheel = Wheel::new(0);
    wheel.insert(u64::MAX, 1);
    wheel.insert(u64::MAX, 2);
    let mut steps = 0;
    while let Some(next) = wheel.next_at() {
        advance(&mut wheel, next);
        steps += 1;
    }
    assert_eq!(steps, LEVELS);
    assert_eq!(wheel.now, u64::MAX);
}

#[derive(Debug, Clone)]
enum Step {
    /// Relative to the time of the wheel; so are all of these.
    Insert(u64),
    Late(u64),
    /// In the ring of a live one.
    Beside(prop::sample::Index, u64),
    Burst(u16, u64),
    /// One of all keys there ever were.
    Remove(prop::sample::Index),
    RemoveLive(prop::sample::Index),
    RemoveMost,
    RemoveRing(prop::sample::Index),
    Advance(u64),
    Back(u64),
    /// To the time of one of the timers, so that ends and starts of slots are met.
    To(prop::sample::Index),
    Next,
}

fn distance() -> impl Strategy<Value = u64> {
    let edge = (0..11_u32, -2..=2_i64).prop_map(|(level, off)| (1_u64 << (level * DIGIT)).wrapping_add_signed(off));
    prop_oneof![
        6 => 0..4_u64,
        6 => 0..200_u64,
        4 => 0..10_000_u64,
        3 => edge,
        // All magnitudes alike.
        3 => (any::<u64>(), 0..64_u32).prop_map(|(bits, shift)| bits >> shift),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        12 => distance().prop_map(Step::Insert),
        2 => distance().prop_map(Step::Late),
        8 => (index(), distance()).prop_map(|(beside, far)| Step::Beside(beside, far)),
        1 => (1..700_u16, distance()).prop_map(|(count, far)| Step::Burst(count, far)),
        3 => index().prop_map(Step::Remove),
        3 => index().prop_map(Step::RemoveLive),
        1 => Just(Step::RemoveMost),
        1 => index().prop_map(Step::RemoveRing),
        4 => distance().prop_map(Step::Advance),
        1 => distance().prop_map(Step::Back),
        3 => index().prop_map(Step::To),
        3 => Just(Step::Next),
    ]
}

/// What a wheel should be: timers by time and then by number, which is also their value.
struct Model {
    now: u64,
    timers: BTreeMap<(u64, u64), Key>,
    keys: Vec<(Key, u64)>,
    /// The ring of each timer, by the number of its first.
    rings: Vec<u64>,
}

impl Model {
    fn insert(&mut self, wheel: &mut Wheel<u64>, at: u64) {
        let number = self.keys.len() as u64;
        let key = wheel.insert(at, number);
        self.add(at, key, number);
    }

    fn add(&mut self, at: u64, key: Key, ring: u64) {
        self.timers.insert((at, self.keys.len() as u64), key);
        self.keys.push((key, at));
        self.rings.push(ring);
    }

    fn insert_beside(&mut self, wheel: &mut Wheel<u64>, at: u64, beside: u64) {
        let key = wheel.insert_beside(at, self.keys.len() as u64, self.keys[beside as usize].0.index());
        self.add(at, key, self.rings[beside as usize]);
    }

    /// Those that live in the ring of a timer.
    fn ring(&self, number: u64) -> impl Iterator<Item = (u64, Key)> {
        let ring = self.rings[number as usize];
        let live = self.timers.iter().map(|((_, number), key)| (*number, *key));
        live.filter(move |(number, _)| self.rings[*number as usize] == ring)
    }

    /// What came with a timer that is out names another one of its ring, if there is one.
    fn is_other(&self, number: u64, other: Option<u32>) -> bool {
        match other {
            Some(place) => self.ring(number).any(|(_, key)| key.index() == place),
            None => self.ring(number).next().is_none(),
        }
    }

    fn remove(&mut self, wheel: &mut Wheel<u64>, number: usize) {
        let (key, at) = self.keys[number];
        let known = self.timers.remove(&(at, number as u64)).map(|_| number as u64);
        assert_eq!(wheel.contains(key), known.is_some());
        let removed = wheel.remove(key);
        assert_eq!(removed.map(|(value, _)| value), known);
        assert!(removed.is_none_or(|(number, other)| self.is_other(number, other)));
    }

    fn advance(&mut self, wheel: &mut Wheel<u64>, now: u64) {
        let mut expected = vec![u64::MAX];
        if now >= self.now {
            self.now = now;
            while let Some(first) = self.timers.first_entry().filter(|first| first.key().0 <= now) {
                expected.push(first.key().1);
                first.remove();
            }
        }
        // What is there stays there.
        let mut fired = vec![(u64::MAX, None)];
        wheel.advance(now, &mut fired);
        assert_eq!(fired.iter().map(|(value, _)| *value).collect::<Vec<_>>(), expected);
        // Of each ring the last word is what holds.
        let last: BTreeMap<_, _> =
            fired[1..].iter().map(|(number, other)| (self.rings[*number as usize], *other)).collect();
        assert!(last.iter().all(|(ring, other)| self.is_other(*ring, *other)));
        assert!(expected[1..].iter().all(|number| !wheel.contains(self.keys[*number as usize].0)));
    }

    fn check(&self, wheel: &Wheel<u64>) {
        check(wheel);
        assert_eq!((wheel.len(), wheel.is_empty()), (self.timers.len(), self.timers.is_empty()));
        let (next, first) = (wheel.next_at(), self.timers.keys().next().map(|(at, _)| *at));
        assert_eq!(next.is_some(), first.is_some());
        if let (Some(next), Some(first)) = (next, first) {
            assert!(next >= self.now && next <= first.max(self.now), "{next} for {first} at {}", self.now);
        }
    }

    fn run(&mut self, wheel: &mut Wheel<u64>, step: Step) {
        let (now, live) = (self.now, self.timers.len());
        let nth = |index: prop::sample::Index| self.timers.keys().nth(index.index(live)).copied();
        match step {
            Step::Insert(far) => self.insert(wheel, now.saturating_add(far)),
            Step::Late(far) => self.insert(wheel, now.saturating_sub(far)),
            Step::Beside(index, far) if live > 0 => {
                let (_, beside) = nth(index).unwrap();
                self.insert_beside(wheel, now.saturating_add(far), beside);
            }
            Step::RemoveRing(index) if live > 0 => {
                let (_, number) = nth(index).unwrap();
                let all: Vec<_> = self.ring(number).map(|(number, _)| number).collect();
                self.timers.retain(|(_, number), _| !all.contains(number));
                let mut removed = wheel.remove_ring(self.keys[number as usize].0.index());
                removed.sort();
                assert!(removed.iter().eq(all.iter().collect::<std::collections::BTreeSet<_>>()));
            }
            Step::Burst(count, far) => {
                (0..count).for_each(|turn| self.insert(wheel, now.saturating_add(u64::from(turn % 7) * (far / 7))));
            }
            Step::Remove(index) => self.remove(wheel, index.index(self.keys.len())),
            Step::RemoveLive(index) if live > 0 => {
                let (_, number) = nth(index).unwrap();
                self.remove(wheel, number as usize);
            }
            Step::RemoveMost => {
                let numbers: Vec<_> = self.timers.keys().map(|(_, number)| *number as usize).collect();
                numbers.iter().filter(|number| *number % 16 > 0).for_each(|number| self.remove(wheel, *number));
            }
            Step::Advance(far) => self.advance(wheel, now.saturating_add(far)),
            Step::Back(far) => self.advance(wheel, now.saturating_sub(far)),
            Step::To(index) if live > 0 => {
                let (at, _) = nth(index).unwrap();
                self.advance(wheel, at.max(now));
            }
            Step::Next => {
                if let Some(next) = wheel.next_at() {
                    self.advance(wheel, next);
                }
            }
            Step::RemoveLive(_) | Step::To(_) | Step::Beside(..) | Step::RemoveRing(_) => {}
        }
    }
}

proptest! {
    #[test]
    fn a_wheel_is_a_sorted_map(now in distance(), steps in prop::collection::vec(step(), 1..120)) {
        let mut wheel = Wheel::new(now);
        let mut model = Model { now, timers: BTreeMap::new(), keys: Vec::new(), rings: Vec::new() };
        model.insert(&mut wheel, now);
        for step in steps {
            model.run(&mut wheel, step);
            model.check(&wheel);
        }
        // Each look either fires or takes what is next down a level.
        let mut looks = 0;
        while let Some(next) = wheel.next_at() {
            model.advance(&mut wheel, next);
            model.check(&wheel);
            looks += 1;
            prop_assert!(looks <= LEVELS * model.keys.len());
        }
        prop_assert!(model.timers.is_empty());
        prop_assert!(model.keys.iter().all(|(key, _)| !wheel.contains(*key) && remove(&mut wheel, *key).is_none()));
    }
}

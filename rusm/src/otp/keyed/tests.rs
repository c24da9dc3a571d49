use super::super::naming::tests::{Ends, kill, listener, pid};
use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

type Numbers = Arc<Opened<Store<u8, u32>>>;

fn store(home: &Directory) -> Numbers {
    home.open("numbers").unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Register(u8, u32),
    Unregister(u8, u32),
    Update(u8, u32),
    End(u32),
    Leave(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let whom = || (0..5_u8, 0..5_u32);
    prop_oneof![
        4 => whom().prop_map(|(key, who)| Step::Register(key, who)),
        2 => whom().prop_map(|(key, who)| Step::Unregister(key, who)),
        2 => whom().prop_map(|(key, who)| Step::Update(key, who)),
        1 => (0..5_u32).prop_map(Step::End),
        1 => (0..5_u32).prop_map(Step::Leave),
    ]
}

proptest! {
    /// A model: a map of keys to holder and value, and who is dead.
    #[test]
    fn a_registry_is_a_map(steps in proptest::collection::vec(step(), 0..80)) {
        let (home, ends) = (Directory::default(), Ends::default());
        let store = store(&home);
        let (mut model, mut dead) = (BTreeMap::<u8, (u32, u32)>::new(), BTreeSet::new());
        for (value, step) in (0..).zip(steps) {
            match step {
                Step::Register(key, who) => {
                    let expected = match model.get(&key) {
                        Some((holder, _)) if !dead.contains(holder) => Err(KeyError::Taken(pid(*holder))),
                        _ if dead.contains(&who) => {
                            model.remove(&key);
                            model.retain(|_, (holder, _)| *holder != who);
                            Err(KeyError::NoProcess)
                        }
                        _ => {
                            model.insert(key, (who, value));
                            Ok(())
                        }
                    };
                    let got = store.register(&home, pid(who), (key, value), |pid| ends.is_alive(pid));
                    prop_assert_eq!(got, expected);
                }
                Step::Unregister(key, who) => {
                    let held = model.get(&key).is_some_and(|(holder, _)| *holder == who);
                    if held {
                        model.remove(&key);
                    }
                    prop_assert_eq!(store.unregister(&home, pid(who), &key).is_ok(), held);
                }
                Step::Update(key, who) => {
                    let held = model.get_mut(&key).filter(|(holder, _)| *holder == who);
                    let expected = held.map(|(_, value)| {
                        *value += 1000;
                        *value
                    });
                    prop_assert_eq!(store.update(pid(who), &key, |value| value + 1000).ok(), expected);
                }
                Step::End(who) => {
                    dead.insert(who);
                    ends.end(pid(who));
                }
                Step::Leave(who) => {
                    dead.insert(who);
                    ends.end(pid(who));
                    home.leave_all(pid(who));
                    model.retain(|_, (holder, _)| *holder != who);
                }
            }
            let mut all: Vec<_> =
                store.all().iter().map(|slot| (slot.record.key, (slot.record.pid.slot(), *slot.value))).collect();
            all.sort();
            prop_assert_eq!(all, model.clone().into_iter().collect::<Vec<_>>());
            prop_assert_eq!(store.len(), model.len());
            for who in 0..5 {
                let held = home.of(&store, pid(who), |held| held.records.len());
                prop_assert_eq!(held, model.values().filter(|(holder, _)| *holder == who).count());
            }
        }
        for who in 0..5 {
            home.leave_all(pid(who));
        }
        drop(store);
        prop_assert!(home.is_empty());
    }
}

#[test]
fn registering_a_process_that_ends_leaves_nothing() {
    let (home, ends) = (Directory::default(), Ends::default());
    let join = |me: Pid| {
        // A store that comes and goes with each process.
        let store = store(&home);
        let _ = store.register(&home, me, (1, 1), |pid| ends.is_alive(pid));
    };
    ends.race(join, |me| home.leave_all(me));
    assert!(home.is_empty());
}

#[test]
fn a_key_is_held_by_one_at_a_time() {
    let (home, ends) = (Directory::default(), Ends::default());
    let store = store(&home);
    let won = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (home, ends, store, won) = (&home, &ends, &store, &won);
            scope.spawn(move || {
                for round in 0..3000 {
                    let me = pid(thread * 3000 + round);
                    if store.register(home, me, (7, round), |pid| ends.is_alive(pid)).is_ok() {
                        won.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        assert_eq!(store.find(&7).map(|slot| (slot.record.pid, *slot.value)), Some((me, round)));
                        assert_eq!(store.update(me, &7, |value| value + 1), Ok(round + 1));
                        if round % 2 == 0 {
                            assert_eq!(store.unregister(home, me, &7), Ok(()));
                        }
                        ends.end(me);
                        home.leave_all(me);
                    }
                    assert_eq!(store.unregister(home, me, &7), Err(KeyError::NotOwner));
                }
            });
        }
    });
    assert!(won.into_inner() > 0);
    drop(store);
    assert!(home.is_empty());
}

#[test]
fn concurrent_updates_are_all_counted() {
    let home = Directory::default();
    let store = store(&home);
    store.register(&home, pid(1), (1, 0), |_| true).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1000).for_each(|_| assert!(store.update(pid(1), &1, |value| value + 1).is_ok())));
        }
    });
    assert_eq!(store.find(&1).map(|slot| *slot.value), Some(4000));
}

/// Its code runs where the registry must stand it.
#[derive(Clone)]
struct Odd {
    drops: Arc<Mutex<u32>>,
    panics: bool,
}

impl Drop for Odd {
    fn drop(&mut self) {
        *self.drops.lock().unwrap() += 1;
        assert!(!self.panics, "bang");
    }
}

#[test]
fn a_value_that_panics_while_it_is_dropped_keeps_no_other() {
    let home = Directory::default();
    let store: Arc<Opened<Store<u8, Odd>>> = home.open("odd").unwrap();
    let drops = Arc::default();
    for key in 0..4 {
        let value = Odd { drops: Arc::clone(&drops), panics: key % 2 == 0 };
        assert_eq!(store.register(&home, pid(1), (key, value), |_| true), Ok(()));
    }
    home.leave_all(pid(1));
    assert_eq!((*drops.lock().unwrap(), store.len()), (4, 0));
    drop(store);
    assert!(home.is_empty());
}

#[test]
fn a_key_whose_eq_panics_leaves_nothing() {
    #[derive(Clone)]
    struct Key;
    impl Hash for Key {
        fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
    }
    impl PartialEq for Key {
        fn eq(&self, _: &Self) -> bool {
            panic!("bang")
        }
    }
    impl Eq for Key {}
    let home = Directory::default();
    let store: Arc<Opened<Store<Key, u8>>> = home.open("odd").unwrap();
    assert_eq!(store.register(&home, pid(1), (Key, 1), |_| true), Ok(()));
    let second = std::panic::AssertUnwindSafe(|| store.register(&home, pid(2), (Key, 2), |_| true));
    assert!(std::panic::catch_unwind(second).is_err());
    home.leave_all(pid(2));
    assert_eq!(store.len(), 1);
    home.leave_all(pid(1));
    drop(store);
    assert!(home.is_empty());
}

#[tokio::test]
async fn what_users_see() {
    let node = Node::builder().build().await.unwrap();
    let rooms = node.registry::<String, u32>("rooms").unwrap();
    let (first, second) = (listener(&node).await, listener(&node).await);
    for (who, key, value) in [(&first, "a", 1), (&first, "b", 2), (&second, "c", 3)] {
        rooms.register(who.pid(), key.to_owned(), value).unwrap();
    }
    let sorted = |mut entries: Vec<(String, Pid, u32)>| {
        entries.sort();
        entries
    };
    let expected = [("a", &first, 1), ("b", &first, 2), ("c", &second, 3)];
    assert_eq!(sorted(rooms.entries()), expected.map(|(key, who, value)| (key.to_owned(), who.pid(), value)));
    let mut keys = rooms.keys(first.pid());
    keys.sort();
    assert_eq!((keys, rooms.count()), (vec!["a".to_owned(), "b".to_owned()], 3));
    assert_eq!(rooms.select(|key, _, value| (*value > 2).then(|| key.clone())), ["c"]);
    assert_eq!(rooms.update(second.pid(), "a", |_| 0), Err(KeyError::NotOwner));
    // A value may use the registry while it is changed.
    assert_eq!(rooms.update(first.pid(), "a", |value| value + rooms.lookup("c").unwrap().1), Ok(4));
    assert_eq!(rooms.unregister(second.pid(), "a"), Err(KeyError::NotOwner));
    assert_eq!(rooms.unregister(first.pid(), "b"), Ok(()));
    kill(&node, first.pid()).await;
    assert_eq!(sorted(rooms.entries()), [("c".to_owned(), second.pid(), 3)]);
    assert_eq!((rooms.whereis("a"), rooms.whereis("c")), (None, Some(second.pid())));
}

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Insert(u8, u32),
    Change(u8, u32),
    Remove(u8),
    TakeOnly,
    /// Takes everything out, one way or the other.
    Drain(bool),
}

/// Keys are few, so that they meet, and maps of none, one and many entries come and go.
fn step() -> impl Strategy<Value = Step> {
    let key = prop_oneof![3 => 0..3_u8, 1 => 0..40_u8];
    prop_oneof![
        8 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Step::Insert(key, value)),
        2 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Step::Change(key, value)),
        6 => key.prop_map(Step::Remove),
        1 => Just(Step::TakeOnly),
        1 => any::<bool>().prop_map(Step::Drain),
    ]
}

proptest! {
    /// It says what an ordinary map says after the same steps.
    #[test]
    fn it_is_a_map(steps in prop::collection::vec(step(), 0..200)) {
        let (mut few, mut known) = (Few::default(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Insert(key, value) => {
                    few.insert(key, value);
                    known.insert(key, value);
                }
                Step::Change(key, value) => {
                    let (there, expected) = (few.get_mut(&key), known.get_mut(&key));
                    prop_assert_eq!(&there, &expected);
                    if let (Some(there), Some(expected)) = (there, expected) {
                        (*there, *expected) = (value, value);
                    }
                }
                Step::Remove(key) => prop_assert_eq!(few.remove(&key), known.remove(&key)),
                // Many that have become few again may stay many.
                Step::TakeOnly => match few.take_only() {
                    Some(key) => prop_assert!(known.remove(&key).is_some() && known.is_empty()),
                    None => prop_assert!(known.is_empty() || matches!(few.0, Held::Many(_))),
                },
                Step::Drain(by_walk) => {
                    let all: BTreeMap<_, _> = match by_walk {
                        true => std::mem::take(&mut few).into_iter().collect(),
                        false => known.keys().filter_map(|key| Some((*key, few.remove(key)?))).collect(),
                    };
                    prop_assert_eq!(all, std::mem::take(&mut known));
                    prop_assert!(few.iter().next().is_none());
                }
            }
            let seen: Vec<_> = few.iter().map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!((seen.len(), few.is_empty()), (known.len(), known.is_empty()));
            prop_assert_eq!(seen.into_iter().collect::<BTreeMap<_, _>>(), known.clone());
            for key in 0..40 {
                prop_assert_eq!(few.contains(&key), known.contains_key(&key));
            }
        }
    }
}

/// A walk goes in the order in which entries came, and places are used again.
#[test]
fn order_and_places() {
    let mut few: Few<u32, ()> = Few::default();
    (0..1000).for_each(|key| few.insert(key, ()));
    assert!(few.iter().map(|(key, ())| *key).eq(0..1000));
    for key in 1000..100_000 {
        few.remove(&(key - 1000));
        few.insert(key, ());
    }
    let Held::Many(many) = &few.0 else { panic!("a thousand are many") };
    assert_eq!((many.places.len(), many.index.len()), (1000, 1000));
    assert!(few.into_iter().map(|(key, ())| key).is_sorted_by_key(|key| key % 1000));
}

/// What a burst took goes with its last entry.
#[test]
fn an_empty_one_holds_no_memory() {
    let mut few: Few<u32, ()> = Few::default();
    (0..100).for_each(|key| few.insert(key, ()));
    (0..100).for_each(|key| assert!(few.remove(&key).is_some()));
    assert!(matches!(few.0, Held::Nothing));
}

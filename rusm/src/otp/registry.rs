//! Names: unique on the node, held by a living process, given back by their holder or by its end.
//!
//! A lookup takes no lock and writes nothing that is shared: it is one probe of a concurrent map, whose memory is given
//! back when no lookup can see it any more. The hash is keyed afresh for each node.
//!
//! An entry changes from vacant to a holder and from that very holder to vacant, each in one atomic step; what a process
//! holds changes under its own lock (see [`naming`](super::naming)). So a release can't take a name from whoever has
//! it next.
//!
//! The map pays for a removal when the place is used again: taking out and putting in the same name a few dozen times
//! has it copy all others. A released name therefore stays, vacant, until many others were released after it. If it is taken
//! again meanwhile, as by a process that is restarted, nothing is removed.
//!
//! # Posts
//! Who sends to one name again and again keeps its [`Post`], which says who holds it without a lookup, or that one is needed.
//! A post never names who does not hold the name when the two that changed it have returned:
//! - Who takes the name writes the post after the map, and under its own lock, as it gives the name back. So what one process
//!   writes is in the order in which it holds the name, and the next holder's comes after it has taken it from the map.
//! - Who gives the name back clears the post only of itself. So a late one leaves what the next holder wrote.
//! - A dead process's names go without its lock. Whatever that leaves in a post is the dead process, or nobody.
//!
//! A post whose entry was removed says nobody for ever.

use super::naming::Memberships;
use super::table::Table;
use super::trial::RandomState;
use super::{NameError, lock};
use crate::wire::Pid;
use papaya::{Compute, Operation, ResizeMode};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How many vacant names may stay beside half as many as there are entries.
const VACANT: usize = 64;

pub(crate) struct Registry {
    /// No other registry ever has it.
    number: u64,
    names: papaya::HashMap<Arc<str>, Entry, RandomState>,
    held: Memberships<Arc<str>, ()>,
    vacant: Mutex<Vacant>,
}

/// A name's place in the map.
#[derive(Clone)]
struct Entry {
    holder: Holder,
    post: Arc<Post>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Process(Pid),
    /// Nobody, since the release of this number.
    Vacant(u64),
}

/// Where a name's holder can be seen without a lookup.
#[derive(Debug)]
pub(crate) struct Post {
    registry: u64,
    /// [`NOBODY`], or the process as the table counts it.
    at: AtomicU64,
}

/// A lookup may know more.
const NOBODY: u64 = 0;

impl Post {
    /// The holder as the node's table counts it, if the post is of this registry and knows.
    #[inline]
    pub(crate) fn counted(&self, of: &Registry) -> Option<u64> {
        let at = self.at.load(Ordering::Acquire);
        (self.registry == of.number && at != NOBODY).then_some(at)
    }
}

/// Released names, oldest first; some were taken again since.
#[derive(Default)]
struct Vacant {
    releases: u64,
    names: VecDeque<(Arc<str>, u64)>,
}

/// A name is 1 to 255 bytes without control characters.
pub(crate) fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
        return Err(NameError::Invalid(name.chars().take(64).collect()));
    }
    Ok(())
}

impl Default for Registry {
    fn default() -> Self {
        // All at once: a map that is resized step by step stays between two tables until enough has been written, and
        // lookups there cost many times as much.
        let names = papaya::HashMap::builder().hasher(RandomState::default()).resize_mode(ResizeMode::Blocking);
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        Self { number, names: names.build(), held: Memberships::default(), vacant: Mutex::default() }
    }
}

impl Registry {
    /// Gives a name to a process that is marked as a member. A name whose holder is dead is free.
    pub(crate) fn register(&self, name: &str, pid: Pid, is_alive: impl Fn(Pid) -> bool) -> Result<Arc<str>, NameError> {
        check(name)?;
        let name: Arc<str> = name.into();
        while let Err(holder) = self.insert(&name, pid) {
            if is_alive(holder) {
                return Err(NameError::Taken(name.to_string()));
            }
            self.held.of(holder, |held| {
                held.remove(&name);
                self.vacate(&name, holder);
            });
        }
        if is_alive(pid) {
            return Ok(name);
        }
        self.leave_all(pid);
        Err(NameError::NoProcess)
    }

    fn insert(&self, name: &Arc<str>, pid: Pid) -> Result<(), Pid> {
        self.held.of(pid, |held| {
            let names = self.names.pin();
            let taken = names.compute(name.clone(), |known| {
                let post = match known {
                    Some((_, Entry { holder: Holder::Process(holder), .. })) => return Operation::Abort(*holder),
                    Some((_, Entry { post, .. })) => post.clone(),
                    None => Arc::new(Post { registry: self.number, at: AtomicU64::new(NOBODY) }),
                };
                Operation::Insert(Entry { holder: Holder::Process(pid), post })
            });
            let entry = match taken {
                Compute::Aborted(holder) => return Err(holder),
                Compute::Inserted(_, entry) | Compute::Updated { new: (_, entry), .. } => entry,
                Compute::Removed(..) => unreachable!("nothing is removed here"),
            };
            entry.post.at.store(Table::counted(pid), Ordering::Release);
            held.insert(name.clone(), ());
            Ok(())
        })
    }

    /// Frees a name if this process holds it, whoever else may have taken it since.
    pub(crate) fn release(&self, name: &str, holder: Pid) -> Result<(), NameError> {
        let released = self.held.of(holder, |held| match held.remove_entry(name) {
            Some((name, ())) => self.vacate(&name, holder),
            None => false,
        });
        if released { Ok(()) } else { Err(NameError::NotOwner(name.to_owned())) }
    }

    /// Whether this process held the name.
    fn vacate(&self, name: &Arc<str>, holder: Pid) -> bool {
        let mut vacant = lock(&self.vacant);
        let names = self.names.pin();
        let release = vacant.releases + 1;
        let vacated = names.compute(name.clone(), |known| match known {
            Some((_, Entry { holder: known, post })) if *known == Holder::Process(holder) => {
                Operation::Insert(Entry { holder: Holder::Vacant(release), post: post.clone() })
            }
            _ => Operation::Abort(()),
        });
        let Compute::Updated { new: (_, Entry { post, .. }), .. } = vacated else { return false };
        let _ = post.at.compare_exchange(Table::counted(holder), NOBODY, Ordering::Release, Ordering::Relaxed);
        vacant.releases = release;
        vacant.names.push_back((name.clone(), release));
        // Two for one, so that what a crowd leaves behind goes as well.
        for _ in 0..2 {
            if vacant.names.len() <= VACANT + names.len() / 2 {
                break;
            }
            if let Some((name, release)) = vacant.names.pop_front() {
                let _ = names.remove_if(&name, |_, known| known.holder == Holder::Vacant(release));
            }
        }
        true
    }

    /// What a process is called, sorted.
    pub(crate) fn of(&self, pid: Pid) -> Vec<Arc<str>> {
        let mut names = self.held.keys(pid);
        names.sort_unstable();
        names
    }

    /// Who holds a name; its end may be visible already.
    #[inline]
    pub(crate) fn whereis(&self, name: &str) -> Option<Pid> {
        match self.names.pin().get(name)?.holder {
            Holder::Process(pid) => Some(pid),
            Holder::Vacant(_) => None,
        }
    }

    /// The post of a name that somebody holds.
    pub(crate) fn post(&self, name: &str) -> Option<Arc<Post>> {
        let names = self.names.pin();
        let entry = names.get(name)?;
        matches!(entry.holder, Holder::Process(_)).then(|| entry.post.clone())
    }

    /// All names, sorted; see [`whereis`](Self::whereis).
    pub(crate) fn all(&self) -> Vec<(Arc<str>, Pid)> {
        let names = self.names.pin();
        let held = names.iter().filter_map(|(name, entry)| match entry.holder {
            Holder::Process(pid) => Some((name.clone(), pid)),
            Holder::Vacant(_) => None,
        });
        let mut held: Vec<_> = held.collect();
        held.sort();
        held
    }

    /// See [`Naming::leave_all`](super::naming::Naming::leave_all).
    pub(crate) fn leave_all(&self, pid: Pid) {
        for name in self.held.take(pid).into_keys() {
            self.vacate(&name, pid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::naming::tests::{Ends, pid};
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn what_can_be_a_name() {
        let long = "x".repeat(255);
        for good in ["a", "cart/7", "größe", " ", &long] {
            assert_eq!(check(good), Ok(()), "{good:?}");
        }
        for bad in ["", "a\n", "\0", "\u{85}", &format!("{long}x")] {
            assert!(matches!(check(bad), Err(NameError::Invalid(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_name_goes_back_by_its_holder_only() {
        let (registry, ends) = (Registry::default(), Ends::default());
        let register = |name, who| registry.register(name, pid(who), |pid| ends.is_alive(pid)).map(|_| ());
        assert_eq!(register("a", 1), Ok(()));
        assert_eq!(register("a", 1), Err(NameError::Taken("a".into())));
        assert_eq!(register("a", 2), Err(NameError::Taken("a".into())));
        assert_eq!(registry.release("a", pid(2)), Err(NameError::NotOwner("a".into())));
        assert_eq!(registry.release("a", pid(1)), Ok(()));
        assert_eq!(registry.release("a", pid(1)), Err(NameError::NotOwner("a".into())));
        assert_eq!(register("a", 2), Ok(()));
        assert_eq!(registry.whereis("a"), Some(pid(2)));
    }

    #[test]
    fn the_dead_neither_get_nor_keep_names() {
        let (registry, ends) = (Registry::default(), Ends::default());
        let register = |name, who| registry.register(name, pid(who), |pid| ends.is_alive(pid)).map(|_| ());
        register("a", 1).unwrap();
        ends.end(pid(1));
        assert_eq!(register("b", 1), Err(NameError::NoProcess));
        assert!(registry.all().is_empty() && registry.held.is_empty());
        register("c", 2).unwrap();
        ends.end(pid(2));
        // Before its memberships are taken back, and they must not be taken from the next one.
        assert_eq!(register("c", 3), Ok(()));
        registry.leave_all(pid(2));
        assert_eq!(registry.all(), [("c".into(), pid(3))]);
        registry.leave_all(pid(3));
        assert!(registry.all().is_empty() && registry.held.is_empty());
    }

    /// Somebody takes the name of a dead process over in the middle of its `leave_all`.
    #[test]
    fn an_end_does_not_take_a_name_from_who_took_it_over() {
        let (registry, ends) = (Registry::default(), Ends::default());
        let register = |who| registry.register("a", pid(who), |pid| ends.is_alive(pid));
        register(1).unwrap();
        ends.end(pid(1));
        let names = registry.held.take(pid(1));
        register(2).unwrap();
        assert!(names.keys().all(|name| !registry.vacate(name, pid(1))));
        assert_eq!(registry.whereis("a"), Some(pid(2)));
    }

    #[test]
    fn a_post_knows_the_holder() {
        let (registry, other) = (Registry::default(), Registry::default());
        let counted = |who| Some(Table::counted(pid(who)));
        assert!(registry.post("a").is_none());
        registry.register("a", pid(1), |_| true).unwrap();
        let post = registry.post("a").unwrap();
        assert_eq!((post.counted(&registry), post.counted(&other)), (counted(1), None));
        registry.release("a", pid(1)).unwrap();
        assert_eq!(post.counted(&registry), None);
        assert!(registry.post("a").is_none());
        registry.register("a", pid(2), |_| true).unwrap();
        assert_eq!(post.counted(&registry), counted(2), "the same post is the next holder's");
        registry.leave_all(pid(2));
        // Many others are released, and the name is taken out of the map.
        for number in 0..4 * VACANT as u32 {
            registry.register(&number.to_string(), pid(3), |_| true).unwrap();
        }
        registry.leave_all(pid(3));
        registry.register("a", pid(4), |_| true).unwrap();
        assert_eq!((post.counted(&registry), registry.whereis("a")), (None, Some(pid(4))));
        assert_eq!(registry.post("a").unwrap().counted(&registry), counted(4));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Register(u8, u32),
        Release(u8, u32),
        End(u32),
        Leave(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..4_u8, 0..5_u32).prop_map(|(name, who)| Step::Register(name, who)),
            2 => (0..4_u8, 0..5_u32).prop_map(|(name, who)| Step::Release(name, who)),
            1 => (0..5_u32).prop_map(Step::End),
            1 => (0..5_u32).prop_map(Step::Leave),
        ]
    }

    proptest! {
        /// A model: a map of names to holders, and who is dead.
        #[test]
        fn names_are_a_map(steps in proptest::collection::vec(step(), 0..60)) {
            let (registry, ends) = (Registry::default(), Ends::default());
            let (mut model, mut dead) = (BTreeMap::<String, u32>::new(), BTreeSet::new());
            let mut posts = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Register(name, who) => {
                        let name = name.to_string();
                        let expected = match model.get(&name) {
                            Some(holder) if !dead.contains(holder) => Err(NameError::Taken(name.clone())),
                            _ if dead.contains(&who) => {
                                model.remove(&name);
                                Err(NameError::NoProcess)
                            }
                            _ => {
                                model.insert(name.clone(), who);
                                Ok(())
                            }
                        };
                        // A dead process that asked was cleaned up after.
                        if expected == Err(NameError::NoProcess) {
                            model.retain(|_, holder| *holder != who);
                        }
                        let got = registry.register(&name, pid(who), |pid| ends.is_alive(pid)).map(|_| ());
                        prop_assert_eq!(got, expected);
                    }
                    Step::Release(name, who) => {
                        let name = name.to_string();
                        let held = model.get(&name) == Some(&who);
                        if held {
                            model.remove(&name);
                        }
                        prop_assert_eq!(registry.release(&name, pid(who)).is_ok(), held);
                    }
                    Step::End(who) => {
                        dead.insert(who);
                        ends.end(pid(who));
                    }
                    Step::Leave(who) => {
                        dead.insert(who);
                        ends.end(pid(who));
                        registry.leave_all(pid(who));
                        model.retain(|_, holder| *holder != who);
                    }
                }
                let all: Vec<_> = registry.all().into_iter().map(|(name, pid)| (name.to_string(), pid)).collect();
                let expected: Vec<_> = model.iter().map(|(name, who)| (name.clone(), pid(*who))).collect();
                prop_assert_eq!(all, expected);
                for name in model.keys() {
                    posts.entry(name.clone()).or_insert_with(|| registry.post(name).unwrap());
                }
                for (name, post) in &posts {
                    prop_assert_eq!(post.counted(&registry), model.get(name).map(|who| Table::counted(pid(*who))));
                }
            }
            for who in 0..5 {
                registry.leave_all(pid(who));
            }
            prop_assert!(registry.held.is_empty());
        }
    }

    /// Threads fight for few names with processes that release, end, or end while they register. Between a successful
    /// registration and its release the name must point at its holder, whatever late releases of earlier holders do.
    #[test]
    fn a_late_release_never_takes_a_name_from_its_next_holder() {
        const THREADS: u32 = 4;
        const ROUNDS: u32 = 4000;
        let (registry, ends) = (Registry::default(), Ends::default());
        let (won, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let posts = ["a", "b"].map(|name| {
            registry.register(name, pid(THREADS * ROUNDS), |_| true).unwrap();
            (name, registry.post(name).unwrap())
        });
        registry.leave_all(pid(THREADS * ROUNDS));
        let post = |name: &str| posts.iter().find(|(of, _)| *of == name).and_then(|(_, post)| post.counted(&registry));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (registry, ends, won, lost, post) = (&registry, &ends, &won, &lost, &post);
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let (me, name) = (pid(thread * ROUNDS + round), ["a", "b"][round as usize % 2]);
                        match registry.register(name, me, |pid| ends.is_alive(pid)) {
                            Ok(_) => {
                                won.fetch_add(1, Ordering::Relaxed);
                                assert_eq!(registry.whereis(name), Some(me));
                                assert_eq!(post(name), Some(Table::counted(me)));
                                if round % 3 == 0 {
                                    assert_eq!(registry.release(name, me), Ok(()));
                                    assert_ne!(post(name), Some(Table::counted(me)));
                                }
                                ends.end(me);
                                // Others may take it over from here on; both of these come late.
                                registry.leave_all(me);
                                assert_eq!(registry.release(name, me), Err(NameError::NotOwner(name.to_owned())));
                            }
                            Err(_) => {
                                lost.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        assert_ne!(registry.whereis(name), Some(me));
                        assert_ne!(post(name), Some(Table::counted(me)));
                    }
                });
            }
        });
        assert!(posts.iter().all(|(_, post)| post.counted(&registry).is_none()));
        assert!(registry.all().is_empty() && registry.held.is_empty());
        assert!(won.into_inner() > 0);
    }

    /// The map grows and shrinks while others look up, take and give back.
    #[test]
    fn a_map_that_is_resized_loses_and_keeps_no_name() {
        let registry = Registry::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let registry = &registry;
                scope.spawn(move || {
                    for round in 0..8 {
                        let me = pid(thread * 8 + round);
                        let names: Vec<_> = (0..400).map(|number| format!("{thread} {number}")).collect();
                        for name in &names {
                            registry.register(name, me, |_| true).unwrap();
                        }
                        for (number, name) in names.iter().enumerate() {
                            assert_eq!(registry.whereis(name), Some(me));
                            if number % 2 == 0 {
                                registry.release(name, me).unwrap();
                                assert_eq!(registry.whereis(name), None);
                            }
                        }
                        registry.leave_all(me);
                        assert!(names.iter().all(|name| registry.whereis(name).is_none()));
                    }
                });
            }
        });
        assert!(registry.all().is_empty() && registry.held.is_empty());
    }

    #[test]
    fn released_names_stay_in_bounds() {
        let registry = Registry::default();
        for number in 0..2000 {
            registry.register(&number.to_string(), pid(number), |_| true).unwrap();
        }
        let vacant = || registry.names.pin().values().filter(|known| matches!(known.holder, Holder::Vacant(_))).count();
        // The same name again and again removes nothing; others go in the order of their releases.
        for _ in 0..5000 {
            registry.register("same", pid(9000), |_| true).unwrap();
            registry.release("same", pid(9000)).unwrap();
            assert_eq!(registry.names.len(), 2001);
        }
        for number in 3000..9000 {
            registry.register(&number.to_string(), pid(number), |_| true).unwrap();
            registry.release(&number.to_string(), pid(number)).unwrap();
        }
        assert!((VACANT..=VACANT + registry.names.len() / 2).contains(&vacant()));
        (0..2000).for_each(|number| registry.leave_all(pid(number)));
        assert!(registry.names.len() <= 2 * VACANT && lock(&registry.vacant).names.len() <= 2 * VACANT);
        assert!(registry.all().is_empty() && registry.held.is_empty());
    }

    #[test]
    fn registering_a_process_that_ends_leaves_nothing() {
        let (registry, ends) = (Registry::default(), Ends::default());
        ends.race(
            |me| {
                let _ = registry.register(&format!("name {}", me.slot()), me, |pid| ends.is_alive(pid));
            },
            |me| registry.leave_all(me),
        );
        assert!(registry.all().is_empty() && registry.held.is_empty());
    }
}

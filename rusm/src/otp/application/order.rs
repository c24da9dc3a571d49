//! In which order applications start: pure.

use std::collections::HashMap;
use std::sync::Arc;

/// Why there is no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Disorder {
    /// Two of this name.
    Twice(Arc<str>),
    /// One depends on what is not there.
    Unknown { name: Arc<str>, dependency: Arc<str> },
    /// These wait for each other: each for the next, the last for the first.
    Cycle(Vec<Arc<str>>),
}

/// A name and those that it depends on.
pub(super) type Node<'a> = (&'a Arc<str>, &'a [Arc<str>]);

/// The places of the applications in the order of their start: as they are listed, but none before what it depends on.
///
/// Linear in names and dependencies; no recursion.
pub(super) fn order(nodes: &[Node<'_>]) -> Result<Vec<usize>, Disorder> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, (name, _)) in nodes.iter().enumerate() {
        if places.insert(name, place).is_some() {
            return Err(Disorder::Twice(Arc::clone(name)));
        }
    }
    let mut below: Vec<Vec<usize>> = Vec::with_capacity(nodes.len());
    for (name, depends_on) in nodes {
        let find = |dependency: &Arc<str>| {
            let unknown = || Disorder::Unknown { name: Arc::clone(name), dependency: Arc::clone(dependency) };
            places.get(&**dependency).copied().ok_or_else(unknown)
        };
        below.push(depends_on.iter().map(find).collect::<Result<_, _>>()?);
    }
    let mut order = Vec::with_capacity(nodes.len());
    let mut states = vec![State::Untouched; nodes.len()];
    for root in 0..nodes.len() {
        // The way down to where it is, each with how many of its dependencies were followed.
        let mut path: Vec<(usize, usize)> = Vec::new();
        let mut next = (states[root] == State::Untouched).then_some(root);
        loop {
            if let Some(place) = next.take() {
                states[place] = State::OnPath;
                path.push((place, 0));
            }
            let Some((place, followed)) = path.last_mut() else { break };
            let Some(dependency) = below[*place].get(*followed).copied() else {
                states[*place] = State::Ordered;
                order.push(*place);
                path.pop();
                continue;
            };
            *followed += 1;
            match states[dependency] {
                State::Untouched => next = Some(dependency),
                State::Ordered => {}
                State::OnPath => {
                    let cycle = path.iter().map(|(place, _)| *place).skip_while(|place| *place != dependency);
                    return Err(Disorder::Cycle(cycle.map(|place| Arc::clone(nodes[place].0)).collect()));
                }
            }
        }
    }
    Ok(order)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Untouched,
    OnPath,
    Ordered,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ordered(apps: &[(&str, &[&str])]) -> Result<String, Disorder> {
        let apps: Vec<(Arc<str>, Vec<Arc<str>>)> = apps
            .iter()
            .map(|(name, depends_on)| ((*name).into(), depends_on.iter().map(|name| (*name).into()).collect()))
            .collect();
        let nodes: Vec<Node<'_>> = apps.iter().map(|(name, depends_on)| (name, depends_on.as_slice())).collect();
        order(&nodes).map(|order| order.iter().map(|place| &*apps[*place].0).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn as_listed_unless_a_dependency_says_otherwise() {
        let check = |apps: &[(&str, &[&str])], expected| assert_eq!(ordered(apps).as_deref(), Ok(expected), "{apps:?}");
        check(&[], "");
        check(&[("b", &[]), ("a", &[])], "b a");
        check(&[("a", &["b"]), ("b", &[])], "b a");
        check(&[("a", &["c", "b"]), ("b", &[]), ("c", &["b"])], "b c a");
        check(&[("a", &["b", "b"]), ("b", &[]), ("c", &["a", "b"])], "b a c");
    }

    #[test]
    fn what_has_no_order() {
        assert_eq!(ordered(&[("a", &[]), ("b", &[]), ("a", &[])]), Err(Disorder::Twice("a".into())));
        let unknown = Disorder::Unknown { name: "b".into(), dependency: "db".into() };
        assert_eq!(ordered(&[("a", &[]), ("b", &["a", "db"])]), Err(unknown));
        assert_eq!(ordered(&[("a", &["a"])]), Err(Disorder::Cycle(vec!["a".into()])));
        let apps: &[(&str, &[&str])] = &[("x", &["a"]), ("a", &["b"]), ("b", &["c"]), ("c", &["a"])];
        assert_eq!(ordered(apps), Err(Disorder::Cycle(vec!["a".into(), "b".into(), "c".into()])));
    }

    #[test]
    fn a_long_chain_is_no_recursion() {
        let names: Vec<Arc<str>> = (0..100_000).map(|i: u32| i.to_string().into()).collect();
        let nodes: Vec<Node<'_>> =
            names.iter().enumerate().map(|(i, name)| (name, names.get(i + 1..i + 2).unwrap_or_default())).collect();
        assert_eq!(order(&nodes).map(|order| order[0]), Ok(99_999));
    }

    proptest! {
        /// An order holds all and keeps what was asked for; where there is none, what is told is a cycle.
        #[test]
        fn dependencies_come_first(edges in proptest::collection::vec((0_usize..12, 0_usize..12), 0..30)) {
            let names: Vec<Arc<str>> = (0..12).map(|i: u32| i.to_string().into()).collect();
            let below = |of: usize| -> Vec<Arc<str>> {
                edges.iter().filter(|(from, _)| *from == of).map(|(_, to)| names[*to].clone()).collect()
            };
            let below: Vec<_> = (0..12).map(below).collect();
            let nodes: Vec<Node<'_>> = names.iter().zip(&below).map(|(name, below)| (name, below.as_slice())).collect();
            match order(&nodes) {
                Ok(order) => {
                    let position = |place| order.iter().position(|ordered| *ordered == place);
                    prop_assert_eq!(order.len(), 12);
                    for (from, to) in edges {
                        prop_assert!(position(to) < position(from) && position(from).is_some());
                    }
                }
                Err(Disorder::Cycle(cycle)) => {
                    let place = |name: &Arc<str>| names.iter().position(|known| known == name);
                    for (i, from) in cycle.iter().enumerate() {
                        let to = &cycle[(i + 1) % cycle.len()];
                        let edge = place(from).zip(place(to));
                        prop_assert!(edge.is_some_and(|edge| edges.contains(&edge)), "{:?}", cycle);
                    }
                }
                Err(other) => prop_assert!(false, "{:?}", other),
            }
        }
    }
}

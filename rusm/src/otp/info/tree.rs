//! Who has spawned whom.

use crate::otp::Node;
use crate::wire::Pid;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// How far a line of the printed tree is moved to the right at most, in levels: a chain of a million processes must not take the
/// square of that.
const INDENT: usize = 32;

/// The processes of a node, each behind its parent: roots first come first, and so do siblings.
///
/// A process whose parent has ended is a root. Prints as a line for each process, moved to the right by its depth.
#[derive(Debug, Clone)]
pub struct Tree(Vec<TreeEntry>);

/// A process in a [`Tree`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TreeEntry {
    /// The process.
    pub pid: Pid,
    /// How many of its ancestors are in the tree.
    pub depth: usize,
    /// What it is called in logs.
    pub label: Arc<str>,
    /// What it is registered as, sorted.
    pub names: Vec<Arc<str>>,
    /// What its state is called, if it is a state machine.
    pub state: Option<&'static str>,
    /// How many messages wait for it.
    pub waiting: usize,
}

impl Node {
    /// Who has spawned whom. Looks at every slot of the process table.
    pub fn tree(&self) -> Tree {
        let (mut members, mut entries) = (Vec::new(), Vec::new());
        self.table().each(|cell| {
            if cell.has_ended() {
                return;
            }
            let pid = cell.pid();
            let names = if cell.is_member() { self.naming().names.of(pid) } else { Vec::new() };
            let (label, state, waiting) = (cell.label(), cell.state_name(), cell.mailbox().depth(cell));
            members.push(Member { pid, parent: cell.parent(), born: cell.born() });
            entries.push(Some(TreeEntry { pid, depth: 0, label, names, state, waiting }));
        });
        let in_order = arrange(&members).into_iter();
        Tree(in_order.filter_map(|(member, depth)| Some(TreeEntry { depth, ..entries[member].take()? })).collect())
    }
}

impl Tree {
    /// Its processes, parents before their children.
    pub fn entries(&self) -> &[TreeEntry] {
        &self.0
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.0 {
            let TreeEntry { pid, depth, label, names, state, waiting } = entry;
            write!(f, "{:width$}{label} {pid}", "", width = 2 * depth.min(&INDENT))?;
            names.iter().try_for_each(|name| write!(f, " {name:?}"))?;
            if let Some(state) = state {
                write!(f, " [{state}]")?;
            }
            if *waiting > 0 {
                write!(f, ", {waiting} waiting")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// What the order needs to know of a process.
struct Member {
    pid: Pid,
    parent: Option<Pid>,
    born: u64,
}

/// The members by their place, parents before their children, and how deep each is. Linear but for sorting siblings; no recursion, so
/// that no chain is too long.
fn arrange(members: &[Member]) -> Vec<(usize, usize)> {
    let places: HashMap<Pid, usize> = members.iter().enumerate().map(|(place, member)| (member.pid, place)).collect();
    let mut children: Vec<Vec<usize>> = members.iter().map(|_| Vec::new()).collect();
    let mut roots = Vec::new();
    for (place, member) in members.iter().enumerate() {
        match member.parent.and_then(|parent| places.get(&parent)) {
            Some(parent) => children[*parent].push(place),
            None => roots.push(place),
        }
    }
    // The last one is taken first.
    let youngest_first = |places: &mut Vec<usize>| {
        places.sort_unstable_by_key(|place| std::cmp::Reverse((members[*place].born, members[*place].pid)));
    };
    youngest_first(&mut roots);
    let mut left: Vec<_> = roots.into_iter().map(|root| (root, 0)).collect();
    let mut order = Vec::with_capacity(members.len());
    while let Some((place, depth)) = left.pop() {
        order.push((place, depth));
        let mut below = std::mem::take(&mut children[place]);
        youngest_first(&mut below);
        left.extend(below.into_iter().map(|child| (child, depth + 1)));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn pid(slot: usize) -> Pid {
        Pid::from_parts(0, 0, slot as u32, 1)
    }

    fn member(slot: usize, parent: Option<usize>) -> Member {
        Member { pid: pid(slot), parent: parent.map(pid), born: slot as u64 }
    }

    fn slots(members: &[Member]) -> Vec<(u32, usize)> {
        arrange(members).into_iter().map(|(place, depth)| (members[place].pid.slot(), depth)).collect()
    }

    #[test]
    fn parents_come_first_and_orphans_are_roots() {
        let check = |members: &[(usize, Option<usize>)], expected: &[(u32, usize)]| {
            let members: Vec<_> = members.iter().map(|(slot, parent)| member(*slot, *parent)).collect();
            assert_eq!(slots(&members), expected);
        };
        check(&[], &[]);
        check(&[(1, None)], &[(1, 0)]);
        check(&[(3, Some(1)), (2, Some(1)), (1, None)], &[(1, 0), (2, 1), (3, 1)]);
        check(&[(1, None), (2, None), (3, Some(1)), (4, Some(3))], &[(1, 0), (3, 1), (4, 2), (2, 0)]);
        check(&[(5, Some(99)), (6, Some(5))], &[(5, 0), (6, 1)]);
    }

    #[test]
    fn a_long_chain_is_no_recursion_and_its_lines_stay_short() {
        let members: Vec<_> = (0..100_000).map(|slot| member(slot, slot.checked_sub(1))).collect();
        let order = arrange(&members);
        assert_eq!(order.last(), Some(&(99_999, 99_999)));
        let entry = |(place, depth): (usize, usize)| {
            let (label, names) = ("link".into(), Vec::new());
            TreeEntry { pid: members[place].pid, depth, label, names, state: None, waiting: 0 }
        };
        let printed = Tree(order.into_iter().map(entry).collect()).to_string();
        assert!(printed.lines().all(|line| line.len() < 100));
    }

    proptest! {
        /// Whoever has a living parent comes behind it, one level deeper, and only its siblings' descendants are in between.
        #[test]
        fn an_order_of_descent(parents in proptest::collection::vec(0_usize..60, 0..60)) {
            // A parent is older than its child, or not there.
            let members: Vec<_> = parents
                .iter()
                .enumerate()
                .map(|(slot, parent)| member(slot, (*parent < slot).then_some(*parent)))
                .collect();
            let order = arrange(&members);
            let mut path: Vec<usize> = Vec::new();
            let mut seen = std::collections::BTreeSet::new();
            for (place, depth) in order {
                prop_assert!(seen.insert(place));
                prop_assert!(depth <= path.len());
                path.truncate(depth);
                let parent = path.last().map(|parent| members[*parent].pid);
                prop_assert_eq!(parent, members[place].parent);
                path.push(place);
            }
            prop_assert_eq!(seen.len(), members.len());
        }
    }
}

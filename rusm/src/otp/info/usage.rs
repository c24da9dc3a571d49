//! Who has used how much.

use super::memory;
use crate::otp::Node;
use crate::otp::sched::clock;
use crate::wire::Pid;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What [`Node::top`] sorts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum By {
    /// How long its code ran.
    RunTime,
    /// How many messages wait for it.
    Mailbox,
    /// How many bytes the node holds for it, see [`ProcessInfo::memory`](super::ProcessInfo::memory).
    Memory,
    /// How often it had its turn.
    Turns,
}

/// What a process has used.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Usage {
    /// The process.
    pub pid: Pid,
    /// What it is called in logs.
    pub label: Arc<str>,
    /// How long its code ran.
    pub run_time: Duration,
    /// How many messages wait for it.
    pub waiting: usize,
    /// How many bytes the node holds for it, roughly.
    pub memory: usize,
    /// How often it had its turn.
    pub turns: u64,
}

/// What all processes of a node had used when it was taken; about 80 bytes for each.
#[derive(Debug, Clone)]
pub struct Snapshot(Vec<Count>);

#[derive(Debug, Clone)]
struct Count {
    pid: Pid,
    own_label: Option<Arc<str>>,
    kind: &'static str,
    ticks: u64,
    waiting: usize,
    memory: usize,
    turns: u64,
}

impl Node {
    /// The processes that use most, since each began: at most `n`, the first first.
    ///
    /// Looks at every slot of the process table. For what was used in a span of time take a [`snapshot`](Self::snapshot) at its begin and one at
    /// its end.
    pub fn top(&self, by: By, n: usize) -> Vec<Usage> {
        self.snapshot().top(by, n)
    }

    /// What all processes have used. Looks at every slot of the process table, and takes two short locks for each process.
    ///
    /// # Examples
    /// ```
    /// # use rusm::prelude::*;
    /// # use rusm::otp::By;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::builder().build().await?;
    /// let before = node.snapshot();
    /// node.run("job", std::time::Duration::from_secs(1), async {}).await?;
    /// for used in node.snapshot().since(&before).top(By::RunTime, 10) {
    ///     println!("{} {}: {:?}", used.pid, used.label, used.run_time);
    /// }
    /// print!("{}", node.tree());
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshot(&self) -> Snapshot {
        let mut counts = Vec::new();
        self.table().each(|cell| {
            if cell.has_ended() {
                return;
            }
            let (own_label, kind) = cell.labels();
            counts.push(Count {
                pid: cell.pid(),
                own_label,
                kind,
                ticks: cell.run_ticks.load(Ordering::Relaxed),
                waiting: cell.mailbox().depth(cell),
                memory: memory(cell),
                turns: cell.turns.load(Ordering::Relaxed),
            });
        });
        Snapshot(counts)
    }
}

impl Snapshot {
    /// What those that are in this one have used since an earlier one; of what waits and of memory, by how much it has grown. Processes that have
    /// ended in between are not in it.
    pub fn since(mut self, earlier: &Self) -> Self {
        let before: HashMap<Pid, &Count> = earlier.0.iter().map(|count| (count.pid, count)).collect();
        for count in &mut self.0 {
            if let Some(before) = before.get(&count.pid) {
                count.ticks = count.ticks.saturating_sub(before.ticks);
                count.waiting = count.waiting.saturating_sub(before.waiting);
                count.memory = count.memory.saturating_sub(before.memory);
                count.turns = count.turns.saturating_sub(before.turns);
            }
        }
        self
    }

    /// Those that have used most: at most `n`, the first first; those with the same in the order of their pids.
    pub fn top(&self, by: By, n: usize) -> Vec<Usage> {
        let used = |count: &Count| match by {
            By::RunTime => count.ticks,
            By::Mailbox => count.waiting as u64,
            By::Memory => count.memory as u64,
            By::Turns => count.turns,
        };
        let rank = |count: &&Count| (std::cmp::Reverse(used(count)), count.pid);
        let mut counts: Vec<&Count> = self.0.iter().collect();
        if n < counts.len() {
            counts.select_nth_unstable_by_key(n, rank);
            counts.truncate(n);
        }
        counts.sort_unstable_by_key(rank);
        counts.into_iter().map(Count::usage).collect()
    }
}

impl Count {
    fn usage(&self) -> Usage {
        Usage {
            pid: self.pid,
            label: self.own_label.clone().unwrap_or_else(|| self.kind.into()),
            run_time: clock::duration(self.ticks),
            waiting: self.waiting,
            memory: self.memory,
            turns: self.turns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(slot: u32, used: u64) -> Count {
        let (waiting, memory) = (used as usize, used as usize);
        let pid = Pid::from_parts(0, 0, slot, 1);
        Count { pid, own_label: None, kind: "x", ticks: used, waiting, memory, turns: used }
    }

    fn top(snapshot: &Snapshot, n: usize) -> Vec<(u32, u64)> {
        let all = [By::RunTime, By::Mailbox, By::Memory, By::Turns].map(|by| snapshot.top(by, n));
        let slots: Vec<Vec<_>> =
            all.iter().map(|top| top.iter().map(|used| (used.pid.slot(), used.turns)).collect()).collect();
        assert!(slots.windows(2).all(|pair| pair[0] == pair[1]), "{slots:?}");
        slots[0].clone()
    }

    #[test]
    fn the_first_come_first() {
        let snapshot = Snapshot(vec![count(1, 5), count(2, 9), count(3, 5), count(4, 0)]);
        assert_eq!(top(&snapshot, 0), []);
        assert_eq!(top(&snapshot, 2), [(2, 9), (1, 5)]);
        assert_eq!(top(&snapshot, 9), [(2, 9), (1, 5), (3, 5), (4, 0)]);
    }

    #[test]
    fn a_span_counts_what_was_used_in_it() {
        let before = Snapshot(vec![count(1, 100), count(2, 1), count(3, 7)]);
        let after = Snapshot(vec![count(1, 101), count(2, 5), count(4, 2)]).since(&before);
        assert_eq!(top(&after, 9), [(2, 4), (4, 2), (1, 1)]);
    }
}

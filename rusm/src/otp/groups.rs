//! Process groups, as Erlang's `pg` has them on one node.
//!
//! A change is written to the group and to the queue of each of its monitors under the group's lock, so every monitor sees
//! the changes in the order in which they happened, from the very state that it was given at its start. Monitors are
//! told after the locks are given back, by whoever made the change, or by another who is just telling the same monitor: one
//! event at a time, in the order of the queue.

use super::naming::{Memberships, SHARDS, shielded};
use super::trial::RandomState;
use super::{NameError, Node, SendError, lock, registry};
use crate::wire::{Case, Field, MonitorRef, Payload, Pid, Type, Wire};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How many events may wait for a monitor that is being told of another one.
const MAX_WAITING: usize = 1024;

/// A group of processes, as [`Node::group`] gives it.
///
/// A process that joins several times is in it several times, until it has left as often or ends. A group is there
/// while somebody is in it. Cheap to clone.
///
/// # Examples
/// ```
/// use rusm::otp::GroupEvent;
/// use rusm::prelude::*;
///
/// pub struct Worker;
///
/// #[actor]
/// impl Worker {
///     #[init]
///     fn start(cx: &mut Cx<Self>) -> Result<Self, Exit> {
///         cx.node().group("workers")?.join(cx.pid())?;
///         Ok(Self)
///     }
/// }
///
/// /// Knows how many workers there are.
/// pub struct Board(usize);
///
/// #[actor]
/// impl Board {
///     #[init]
///     fn start(cx: &mut Cx<Self>) -> Result<Self, Exit> {
///         let me = cx.me();
///         let (_, now) = cx.node().group("workers")?.monitor(cx.pid(), move |event| me.changed(event).send())?;
///         Ok(Self(now.len()))
///     }
///
///     #[cast]
///     pub fn changed(&mut self, event: GroupEvent) {
///         match event {
///             GroupEvent::Joined { .. } => self.0 += 1,
///             GroupEvent::Left { times, .. } => self.0 -= times as usize,
///             // Only of a mailbox with a bound: monitor the group anew.
///             _ => {}
///         }
///     }
///
///     pub fn workers(&mut self) -> u64 {
///         self.0 as u64
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::builder().build().await?;
/// let first = node.spawn::<Worker>(()).await?;
/// let board = node.spawn::<Board>(()).await?;
/// let second = node.spawn::<Worker>(()).await?;
/// let members = node.group("workers")?.members();
/// assert_eq!(members.len(), 2);
/// assert_eq!(board.workers().await?, 2);
///
/// node.kill(first.pid());
/// node.ended(first.pid()).await;
/// assert_eq!(board.workers().await?, 1);
/// assert_eq!(node.group("workers")?.members(), [second.pid()]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Group {
    node: Node,
    name: Arc<str>,
}

/// What happened to a group.
///
/// Each `Joined` is followed by a `Left` sooner or later, also when the process was just ending while it was joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum GroupEvent {
    /// A process joined, for the first or one more time.
    Joined {
        /// Which one.
        pid: Pid,
    },
    /// A process left, or ended.
    Left {
        /// Which one.
        pid: Pid,
        /// How often it was in the group and is not any more: once for each [`Group::leave`], all at once for its end.
        times: u64,
    },
    /// Some events could not be sent, because the monitor's mailbox was full. To know who is in the group, monitor it anew.
    Missed {
        /// How many.
        events: u64,
    },
}

const PID: Field = Field { name: "pid", ty: Pid::SCHEMA };

impl Wire for GroupEvent {
    const SCHEMA: &'static Type = &Type::Variant {
        name: "GroupEvent",
        cases: &[
            Case { name: "Joined", payload: Payload::Record(&[PID]) },
            Case { name: "Left", payload: Payload::Record(&[PID, Field { name: "times", ty: &Type::U64 }]) },
            Case { name: "Missed", payload: Payload::Record(&[Field { name: "events", ty: &Type::U64 }]) },
        ],
    };
}

type Tell = Box<dyn Fn(GroupEvent) -> Result<(), SendError> + Send + Sync>;

struct Monitor {
    owner: Pid,
    tell: Tell,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<GroupEvent>,
    /// How many events in front of those that wait could not be sent.
    missed: u64,
    /// Somebody is telling it an event, and will look for more.
    telling: bool,
    /// Nobody is to be told any more.
    closed: bool,
}

impl GroupEvent {
    fn weight(self) -> u64 {
        if let Self::Missed { events } = self { events } else { 1 }
    }
}

impl Monitor {
    fn push(&self, event: GroupEvent) {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return;
        }
        if queue.waiting.len() < MAX_WAITING {
            queue.waiting.push_back(event);
        } else if let Some(GroupEvent::Missed { events }) = queue.waiting.back_mut() {
            *events += event.weight();
        } else {
            queue.waiting.push_back(GroupEvent::Missed { events: event.weight() });
        }
    }

    fn close(&self) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        queue.waiting = VecDeque::new();
    }

    /// Tells what waits, unless somebody is at it. Whether there still is somebody to tell.
    fn tell(&self) -> bool {
        loop {
            let (event, is_owed) = {
                let mut queue = lock(&self.queue);
                if queue.closed || queue.telling {
                    return !queue.closed;
                }
                let is_owed = queue.missed > 0 && !queue.waiting.is_empty();
                let owed = is_owed.then_some(GroupEvent::Missed { events: queue.missed });
                let Some(event) = owed.or_else(|| queue.waiting.pop_front()) else { return true };
                queue.telling = true;
                (event, is_owed)
            };
            let told = shielded(self.owner, "a group's monitor was told", || (self.tell)(event));
            let mut queue = lock(&self.queue);
            queue.telling = false;
            match told {
                Some(Ok(())) if is_owed => queue.missed = 0,
                Some(Ok(())) => {}
                // What comes after a gap that can't be told is part of the gap.
                Some(Err(error)) if !matches!(error, SendError::NoProcess(_)) => {
                    let lost = if is_owed { queue.waiting.pop_front() } else { Some(event) };
                    queue.missed += lost.map_or(0, GroupEvent::weight);
                }
                _ => {
                    queue.closed = true;
                    queue.waiting = VecDeque::new();
                    return false;
                }
            }
        }
    }
}

#[derive(Default)]
struct State {
    members: BTreeMap<Pid, u64>,
    monitors: BTreeMap<(Pid, MonitorRef), Arc<Monitor>>,
}

impl State {
    /// Lets all monitors know; they are to be told after the lock.
    fn push(&self, event: GroupEvent) -> Vec<Arc<Monitor>> {
        self.monitors.values().inspect(|monitor| monitor.push(event)).cloned().collect()
    }

    fn holds(&self, pid: Pid) -> bool {
        self.members.contains_key(&pid) || self.monitors.range(all_of(pid)).next().is_some()
    }

    fn list(&self) -> Vec<Pid> {
        self.members.iter().flat_map(|(pid, times)| (0..*times).map(|_| *pid)).collect()
    }
}

fn all_of(pid: Pid) -> std::ops::RangeInclusive<(Pid, MonitorRef)> {
    (pid, MonitorRef::from_raw(0))..=(pid, MonitorRef::from_raw(u64::MAX))
}

type Part = HashMap<Arc<str>, State, RandomState>;

/// The groups of one node. A process is in the index of a group that it is in or monitors.
#[derive(Default)]
pub(crate) struct Groups {
    hasher: RandomState,
    parts: [RwLock<Part>; SHARDS],
    held: Memberships<Arc<str>, ()>,
}

impl Groups {
    fn part(&self, group: &str) -> &RwLock<Part> {
        &self.parts[self.hasher.hash_one(group) as usize % SHARDS]
    }

    fn read(&self, group: &str) -> RwLockReadGuard<'_, Part> {
        self.part(group).read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, group: &str) -> RwLockWriteGuard<'_, Part> {
        self.part(group).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what a process is to a group, in the group and in the index.
    fn change<R>(&self, group: &Arc<str>, pid: Pid, change: impl FnOnce(&mut State) -> R) -> R {
        self.held.of(pid, |held| {
            let mut part = self.write(group);
            let state = part.entry(group.clone()).or_default();
            let result = change(state);
            if state.holds(pid) {
                held.insert(group.clone(), ());
            } else {
                held.remove(group);
            }
            if state.members.is_empty() && state.monitors.is_empty() {
                part.remove(group);
            }
            result
        })
    }

    fn tell(&self, group: &Arc<str>, monitors: Vec<Arc<Monitor>>) {
        for monitor in monitors {
            let owner = monitor.owner;
            let mut forgotten = None;
            if !monitor.tell() {
                forgotten = self.change(group, owner, |state| {
                    let mut of_owner = state.monitors.range(all_of(owner));
                    let key = *of_owner.find(|(_, known)| Arc::ptr_eq(known, &monitor))?.0;
                    state.monitors.remove(&key)
                });
            }
            shielded(owner, "its monitor of a group was dropped", || drop((forgotten, monitor)));
        }
    }

    fn join(&self, group: &Arc<str>, pid: Pid, is_alive: impl Fn(Pid) -> bool) -> Result<(), NameError> {
        let monitors = self.change(group, pid, |state| {
            *state.members.entry(pid).or_default() += 1;
            state.push(GroupEvent::Joined { pid })
        });
        self.tell(group, monitors);
        self.recheck(pid, is_alive)
    }

    fn leave(&self, group: &Arc<str>, pid: Pid) -> bool {
        let monitors = self.change(group, pid, |state| {
            let times = state.members.get_mut(&pid)?;
            *times -= 1;
            if *times == 0 {
                state.members.remove(&pid);
            }
            Some(state.push(GroupEvent::Left { pid, times: 1 }))
        });
        let Some(monitors) = monitors else { return false };
        self.tell(group, monitors);
        true
    }

    fn monitor(
        &self,
        group: &Arc<str>,
        (owner, reference): (Pid, MonitorRef),
        tell: Tell,
        is_alive: impl Fn(Pid) -> bool,
    ) -> Result<Vec<Pid>, NameError> {
        let monitor = Arc::new(Monitor { owner, tell, queue: Mutex::default() });
        let members = self.change(group, owner, |state| {
            state.monitors.insert((owner, reference), monitor);
            // The dead among them too, if there are any: that they leave will be told.
            state.list()
        });
        self.recheck(owner, is_alive)?;
        Ok(members)
    }

    fn demonitor(&self, group: &Arc<str>, owner: Pid, reference: MonitorRef) -> bool {
        let monitor = self.change(group, owner, |state| state.monitors.remove(&(owner, reference)));
        monitor.inspect(|monitor| monitor.close()).is_some()
    }

    fn recheck(&self, pid: Pid, is_alive: impl Fn(Pid) -> bool) -> Result<(), NameError> {
        if is_alive(pid) {
            return Ok(());
        }
        self.leave_all(pid);
        Err(NameError::NoProcess)
    }

    /// Sorted; a process as often as it has joined.
    fn members(&self, group: &str, is_alive: impl Fn(Pid) -> bool) -> Vec<Pid> {
        let mut members = self.read(group).get(group).map(State::list).unwrap_or_default();
        members.retain(|pid| is_alive(*pid));
        members
    }

    fn all(&self, is_alive: impl Fn(Pid) -> bool) -> Vec<Arc<str>> {
        let mut groups = Vec::new();
        for part in &self.parts {
            let part = part.read().unwrap_or_else(PoisonError::into_inner);
            let inhabited = part.iter().filter(|(_, state)| state.members.keys().any(|pid| is_alive(*pid)));
            groups.extend(inhabited.map(|(group, _)| group.clone()));
        }
        groups.sort();
        groups
    }

    /// The groups that a process is in, sorted.
    pub(crate) fn of(&self, pid: Pid) -> Vec<Arc<str>> {
        let mut groups = self.held.keys(pid);
        groups.retain(|group| self.read(group).get(group).is_some_and(|state| state.members.contains_key(&pid)));
        groups.sort_unstable();
        groups
    }

    /// See [`Naming::leave_all`](super::naming::Naming::leave_all).
    pub(crate) fn leave_all(&self, pid: Pid) {
        for group in self.held.take(pid).into_keys() {
            let (monitors, own) = {
                let mut part = self.write(&group);
                let Some(state) = part.get_mut(&group) else { continue };
                let own: Vec<_> = state.monitors.range(all_of(pid)).map(|(key, _)| *key).collect();
                let own: Vec<_> = own.iter().filter_map(|key| state.monitors.remove(key)).collect();
                let times = state.members.remove(&pid);
                let monitors = times.map(|times| state.push(GroupEvent::Left { pid, times })).unwrap_or_default();
                if state.members.is_empty() && state.monitors.is_empty() {
                    part.remove(&group);
                }
                (monitors, own)
            };
            for monitor in own {
                monitor.close();
                shielded(pid, "its monitor of a group was dropped", || drop(monitor));
            }
            self.tell(&group, monitors);
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.parts.iter().all(|part| part.read().unwrap().is_empty())
    }
}

impl Group {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts a process into the group, once more if it is in it.
    ///
    /// # Errors
    /// [`NameError::NoProcess`]: it has ended.
    pub fn join(&self, pid: Pid) -> Result<(), NameError> {
        if !self.node.mark_member(pid) {
            return Err(NameError::NoProcess);
        }
        self.node.naming().groups.join(&self.name, pid, |pid| self.node.is_alive(pid))
    }

    /// Takes a process out of the group, once; whether it was in it.
    pub fn leave(&self, pid: Pid) -> bool {
        self.node.naming().groups.leave(&self.name, pid)
    }

    /// Who is in it, sorted; a process as often as it has joined.
    pub fn members(&self) -> Vec<Pid> {
        self.node.naming().groups.members(&self.name, |pid| self.node.is_alive(pid))
    }

    /// Tells `owner`, a process, of all changes until it ends: `tell` is to send it a message. Returns who is in the group
    /// right before the first of them, as [`members`](Self::members) does.
    ///
    /// The events come in the order of the changes, one at a time, on the thread of whoever made this or another change; `tell`
    /// must not block. An event that it can't send is counted and told later as [`GroupEvent::Missed`]. When `tell` finds no
    /// process, or panics, the monitor is gone.
    ///
    /// # Errors
    /// [`NameError::NoProcess`]: the owner has ended.
    pub fn monitor(
        &self,
        owner: Pid,
        tell: impl Fn(GroupEvent) -> Result<(), SendError> + Send + Sync + 'static,
    ) -> Result<(MonitorRef, Vec<Pid>), NameError> {
        if !self.node.mark_member(owner) {
            return Err(NameError::NoProcess);
        }
        let reference = self.node.next_monitor();
        let is_alive = |pid| self.node.is_alive(pid);
        let members = self.node.naming().groups.monitor(&self.name, (owner, reference), Box::new(tell), is_alive)?;
        Ok((reference, members))
    }

    /// Ends a monitor; whether there was one. An event that is being sent on another thread may still arrive.
    pub fn demonitor(&self, owner: Pid, monitor: MonitorRef) -> bool {
        self.node.naming().groups.demonitor(&self.name, owner, monitor)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Node {
    /// The group of this name; see [`Group`].
    ///
    /// # Errors
    /// A text that can't be a name.
    pub fn group(&self, name: &str) -> Result<Group, NameError> {
        registry::check(name)?;
        Ok(Group { node: self.clone(), name: name.into() })
    }

    /// The names of the groups that somebody is in, sorted.
    pub fn groups(&self) -> Vec<Arc<str>> {
        self.naming().groups.all(|pid| self.is_alive(pid))
    }
}

#[cfg(test)]
mod tests;

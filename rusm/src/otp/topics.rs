//! Topics: a message for whoever has subscribed to a name.
//!
//! A publish works on a list of subscribers that no lock is held for; the list is made again after a change only. So a
//! closure of the publisher may subscribe, unsubscribe and publish as it likes.

use super::directory::{Directory, Membership, Opened, Store as Stored};
use super::naming::{OpenError, shielded};
use super::{Address, Client, NameError, Node, SendError, lock};
use crate::wire::Pid;
use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A topic, as [`Node::topic`] gives it: its subscribers are all sent what is published.
///
/// A process subscribes once: subscribing again replaces its client and its policy. Its subscription ends with it. A topic
/// exists as long as somebody has subscribed or holds a handle to it. Cheap to clone.
///
/// # Examples
/// ```
/// use rusm::otp::{Slow, Topic};
/// use rusm::prelude::*;
///
/// pub struct Screen(u64);
///
/// #[actor]
/// impl Screen {
///     #[init]
///     fn start(cx: &mut Cx<Self>) -> Result<Self, Exit> {
///         let prices: Topic<ScreenClient> = cx.node().topic("prices/eur")?;
///         prices.subscribe_with(cx.me(), Slow::Skip { above: 100 })?;
///         Ok(Self(0))
///     }
///
///     #[cast]
///     pub fn price(&mut self, cents: u64) {
///         self.0 = cents;
///     }
///
///     pub fn shown(&mut self) -> u64 {
///         self.0
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::builder().build().await?;
/// let (left, right) = (node.spawn::<Screen>(()).await?, node.spawn::<Screen>(()).await?);
/// let prices = node.topic::<ScreenClient>("prices/eur")?;
/// let report = prices.publish(|screen| screen.price(107).send());
/// assert_eq!(report.delivered, 2);
/// assert_eq!((left.shown().await?, right.shown().await?), (107, 107));
///
/// node.kill(left.pid());
/// node.ended(left.pid()).await;
/// assert_eq!(prices.publish(|screen| screen.price(108).send()).delivered, 1);
/// # Ok(())
/// # }
/// ```
pub struct Topic<C: Client> {
    node: Node,
    store: Arc<Opened<Store<C>>>,
}

/// What becomes of a subscriber that reads too slowly, by how many messages wait in its mailbox when one is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Slow {
    /// It is sent everything; a bound of its mailbox holds all the same.
    #[default]
    Keep,
    /// It is not sent what is published while more than this many wait.
    Skip {
        /// How many may wait.
        above: usize,
    },
    /// Its subscription ends once more than this many wait.
    Disconnect {
        /// How many may wait.
        above: usize,
    },
}

/// What became of one publish: each subscriber is in one of the counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// It is in their mailboxes.
    pub delivered: usize,
    /// It was not sent to these: they are too slow, or their mailboxes are full.
    pub shed: usize,
    /// They were too slow and are no subscribers any more.
    pub disconnected: usize,
    /// They had ended, and are no subscribers any more.
    pub gone: usize,
    /// They could not be sent it for another reason, and stay.
    pub failed: usize,
    /// The first of the other reasons.
    pub error: Option<SendError>,
}

/// A subscriber, for those who look after a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subscriber {
    /// The process.
    pub pid: Pid,
    /// Its policy.
    pub slow: Slow,
    /// How many messages it was not sent because it was too slow or its mailbox full.
    pub shed: u64,
}

struct Subscription<C> {
    pid: Pid,
    client: C,
    slow: Slow,
    shed: AtomicU64,
}

type List<C> = Arc<[Arc<Subscription<C>>]>;

struct Subscriptions<C> {
    by_pid: BTreeMap<Pid, Arc<Subscription<C>>>,
    /// The same in a row, since somebody published.
    list: Option<List<C>>,
}

pub(super) struct Store<C>(Mutex<Subscriptions<C>>);

impl<C> Default for Store<C> {
    fn default() -> Self {
        Self(Mutex::new(Subscriptions { by_pid: BTreeMap::new(), list: None }))
    }
}

impl<C: Client> Stored for Store<C> {
    type Membership = Held<C>;

    fn types() -> &'static str {
        type_name::<C>()
    }
}

/// What is taken out of a store: dropping it runs foreign code, so that happens outside of its lock.
#[must_use]
struct Removed<C>(
    #[allow(dead_code, reason = "it is there to be dropped")] Option<List<C>>,
    Option<Arc<Subscription<C>>>,
);

impl<C> Store<C> {
    fn insert(&self, subscription: Arc<Subscription<C>>) -> Removed<C> {
        let mut all = lock(&self.0);
        let replaced = all.by_pid.insert(subscription.pid, subscription);
        Removed(all.list.take(), replaced)
    }

    /// Takes out what a process has subscribed, if it is what is expected.
    fn remove(&self, pid: Pid, expected: impl FnOnce(&Arc<Subscription<C>>) -> bool) -> Removed<C> {
        let mut all = lock(&self.0);
        if !all.by_pid.get(&pid).is_some_and(expected) {
            return Removed(None, None);
        }
        let removed = all.by_pid.remove(&pid);
        Removed(all.list.take(), removed)
    }

    fn list(&self) -> List<C> {
        let mut all = lock(&self.0);
        let Subscriptions { by_pid, list } = &mut *all;
        list.get_or_insert_with(|| by_pid.values().cloned().collect()).clone()
    }
}

/// The subscription of one process.
pub(super) struct Held<C: Client> {
    store: Arc<Opened<Store<C>>>,
    is_subscribed: bool,
}

impl<C: Client> Membership for Held<C> {
    type Store = Store<C>;

    fn new(store: Arc<Opened<Store<C>>>) -> Self {
        Self { store, is_subscribed: false }
    }

    fn is_empty(&self) -> bool {
        !self.is_subscribed
    }

    fn leave(self, pid: Pid) {
        let removed = self.store.remove(pid, |_| true);
        shielded(pid, "its subscription was dropped", || drop(removed));
    }
}

impl<C: Client> Opened<Store<C>> {
    /// The steps of [`naming`](super::naming), without a node.
    fn join(
        self: &Arc<Self>,
        home: &Directory,
        subscription: Arc<Subscription<C>>,
        is_alive: impl Fn(Pid) -> bool,
    ) -> Result<(), NameError> {
        let pid = subscription.pid;
        let removed = home.of(self, pid, |held| {
            held.is_subscribed = true;
            self.insert(subscription)
        });
        drop(removed);
        if is_alive(pid) {
            return Ok(());
        }
        home.leave_all(pid);
        Err(NameError::NoProcess)
    }
}

/// The process that a client leads to now.
fn owner<C: Client>(client: &C) -> Option<Pid> {
    let address = client.address();
    address.pid().or_else(|| address.find(|found| found.cell.pid()).ok())
}

/// How many messages wait for a subscriber.
fn depth<C: Client>(client: &C) -> usize {
    client.address().depth().unwrap_or(0)
}

impl<C: Client> Topic<C> {
    /// What it is called.
    pub fn name(&self) -> &str {
        self.store.name()
    }

    /// Subscribes the process that the client leads to: its own (`cx.me()`), or another's. Sends it everything.
    ///
    /// # Errors
    /// [`NameError::NoProcess`]: it has ended, or nobody holds the name.
    pub fn subscribe(&self, client: C) -> Result<(), NameError> {
        self.subscribe_with(client, Slow::Keep)
    }

    /// [`subscribe`](Self::subscribe), with a policy.
    ///
    /// A client of a name subscribes who holds it now.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn subscribe_with(&self, client: C, slow: Slow) -> Result<(), NameError> {
        let pid = owner(&client).ok_or(NameError::NoProcess)?;
        let client = if client.address().pid().is_some() { client } else { self.client_of(pid) };
        self.join(pid, client, slow)
    }

    /// Subscribes a process by its pid.
    ///
    /// Whether it takes such messages is seen when one is published: if not, it is counted as failed.
    ///
    /// # Errors
    /// [`NameError::NoProcess`]: it has ended.
    pub fn subscribe_pid(&self, pid: Pid, slow: Slow) -> Result<(), NameError> {
        self.join(pid, self.client_of(pid), slow)
    }

    fn client_of(&self, pid: Pid) -> C {
        C::from_address(Address::pid_on(&self.node, pid))
    }

    fn join(&self, pid: Pid, client: C, slow: Slow) -> Result<(), NameError> {
        if !self.node.mark_member(pid) {
            return Err(NameError::NoProcess);
        }
        let subscription = Arc::new(Subscription { pid, client, slow, shed: AtomicU64::new(0) });
        self.store.join(&self.node.naming().topics, subscription, |pid| self.node.is_alive(pid))
    }

    /// Ends the subscription of a process; whether it had one.
    pub fn unsubscribe(&self, pid: Pid) -> bool {
        self.quit(pid, |_| true)
    }

    fn quit(&self, pid: Pid, expected: impl FnOnce(&Arc<Subscription<C>>) -> bool) -> bool {
        let removed = self.node.naming().topics.of(&self.store, pid, |held| {
            let removed = self.store.remove(pid, expected);
            held.is_subscribed &= removed.1.is_none();
            removed
        });
        removed.1.is_some()
    }

    /// Sends a message to all subscribers: `send` is run for the client of each, in the order of their pids.
    ///
    /// Who subscribes or leaves meanwhile may get the message or not. Costs a send for each subscriber, and a look at its
    /// mailbox if it has a policy.
    pub fn publish(&self, mut send: impl FnMut(&C) -> Result<(), SendError>) -> Published {
        let mut report = Published::default();
        for subscription in self.store.list().iter() {
            let Subscription { pid, client, slow, shed } = &**subscription;
            let is_this = |known: &Arc<_>| Arc::ptr_eq(known, subscription);
            match *slow {
                Slow::Skip { above } if depth(client) > above => {
                    shed.fetch_add(1, Ordering::Relaxed);
                    report.shed += 1;
                    continue;
                }
                Slow::Disconnect { above } if depth(client) > above => {
                    self.quit(*pid, is_this);
                    report.disconnected += 1;
                    continue;
                }
                _ => {}
            }
            match send(client) {
                Ok(()) => report.delivered += 1,
                Err(SendError::Full) => {
                    shed.fetch_add(1, Ordering::Relaxed);
                    report.shed += 1;
                }
                Err(SendError::NoProcess(_)) => {
                    self.quit(*pid, is_this);
                    report.gone += 1;
                }
                Err(error) => {
                    report.failed += 1;
                    report.error.get_or_insert(error);
                }
            }
        }
        report
    }

    /// The subscribers, sorted by pid.
    pub fn subscribers(&self) -> Vec<Subscriber> {
        let list = self.store.list();
        let alive = list.iter().filter(|subscription| self.node.is_alive(subscription.pid));
        alive
            .map(|subscription| Subscriber {
                pid: subscription.pid,
                slow: subscription.slow,
                shed: subscription.shed.load(Ordering::Relaxed),
            })
            .collect()
    }
}

impl<C: Client> Clone for Topic<C> {
    fn clone(&self) -> Self {
        Self { node: self.node.clone(), store: self.store.clone() }
    }
}

impl<C: Client> fmt::Debug for Topic<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("name", self.store.name()).finish_non_exhaustive()
    }
}

impl Node {
    /// The topic of this name, for clients of one type; see [`Topic`].
    ///
    /// # Errors
    /// A text that can't be a name; a topic that is in use with another type of client.
    pub fn topic<C: Client>(&self, name: &str) -> Result<Topic<C>, OpenError> {
        Ok(Topic { node: self.clone(), store: self.naming().topics.open(name)? })
    }

    /// The names of the topics that are in use, sorted.
    pub fn topics(&self) -> Vec<Arc<str>> {
        self.naming().topics.names()
    }
}

#[cfg(test)]
mod tests;

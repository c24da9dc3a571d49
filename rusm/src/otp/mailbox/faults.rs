//! In a test's run: messages that are lost or late on their way to one process.
//!
//! A message that is lost is kept until the process ends: dropping it would answer its caller, and the network that this plays tells
//! nobody what it lost. One that is late keeps its place among all that the same process sends, signals of its end included,
//! since that order is promised.
//!
//! Rules are looked at outside of the mailbox's lock: they are the test's code.

use super::counted::{Flushed, size};
use super::{Item, Mailbox, Other, PushError, drop_all, shed};
use crate::otp::cell::{CellPtr, CellRef};
use crate::otp::sched::timers::Due;
use crate::otp::trial::Trial;
use crate::otp::{context, lock};
use crate::wire::Pid;
use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What happens to the messages for one process from now on.
pub(crate) enum Rule {
    /// Those are lost for whose number, counted from this rule on, it says yes.
    Drop(Which),
    /// They are late by a time that is drawn.
    Delay(RangeInclusive<Duration>),
    /// They get there; what is late stays late.
    Deliver,
}

pub(crate) type Which = Box<dyn FnMut(u64) -> bool + Send>;

pub(super) struct Faults<M>(Option<Arc<Fault<M>>>);

impl<M> Default for Faults<M> {
    fn default() -> Self {
        Self(None)
    }
}

struct Fault<M> {
    trial: Arc<Trial>,
    cell: CellRef,
    rules: Mutex<Rules>,
    held: Mutex<Held<M>>,
}

#[derive(Default)]
struct Rules {
    drop: Option<(Which, u64)>,
    delay: Option<RangeInclusive<Duration>>,
}

struct Held<M> {
    lost: Vec<Item<M>>,
    /// By the millisecond when they are due, and in order.
    late: BTreeMap<(u64, u64), Late<M>>,
    next: u64,
}

struct Late<M> {
    from: Option<Pid>,
    item: Item<M>,
    urgent: bool,
}

impl<M> Faults<M> {
    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// What the faults still hold.
    pub(super) fn close(self) -> VecDeque<Item<M>> {
        let Some(fault) = self.0 else { return VecDeque::new() };
        let mut held = lock(&fault.held);
        let lost = std::mem::take(&mut held.lost).into_iter();
        lost.chain(std::mem::take(&mut held.late).into_values().map(|late| late.item)).collect()
    }
}

impl<M> Fault<M> {
    fn is_lost(&self) -> bool {
        // Taken out, so that the test's code runs without the lock.
        let Some((mut which, number)) = lock(&self.rules).drop.take() else { return false };
        let lost = which(number);
        lock(&self.rules).drop.get_or_insert((which, number + 1));
        lost
    }

    /// When a message of this sender is due, in milliseconds; None: at once.
    fn due(&self, from: Option<Pid>, is_message: bool) -> Option<u64> {
        let scheduler = self.cell.inner().scheduler();
        let delay = lock(&self.rules).delay.clone().filter(|_| is_message).map(|delay| {
            let (least, most) = (delay.start().as_millis() as u64, delay.end().as_millis() as u64);
            let more = self.trial.draw(|draw| draw.below((most.saturating_sub(least)).saturating_add(1)));
            scheduler.millis(context::now()).saturating_add(least).saturating_add(more)
        });
        let held = lock(&self.held);
        let behind = held.late.iter().filter(|(_, late)| late.from == from).map(|((due, _), _)| *due).max();
        delay.max(behind)
    }
}

impl<M: Send + 'static> Mailbox<M> {
    fn fault(&self, cell: CellPtr<'_>) -> Option<Arc<Fault<M>>> {
        self.open(cell).counted()?.faults.0.clone()
    }

    /// Lets an item through, unless the faults have it.
    pub(super) fn pass(&self, cell: CellPtr<'_>, item: Item<M>, urgent: bool) -> Option<Item<M>> {
        let Some(fault) = self.fault(cell) else { return Some(item) };
        let (is_message, _) = size(&item);
        let from = match &item {
            Item::Other(other) => match &**other {
                Other::Exit(exit) => Some(exit.from),
                Other::Down(down) => Some(down.pid),
                Other::Stop(_) => return Some(item),
                Other::Wire(_) | Other::Traced(_) => context::with(|cell| cell.pid()),
            },
            Item::Local(..) => context::with(|cell| cell.pid()),
        };
        if is_message && fault.is_lost() {
            lock(&fault.held).lost.push(item);
            return None;
        }
        let Some(due) = fault.due(from, is_message) else { return Some(item) };
        self.hold(&fault, due, Late { from, item, urgent });
        None
    }

    fn hold(&self, fault: &Arc<Fault<M>>, due: u64, late: Late<M>) {
        {
            let mut held = lock(&fault.held);
            let number = held.next;
            held.next += 1;
            held.late.insert((due, number), late);
        }
        let inner = fault.cell.inner();
        let at = inner.scheduler().moment(due);
        let fault = fault.clone();
        let release = move || {
            if let Some(mailbox) = fault.cell.ptr().typed::<M>() {
                mailbox.release_late(&fault, due);
            }
        };
        inner.scheduler().set_timer(inner, at, Due::Run(Box::new(release)));
    }

    /// Puts into the queue what is due.
    fn release_late(&self, fault: &Arc<Fault<M>>, due: u64) {
        let cell = fault.cell.ptr();
        loop {
            let next = {
                let mut held = lock(&fault.held);
                let first = held.late.first_key_value().is_some_and(|((at, _), _)| *at <= due);
                if first { held.late.pop_first() } else { None }
            };
            let Some((_, Late { from, item, urgent })) = next else { return };
            match self.push_now(cell, item, urgent, None) {
                Ok(()) => {}
                // Its sender does not wait any more: the message does.
                Err((item, PushError::Full(crate::otp::Overflow::Block))) => {
                    return self.hold(fault, due + 1, Late { from, item, urgent });
                }
                Err((item, PushError::Full(_))) => shed(cell, item),
                Err((item, PushError::Closed)) => drop(drop_all(VecDeque::from([item]))),
            }
        }
    }

    /// Takes late signals away.
    pub(super) fn forget(&self, cell: CellPtr<'_>, sign: Flushed) {
        if let Some(fault) = self.fault(cell) {
            let is_it = |late: &Late<M>| matches!(&late.item, Item::Other(other) if Flushed::of(other) == Some(sign));
            lock(&fault.held).late.retain(|_, late| !is_it(late));
        }
    }
}

/// What only a test's run asks of a mailbox.
pub(crate) trait Observed {
    /// Sets a rule; `cell` is the mailbox's process.
    fn rule(&self, trial: Arc<Trial>, cell: CellPtr<'_>, rule: Rule);
    /// Whether its receiver waits.
    fn is_parked(&self, cell: CellPtr<'_>) -> bool;
}

impl<M: Send + 'static> Observed for Mailbox<M> {
    fn rule(&self, trial: Arc<Trial>, cell: CellPtr<'_>, rule: Rule) {
        let Some(cell) = cell.acquire() else { return };
        let fault = {
            let held = Held { lost: Vec::new(), late: BTreeMap::new(), next: 0 };
            let new = Arc::new(Fault { trial, cell: cell.clone(), rules: Mutex::default(), held: Mutex::new(held) });
            let mut open = self.open(cell.ptr());
            if open.state.is_closed() {
                return;
            }
            let fault = open.make_queue().make_counted().faults.0.get_or_insert(new).clone();
            open.settle();
            fault
        };
        let before = {
            let mut rules = lock(&fault.rules);
            match rule {
                Rule::Drop(which) => rules.drop.replace((which, 0)),
                Rule::Delay(by) => {
                    rules.delay = Some(by);
                    None
                }
                Rule::Deliver => {
                    rules.delay = None;
                    rules.drop.take()
                }
            }
        };
        drop(before);
    }

    fn is_parked(&self, cell: CellPtr<'_>) -> bool {
        let open = self.open(cell);
        open.state.is_wanting() || open.counted().is_some_and(|counted| counted.receiver.is_some())
    }
}

//! The executor: one future at a time, driven by a host that numbers what was started.
//!
//! # Who holds what
//! - A [`Ticket`] is one operation under way: a call, a spawn or a timer. It owns one slot of the table.
//!   Its number is the slot's index and the slot's generation, so that an event of an operation that is
//!   gone finds no slot, also when the slot has been given to another one.
//! - A slot is `Waiting` until the host's event arrives, then `Done` until its ticket takes the
//!   outcome. A ticket that is dropped before frees its slot and has the host cancel the operation. A spawn can't be
//!   cancelled: its slot is `Abandoned`, and its number in use, until the host has told its outcome.
//! - Only [`Executor::block_on`] asks the host for events, so only it parks the process. It does so when
//!   the future is pending and nobody has woken it: each event wakes the waker of its own slot, and
//!   the future is polled again only if that was (a clone of) its own waker. Futures that poll their
//!   parts one by one (`join!`) and those that poll by wake (`FuturesUnordered`) both work.
//!
//! # Risky cases
//! - *The event arrives before the ticket was polled again*: the outcome stays in the slot.
//! - *A ticket outlives its `block_on`* (an actor keeps a pending call in its state): the event may be
//!   fetched by a later `block_on`; it stays in the slot until the ticket is polled.
//! - *The host has no event and never will* while the future is pending: nothing can wake it any more,
//!   so the process panics rather than hang.
//! - *Deliveries* are asked for only while somebody waits for one. One that was fetched and not taken
//!   (its waiter was dropped meanwhile) is kept, in order. Of several waiters all are woken, so none depends on
//!   what another one does.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// What the executor needs of whoever performs the operations.
pub trait Host {
    /// The outcome of a call.
    type Answer: Send;
    /// The outcome of a spawn.
    type Spawned: Send;
    /// Something from the mailbox.
    type Delivery: Send;

    /// Waits for the next event; `None` when none can ever come.
    fn next(&self, deliveries: bool) -> Option<Event<Self>>;
    /// Forgets a call or a timer: no event of it comes any more. What it has caused until now stays.
    fn cancel(&self, operation: Operation, number: u32);
}

/// The kinds of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A call of another process.
    Call,
    /// The start of another process.
    Spawn,
    /// A timer.
    Timer,
}

/// Something the host tells.
pub enum Event<H: Host + ?Sized> {
    /// The operation of this number is complete.
    Done(u32, Outcome<H>),
    /// Something from the mailbox.
    Delivery(H::Delivery),
}

/// How an operation ended.
pub enum Outcome<H: Host + ?Sized> {
    /// A call's.
    Answered(H::Answer),
    /// A spawn's.
    Spawned(H::Spawned),
    /// A timer's.
    Fired,
}

/// Names the kind only: what the host gave is the process's own.
impl<H: Host + ?Sized> fmt::Debug for Event<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(number, outcome) => write!(f, "{outcome:?} {number}"),
            Self::Delivery(_) => f.write_str("Delivery"),
        }
    }
}

impl<H: Host + ?Sized> fmt::Debug for Outcome<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered(_) => "Answered",
            Self::Spawned(_) => "Spawned",
            Self::Fired => "Fired",
        })
    }
}

/// Drives futures over a [`Host`].
pub struct Executor<H: Host> {
    host: H,
    state: Mutex<State<H>>,
    woken: Arc<Woken>,
}

struct State<H: Host> {
    slots: Vec<Slot<H>>,
    free: Vec<u32>,
    deliveries: VecDeque<H::Delivery>,
    receivers: Vec<(u64, Waker)>,
    last_receiver: u64,
}

struct Slot<H: Host> {
    generation: u32,
    state: SlotState<H>,
}

enum SlotState<H: Host> {
    Free,
    Waiting(Option<Waker>),
    Abandoned,
    Done(Outcome<H>),
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// A number is 20 bits of index under 12 bits of generation.
const INDEX_BITS: u32 = 20;
const MAX_OPERATIONS: usize = 1 << INDEX_BITS;
const GENERATIONS: u32 = 1 << (u32::BITS - INDEX_BITS);

impl<H: Host> Executor<H> {
    /// An executor with nothing under way.
    pub fn new(host: H) -> Self {
        let state = State {
            slots: Vec::new(),
            free: Vec::new(),
            deliveries: VecDeque::new(),
            receivers: Vec::new(),
            last_receiver: 0,
        };
        Self { host, state: Mutex::new(state), woken: Arc::default() }
    }

    /// Runs a future to its end.
    ///
    /// # Panics
    /// If it waits for something that can never come: it is pending, was not woken, and nothing is
    /// under way.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut output = None;
        // All that depends on the future's type is this shell; the loop exists once.
        self.drive(pin!(async { output = Some(future.await) }));
        match output {
            Some(output) => output,
            None => unreachable!("the future has ended"),
        }
    }

    fn drive(&self, mut future: Pin<&mut dyn Future<Output = ()>>) {
        let waker = Waker::from(self.woken.clone());
        let mut cx = Context::from_waker(&waker);
        while future.as_mut().poll(&mut cx).is_pending() {
            while !self.woken.0.swap(false, Ordering::Acquire) {
                let deliveries = !self.state().receivers.is_empty();
                match self.host.next(deliveries) {
                    Some(event) => self.apply(event),
                    None => panic!(
                        "this process waits for something that can never come: no call, spawn or timer is under way \
                         (futures of other runtimes don't work in a component)"
                    ),
                }
            }
        }
    }

    fn apply(&self, event: Event<H>) {
        let mut state = self.state();
        match event {
            Event::Delivery(delivery) => {
                state.deliveries.push_back(delivery);
                let receivers = std::mem::take(&mut state.receivers);
                drop(state);
                receivers.into_iter().for_each(|(_, waker)| waker.wake());
            }
            Event::Done(number, outcome) => {
                let waker = state.complete(number, outcome);
                drop(state);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
        }
    }

    /// Starts an operation: `start` is given its number.
    ///
    /// # Panics
    /// If more than a million operations are under way.
    pub fn start(&self, operation: Operation, start: impl FnOnce(u32)) -> Ticket<'_, H> {
        let number = self.state().allocate();
        start(number);
        Ticket { executor: self, operation, number, taken: false }
    }

    /// Waits for something from the mailbox.
    ///
    /// # Cancel safety
    /// Nothing is lost: what was fetched for a waiter that is gone is given to the next one.
    pub fn delivery(&self) -> NextDelivery<'_, H> {
        let mut state = self.state();
        state.last_receiver += 1;
        NextDelivery { executor: self, number: state.last_receiver }
    }

    fn state(&self) -> MutexGuard<'_, State<H>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H: Host> fmt::Debug for Executor<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Executor")
    }
}

impl<H: Host> State<H> {
    fn allocate(&mut self) -> u32 {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                assert!(
                    self.slots.len() < MAX_OPERATIONS,
                    "more than a million calls, spawns and timers are under way"
                );
                self.slots.push(Slot { generation: 0, state: SlotState::Free });
                (self.slots.len() - 1) as u32
            }
        };
        let slot = &mut self.slots[index as usize];
        slot.state = SlotState::Waiting(None);
        slot.generation << INDEX_BITS | index
    }

    fn slot(&mut self, number: u32) -> Option<&mut Slot<H>> {
        let slot = self.slots.get_mut(number as usize % MAX_OPERATIONS)?;
        (slot.generation == number >> INDEX_BITS).then_some(slot)
    }

    /// Keeps an outcome for its ticket; whom to wake.
    fn complete(&mut self, number: u32, outcome: Outcome<H>) -> Option<Waker> {
        let slot = self.slot(number)?;
        match std::mem::replace(&mut slot.state, SlotState::Done(outcome)) {
            SlotState::Waiting(waker) => waker,
            SlotState::Abandoned => {
                self.release(number);
                None
            }
            // The host tells nothing twice and nothing of what is gone; if it does, the first word counts.
            other => {
                slot.state = other;
                None
            }
        }
    }

    /// Takes the outcome and gives the slot back, or leaves a waker.
    fn take(&mut self, number: u32, waker: &Waker) -> Option<Outcome<H>> {
        let slot = self.slot(number)?;
        match std::mem::replace(&mut slot.state, SlotState::Free) {
            SlotState::Done(outcome) => {
                self.release(number);
                Some(outcome)
            }
            SlotState::Waiting(Some(old)) if old.will_wake(waker) => {
                slot.state = SlotState::Waiting(Some(old));
                None
            }
            _ => {
                slot.state = SlotState::Waiting(Some(waker.clone()));
                None
            }
        }
    }

    fn release(&mut self, number: u32) {
        if let Some(slot) = self.slot(number) {
            slot.state = SlotState::Free;
            slot.generation = (slot.generation + 1) % GENERATIONS;
            self.free.push(number % MAX_OPERATIONS as u32);
        }
    }
}

/// An operation under way; as a future, its outcome.
///
/// # Cancel safety
/// Dropped before it is complete, a call or a timer is cancelled; what is being started starts none the less. The
/// outcome never arrives.
///
/// # Panics
/// If polled again after its outcome was taken.
#[must_use = "dropping it cancels the operation"]
pub struct Ticket<'a, H: Host> {
    executor: &'a Executor<H>,
    operation: Operation,
    number: u32,
    taken: bool,
}

impl<H: Host> Future for Ticket<'_, H> {
    type Output = Outcome<H>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(!self.taken, "polled after it was complete");
        let outcome = self.executor.state().take(self.number, cx.waker());
        match outcome {
            Some(outcome) => {
                self.taken = true;
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        }
    }
}

impl<H: Host> Drop for Ticket<'_, H> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let cancel = {
            let mut state = self.executor.state();
            let complete = state.slot(self.number).is_some_and(|slot| matches!(slot.state, SlotState::Done(_)));
            match state.slot(self.number) {
                Some(slot) if !complete && self.operation == Operation::Spawn => slot.state = SlotState::Abandoned,
                _ => state.release(self.number),
            }
            !complete && self.operation != Operation::Spawn
        };
        if cancel {
            self.executor.host.cancel(self.operation, self.number);
        }
    }
}

impl<H: Host> fmt::Debug for Ticket<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.operation, self.number)
    }
}

/// The next thing from the mailbox. Made by [`Executor::delivery`].
#[must_use = "futures do nothing unless polled"]
pub struct NextDelivery<'a, H: Host> {
    executor: &'a Executor<H>,
    number: u64,
}

impl<H: Host> Future for NextDelivery<'_, H> {
    type Output = H::Delivery;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.executor.state();
        state.receivers.retain(|(number, _)| *number != self.number);
        match state.deliveries.pop_front() {
            Some(delivery) => Poll::Ready(delivery),
            None => {
                state.receivers.push((self.number, cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl<H: Host> Drop for NextDelivery<'_, H> {
    fn drop(&mut self) {
        self.executor.state().receivers.retain(|(number, _)| *number != self.number);
    }
}

impl<H: Host> fmt::Debug for NextDelivery<'_, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NextDelivery")
    }
}

#[cfg(test)]
mod tests;

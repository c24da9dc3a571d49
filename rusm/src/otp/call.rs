//! Calls and casts: a message that is not sent yet, and the wait for its answer.
//!
//! A call ends with the answer, with the callee's exit reason, or at its deadline. The deadline is this
//! call's own limit, shortened to that of the message its caller is handling.
//!
//! # Waiting
//! The answer comes through a [`slot`](super::slot) straight to the future that waits. A process that waits has one alarm in its worker's
//! wheel, not one timer for each call: as long as it rings early enough for the next call too, a call costs nothing there. It only
//! wakes the process, whose calls then look at the time themselves. What is polled by something else than its
//! process (a task of the app, a set of futures) has a timer of tokio.
//!
//! # Cycles
//! An actor that waits for an answer reads nothing. It notes whom it waits for; a call that finds itself at the end of
//! such a chain can only end at a deadline, so it ends with `Deadlock`.
//!
//! Only a call that the callee itself answers, at the end of its method, is noted: who is given a [`Reply`] may answer early, or give it
//! away and be free, and a caller in bytes can't know. A cycle through one of these ends at a deadline.
//!
//! A note alone proves nothing: the answer may be there, and its owner about to have a turn. So all in between have to be parked, which
//! an answer ends before its sender goes on. As long as one is not, the call looks again a few milliseconds later. Two
//! that close a cycle at the same moment both note first and look then, so at least one goes on looking.

use super::address::Handle;
use super::bound::Overflow;
use super::cell::{CellPtr, CellRef};
use super::guard::hold;
use super::mailbox::{PushError, deliver};
use super::moment::Moment;
use super::reply::{Answer, WireReply};
use super::slot::{Empty, Waiter, slot_for};
use super::table::Place;
use super::{
    Address, CallError, DEFAULT_CALL_TIMEOUT, Message, Outgoing, Reply, SendError, Timer, address, context, timer,
    trace,
};
use crate::wire::{Method, decode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// One call, not yet sent: `.await` sends it and waits for the answer.
///
/// # Errors
/// See [`CallError`].
///
/// # Cancel safety
/// Dropping the future gives the call up; the callee may handle the message all the same.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<'a, M, A, T> {
    to: &'a Address<M>,
    method: &'static Method,
    /// Taken when it is sent.
    args: Option<A>,
    local: fn(A, Reply<T>) -> M,
    limit: Duration,
}

impl<'a, M: Message, A, T> Call<'a, M, A, T> {
    #[doc(hidden)]
    pub fn new(to: &'a Address<M>, method: &'static Method, args: A, local: fn(A, Reply<T>) -> M) -> Self {
        Self { to, method, args: Some(args), local, limit: DEFAULT_CALL_TIMEOUT }
    }

    /// Waits this long instead of 5 seconds; never beyond the deadline of the message that the caller is handling.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

impl<'a, M, A, T> IntoFuture for Call<'a, M, A, T>
where
    M: Message,
    A: Serialize + Send + 'a,
    T: DeserializeOwned + Send + 'static,
{
    type Output = Result<T, CallError>;
    type IntoFuture = CallFuture<'a, M, A, T>;

    fn into_future(self) -> CallFuture<'a, M, A, T> {
        CallFuture { step: Step::Begin(self), limit: None }
    }
}

/// A call under way.
#[must_use = "futures do nothing unless polled"]
pub struct CallFuture<'a, M, A, T> {
    step: Step<'a, M, A, T>,
    limit: Option<Limit>,
}

enum Step<'a, M, A, T> {
    Begin(Call<'a, M, A, T>),
    /// The callee's mailbox has no room for the message yet.
    Room(&'a Address<M>, M, Wait<'a, T>),
    Local(Wait<'a, T>),
    Wire(Wait<'a, Vec<u8>>, &'static Method),
    Done,
}

/// Nothing in it is pinned.
impl<M, A, T> Unpin for CallFuture<'_, M, A, T> {}

/// How sending went.
enum Sent {
    /// It waits for the answer.
    Waits,
    /// It waits for room first.
    NoRoom,
}

impl<'a, M: Message, A: Serialize, T: DeserializeOwned + 'static> Step<'a, M, A, T> {
    /// Sends, and becomes the next step. That is made where it stays: a wait is large, and to move it costs as much as to send. So
    /// is an error, which is rare.
    fn send(
        &mut self,
        (to, method): (&'a Address<M>, &'static Method),
        args: A,
        local: fn(A, Reply<T>) -> M,
        limit: Limit,
        cx: &mut Context<'_>,
    ) -> Result<Sent, Box<CallError>> {
        let sent = to.look(|found| {
            let callee = to.handle(found.cell).ok_or_else(|| refused(SendError::NoProcess(to.to_string())))?;
            let is_proof = found.mailbox.is_some() && !method.is_deferred;
            let waits = WaitsFor::note(found.cell, method, is_proof)?;
            let Some(mailbox) = found.mailbox else {
                let message = Outgoing::new(method, &args).map_err(refused)?;
                let (filler, waiter) = slot_for(cx);
                address::send(found.cell, message, Some(WireReply::new(filler)), Some(limit.until.instant()))
                    .map_err(|error| refused(address::name(error, method)))?;
                *self = Self::Wire(Wait::new(waiter, callee, waits), method);
                return Ok(Sent::Waits);
            };
            let (filler, waiter) = slot_for(cx);
            *self = Self::Local(Wait::new(waiter, callee, waits));
            let message = local(args, Reply::local(filler));
            match trace::deliver_call(found.cell, mailbox, message, limit.until, found.urgent, cx.waker()) {
                Ok(()) => Ok(Sent::Waits),
                Err((message, PushError::Full(Overflow::Block))) => {
                    if let Self::Local(wait) = std::mem::replace(self, Self::Done) {
                        *self = Self::Room(to, message, wait);
                    }
                    Ok(Sent::NoRoom)
                }
                Err((_, error)) => {
                    address::settle(found.cell, error).map_err(refused)?;
                    Ok(Sent::Waits)
                }
            }
        });
        sent.unwrap_or_else(|| Err(refused(to.nobody())))
    }
}

#[cold]
fn refused(error: SendError) -> Box<CallError> {
    Box::new(error.into())
}

impl<M, A, T> Future for CallFuture<'_, M, A, T>
where
    M: Message,
    A: Serialize,
    T: DeserializeOwned + Send + 'static,
{
    type Output = Result<T, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match &mut this.step {
                Step::Local(wait) => {
                    let limit = this.limit.unwrap_or_else(Limit::passed);
                    return wait.poll(limit, cx);
                }
                Step::Wire(wait, method) => {
                    let limit = this.limit.unwrap_or_else(Limit::passed);
                    let (answer, method) = (ready!(wait.poll(limit, cx)), *method);
                    return Poll::Ready(answer.and_then(|body| {
                        decode(&body)
                            .map_err(|error| CallError::Malformed(format!("answer of {}: {error}", method.signature())))
                    }));
                }
                // Polled after its end: there is no answer but the one that was given.
                Step::Done => return Poll::Ready(Err(CallError::NoReply)),
                Step::Begin(call) => {
                    let limit = *this.limit.get_or_insert_with(|| Limit::new(call.limit, context::deadline()));
                    let (whom, local) = ((call.to, call.method), call.local);
                    let sent = match call.args.take() {
                        Some(args) => this.step.send(whom, args, local, limit, cx),
                        // It is another step once they are taken.
                        None => Err(Box::new(CallError::NoReply)),
                    };
                    let sent = sent.and_then(|sent| match (sent, &mut this.step) {
                        // The answer can't be there yet: what is waited for is the deadline.
                        (Sent::NoRoom, Step::Room(_, _, wait)) => {
                            wait.in_time(limit, cx).map(|()| Sent::NoRoom).map_err(Box::new)
                        }
                        (sent, _) => Ok(sent),
                    });
                    match sent {
                        Ok(Sent::Waits) => {}
                        Ok(Sent::NoRoom) => return Poll::Pending,
                        Err(error) => {
                            this.step = Step::Done;
                            tell_error(&error);
                            return Poll::Ready(Err(*error));
                        }
                    }
                    continue;
                }
                Step::Room(..) => {}
            }
            match std::mem::replace(&mut this.step, Step::Done) {
                Step::Room(to, message, mut wait) => {
                    let limit = this.limit.unwrap_or_else(Limit::passed);
                    wait.in_time(limit, cx).inspect_err(tell_error)?;
                    match retry(to, message, Some(limit.until), cx).map_err(CallError::from).inspect_err(tell_error)? {
                        None => this.step = Step::Local(wait),
                        Some(message) => {
                            this.step = Step::Room(to, message, wait);
                            return Poll::Pending;
                        }
                    }
                }
                done => this.step = done,
            }
        }
    }
}

/// Tries again to deliver a message to a mailbox that had no room; it comes back if there is still none.
fn retry<M: Message>(
    to: &Address<M>,
    message: M,
    deadline: Option<Moment>,
    cx: &Context<'_>,
) -> Result<Option<M>, SendError> {
    to.find(|found| {
        // Who reads another type now is not who it was for.
        let Some(mailbox) = found.mailbox else { return Err(SendError::NoProcess(to.to_string())) };
        let delivered = match deadline {
            Some(until) => trace::deliver_call(found.cell, mailbox, message, until, found.urgent, cx.waker()),
            None => deliver(found.cell, mailbox, message, None, found.urgent, Some(cx.waker())),
        };
        match delivered {
            Ok(()) => Ok(None),
            Err((message, PushError::Full(Overflow::Block))) => Ok(Some(message)),
            Err((_, error)) => address::settle(found.cell, error).map(|()| None),
        }
    })?
}

/// The wait for one answer.
struct Wait<'a, T> {
    waiter: Waiter<Answer<T>>,
    callee: Handle<'a>,
    /// A panic dropped the reply: known when the callee's end is.
    unwound: Option<tokio::sync::oneshot::Receiver<()>>,
    time: Option<Pin<Box<Sleep>>>,
    waits: WaitsFor,
    /// It has given its answer.
    is_over: bool,
}

impl<'a, T> Wait<'a, T> {
    fn new(waiter: Waiter<Answer<T>>, callee: Handle<'a>, waits: WaitsFor) -> Self {
        Self { waiter, callee, unwound: None, time: None, waits, is_over: false }
    }

    /// The answer, once; whoever looks on at the caller has been told then, and it waits for nobody any more.
    #[inline]
    fn poll(&mut self, limit: Limit, cx: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        // The common case by itself, in the fewest moves.
        if self.unwound.is_none() && !self.waits.is_watched {
            // SAFETY: `answer` is not used again.
            let polled = self.waiter.poll_with(cx, |answer| unsafe {
                match &mut **answer {
                    Answer::Value(value) => Ok(std::ptr::read(value)),
                    answer => Err(Box::new(std::ptr::read(answer))),
                }
            });
            match polled {
                Poll::Ready(Ok(Ok(value))) => {
                    self.end();
                    return Poll::Ready(Ok(value));
                }
                Poll::Ready(Ok(Err(answer))) => return self.poll_rest(Poll::Ready(Ok(*answer)), limit, cx),
                Poll::Ready(Err(empty)) => return self.poll_rest(Poll::Ready(Err(empty)), limit, cx),
                Poll::Pending => {
                    return match self.in_time(limit, cx) {
                        Ok(()) => Poll::Pending,
                        Err(late) => {
                            self.end();
                            Poll::Ready(Err(late))
                        }
                    };
                }
            }
        }
        let polled = if self.unwound.is_none() { self.waiter.poll(cx) } else { Poll::Pending };
        self.poll_rest(polled, limit, cx)
    }

    /// After a look at the waiter.
    #[cold]
    fn poll_rest(
        &mut self,
        polled: Poll<Result<Answer<T>, Empty>>,
        limit: Limit,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, CallError>> {
        if self.is_over {
            return Poll::Ready(Err(CallError::NoReply));
        }
        let answer = match polled {
            Poll::Ready(Ok(Answer::Value(value))) => Some(Ok(value)),
            Poll::Ready(Ok(Answer::Failed(error))) => Some(Err(error)),
            Poll::Ready(Ok(Answer::Unwound(known))) => {
                self.unwound = Some(known);
                None
            }
            Poll::Ready(Err(Empty)) => Some(Err(self.unanswered())),
            Poll::Pending => None,
        };
        let is_known = self.unwound.as_mut().is_some_and(|unwound| Pin::new(unwound).poll(cx).is_ready());
        let answer = answer.or_else(|| is_known.then(|| Err(self.unanswered())));
        let Some(answer) = answer.or_else(|| self.in_time(limit, cx).err().map(Err)) else { return Poll::Pending };
        self.tell(&answer);
        self.end();
        Poll::Ready(answer)
    }

    /// Waits no more, and for nobody.
    #[inline]
    fn end(&mut self) {
        self.is_over = true;
        self.waits.end();
        self.waiter.give_up();
        self.time = None;
    }

    /// Whether it is not too late; wakes when it is.
    fn in_time(&mut self, limit: Limit, cx: &mut Context<'_>) -> Result<(), CallError> {
        match poll_late(limit, &mut self.time, cx) {
            Poll::Ready(()) => Err(CallError::Timeout(limit.span)),
            Poll::Pending if self.waits.suspects => self.waits.look_again(self.callee.ptr()),
            Poll::Pending => Ok(()),
        }
    }

    /// Tells those who look on at the caller.
    #[inline]
    fn tell(&self, answer: &Result<T, CallError>) {
        if self.waits.is_watched {
            context::with(|caller| caller.tell_answer(Some(self.callee.pid()), answer.as_ref().err().cloned()));
        }
    }

    fn unanswered(&self) -> CallError {
        self.callee.ended().map_or(CallError::NoReply, CallError::Exited)
    }
}

/// Tells those who look on at the caller of a call that did not get to anybody.
#[cold]
fn tell_error(error: &CallError) {
    context::with(|caller| {
        if caller.is_watched() {
            caller.tell_answer(None, Some(error.clone()));
        }
    });
}

/// Waits for the answer; a callee that ends tells its reason.
pub(crate) async fn wait<T>(waiter: Waiter<Answer<T>>, callee: &CellRef, limit: Limit) -> Result<T, CallError> {
    let mut wait = Wait::new(waiter, Handle::Lent(callee), WaitsFor::nobody());
    std::future::poll_fn(|cx| wait.poll(limit, cx)).await
}

/// Ready once the limit has passed.
pub(crate) fn poll_late(limit: Limit, time: &mut Option<Pin<Box<Sleep>>>, cx: &mut Context<'_>) -> Poll<()> {
    let by_alarm = context::with(|cell| {
        context::is_waker_of(cx.waker(), &cell).then(|| {
            // What has time when it is made looks again when it is woken.
            if !limit.span.is_zero() && timer::is_alarmed(cell, limit.until) {
                return Poll::Pending;
            }
            if context::now() >= limit.until {
                return Poll::Ready(());
            }
            timer::alarm(cell, limit.until);
            Poll::Pending
        })
    });
    match by_alarm.flatten() {
        Some(poll) => poll,
        None => time.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(limit.until.instant()))).as_mut().poll(cx),
    }
}

/// The note of an actor that waits for a process, taken back when it is dropped.
struct WaitsFor {
    caller: Option<CellRef>,
    /// It may be in a cycle: that is to be looked at again.
    suspects: bool,
    /// Somebody looks on at the caller.
    is_watched: bool,
}

impl WaitsFor {
    fn nobody() -> Self {
        Self { caller: None, suspects: false, is_watched: false }
    }

    /// Notes that the running actor waits for `callee`, if the callee can't be free while it does.
    #[inline]
    fn note(callee: CellPtr<'_>, method: &'static Method, is_proof: bool) -> Result<Self, CallError> {
        context::with(|caller| {
            // Nobody reads what an actor sends itself while it waits, so that is a cycle of any call.
            let is_bound = caller.is_actor() && (is_proof || caller.as_ptr() == callee.as_ptr());
            if is_bound || caller.is_watched() {
                return Self::note_by(caller, callee, method, is_bound);
            }
            Ok(Self::nobody())
        })
        .unwrap_or_else(|| Ok(Self::nobody()))
    }

    /// [`note`](Self::note) by a caller that does nothing else meanwhile, or that somebody looks on at.
    fn note_by(
        caller: CellPtr<'_>,
        callee: CellPtr<'_>,
        method: &'static Method,
        is_bound: bool,
    ) -> Result<Self, CallError> {
        let is_watched = caller.is_watched();
        if is_watched {
            caller.tell_call(callee.pid(), method);
        }
        if !is_bound {
            return Ok(Self { caller: None, suspects: false, is_watched });
        }
        caller.calls.store(mark(callee), Ordering::SeqCst);
        let mut waits = Self { caller: caller.acquire(), suspects: false, is_watched };
        match cycle(caller, callee) {
            Cycle::None => {}
            Cycle::Closed(path) => return Err(CallError::Deadlock(path)),
            Cycle::Moving => waits.suspects = true,
        }
        Ok(waits)
    }

    /// Looks at what it suspects once more, and comes back if it still does.
    #[cold]
    fn look_again(&mut self, callee: CellPtr<'_>) -> Result<(), CallError> {
        let Some(caller) = &self.caller else { return Ok(()) };
        // A call that somebody else waits for holds nobody.
        if !context::is_turn_of(caller) {
            self.suspects = false;
            self.end();
            return Ok(());
        }
        match cycle(caller.ptr(), callee) {
            Cycle::None => self.suspects = false,
            Cycle::Closed(path) => return Err(CallError::Deadlock(path)),
            Cycle::Moving => {
                // Not all at the same time: whoever looks has its turn, and is no proof for the others.
                let after = Duration::from_millis(2 + u64::from(caller.pid().slot() % 8));
                timer::alarm(caller.ptr(), context::now().after(after));
            }
        }
        Ok(())
    }
}

impl WaitsFor {
    /// Takes the note back, if there is one.
    #[inline]
    fn end(&mut self) {
        if let Some(caller) = self.caller.take() {
            caller.calls.store(0, Ordering::Release);
        }
    }
}

impl Drop for WaitsFor {
    #[inline]
    fn drop(&mut self) {
        self.end();
    }
}

/// A process in eight bytes: its slot and the random half of its generation.
fn mark(cell: CellPtr<'_>) -> u64 {
    let Place { slot, generation } = cell.place();
    u64::from(slot) << 32 | u64::from(generation as u32)
}

/// What a look at a chain of calls found.
enum Cycle {
    None,
    /// All wait for each other.
    Closed(String),
    /// All have noted so, but somebody in between is not parked.
    Moving,
}

/// The way back from `callee` to `caller`, if those in between wait for each other.
fn cycle(caller: CellPtr<'_>, callee: CellPtr<'_>) -> Cycle {
    // The common case: the callee waits for nobody.
    if callee.as_ptr() != caller.as_ptr() && callee.calls.load(Ordering::SeqCst) == 0 {
        return Cycle::None;
    }
    let guard = hold();
    let table = caller.node().table();
    let mut path = vec![caller.as_ptr()];
    let mut are_parked = true;
    let mut next = Some(callee);
    while let Some(cell) = next {
        path.push(cell.as_ptr());
        if cell.as_ptr() == caller.as_ptr() {
            if !are_parked {
                return Cycle::Moving;
            }
            // SAFETY: all of them were found under the guard.
            let names = path.iter().map(|cell| unsafe { CellPtr::new(*cell) });
            let names: Vec<_> = names.map(|cell| format!("{} ({})", cell.pid(), cell.label())).collect();
            return Cycle::Closed(names.join(" -> "));
        }
        // A chain that long is no cycle that began here.
        if path.len() > 64 {
            return Cycle::None;
        }
        // Before the note: one that was parked after it took its note back is not seen with the old note.
        are_parked &= cell.state.is_idle();
        let waits_for = cell.calls.load(Ordering::SeqCst);
        next = (waits_for != 0).then(|| table.look_marked(waits_for, &guard)).flatten();
    }
    Cycle::None
}

/// How long something that begins now may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    pub(crate) until: Moment,
    /// The time from its begin to `until`.
    pub(crate) span: Duration,
}

impl Limit {
    /// One that is over.
    fn passed() -> Self {
        Self { until: context::now(), span: Duration::ZERO }
    }

    /// This time, but not beyond the inherited deadline.
    #[inline]
    pub(crate) fn new(span: Duration, inherited: Option<Moment>) -> Self {
        let now = context::now();
        let until = now.after(span.min(timer::FAR));
        match inherited {
            Some(inherited) if inherited < until => Self { until: inherited, span: inherited.since(now) },
            _ => Self { until, span },
        }
    }
}

/// One message that wants no answer, not yet sent.
#[must_use = "a cast does nothing until `.send()`"]
pub struct Cast<'a, M, A> {
    to: &'a Address<M>,
    method: &'static Method,
    args: A,
    local: fn(A) -> M,
}

impl<'a, M: Message, A> Cast<'a, M, A> {
    #[doc(hidden)]
    pub fn new(to: &'a Address<M>, method: &'static Method, args: A, local: fn(A) -> M) -> Self {
        Self { to, method, args, local }
    }

    /// Sends it, and does not wait.
    ///
    /// # Errors
    /// See [`SendError`]. That it was sent does not mean that it was handled.
    pub fn send(self) -> Result<(), SendError>
    where
        A: Serialize,
    {
        address::cast(self.to, self.method, self.args, self.local)
    }

    /// Sends it after this time, unless the running process ends before; outside of processes it is sent anyway. Rounded up to a
    /// millisecond.
    ///
    /// # Errors
    /// The process or name is not there now. That it is gone later is not told.
    pub fn after(self, time: Duration) -> Result<Timer, SendError>
    where
        A: Serialize + Send + 'static,
    {
        let inner = self.to.find(|found| (!found.cell.has_ended()).then(|| found.cell.inner()))?;
        let inner = inner.ok_or_else(|| SendError::NoProcess(self.to.to_string()))?;
        let make = move || {
            let Self { to, method, args, local } = self;
            let to = to.clone();
            move || drop(address::cast_as(&to, method, args, local, true))
        };
        timer::once(inner, time, make).ok_or_else(|| SendError::NoProcess("the process that sets the timer".to_owned()))
    }

    /// Sends it again and again, first after this time, until it is cancelled, the running process ends, or nobody is there
    /// any more to receive it.
    ///
    /// # Errors
    /// The process or name is not there now.
    pub fn every(self, time: Duration) -> Result<Timer, SendError>
    where
        A: Serialize + Clone + Send + 'static,
    {
        let inner = self.to.find(|found| (!found.cell.has_ended()).then(|| found.cell.inner()))?;
        let inner = inner.ok_or_else(|| SendError::NoProcess(self.to.to_string()))?;
        let Self { to, method, args, local } = self;
        let to = to.clone();
        let send = move || !matches!(address::cast(&to, method, args.clone(), local), Err(SendError::NoProcess(_)));
        Ok(timer::repeated(inner, time, send))
    }
}

/// Sends it once there is room for it, if the mailbox wants its senders to wait; at once if not.
impl<'a, M: Message, A: Serialize> IntoFuture for Cast<'a, M, A> {
    type Output = Result<(), SendError>;
    type IntoFuture = CastFuture<'a, M, A>;

    fn into_future(self) -> CastFuture<'a, M, A> {
        CastFuture(Sending::Begin(self))
    }
}

/// A cast that may wait for room.
///
/// # Cancel safety
/// Dropped before it is ready, nothing was sent.
#[must_use = "futures do nothing unless polled"]
pub struct CastFuture<'a, M, A>(Sending<'a, M, A>);

enum Sending<'a, M, A> {
    Begin(Cast<'a, M, A>),
    Room(&'a Address<M>, M),
    Done,
}

/// Nothing in it is pinned.
impl<M, A> Unpin for CastFuture<'_, M, A> {}

impl<M: Message, A: Serialize> Future for CastFuture<'_, M, A> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (to, left) = match std::mem::replace(&mut self.0, Sending::Done) {
            Sending::Begin(Cast { to, method, args, local }) => {
                let sent = to.find(|found| match found.mailbox {
                    None => {
                        let sent = address::send(found.cell, Outgoing::new(method, &args)?, None, None);
                        sent.map(|()| None).map_err(|error| address::name(error, method))
                    }
                    Some(mailbox) => {
                        match deliver(found.cell, mailbox, local(args), None, found.urgent, Some(cx.waker())) {
                            Ok(()) => Ok(None),
                            Err((message, PushError::Full(Overflow::Block))) => Ok(Some(message)),
                            Err((_, error)) => address::settle(found.cell, error).map(|()| None),
                        }
                    }
                });
                (to, sent??)
            }
            Sending::Room(to, message) => (to, retry(to, message, None, cx)?),
            Sending::Done => return Poll::Ready(Ok(())),
        };
        match left {
            None => Poll::Ready(Ok(())),
            Some(message) => {
                self.0 = Sending::Room(to, message);
                Poll::Pending
            }
        }
    }
}

impl<M, A> fmt::Debug for CastFuture<'_, M, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CastFuture").finish_non_exhaustive()
    }
}

impl<M, A, T> fmt::Debug for Call<'_, M, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("to", self.to).field("method", &self.method.name).finish_non_exhaustive()
    }
}

impl<M, A> fmt::Debug for Cast<'_, M, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cast").field("to", self.to).field("method", &self.method.name).finish_non_exhaustive()
    }
}

impl<M, A, T> fmt::Debug for CallFuture<'_, M, A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallFuture").finish_non_exhaustive()
    }
}

//! The loop of an actor that is a state machine.

use super::StateMachine;
use super::core::Held;
use crate::otp::actor::Reported;
use crate::otp::context::{self, Deadline, set_deadline};
use crate::otp::mailbox::{Item, Other, Receiver, Size};
use crate::otp::moment::Moment;
use crate::otp::spawn::Birth;
use crate::otp::{Cx, Message, seen, timer, trace};
use crate::state::{State, Timeout};
use crate::wire::ExitReason;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

/// What is to be taken up.
enum Next<M> {
    Held(Held<M>),
    Item(Item<M>, Size),
    Timeout(Timeout),
}

/// The life of a state machine, from its arguments to the reason of its end.
pub(super) async fn run<A: StateMachine>(args: A::Args, birth: Birth<A::Message>) -> ExitReason {
    let Birth { this, started } = birth;
    this.cell().mark_actor();
    this.cell().take_up(seen::INIT);
    let mut cx = Cx::new(Receiver::new(this));
    let mut actor = match A::init(args, &mut cx).await {
        Ok(actor) => Reported(actor),
        Err(exit) => return exit.into_reason(),
    };
    if let Some(started) = started {
        let _ = started.fill(());
    }
    let reason = loop {
        cx.receiver.this().cell().lay_down();
        if let Some(exit) = cx.take_stop() {
            break exit.into_reason();
        }
        // A call that was leaked in a method waits for nobody any more.
        cx.receiver.this().cell().calls.store(0, Ordering::Relaxed);
        let entered = cx.machine.settle();
        cx.receiver.keep(cx.machine.kept());
        if let Some(from) = entered {
            cx.set_state_name(cx.machine.state().name());
            // Who sent what led here may have its answer: its deadline is nobody's any more.
            set_deadline(Deadline::NEVER);
            cx.machine.in_hand = Size::default();
            cx.receiver.this().cell().take_up(seen::ENTER);
            actor.0.on_enter(from, &mut cx).await;
            // Entering may lead on and on.
            context::yield_now().await;
            continue;
        }
        let next = std::future::poll_fn(|task| poll_next(&mut cx, task)).await;
        cx.machine.take_up();
        match next {
            Next::Held(held) => handle(&mut actor.0, held, &mut cx).await,
            Next::Timeout(timeout) => {
                set_deadline(Deadline::NEVER);
                cx.machine.in_hand = Size::default();
                cx.receiver.this().cell().take_up(seen::TIMEOUT);
                actor.0.on_timeout(timeout, &mut cx).await;
            }
            Next::Item(Item::Local(message, deadline), size) => {
                handle(&mut actor.0, Held { message, deadline, size }, &mut cx).await;
            }
            Next::Item(Item::Other(other), size) => match other.into_inner() {
                Other::Wire(incoming) => {
                    let deadline = Deadline::new(incoming.deadline().map(Moment::of));
                    // A rejection has told the caller; nobody waits for a cast.
                    match A::Message::from_wire(incoming) {
                        Ok(message) => handle(&mut actor.0, Held { message, deadline, size }, &mut cx).await,
                        Err(rejected) => {
                            cx.receiver.release(size);
                            tracing::warn!(pid = %cx.pid(), error = %rejected.0, "refused a message");
                        }
                    }
                }
                Other::Exit(exit) => {
                    set_deadline(Deadline::NEVER);
                    cx.machine.in_hand = Size::default();
                    cx.receiver.this().cell().take_up(seen::EXIT);
                    actor.0.on_exit(exit, &mut cx).await;
                }
                Other::Down(down) => {
                    set_deadline(Deadline::NEVER);
                    cx.machine.in_hand = Size::default();
                    cx.receiver.this().cell().take_up(seen::DOWN);
                    actor.0.on_down(down, &mut cx).await;
                }
                Other::Traced(traced) => {
                    if let Some((message, deadline, trace)) = traced.open::<A::Message>() {
                        let (cell, method) = (cx.receiver.this().cell().clone(), message.method());
                        let handling = handle(&mut actor.0, Held { message, deadline, size }, &mut cx);
                        // On the heap as a whole, so that the actor is no larger for it.
                        Box::pin(trace::within(cell, trace, method, handling)).await;
                    }
                }
                Other::Stop(reason) => break reason,
            },
        }
    };
    set_deadline(Deadline::NEVER);
    if A::ENTRY.on_terminate {
        cx.receiver.this().cell().take_up(seen::TERMINATE);
        actor.0.on_terminate(&reason, &mut cx).await;
        cx.receiver.this().cell().lay_down();
    }
    reason
}

/// Postpones a message that its state wants postponed, with its place in the mailbox; handles the others.
async fn handle<A: StateMachine>(actor: &mut A, held: Held<A::Message>, cx: &mut Cx<A>) {
    if A::postpones(&held.message, cx.machine.state()) {
        cx.machine.postpone(held);
        return;
    }
    let Held { message, deadline, size } = held;
    cx.receiver.release(size);
    cx.machine.in_hand = size;
    set_deadline(deadline);
    cx.receiver.this().cell().take_up(message.method().id());
    actor.handle(message, cx).await;
}

/// What was put before the mailbox, then timeouts whose turn it is, then the mailbox. Cancel safe: what is taken is returned.
fn poll_next<A: StateMachine>(cx: &mut Cx<A>, task: &mut Context<'_>) -> Poll<Next<A::Message>> {
    let Cx { receiver, machine, .. } = cx;
    // A machine that always finds something still lets others run.
    if receiver.yields(task) {
        return Poll::Pending;
    }
    machine.ripen(context::now(), || receiver.queued());
    if let Some(held) = machine.pop_ready() {
        receiver.keep(machine.kept());
        return Poll::Ready(Next::Held(held));
    }
    if let Some(timeout) = machine.fire(false) {
        return Poll::Ready(Next::Timeout(timeout));
    }
    if let Poll::Ready((item, size)) = receiver.poll_take(task) {
        machine.count_down();
        return Poll::Ready(Next::Item(item, size));
    }
    // All that waited when it came due was taken; some of it may have been taken back, and was not counted down.
    if let Some(timeout) = machine.fire(true) {
        return Poll::Ready(Next::Timeout(timeout));
    }
    if let Some(at) = machine.next_due() {
        context::with(|cell| timer::alarm(cell, at));
    }
    Poll::Pending
}

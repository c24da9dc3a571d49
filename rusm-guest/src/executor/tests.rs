//! The executor against a host that plays a script.

use super::*;
use std::cell::RefCell;
use std::rc::Rc;

type Log = Rc<RefCell<Vec<String>>>;

/// Gives the events of its script in order; deliveries only when they are asked for.
struct Script {
    events: RefCell<VecDeque<Event<Script>>>,
    log: Log,
}

impl Host for Script {
    type Answer = &'static str;
    type Spawned = u32;
    type Delivery = char;

    fn next(&self, deliveries: bool) -> Option<Event<Self>> {
        self.log.borrow_mut().push(format!("next({deliveries})"));
        let mut events = self.events.borrow_mut();
        let at = events.iter().position(|event| deliveries || !matches!(event, Event::Delivery(_)))?;
        events.remove(at)
    }

    fn cancel(&self, operation: Operation, number: u32) {
        self.log.borrow_mut().push(format!("cancel({operation:?} {number})"));
    }
}

fn executor(events: impl IntoIterator<Item = Event<Script>>) -> (Executor<Script>, Log) {
    let log = Log::default();
    let script = Script { events: RefCell::new(events.into_iter().collect()), log: log.clone() };
    (Executor::new(script), log)
}

fn answer(call: u32, text: &'static str) -> Event<Script> {
    Event::Done(call, Outcome::Answered(text))
}

fn fired(timer: u32) -> Event<Script> {
    Event::Done(timer, Outcome::Fired)
}

impl Executor<Script> {
    async fn call(&self) -> &'static str {
        match self.start(Operation::Call, |_| ()).await {
            Outcome::Answered(text) => text,
            _ => panic!("not an answer"),
        }
    }

    async fn sleep(&self) {
        assert!(matches!(self.start(Operation::Timer, |_| ()).await, Outcome::Fired));
    }
}

/// Both, polled with one waker.
async fn join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    let (mut a, mut b) = (pin!(a), pin!(b));
    let (mut left, mut right) = (None, None);
    std::future::poll_fn(move |cx| {
        if left.is_none()
            && let Poll::Ready(value) = a.as_mut().poll(cx)
        {
            left = Some(value);
        }
        if right.is_none()
            && let Poll::Ready(value) = b.as_mut().poll(cx)
        {
            right = Some(value);
        }
        match (left.take(), right.take()) {
            (Some(a), Some(b)) => Poll::Ready((a, b)),
            (a, b) => {
                (left, right) = (a, b);
                Poll::Pending
            }
        }
    })
    .await
}

/// Whichever is first; the other one is dropped.
async fn race<T>(a: impl Future<Output = T>, b: impl Future<Output = T>) -> T {
    let (mut a, mut b) = (pin!(a), pin!(b));
    std::future::poll_fn(|cx| match a.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(value),
        Poll::Pending => b.as_mut().poll(cx),
    })
    .await
}

#[test]
fn two_calls_answered_out_of_order_each_get_their_own_answer() {
    let (executor, log) = executor([answer(1, "second"), answer(0, "first")]);
    assert_eq!(executor.block_on(join(executor.call(), executor.call())), ("first", "second"));
    assert_eq!(*log.borrow(), ["next(false)", "next(false)"]);
}

#[test]
fn a_future_that_is_ready_never_asks_the_host() {
    let (executor, log) = executor([]);
    assert_eq!(executor.block_on(async { 7 }), 7);
    assert!(log.borrow().is_empty());
}

#[test]
fn the_loser_of_a_race_is_cancelled() {
    for (winner, expected, cancelled) in [(0, "answer", "cancel(Timer 1)"), (1, "timeout", "cancel(Call 0)")] {
        let (executor, log) = executor([if winner == 0 { answer(0, "answer") } else { fired(1) }]);
        let timeout = async {
            executor.sleep().await;
            "timeout"
        };
        assert_eq!(executor.block_on(race(executor.call(), timeout)), expected);
        assert_eq!(*log.borrow(), ["next(false)", cancelled]);
    }
}

#[test]
fn a_number_that_is_used_again_does_not_get_the_old_answer() {
    let late = answer(0, "late");
    let (executor, log) = executor([late, answer(1 << INDEX_BITS, "own")]);
    drop(executor.start(Operation::Call, |number| assert_eq!(number, 0)));
    assert_eq!(executor.block_on(executor.call()), "own");
    assert_eq!(*log.borrow(), ["cancel(Call 0)", "next(false)", "next(false)"]);
}

#[test]
fn the_number_of_an_abandoned_spawn_is_in_use_until_its_outcome_is_there() {
    let (executor, log) = executor([Event::Done(0, Outcome::Spawned(7)), answer(1, "own")]);
    drop(executor.start(Operation::Spawn, |number| assert_eq!(number, 0)));
    // However many operations come and go meanwhile, none gets that number.
    for _ in 0..GENERATIONS * 2 {
        drop(executor.start(Operation::Timer, |number| assert_ne!(number, 0)));
    }
    log.borrow_mut().clear();
    assert_eq!(executor.block_on(executor.call()), "own");
    assert_eq!(*log.borrow(), ["next(false)", "next(false)"], "a spawn is not cancelled");
    let free = executor.state().free.len();
    assert_eq!((free, executor.state().slots.len()), (2, 2), "both slots are free again");
}

#[test]
fn a_waiter_that_is_dropped_takes_nothing_from_the_others() {
    let (executor, _) = executor([fired(0), Event::Delivery('a')]);
    let timer = executor.sleep();
    let short = async {
        race(async { executor.delivery().await }, async {
            timer.await;
            '-'
        })
        .await
    };
    assert_eq!(executor.block_on(join(async { executor.delivery().await }, short)), ('a', '-'));
}

#[test]
fn generations_come_round_without_losing_slots() {
    let (executor, _) = executor([]);
    for _ in 0..GENERATIONS * 2 {
        drop(executor.start(Operation::Timer, |_| ()));
    }
    assert_eq!(executor.start(Operation::Timer, |_| ()).number, 0);
    assert_eq!(executor.state().slots.len(), 1);
}

#[test]
fn an_answer_that_comes_before_its_call_is_awaited_is_kept() {
    let (executor, log) = executor([answer(0, "early"), fired(1)]);
    let call = executor.start(Operation::Call, |_| ());
    executor.block_on(executor.sleep());
    assert_eq!(log.borrow().len(), 2);
    assert!(matches!(executor.block_on(call), Outcome::Answered("early")));
    assert_eq!(log.borrow().len(), 2, "the kept answer needs neither host nor cancellation");
}

#[test]
fn dropping_a_complete_operation_cancels_nothing() {
    let (executor, log) = executor([answer(0, "unread"), fired(1)]);
    let call = executor.start(Operation::Call, |_| ());
    executor.block_on(executor.sleep());
    drop(call);
    assert_eq!(*log.borrow(), ["next(false)", "next(false)"]);
}

#[test]
fn only_the_woken_part_is_polled() {
    struct Counting(Mutex<u32>, Waker);
    impl Wake for Counting {
        fn wake(self: Arc<Self>) {
            *self.0.lock().unwrap() += 1;
            self.1.wake_by_ref();
        }
    }
    let (executor, _) = executor([fired(1), fired(0)]);
    let mut first = pin!(executor.sleep());
    let mut second = pin!(executor.sleep());
    let mut wakers = None;
    let (mut done_first, mut done_second) = (false, false);
    executor.block_on(std::future::poll_fn(|cx| {
        let own = || Arc::new(Counting(Mutex::new(0), cx.waker().clone()));
        let (a, b) = wakers.get_or_insert_with(|| (own(), own()));
        let woken = |part: &Arc<Counting>| *part.0.lock().unwrap() > 0;
        if !done_first {
            done_first = first.as_mut().poll(&mut Context::from_waker(&Waker::from(a.clone()))).is_ready();
            assert_eq!(done_first, woken(a));
        }
        if !done_second {
            done_second = second.as_mut().poll(&mut Context::from_waker(&Waker::from(b.clone()))).is_ready();
            assert_eq!(done_second, woken(b));
        }
        if done_first && done_second { Poll::Ready(()) } else { Poll::Pending }
    }));
}

#[test]
fn deliveries_are_asked_for_only_while_somebody_waits_for_one() {
    let (executor, log) = executor([Event::Delivery('a'), answer(0, "answer"), Event::Delivery('b')]);
    let work = async {
        let answer = executor.call().await;
        (answer, executor.delivery().await, executor.delivery().await)
    };
    assert_eq!(executor.block_on(work), ("answer", 'a', 'b'));
    assert_eq!(*log.borrow(), ["next(false)", "next(true)", "next(true)"]);
}

#[test]
fn a_delivery_whose_receiver_is_gone_is_for_the_next_one() {
    let (executor, log) = executor([Event::Delivery('a'), answer(0, "answer")]);
    let call = executor.start(Operation::Call, |_| ());
    let mut receiver = Box::pin(executor.delivery());
    assert!(receiver.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    executor.block_on(call);
    drop(receiver);
    assert_eq!(executor.block_on(executor.delivery()), 'a');
    assert_eq!(*log.borrow(), ["next(true)", "next(false)"]);
}

#[test]
fn a_future_that_wakes_itself_is_polled_again_without_the_host() {
    let (executor, log) = executor([]);
    let mut left = 3;
    executor.block_on(std::future::poll_fn(|cx| {
        left -= 1;
        cx.waker().wake_by_ref();
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    }));
    assert!(log.borrow().is_empty());
}

#[test]
#[should_panic(expected = "waits for something that can never come")]
fn waiting_for_nothing_is_a_panic() {
    let (executor, _) = executor([]);
    executor.block_on(std::future::pending::<()>());
}

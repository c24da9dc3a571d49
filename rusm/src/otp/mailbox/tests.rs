//! Mailboxes of processes that do nothing, read by the tests.

use super::super::node::Start;
use super::super::{Node, Rejected};
use super::*;
use crate::wire::Method;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Wake as Waking};

struct Note<T>(T);

impl<T: Send + 'static> super::super::Message for Note<T> {
    const METHODS: &'static [&'static Method] = &[];

    fn method(&self) -> &'static Method {
        unreachable!("nobody asks")
    }

    fn from_wire(incoming: Incoming) -> Result<Self, Rejected> {
        Err(incoming.unknown())
    }
}

fn node() -> Node {
    let mut build = pin!(Node::builder().workers(1).build());
    match build.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(node) => node.unwrap(),
        Poll::Pending => panic!("it waits for nothing"),
    }
}

fn open<T: Send + 'static>(node: &Node, bound: Option<Bound>) -> Receiver<Note<T>> {
    let start = Start::new(&"test", Location::caller());
    let this = node.start(start, Mailbox::new(bound), |_| std::future::pending()).unwrap();
    Receiver::new(this)
}

impl<T: Send + 'static> Receiver<Note<T>> {
    fn mailbox(&self) -> &Mailbox<Note<T>> {
        self.this.mailbox()
    }

    fn send(&self, value: T) -> Result<(), PushError> {
        self.send_as(value, false, None)
    }

    fn send_as(&self, value: T, urgent: bool, sender: Option<&Waker>) -> Result<(), PushError> {
        deliver(self.this.cell().ptr(), self.mailbox(), Note(value), None, urgent, sender).map_err(|(_, error)| error)
    }

    fn send_bytes(&self, bytes: usize) -> Result<(), PushError> {
        self.mailbox().push_wire(self.this.cell().ptr(), Incoming::new(0, vec![0; bytes], None, None))
    }

    /// What is next now.
    fn look(&mut self) -> Option<Item<Note<T>>> {
        // Without a look at the time, which is nobody's here.
        match self.poll_pop(&mut Context::from_waker(Waker::noop()), true) {
            Poll::Ready((item, _)) => Some(item),
            Poll::Pending => None,
        }
    }

    /// All that is there, in short.
    fn all(&mut self) -> String
    where
        T: std::fmt::Display,
    {
        let mut all = Vec::new();
        while let Some(item) = self.look() {
            all.push(match item {
                Item::Local(note, _) => note.0.to_string(),
                Item::Other(other) => match other.into_inner() {
                    Other::Wire(incoming) => format!("bytes {}", incoming.body().len()),
                    Other::Exit(exit) => format!("exit {}", exit.from.slot()),
                    Other::Down(down) => format!("down {}", down.monitor.raw()),
                    Other::Stop(reason) => format!("stop {reason}"),
                    Other::Traced(traced) => format!("{traced:?}"),
                },
            });
        }
        all.join(", ")
    }
}

fn exit(slot: u32) -> ExitSignal {
    ExitSignal { from: Pid::from_parts(0, 0, slot, 1), reason: ExitReason::Shutdown }
}

fn down(monitor: u64) -> Down {
    Down { monitor: MonitorRef::from_raw(monitor), pid: Pid::from_parts(0, 0, 1, 1), reason: ExitReason::Shutdown }
}

#[test]
fn messages_and_signals_keep_one_order() {
    let node = node();
    for bound in [None, Some(Bound::new(9))] {
        let mut receiver = open(&node, bound);
        receiver.send(1).unwrap();
        let _ = receiver.mailbox().push_exit(receiver.this.cell().ptr(), exit(5));
        receiver.send(2).unwrap();
        let _ = receiver.mailbox().push_down(receiver.this.cell().ptr(), down(6));
        let _ = receiver.mailbox().push_stop(receiver.this.cell().ptr(), ExitReason::Shutdown);
        receiver.send(3).unwrap();
        assert_eq!(receiver.mailbox().depth(receiver.this.cell().ptr()), if bound.is_some() { 3 } else { 6 });
        assert_eq!(receiver.all(), "1, exit 5, 2, down 6, stop shutdown, 3");
        assert_eq!(receiver.mailbox().depth(receiver.this.cell().ptr()), 0);
    }
}

#[test]
fn a_bound_is_exact_whoever_sends_and_receives() {
    let node = node();
    const SENDERS: usize = 8;
    const EACH: usize = 200;
    for overflow in [Overflow::Reject, Overflow::DropNew, Overflow::Block, Overflow::DropOld] {
        let receiver = Arc::new(open::<usize>(&node, Some(Bound::new(100).overflow(overflow))));
        let accepted: usize = std::thread::scope(|scope| {
            let sending: Vec<_> = (0..SENDERS)
                .map(|_| {
                    let receiver = receiver.clone();
                    scope.spawn(move || (0..EACH).filter(|value| receiver.send(*value).is_ok()).count())
                })
                .collect();
            let _ = receiver.mailbox().push_exit(receiver.this.cell().ptr(), exit(1));
            sending.into_iter().map(|sender| sender.join().unwrap()).sum()
        });
        let (depth, shed) = (
            receiver.mailbox().depth(receiver.this.cell().ptr()),
            receiver.mailbox().shed(receiver.this.cell().ptr()) as usize,
        );
        let (expected, lost) = match overflow {
            Overflow::DropOld => (SENDERS * EACH, SENDERS * EACH - 100),
            _ => (100, SENDERS * EACH - 100),
        };
        assert_eq!((accepted, depth, shed), (expected, 100, lost), "{overflow:?}");
        // Signals are not counted, and get in.
        let _ = receiver.mailbox().push_down(receiver.this.cell().ptr(), down(1));
        let mut receiver = Arc::into_inner(receiver).unwrap();
        let all = receiver.all();
        assert!(all.contains("exit 1") && all.ends_with("down 1") && all.split(", ").count() == 102, "{all}");
    }
}

#[test]
fn each_overflow() {
    let node = node();
    let full = |overflow| Err(PushError::Full(overflow));
    let cases = [
        (Overflow::Reject, full(Overflow::Reject), "1, exit 1, 2"),
        (Overflow::Block, full(Overflow::Block), "1, exit 1, 2"),
        (Overflow::DropNew, full(Overflow::DropNew), "1, exit 1, 2"),
        (Overflow::DropOld, Ok(()), "exit 1, 2, 3"),
    ];
    for (overflow, expected, left) in cases {
        let mut receiver = open(&node, Some(Bound::new(2).overflow(overflow)));
        receiver.send(1).unwrap();
        let _ = receiver.mailbox().push_exit(receiver.this.cell().ptr(), exit(1));
        receiver.send(2).unwrap();
        assert_eq!(receiver.send(3), expected);
        assert_eq!(
            (receiver.mailbox().shed(receiver.this.cell().ptr()), receiver.mailbox().depth(receiver.this.cell().ptr())),
            (1, 2),
            "{overflow:?}"
        );
        assert_eq!(receiver.all(), left);
        receiver.send(4).unwrap();
    }
}

#[test]
fn no_room_at_all() {
    let node = node();
    for overflow in [Overflow::Reject, Overflow::Block, Overflow::DropNew, Overflow::DropOld] {
        let mut receiver = open::<u32>(&node, Some(Bound::new(0).overflow(overflow)));
        let refused = receiver.send_as(1, false, Some(Waker::noop()));
        // There will never be room, so nobody is to wait for it.
        let expected = if overflow == Overflow::Block { Overflow::Reject } else { overflow };
        assert_eq!(refused, Err(PushError::Full(expected)));
        let _ = receiver.mailbox().push_exit(receiver.this.cell().ptr(), exit(1));
        assert_eq!(receiver.all(), "exit 1");
    }
}

struct Count(AtomicU64);

impl Waking for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn senders_that_wait_are_woken_as_room_comes() {
    let node = node();
    let mut receiver = open(&node, Some(Bound::new(4).overflow(Overflow::Block)));
    (0..4).for_each(|value| receiver.send(value).unwrap());
    let senders: Vec<_> = (0..6).map(|_| Arc::new(Count(AtomicU64::new(0)))).collect();
    for sender in &senders {
        for _ in 0..2 {
            let waker = Waker::from(sender.clone());
            assert_eq!(receiver.send_as(9, false, Some(&waker)), Err(PushError::Full(Overflow::Block)));
        }
    }
    assert_eq!(receiver.mailbox().shed(receiver.this.cell().ptr()), 0, "who waits was not refused");
    let woken = || senders.iter().map(|sender| sender.0.load(Ordering::Relaxed)).collect::<Vec<_>>();
    assert!(receiver.look().is_some());
    assert_eq!(woken(), [1, 0, 0, 0, 0, 0]);
    // Half of it is free: all may try.
    assert!(receiver.look().is_some());
    assert_eq!(woken(), [1; 6]);
    let again = Arc::new(Count(AtomicU64::new(0)));
    (0..2).for_each(|value| receiver.send(value).unwrap());
    assert!(receiver.send_as(9, false, Some(&Waker::from(again.clone()))).is_err());
    receiver.mailbox().close(receiver.this.cell().ptr());
    assert_eq!(again.0.load(Ordering::Relaxed), 1, "the end tells them");
}

#[test]
fn bytes_are_bounded_and_given_back() {
    let node = node();
    let mut receiver = open::<u32>(&node, None);
    let place = size_of::<Other>() + size_of::<Item<Note<u32>>>();
    receiver.send_bytes(MAX_BYTES - place).unwrap();
    assert_eq!(receiver.send_bytes(0), Err(PushError::Full(Overflow::Reject)));
    receiver.send(1).unwrap();
    assert!(matches!(receiver.look(), Some(Item::Other(_))));
    receiver.send_bytes(1).unwrap();
    assert_eq!(receiver.all(), "1, bytes 1");

    let accepted = (0..=MAX_BYTES / place).filter(|_| receiver.send_bytes(0).is_ok()).count();
    assert_eq!(accepted, MAX_BYTES / place, "those without a body take room, too");
}

#[test]
fn what_is_urgent_comes_first_in_its_order() {
    let node = node();
    let mut receiver = open(&node, None);
    receiver.mailbox().allow_urgent(receiver.this.cell().ptr());
    receiver.send(1).unwrap();
    receiver.send_as(10, true, None).unwrap();
    let _ = receiver.mailbox().push_stop(receiver.this.cell().ptr(), ExitReason::Shutdown);
    receiver.send_as(11, true, None).unwrap();
    assert_eq!(receiver.mailbox().depth(receiver.this.cell().ptr()), 4);
    assert_eq!(receiver.all(), "10, 11, 1, stop shutdown");

    // They count against a bound, and are not those that go for others.
    let mut receiver = open(&node, Some(Bound::new(2).overflow(Overflow::DropOld)));
    receiver.mailbox().allow_urgent(receiver.this.cell().ptr());
    receiver.send_as(10, true, None).unwrap();
    receiver.send(1).unwrap();
    receiver.send(2).unwrap();
    receiver.send_as(11, true, None).unwrap();
    assert_eq!(receiver.send(3), Err(PushError::Full(Overflow::DropOld)));
    assert_eq!(receiver.mailbox().shed(receiver.this.cell().ptr()), 3);
    assert_eq!(receiver.all(), "10, 11");
}

#[test]
fn requests_to_end_do_not_pile_up() {
    let node = node();
    let mut receiver = open(&node, None);
    receiver.send(1).unwrap();
    assert!(!receiver.is_stop_asked());
    for reason in [ExitReason::Shutdown, ExitReason::Killed, ExitReason::Normal] {
        let _ = receiver.mailbox().push_stop(receiver.this.cell().ptr(), reason);
    }
    assert!(receiver.is_stop_asked());
    assert!(pin!(receiver.stop_asked()).poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(receiver.queued(), 2);
    assert_eq!(receiver.all(), "1, stop shutdown");
}

#[test]
fn unread_messages_that_panic_are_all_dropped() {
    struct Grenade(Arc<AtomicUsize>);
    impl Drop for Grenade {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
            panic!("bang");
        }
    }
    let node = node();
    for bound in [None, Some(Bound::new(9))] {
        let dropped = Arc::default();
        let mut receiver = open(&node, bound);
        for _ in 0..3 {
            receiver.send(Grenade(Arc::clone(&dropped))).unwrap();
        }
        // One is read, so that others are in the batch.
        let first = receiver.look();
        assert!(crash::guard(|| drop(first)).is_err());
        for _ in 0..2 {
            receiver.send(Grenade(Arc::clone(&dropped))).unwrap();
        }
        let this = receiver.this().clone();
        drop(receiver);
        let (messages, panic) = this.mailbox().close(this.cell().ptr());
        assert_eq!(messages, 4);
        assert!(matches!(panic.as_deref(), Some(ExitReason::Panicked(text)) if text.starts_with("bang")));
        assert_eq!(dropped.load(Ordering::Relaxed), 5);
        assert_eq!(this.mailbox().close(this.cell().ptr()), (0, None));
    }
}

#[test]
fn what_is_taken_counts_until_it_is_released() {
    let node = node();
    let mut receiver = open(&node, Some(Bound::new(1)));
    receiver.send(1).unwrap();
    let Poll::Ready((_, size)) = receiver.poll_take(&mut Context::from_waker(Waker::noop())) else {
        panic!("it is there")
    };
    assert_eq!((receiver.queued(), receiver.mailbox().depth(receiver.this.cell().ptr())), (0, 1));
    assert_eq!(receiver.send(2), Err(PushError::Full(Overflow::Reject)));
    receiver.release(size);
    receiver.send(2).unwrap();
}

#[test]
fn a_closed_mailbox_refuses_and_forgets() {
    let node = node();
    let mut receiver = open(&node, None);
    receiver.send(1).unwrap();
    assert_eq!(receiver.mailbox().close(receiver.this.cell().ptr()), (1, None));
    assert_eq!((receiver.send(2), receiver.mailbox().depth(receiver.this.cell().ptr())), (Err(PushError::Closed), 0));
    assert!(receiver.mailbox().push_stop(receiver.this.cell().ptr(), ExitReason::Shutdown).is_none());
    assert!(receiver.look().is_none());
    let waits = Arc::new(Count(AtomicU64::new(0)));
    let waker = Waker::from(waits.clone());
    assert!(receiver.poll_next(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&waits), 1, "nobody will wake it, so nobody keeps it");
}

#[test]
fn signals_are_taken_back_wherever_they_are() {
    let node = node();
    for bound in [None, Some(Bound::new(99))] {
        let mut receiver = open(&node, bound);
        let fill = |receiver: &Receiver<Note<u32>>| {
            for number in 1..4 {
                let _ = receiver.mailbox().push_exit(receiver.this.cell().ptr(), exit(number));
                let _ = receiver.mailbox().push_down(receiver.this.cell().ptr(), down(u64::from(number)));
            }
        };
        receiver.send(0).unwrap();
        fill(&receiver);
        // In the queue.
        receiver.mailbox().flush_exit(receiver.this.cell().ptr(), exit(1).from);
        receiver.mailbox().flush_down(receiver.this.cell().ptr(), down(2).monitor);
        // In the receiver's batch.
        assert!(matches!(receiver.look(), Some(Item::Local(..))));
        receiver.mailbox().flush_exit(receiver.this.cell().ptr(), exit(2).from);
        receiver.mailbox().flush_down(receiver.this.cell().ptr(), down(1).monitor);
        receiver.mailbox().flush_down(receiver.this.cell().ptr(), down(77).monitor);
        // The same again after that is another one.
        let _ = receiver.mailbox().push_exit(receiver.this.cell().ptr(), exit(2));
        assert_eq!(receiver.all(), "exit 3, down 3, exit 2");
        fill(&receiver);
        assert_eq!(receiver.all(), "exit 1, down 1, exit 2, down 2, exit 3, down 3");
    }
}

#[test]
fn a_burst_leaves_no_room_behind() {
    let node = node();
    for bound in [None, Some(Bound::new(1 << 20))] {
        let mut receiver = open(&node, bound);
        for round in 0..2 {
            (0..100_000).for_each(|value| receiver.send(value).unwrap());
            // Some come while it reads.
            for _ in 0..10 {
                assert!(receiver.look().is_some());
            }
            (0..1000).for_each(|value| receiver.send(value).unwrap());
            assert_eq!(receiver.mailbox().depth(receiver.this.cell().ptr()), 100_990);
            assert_eq!(receiver.all().split(", ").count(), 100_990, "round {round}");
            let queue =
                receiver.mailbox().open(receiver.this.cell().ptr()).queue().map_or(0, |queue| queue.items.capacity());
            let batch = receiver.batch().as_ref().map_or(0, |batch| batch.capacity());
            assert!(queue <= KEEP && batch <= KEEP, "{queue} and {batch} places are kept");
        }
    }
}

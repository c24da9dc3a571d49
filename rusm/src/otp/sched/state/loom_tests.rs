use super::*;
use crate::otp::sync::UnsafeCell;
use crate::otp::sync::atomic::AtomicUsize;
use loom::thread;
use std::sync::Arc;

/// A process whose mail is a bit for each waker. The queue is a count that orders as a queue does: a push releases, a pop
/// acquires.
struct Process {
    state: State,
    queue: AtomicUsize,
    mail: [AtomicUsize; 2],
    /// Which mail its turns have seen; loom sees whether two of them meet.
    body: UnsafeCell<usize>,
}

// SAFETY: the body is touched by who has the turn.
unsafe impl Sync for Process {}

impl Process {
    /// Before its first turn, which is queued.
    fn new() -> Arc<Self> {
        Arc::new(Self {
            state: State::queued(false),
            queue: AtomicUsize::new(1),
            mail: [AtomicUsize::new(0), AtomicUsize::new(0)],
            body: UnsafeCell::new(0),
        })
    }

    /// After its first turn.
    fn idle() -> Arc<Self> {
        let process = Self::new();
        assert!(process.turn());
        assert_eq!(process.queue.load(Relaxed), 0);
        process
    }

    fn enqueue(&self) {
        assert_eq!(self.queue.fetch_add(1, Release), 0, "queued twice");
    }

    fn send(&self, waker: usize) {
        self.mail[waker].store(1 << waker, Relaxed);
        if self.state.wake() {
            self.enqueue();
        }
    }

    /// One turn, if it is queued.
    fn turn(&self) -> bool {
        if self.queue.compare_exchange(1, 0, Acquire, Relaxed).is_err() {
            return false;
        }
        self.state.begin();
        // SAFETY: this is its turn.
        self.body.with_mut(|seen| unsafe {
            for mail in &self.mail {
                *seen |= mail.load(Relaxed);
            }
        });
        if !self.state.park() {
            self.enqueue();
        }
        true
    }

    /// After the threads: what is queued gets its turns. Mail that was not seen and is not queued was lost.
    fn check(&self, mail: usize) {
        while self.turn() {}
        // SAFETY: the threads have ended.
        assert_eq!(self.body.with(|seen| unsafe { *seen }), mail);
    }
}

/// Two threads are gone through in full, more with a bound on preemptions: beyond it, it takes minutes to hours.
fn bounded(threads: usize) -> loom::model::Builder {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = match threads {
        ..=2 => None,
        3 => Some(3),
        _ => Some(2),
    };
    model
}

fn model(wakers: usize, workers: usize, process: fn() -> Arc<Process>) {
    bounded(wakers + workers).check(move || run(process(), wakers, workers));
}

fn run(process: Arc<Process>, wakers: usize, workers: usize) {
    let sending: Vec<_> = (0..wakers)
        .map(|waker| {
            let process = process.clone();
            thread::spawn(move || process.send(waker))
        })
        .collect();
    let working: Vec<_> = (1..workers)
        .map(|_| {
            let process = process.clone();
            thread::spawn(move || process.turn())
        })
        .collect();
    process.turn();
    process.turn();
    for thread in sending {
        thread.join().unwrap();
    }
    for thread in working {
        thread.join().unwrap();
    }
    process.check((1 << wakers) - 1);
}

#[test]
fn a_wake_before_the_first_turn() {
    model(1, 1, Process::new);
}

#[test]
fn two_wakers_one_worker() {
    model(2, 1, Process::idle);
}

#[test]
fn two_wakers_before_the_first_turn() {
    model(2, 1, Process::new);
}

#[test]
fn the_body_moves_between_workers() {
    model(1, 2, Process::new);
}

#[test]
fn two_wakers_two_workers() {
    model(2, 2, Process::new);
}

/// A process that reads mail, a bit for each sender.
struct Reader {
    state: State,
    queue: AtomicUsize,
    first: UnsafeCell<usize>,
    more: UnsafeCell<usize>,
    read: AtomicUsize,
}

// SAFETY: the mail is touched as the text of the module says.
unsafe impl Sync for Reader {}

impl Reader {
    /// Parked, and waiting for mail.
    fn new() -> Arc<Self> {
        let (first, more) = (UnsafeCell::new(0), UnsafeCell::new(0));
        let (queue, read) = (AtomicUsize::new(1), AtomicUsize::new(0));
        let reader = Self { state: State::queued(false), queue, first, more, read };
        assert!(reader.turn(true) && reader.queue.load(Relaxed) == 0);
        Arc::new(reader)
    }

    fn enqueue(&self) {
        assert_eq!(self.queue.fetch_add(1, Release), 0, "queued twice");
    }

    fn send(&self, mail: usize) {
        let mut locked = self.state.lock();
        // SAFETY: it is locked, and what is free belongs to who has locked it.
        unsafe {
            if locked.is_free() {
                self.first.with_mut(|first| *first = mail);
                locked.filled_first();
            } else {
                self.more.with_mut(|more| *more |= mail);
                locked.set_more(true);
            }
        }
        let wakes = locked.wake();
        drop(locked);
        if wakes {
            self.enqueue();
        }
    }

    fn note(&self, mail: usize) {
        assert_eq!(self.read.fetch_or(mail, Relaxed) & mail, 0, "read twice");
    }

    fn take_first(&self) {
        // SAFETY: it is full, and the receiver's.
        self.note(self.first.with(|first| unsafe { *first }));
        self.state.took_first();
    }

    fn take_all(&self) {
        let mut locked = self.state.lock();
        if locked.has_first() {
            self.take_first();
        }
        // SAFETY: it is locked.
        self.note(self.more.with_mut(|more| unsafe { std::mem::take(&mut *more) }));
        locked.set_more(false);
    }

    /// One turn, if it is queued, in which all is read, or nothing is even looked at.
    fn turn(&self, reads: bool) -> bool {
        if self.queue.compare_exchange(1, 0, Acquire, Relaxed).is_err() {
            return false;
        }
        self.state.begin();
        while reads {
            match self.state.look() {
                Look::First => self.take_first(),
                Look::Locked => self.take_all(),
                Look::Nothing => {
                    self.state.wait_for_mail();
                    break;
                }
            }
        }
        if !self.state.park() {
            self.enqueue();
        }
        true
    }
}

/// Mail meets turns that read: each is read once, without anybody waking the process again.
#[test]
fn all_mail_is_read_once() {
    for both_before in [false, true] {
        bounded(3).check(move || {
            let reader = Reader::new();
            if both_before {
                reader.send(4);
            }
            let sending = {
                let reader = reader.clone();
                thread::spawn(move || {
                    reader.send(1);
                    reader.send(2);
                })
            };
            reader.turn(true);
            reader.turn(true);
            sending.join().unwrap();
            while reader.turn(true) {}
            assert_eq!(reader.read.load(Relaxed), if both_before { 7 } else { 3 });
        });
    }
}

/// A receiver on another thread takes mail under the lock, while its process has turns in which it does not read.
#[test]
fn a_receiver_elsewhere_shares_with_turns() {
    bounded(3).check(|| {
        let reader = Reader::new();
        reader.send(4);
        let elsewhere = {
            let reader = reader.clone();
            thread::spawn(move || {
                reader.take_all();
                reader.send(1);
            })
        };
        reader.turn(false);
        reader.send(2);
        if reader.state.wake() {
            reader.enqueue();
        }
        reader.turn(false);
        elsewhere.join().unwrap();
        reader.take_all();
        assert_eq!(reader.read.load(Relaxed), 7);
    });
}

/// A waker that comes with or after the end queues nothing, and who sees the end sees what came before it.
#[test]
fn the_end() {
    bounded(3).check(|| {
        let process = Process::new();
        let sending = [0, 1].map(|waker| {
            let process = process.clone();
            thread::spawn(move || {
                process.send(waker);
                if process.state.is_dead() {
                    // SAFETY: written before the end only.
                    assert_eq!(process.body.with(|seen| unsafe { *seen }), 7);
                }
            })
        });
        assert!(process.queue.compare_exchange(1, 0, Relaxed, Relaxed).is_ok());
        process.state.begin();
        // SAFETY: this is its turn.
        process.body.with_mut(|seen| unsafe { *seen = 7 });
        process.state.end();
        for thread in sending {
            thread.join().unwrap();
        }
        assert!(process.state.is_dead() && !process.state.wake());
        assert_eq!(process.queue.load(Relaxed), 0);
    });
}

use super::*;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread;

fn in_state(word: u32) -> State {
    State { word: AtomicU32::new(word), ..State::queued(false) }
}

/// A step from a word leads to a word and an answer.
#[test]
fn every_step() {
    fn check(step: fn(&State) -> bool, table: &[(u32, u32, bool)]) {
        for &(before, after, answer) in table {
            let state = in_state(before);
            assert_eq!((step(&state), state.word.load(Relaxed)), (answer, after), "from {before}");
        }
    }
    const IDLE: u32 = 0;
    check(
        State::wake,
        &[
            (IDLE, BUSY, true),
            (WANTS, BUSY | WANTS, true),
            (BUSY, BUSY | AGAIN, false),
            (BUSY | AGAIN, BUSY | AGAIN, false),
            (BUSY | DEAD, BUSY | DEAD, false),
        ],
    );
    let begin = |state: &State| {
        state.begin();
        true
    };
    check(begin, &[(BUSY, BUSY, true), (BUSY | AGAIN | MORE, BUSY | MORE, true)]);
    check(
        State::park,
        &[
            (BUSY, IDLE, true),
            (BUSY | MORE, MORE, true),
            // It was taken: `first` is false.
            (BUSY | FIRST, IDLE, true),
            (BUSY | AGAIN, BUSY, false),
            (BUSY | AGAIN | WANTS, BUSY | WANTS, false),
        ],
    );
    let park_for_mail = |state: &State| {
        state.wait_for_mail();
        state.park()
    };
    check(
        park_for_mail,
        &[
            (BUSY, WANTS, true),
            (BUSY | FIRST, WANTS, true),
            (BUSY | MORE, BUSY | MORE, false),
            (BUSY | AGAIN, BUSY, false),
        ],
    );
    let full = |state: &State| {
        state.first.store(true, Relaxed);
        state.wait_for_mail();
        state.park()
    };
    check(full, &[(BUSY | FIRST, BUSY | FIRST, false)]);
    let mail = |state: &State| state.lock().wake();
    check(
        mail,
        &[
            (IDLE, IDLE, false),
            (WANTS, BUSY, true),
            (BUSY, BUSY, false),
            (BUSY | WANTS, BUSY | AGAIN, false),
            (WANTS | DEAD, WANTS | DEAD, false),
        ],
    );
    let end = |state: &State| {
        state.end();
        state.is_dead()
    };
    check(end, &[IDLE, BUSY, BUSY | AGAIN, BUSY | DEAD].map(|before| (before, before | DEAD, true)));
    assert!(State::queued(false).word.into_inner() == BUSY);
}

/// Wakers count up and wake, two workers take turns: every count is seen by a turn, and no two turns meet.
#[test]
fn threads() {
    const WAKES: usize = if cfg!(miri) { 50 } else { 100_000 };
    struct Process {
        state: State,
        queued: AtomicUsize,
        turns: AtomicUsize,
        written: [AtomicUsize; 2],
        seen: AtomicUsize,
    }
    let process = Arc::new(Process {
        state: State::queued(false),
        queued: AtomicUsize::new(1),
        turns: AtomicUsize::new(0),
        written: Default::default(),
        seen: AtomicUsize::new(0),
    });
    let enqueue = |process: &Process| assert_eq!(process.queued.fetch_add(1, Release), 0);
    let wakers = [0, 1].map(|id| {
        let process = process.clone();
        thread::spawn(move || {
            for _ in 0..WAKES {
                process.written[id].fetch_add(1, Relaxed);
                if process.state.wake() {
                    enqueue(&process);
                }
            }
        })
    });
    let workers = [0, 1].map(|_| {
        let process = process.clone();
        thread::spawn(move || {
            while process.seen.load(Relaxed) < 2 * WAKES {
                if process.queued.compare_exchange(1, 0, Acquire, Relaxed).is_err() {
                    thread::yield_now();
                    continue;
                }
                process.state.begin();
                assert_eq!(process.turns.fetch_add(1, Relaxed), 0);
                let written = process.written.iter().map(|written| written.load(Relaxed)).sum();
                process.seen.store(written, Relaxed);
                assert_eq!(process.turns.fetch_sub(1, Relaxed), 1);
                if !process.state.park() {
                    enqueue(&process);
                }
            }
        })
    });
    for thread in wakers.into_iter().chain(workers) {
        thread.join().unwrap();
    }
}

//! When a measurement began, and when the last of those that take part in it was done.
//!
//! There is one for the whole process, since what a process of ours is started with has to be able to cross boundaries, and
//! one measurement at a time.

use crate::Failure;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a measurement may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at that nobody tells of.
const LOOK: Duration = Duration::from_micros(50);

static LEFT: AtomicU64 = AtomicU64::new(0);
static TIMES: Mutex<Times> = Mutex::new(Times { began: None, done: None });
static CHANGED: Condvar = Condvar::new();

/// Held by each test that measures something.
#[cfg(test)]
pub(super) static ALONE: Mutex<()> = Mutex::new(());

struct Times {
    began: Option<Instant>,
    done: Option<Instant>,
}

fn times() -> MutexGuard<'static, Times> {
    TIMES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So many have to [`arrive`]; the time begins now, unless somebody calls [`begin`].
pub(crate) fn expect(count: u64) {
    LEFT.store(count, Ordering::SeqCst);
    *times() = Times { began: Some(Instant::now()), done: None };
}

/// The time begins now.
pub(crate) fn begin() {
    times().began = Some(Instant::now());
}

/// One of them is done.
pub(crate) fn arrive() {
    if LEFT.fetch_sub(1, Ordering::AcqRel) == 1 {
        times().done = Some(Instant::now());
        CHANGED.notify_all();
    }
}

/// Arrives when it is dropped.
#[derive(Debug)]
pub(crate) struct Arrive;

impl Drop for Arrive {
    fn drop(&mut self) {
        arrive();
    }
}

/// Blocks until all have arrived; tells how long that took.
///
/// # Errors
/// They have not after a minute.
pub(crate) fn wait() -> Result<Duration, Failure> {
    let waits = |times: &mut Times| times.done.is_none();
    let (times, _) = CHANGED.wait_timeout_while(times(), PATIENCE, waits).unwrap_or_else(PoisonError::into_inner);
    match (times.began, times.done) {
        (Some(began), Some(done)) => Ok(done.saturating_duration_since(began)),
        _ => Err(format!("{} have not come to an end after {PATIENCE:?}", LEFT.load(Ordering::SeqCst)).into()),
    }
}

/// Blocks until something is so; tells how long that took since the begin.
///
/// # Errors
/// It is not so after a minute.
pub(crate) fn until(mut so: impl FnMut() -> bool) -> Result<Duration, Failure> {
    let began = times().began.unwrap_or_else(Instant::now);
    let called = Instant::now();
    while !so() {
        if called.elapsed() > PATIENCE {
            return Err(format!("nothing has come to an end after {PATIENCE:?}").into());
        }
        thread::sleep(LOOK);
    }
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_ends_it() {
        let _alone = ALONE.lock();
        expect(3);
        let began = Instant::now();
        for _ in 0..2 {
            arrive();
        }
        assert!(times().done.is_none());
        thread::spawn(|| drop(Arrive)).join().unwrap();
        let took = wait().unwrap();
        assert!(took <= began.elapsed() + Duration::from_secs(1));
        expect(1);
        assert!(times().done.is_none(), "the next one begins anew");
        let mut looks = 0;
        until(|| {
            looks += 1;
            looks == 3
        })
        .unwrap();
        assert_eq!(looks, 3);
    }
}

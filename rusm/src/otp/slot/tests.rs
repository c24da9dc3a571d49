use super::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{RawWaker, RawWakerVTable, Wake};
use std::thread;

/// Counts what is alive of it; everything that a slot is given must be dropped in the end.
#[derive(Clone, Default)]
struct Alive(Arc<()>);

impl Alive {
    fn others(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

/// A task that counts how often it was woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Task {
    fn woken(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Waits on its own thread.
struct Sleeper(thread::Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(mut waiter: Waiter<T>) -> Result<T, Empty> {
    let waker = Waker::from(Arc::new(Sleeper(thread::current())));
    loop {
        if let Poll::Ready(answer) = waiter.poll(&mut Context::from_waker(&waker)) {
            return answer;
        }
        thread::park();
    }
}

/// What happens to a slot, one step after another.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Fill,
    DropFiller,
    /// By one of two tasks.
    Poll(usize),
    TryTake,
    DropWaiter,
}

/// Runs the steps against the slot and against what it should do, then drops what is left.
fn check(steps: &[Step]) {
    let tasks = [Arc::new(Task::default()), Arc::new(Task::default())];
    let wakers = tasks.clone().map(Waker::from);
    let alive = Alive::default();
    let (filler, waiter) = slot();
    let (mut filler, mut waiter) = (Some(filler), Some(waiter));
    // What is expected: the answer that is there, who is to be woken, how often each was.
    let (mut there, mut registered, mut woken) = (None, None, [0, 0]);
    for step in steps {
        match *step {
            Step::Fill => {
                let Some(filler) = filler.take() else { continue };
                assert_eq!(filler.is_abandoned(), waiter.is_none(), "{steps:?}");
                assert_eq!(filler.fill(alive.clone()).is_err(), waiter.is_none(), "{steps:?}");
                there = Some(true);
            }
            Step::DropFiller => {
                if filler.take().is_none() {
                    continue;
                }
                there = Some(false);
            }
            Step::Poll(task) => {
                let Some(waiter) = &mut waiter else { continue };
                let polled = waiter.poll(&mut Context::from_waker(&wakers[task]));
                match there {
                    None => {
                        assert!(polled.is_pending(), "{steps:?}");
                        registered = Some(task);
                    }
                    Some(value) => {
                        let Poll::Ready(answer) = polled else { panic!("{steps:?}") };
                        assert_eq!(answer.is_ok(), value, "{steps:?}");
                        there = Some(false);
                    }
                }
                continue;
            }
            Step::TryTake => {
                let Some(waiter) = &mut waiter else { continue };
                assert_eq!(waiter.try_take().map(|answer| answer.is_ok()), there, "{steps:?}");
                there = there.map(|_| false);
                continue;
            }
            Step::DropWaiter => {
                waiter = None;
                registered = None;
                assert_eq!(alive.others(), 0, "{steps:?}");
                continue;
            }
        }
        if let Some(task) = registered.take() {
            woken[task] += 1;
        }
        assert_eq!(tasks.each_ref().map(|task| task.woken()), woken, "{steps:?}");
    }
    drop((filler, waiter, wakers));
    assert_eq!(alive.others(), 0, "{steps:?}");
    assert_eq!(tasks.map(|task| Arc::strong_count(&task)), [1, 1], "{steps:?}");
}

#[test]
fn every_order_of_steps() {
    const STEPS: [Step; 6] =
        [Step::Fill, Step::DropFiller, Step::Poll(0), Step::Poll(1), Step::TryTake, Step::DropWaiter];
    let length = if cfg!(miri) { 4 } else { 6 };
    for order in 0..STEPS.len().pow(length) {
        let steps: Vec<_> = (0..length).map(|at| STEPS[order / STEPS.len().pow(at) % STEPS.len()]).collect();
        check(&steps);
    }
}

#[test]
fn the_clone_is_skipped_for_the_same_task() {
    let task = Arc::new(Task::default());
    let waker = Waker::from(task.clone());
    let (_filler, mut waiter) = slot::<u32>();
    for _ in 0..3 {
        assert!(waiter.poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(Arc::strong_count(&task), 3);
    }
}

#[test]
fn ends_go_where_their_value_may() {
    fn assert<T: Send + Sync + Unpin>() {}
    // A `Cell` is `Send` and not `Sync`, which is enough for both.
    assert::<Filler<std::cell::Cell<u32>>>();
    assert::<Waiter<std::cell::Cell<u32>>>();
    assert::<Waiter<Box<dyn Send>>>();
}

/// A wait, an answer and a departure race.
#[test]
fn threads() {
    let alive = Alive::default();
    for round in 0..if cfg!(miri) { 30 } else { 20_000 } {
        let (filler, mut waiter) = slot();
        let value = alive.clone();
        let filling = thread::spawn(move || match round % 3 {
            0 => drop(filler),
            _ => drop(filler.fill(value)),
        });
        match round % 5 {
            0 => drop(waiter),
            1 => {
                let _ = waiter.poll(&mut Context::from_waker(&Waker::from(Arc::new(Task::default()))));
                let _ = waiter.poll(&mut Context::from_waker(Waker::noop()));
                drop(waiter);
            }
            2 => {
                let _ = waiter.try_take();
                drop(waiter);
            }
            3 => {
                let answer = match waiter.poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => block_on(waiter),
                };
                assert_eq!(answer.is_ok(), round % 3 != 0);
            }
            _ => assert_eq!(block_on(waiter).is_ok(), round % 3 != 0),
        }
        filling.join().unwrap();
        assert_eq!(alive.others(), 0);
    }
}

#[test]
fn values_of_any_layout() {
    #[repr(align(128))]
    #[derive(Debug, PartialEq)]
    struct Wide(u8);

    let (filler, mut waiter) = slot();
    filler.fill(Wide(7)).unwrap();
    assert_eq!(waiter.try_take(), Some(Ok(Wide(7))));
    let (filler, mut waiter) = slot();
    filler.fill(()).unwrap();
    assert_eq!(waiter.try_take(), Some(Ok(())));
}

/// Wakers whose code panics.
mod panics {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    enum At {
        Clone,
        Wake,
        Drop,
    }

    /// Panics once when it is used so; counts its wakers.
    struct Bomb {
        at: At,
        armed: AtomicUsize,
        wakers: AtomicUsize,
    }

    impl Bomb {
        fn go(&self, at: At) {
            if at == self.at && self.armed.swap(0, SeqCst) == 1 {
                panic!("as asked");
            }
        }

        /// # Safety
        /// `bomb` is the data of a waker of this table.
        unsafe fn of<'a>(bomb: *const ()) -> &'a Self {
            // SAFETY: the tests keep it longer than any waker.
            unsafe { &*bomb.cast() }
        }

        fn waker(&self) -> Waker {
            self.wakers.fetch_add(1, SeqCst);
            // SAFETY: the table keeps the contract of `RawWakerVTable`, but for its panics.
            unsafe { Waker::from_raw(RawWaker::new((&raw const *self).cast(), &TABLE)) }
        }
    }

    static TABLE: RawWakerVTable = RawWakerVTable::new(
        |bomb| {
            // SAFETY: it is called with the data of a waker.
            let bomb = unsafe { Bomb::of(bomb) };
            bomb.go(At::Clone);
            bomb.wakers.fetch_add(1, SeqCst);
            RawWaker::new((&raw const *bomb).cast(), &TABLE)
        },
        |bomb| {
            // SAFETY: it is called with the data of a waker.
            let bomb = unsafe { Bomb::of(bomb) };
            bomb.wakers.fetch_sub(1, SeqCst);
            bomb.go(At::Wake);
        },
        // SAFETY: it is called with the data of a waker.
        |bomb| unsafe { Bomb::of(bomb) }.go(At::Wake),
        |bomb| {
            // SAFETY: it is called with the data of a waker.
            let bomb = unsafe { Bomb::of(bomb) };
            bomb.wakers.fetch_sub(1, SeqCst);
            bomb.go(At::Drop);
        },
    );

    fn catch<R>(run: impl FnOnce() -> R) -> Result<R, ()> {
        catch_unwind(AssertUnwindSafe(run)).map_err(drop)
    }

    /// Steps with a waker that panics once; whatever panics, nothing leaks, and an answer that was given is there.
    #[test]
    fn a_waker_may_panic() {
        let mut panicked = Vec::new();
        for at in [At::Clone, At::Wake, At::Drop] {
            for order in 0..8 {
                let bomb = Bomb { at, armed: AtomicUsize::new(0), wakers: AtomicUsize::new(0) };
                let alive = Alive::default();
                let (filler, mut waiter) = slot();
                let waker = bomb.waker();
                if order & 1 != 0 {
                    assert!(waiter.poll(&mut Context::from_waker(&waker)).is_pending());
                }
                bomb.armed.store(1, SeqCst);
                let other = Waker::from(Arc::new(Task::default()));
                let next = if order & 2 != 0 { &other } else { &waker };
                let mut went = catch(|| waiter.poll(&mut Context::from_waker(next)).is_pending());
                if order & 4 != 0 {
                    went = went.and(catch(|| drop(filler.fill(alive.clone()))).map(|()| true));
                    assert!(waiter.try_take().is_some_and(|answer| answer.is_ok()));
                } else {
                    went = went.and(catch(|| drop(waiter)).map(|()| true));
                    assert!(filler.is_abandoned());
                    assert!(filler.fill(alive.clone()).is_err());
                }
                if went.is_err() {
                    panicked.push(at);
                }
                bomb.armed.store(0, SeqCst);
                drop(waker);
                assert_eq!((bomb.wakers.load(SeqCst), alive.others()), (0, 0), "{at:?} {order}");
            }
        }
        panicked.dedup();
        assert_eq!(panicked, [At::Clone, At::Wake, At::Drop]);
    }

    /// A value whose drop panics is dropped once, and the slot is gone.
    #[test]
    fn a_value_may_panic() {
        struct Value<'a>(&'a AtomicUsize);
        impl Drop for Value<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, SeqCst);
                panic!("as asked");
            }
        }
        let drops = AtomicUsize::new(0);
        let (filler, waiter) = slot();
        assert!(filler.fill(Value(&drops)).is_ok());
        assert!(catch(|| drop(waiter)).is_err());
        assert_eq!(drops.load(SeqCst), 1);
    }

    /// The waker that is let go owns the other end.
    #[test]
    fn a_waker_may_own_the_filler() {
        struct Owner(#[expect(dead_code, reason = "it is there to be dropped")] Filler<u32>);
        impl Wake for Owner {
            fn wake(self: Arc<Self>) {}
        }
        let (filler, mut waiter) = slot();
        let owner = Waker::from(Arc::new(Owner(filler)));
        assert!(waiter.poll(&mut Context::from_waker(&owner)).is_pending());
        drop(owner);
        let task = Arc::new(Task::default());
        assert!(waiter.poll(&mut Context::from_waker(&Waker::from(task.clone()))).is_pending());
        assert_eq!(task.woken(), 1);
        assert_eq!(waiter.try_take(), Some(Err(Empty)));

        let (filler, mut waiter) = slot();
        let owner = Waker::from(Arc::new(Owner(filler)));
        assert!(waiter.poll(&mut Context::from_waker(&owner)).is_pending());
        drop(owner);
        drop(waiter);
    }
}

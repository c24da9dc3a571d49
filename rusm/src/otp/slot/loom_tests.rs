use super::*;
use loom::alloc::Track;
use loom::sync::Notify;
use loom::thread;
use std::sync::Arc;
use std::task::Wake;

/// A task that can wait to be woken. Loom sees if it leaks.
struct Task {
    notify: Notify,
    _track: Track<()>,
}

impl Task {
    fn new() -> Arc<Self> {
        Arc::new(Self { notify: Notify::new(), _track: Track::new(()) })
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.notify.notify();
    }
}

/// Stands for the process that makes a slot; each model keeps it to its end.
impl caller::Process for Task {
    fn is(&self, waker: &Waker) -> bool {
        std::ptr::eq(waker.data(), std::ptr::from_ref(self).cast())
    }

    fn wake(&self) {
        self.notify.notify();
    }
}

/// A slot that this task has made.
fn slot_of<T>(task: &Arc<Task>) -> (Filler<T>, Waiter<T>) {
    make(Some(Caller(task.clone())))
}

/// A value that loom sees leak.
fn value() -> Track<u32> {
    Track::new(7)
}

fn is_value(answer: &Result<Track<u32>, Empty>) -> bool {
    answer.as_ref().is_ok_and(|value| *value.get_ref() == 7)
}

fn poll<T>(waiter: &mut Waiter<T>, task: &Arc<Task>) -> Poll<Result<T, Empty>> {
    waiter.poll(&mut Context::from_waker(&Waker::from(task.clone())))
}

/// A wake that never comes is a deadlock, which loom reports.
fn block_on<T>(waiter: &mut Waiter<T>, task: &Arc<Task>) -> Result<T, Empty> {
    loop {
        if let Poll::Ready(answer) = poll(waiter, task) {
            return answer;
        }
        task.notify.wait();
    }
}

#[test]
fn the_value_arrives() {
    loom::model(|| {
        let (filler, mut waiter) = slot();
        let filling = thread::spawn(move || assert!(filler.fill(value()).is_ok()));
        let answer = block_on(&mut waiter, &Task::new());
        assert!(is_value(&answer));
        // The memory is not kept for the end's sake.
        assert_eq!(poll(&mut waiter, &Task::new()).map(|again| again.err()), Poll::Ready(Some(Empty)));
        filling.join().unwrap();
    });
}

#[test]
fn the_filler_goes() {
    loom::model(|| {
        let (filler, mut waiter) = slot::<Track<u32>>();
        let dropping = thread::spawn(move || drop(filler));
        assert!(block_on(&mut waiter, &Task::new()).is_err());
        dropping.join().unwrap();
    });
}

#[test]
fn the_last_task_is_woken() {
    loom::model(|| {
        let (filler, mut waiter) = slot();
        let tasks = [Task::new(), Task::new()];
        let filling = thread::spawn(move || assert!(filler.fill(value()).is_ok()));
        let answer = match poll(&mut waiter, &tasks[0]) {
            Poll::Ready(answer) => answer,
            Poll::Pending => block_on(&mut waiter, &tasks[1]),
        };
        assert!(is_value(&answer));
        filling.join().unwrap();
    });
}

#[test]
fn the_same_task_waits_again() {
    loom::model(|| {
        let (filler, mut waiter) = slot();
        let filling = thread::spawn(move || assert!(filler.fill(value()).is_ok()));
        let task = Task::new();
        let answer = match poll(&mut waiter, &task) {
            Poll::Ready(answer) => answer,
            Poll::Pending => block_on(&mut waiter, &task),
        };
        assert!(is_value(&answer));
        filling.join().unwrap();
    });
}

#[test]
fn the_waiter_moves_to_another_thread() {
    loom::model(|| {
        let (filler, mut waiter) = slot();
        let tasks = [Task::new(), Task::new()];
        let filling = thread::spawn(move || assert!(filler.fill(value()).is_ok()));
        let early = poll(&mut waiter, &tasks[0]);
        let waiting = thread::spawn(move || {
            let answer = match early {
                Poll::Ready(answer) => answer,
                Poll::Pending => block_on(&mut waiter, &tasks[1]),
            };
            assert!(is_value(&answer));
        });
        filling.join().unwrap();
        waiting.join().unwrap();
    });
}

/// The value is dropped by the waiter or given back; that it is one of them, and only one, is what the track sees.
#[test]
fn the_waiter_leaves() {
    for polls in 0..3 {
        loom::model(move || {
            let (filler, mut waiter) = slot();
            let tasks = [Task::new(), Task::new()];
            let filling = thread::spawn(move || filler.fill(value()).is_err_and(|back| *back.get_ref() == 7));
            let mut done = false;
            for task in &tasks[..polls] {
                done = done || poll(&mut waiter, task).is_ready();
            }
            drop(waiter);
            let back = filling.join().unwrap();
            assert!(!(done && back));
        });
    }
}

#[test]
fn both_leave() {
    for polls in 0..3 {
        loom::model(move || {
            let (filler, mut waiter) = slot::<Track<u32>>();
            let tasks = [Task::new(), Task::new()];
            let dropping = thread::spawn(move || drop(filler));
            for task in &tasks[..polls] {
                let _ = poll(&mut waiter, task);
            }
            drop(waiter);
            dropping.join().unwrap();
        });
    }
}

#[test]
fn a_look_without_waiting() {
    loom::model(|| {
        let (filler, mut waiter) = slot();
        let filling = thread::spawn(move || assert!(filler.fill(value()).is_ok()));
        let early = waiter.try_take();
        filling.join().unwrap();
        let answer = early.or_else(|| waiter.try_take());
        assert!(answer.is_some_and(|answer| is_value(&answer)));
    });
}

/// A filler that sees the waiter gone sees what it did before. The filler looks on the spawned thread: see `sync`.
#[test]
fn the_filler_sees_the_waiter_go() {
    let seen = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let saw = seen.clone();
    loom::model(move || {
        let (filler, mut waiter) = slot::<Track<u32>>();
        let before = Arc::new(UnsafeCell::new(0));
        let looking = thread::spawn({
            let (before, seen) = (before.clone(), seen.clone());
            move || {
                if filler.is_abandoned() {
                    // SAFETY: written before the waiter went only.
                    assert_eq!(before.with(|before| unsafe { *before }), 1);
                    assert!(filler.fill(value()).is_err());
                    seen.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            }
        });
        let _ = poll(&mut waiter, &Task::new());
        // SAFETY: read after the waiter is seen gone only.
        before.with_mut(|before| unsafe { *before = 1 });
        drop(waiter);
        looking.join().unwrap();
    });
    assert!(saw.load(std::sync::atomic::Ordering::Relaxed), "the model never got there");
}

#[test]
fn the_caller_is_woken() {
    loom::model(|| {
        let task = Task::new();
        let (filler, mut waiter) = slot_of(&task);
        let filling = thread::spawn(move || assert!(filler.fill(value()).is_ok()));
        assert!(is_value(&block_on(&mut waiter, &task)));
        filling.join().unwrap();
    });
}

#[test]
fn the_caller_learns_that_the_filler_goes() {
    loom::model(|| {
        let task = Task::new();
        let (filler, mut waiter) = slot_of::<Track<u32>>(&task);
        let dropping = thread::spawn(move || drop(filler));
        assert!(block_on(&mut waiter, &task).is_err());
        dropping.join().unwrap();
    });
}

/// Whether the caller has polled or not, another task that polls is woken in its place.
#[test]
fn another_task_waits_for_the_caller() {
    for polls in [false, true] {
        loom::model(move || {
            let tasks = [Task::new(), Task::new()];
            let (filler, mut waiter) = slot_of(&tasks[0]);
            let filling = thread::spawn(move || assert!(filler.fill(value()).is_ok()));
            let early = if polls { poll(&mut waiter, &tasks[0]) } else { Poll::Pending };
            let [first, second] = tasks;
            let waiting = thread::spawn(move || {
                let answer = match early {
                    Poll::Ready(answer) => answer,
                    Poll::Pending => block_on(&mut waiter, &second),
                };
                assert!(is_value(&answer));
            });
            filling.join().unwrap();
            waiting.join().unwrap();
            drop(first);
        });
    }
}

/// Polled by the caller, by another task, and by the caller again, which waits as any task then.
#[test]
fn the_caller_waits_again() {
    loom::model(|| {
        let tasks = [Task::new(), Task::new()];
        let (filler, mut waiter) = slot_of(&tasks[0]);
        let filling = thread::spawn(move || assert!(filler.fill(value()).is_ok()));
        let answer = match poll(&mut waiter, &tasks[1]) {
            Poll::Ready(answer) => answer,
            Poll::Pending => block_on(&mut waiter, &tasks[0]),
        };
        assert!(is_value(&answer));
        filling.join().unwrap();
    });
}

/// An answer that nobody waits for keeps nobody.
#[test]
fn a_caller_that_has_left_is_let_go() {
    for polls in 0..3 {
        loom::model(move || {
            let tasks = [Task::new(), Task::new()];
            let (filler, mut waiter) = slot_of::<Track<u32>>(&tasks[0]);
            for task in &tasks[..polls] {
                assert!(poll(&mut waiter, task).is_pending());
            }
            drop(waiter);
            assert_eq!(tasks.each_ref().map(Arc::strong_count), [1, 1]);
            assert!(filler.fill(value()).is_err());
        });
    }
}

#[test]
fn the_caller_leaves() {
    for polls in 0..3 {
        loom::model(move || {
            let tasks = [Task::new(), Task::new()];
            let (filler, mut waiter) = slot_of(&tasks[0]);
            let filling = thread::spawn(move || filler.fill(value()).is_err_and(|back| *back.get_ref() == 7));
            let mut done = false;
            for task in &tasks[..polls] {
                done = done || poll(&mut waiter, task).is_ready();
            }
            drop(waiter);
            let back = filling.join().unwrap();
            assert!(!(done && back));
            drop(tasks);
        });
    }
}

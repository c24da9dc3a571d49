use super::*;
use crate::otp::Node;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Inserted and removed in any order: each finds its own, and places are used again.
#[test]
fn each_has_a_place_of_its_own() {
    let (mut waiters, mut known, mut most) = (Waiters::default(), HashMap::new(), 0);
    let mut random = 1_u32;
    for _ in 0..2000 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let oldest = known.keys().min().copied();
        if random >> 30 > 1 || known.is_empty() {
            let counter = Arc::new(Counter::default());
            let place = waiters.insert(counter.clone().into());
            assert!(known.insert(place, counter).is_none(), "{place} was taken");
        } else if let Some(place) = oldest.map(|oldest| if random >> 29 & 1 == 0 { oldest } else { known.len() })
            && let Some(counter) = known.remove(&place)
        {
            let waker = waiters.remove(place).unwrap();
            assert!(waker.will_wake(&counter.into()));
            assert!(waiters.remove(place).is_none() && waiters.get_mut(place).is_none());
        }
        most = most.max(known.len());
        assert_eq!(waiters.len(), known.len());
        assert!(waiters.places.len() <= most);
    }
    waiters.take().for_each(Waker::wake);
    assert!(known.values().all(|counter| counter.0.load(Ordering::SeqCst) == 1));
    assert_eq!((waiters.len(), waiters.free, waiters.places.len()), (0, 0, 0));
}

#[tokio::test]
async fn who_gives_up_leaves_nothing_behind() {
    let node = Node::builder().workers(1).build().await.unwrap();
    let pid = node.spawn_fn("hangs", |_| std::future::pending::<()>()).unwrap();
    let cell = node.table().get(pid).unwrap();
    let waiting = || {
        let counts = |waiters: &mut Waiters| (waiters.len(), waiters.places.len());
        cell.known_side(|side| side.known_waiters().map(counts)).flatten().unwrap_or_default()
    };
    let counter = Arc::new(Counter::default());
    let (mine, other) = (Waker::from(counter.clone()), Waker::noop());
    let poll = |gone: Pin<&mut Gone<'_>>, waker: &Waker| gone.poll(&mut Context::from_waker(waker)).is_pending();
    let mut stays = pin!(cell.gone());
    assert!(poll(stays.as_mut(), &mine));
    for _ in 0..1000 {
        let mut gone = Box::pin(cell.gone());
        // Polled again, by the same task and by others, it has one place.
        for waker in [&mine, other, &mine, &mine] {
            assert!(poll(gone.as_mut(), waker));
            assert_eq!(waiting(), (2, 2));
        }
        drop(gone);
        assert_eq!(waiting(), (1, 2));
    }
    let mut moved = pin!(cell.gone());
    assert!(poll(moved.as_mut(), &mine) && poll(moved.as_mut(), other));
    node.kill(pid);
    assert_eq!(cell.gone().await, ExitReason::Killed);
    assert_eq!(waiting(), (0, 0));
    assert!(!poll(stays.as_mut(), &mine) && !poll(moved.as_mut(), &mine));
    assert_eq!(counter.0.load(Ordering::SeqCst), 1);
    assert_eq!(Arc::strong_count(&counter), 2);
}

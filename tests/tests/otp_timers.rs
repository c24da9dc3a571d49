//! Timers: when they fire, what a cancel says, and that they die with their owner.

use rusm::otp::{Address, Timer};
use rusm::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Arguments cross boundaries, and a channel can't: it is given by its number.
static SEEN: Mutex<Vec<UnboundedSender<u64>>> = Mutex::new(Vec::new());

fn channel() -> (usize, UnboundedReceiver<u64>) {
    let (sender, receiver) = unbounded_channel();
    let mut all = SEEN.lock().unwrap();
    all.push(sender);
    (all.len() - 1, receiver)
}

/// Clients of other nodes.
static THERE: Mutex<Vec<ClockClient>> = Mutex::new(Vec::new());

/// Tells what it is sent, and sets timers for others.
pub struct Clock {
    seen: UnboundedSender<u64>,
    timers: Vec<Timer>,
}

#[actor]
impl Clock {
    #[init]
    fn start(channel: usize) -> Self {
        Self { seen: SEEN.lock().unwrap()[channel].clone(), timers: Vec::new() }
    }

    #[cast]
    pub fn tick(&self, number: u64) {
        let _ = self.seen.send(number);
    }

    #[cast]
    pub fn drop_it(&self, grenade: Grenade) {
        drop(grenade);
    }

    pub fn ping(&self) {}

    pub fn set(&mut self, to: Pid, after: Vec<Duration>, every: bool) {
        let to = ClockClient::from_address(Address::pid_on(&Node::current(), to));
        for (number, time) in after.into_iter().enumerate() {
            let cast = to.tick(number as u64);
            let timer = if every { cast.every(time) } else { cast.after(time) };
            self.timers.push(timer.unwrap());
        }
    }

    /// Sets timers for a process of another node, which is given by its number.
    pub fn set_there(&mut self, to: usize, after: Vec<Duration>, every: bool) {
        let to = THERE.lock().unwrap()[to].clone();
        for (number, time) in after.into_iter().enumerate() {
            let cast = to.tick(number as u64);
            let timer = if every { cast.every(time) } else { cast.after(time) };
            self.timers.push(timer.unwrap());
        }
    }

    pub fn set_timers(&self) -> usize {
        self.timers.iter().filter(|timer| timer.is_set()).count()
    }

    /// What each cancel said, and whether it was set before and is after.
    pub fn cancel(&mut self) -> Vec<(bool, bool, bool)> {
        self.timers.iter().map(|timer| (timer.is_set(), timer.cancel(), timer.is_set())).collect()
    }
}

static DROPPED: AtomicUsize = AtomicUsize::new(0);

/// Panics when it is dropped.
#[wire]
#[derive(Clone)]
pub struct Grenade {
    armed: bool,
}

impl Drop for Grenade {
    fn drop(&mut self) {
        if self.armed {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            panic!("bang");
        }
    }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn here() -> Node {
    Node::builder().build().await.unwrap()
}

async fn owned() -> Node {
    Node::builder().workers(8).build().await.unwrap()
}

fn all(receiver: &mut UnboundedReceiver<u64>) -> Vec<u64> {
    std::iter::from_fn(|| receiver.try_recv().ok()).collect()
}

#[tokio::test(start_paused = true)]
async fn they_fire_in_order_and_not_too_early() -> Result {
    let node = here().await;
    let (number, mut seen) = channel();
    let clock = node.spawn::<Clock>(number).await?;
    let began = Instant::now();
    // By no process, and by one.
    for time in [30, 10, 20, 10, 0, 70, 64, 4096, 4097] {
        clock.tick(time).after(millis(time))?;
    }
    for expected in [0, 10, 10, 20, 30, 64, 70, 4096, 4097] {
        assert_eq!(seen.recv().await, Some(expected));
        let late = began.elapsed() - millis(expected);
        assert!(late <= millis(2), "{expected} is {late:?} late");
    }
    let began = Instant::now();
    clock.set(clock.pid(), vec![millis(500), millis(1), millis(90)], false).await?;
    for (expected, at) in [(1, 1), (2, 90), (0, 500)] {
        assert_eq!(seen.recv().await, Some(expected));
        assert!(
            began.elapsed() >= millis(at) && began.elapsed() <= millis(at + 2),
            "{expected}: {:?}",
            began.elapsed()
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cancel_says_the_truth() -> Result {
    let node = here().await;
    let (number, mut seen) = channel();
    let clock = node.spawn::<Clock>(number).await?;
    let setter = node.spawn::<Clock>(channel().0).await?;
    let (outside, early) = (clock.tick(100).after(millis(50))?, clock.tick(101).after(millis(5))?);
    setter.set(clock.pid(), vec![millis(50), millis(5)], false).await?;
    assert!(outside.is_set() && early.is_set());
    let mut fired = [seen.recv().await, seen.recv().await];
    fired.sort();
    assert_eq!(fired, [Some(1), Some(101)]);
    assert_eq!([early.is_set(), early.cancel(), outside.cancel(), outside.cancel()], [false, false, true, false]);
    assert_eq!(setter.cancel().await?, [(true, true, false), (false, false, false)]);
    tokio::time::sleep(millis(200)).await;
    assert!(all(&mut seen).is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn repeated_ones_do_not_drift() -> Result {
    let node = here().await;
    let (number, mut seen) = channel();
    let clock = node.spawn::<Clock>(number).await?;
    let began = Instant::now();
    let outside = clock.tick(7).every(millis(7))?;
    for round in 1..1000_u64 {
        assert_eq!(seen.recv().await, Some(7));
        let due = millis(7 * round);
        let late = began.elapsed() - due;
        assert!(late <= millis(2), "{late:?} late in round {round}");
    }
    assert!(outside.is_set() && outside.cancel() && !outside.is_set() && !outside.cancel());
    tokio::time::sleep(millis(50)).await;
    assert!(all(&mut seen).is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn they_die_with_their_owner() -> Result {
    let node = here().await;
    let (number, mut seen) = channel();
    let clock = node.spawn::<Clock>(number).await?;
    let owner = node.spawn::<Clock>(channel().0).await?;
    for every in [false, true] {
        owner.set(clock.pid(), vec![millis(5); 100], every).await?;
    }
    let by_nobody = clock.tick(7).after(millis(6))?;
    node.kill(owner.pid());
    node.ended(owner.pid()).await;
    tokio::time::sleep(millis(100)).await;
    assert_eq!(all(&mut seen), [7]);
    assert!(!by_nobody.is_set());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn repeated_ones_end_with_who_they_are_for() -> Result {
    let node = here().await;
    let (number, mut seen) = channel();
    let clock = node.spawn::<Clock>(number).await?;
    let timer = clock.tick(7).every(millis(5))?;
    assert_eq!(seen.recv().await, Some(7));
    node.kill(clock.pid());
    node.ended(clock.pid()).await;
    tokio::time::sleep(millis(20)).await;
    assert!(!timer.is_set() && !timer.cancel());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nobody_there_and_the_far_future() -> Result {
    let node = here().await;
    let (number, mut seen) = channel();
    let clock = node.spawn::<Clock>(number).await?;
    // What does not fit into nanoseconds is not now.
    let years = |years: u64| Duration::from_secs(years * 366 * 24 * 3600);
    let far = [Duration::MAX, years(300), years(585), years(1000), Duration::from_secs(u64::MAX / 4)];
    for time in far.into_iter().chain([Duration::from_secs(18_446_744_074)]) {
        let (once, repeated) = (clock.tick(1).after(time)?, clock.tick(1).every(time)?);
        clock.ping().timeout(time).await?;
        tokio::time::sleep(millis(1000)).await;
        assert!(all(&mut seen).is_empty(), "{time:?}");
        assert!(once.cancel() && repeated.cancel());
    }
    // A year of virtual time.
    clock.tick(2).after(years(1))?;
    tokio::time::sleep(years(1) + millis(5)).await;
    assert_eq!(seen.recv().await, Some(2));

    node.kill(clock.pid());
    node.ended(clock.pid()).await;
    assert!(matches!(clock.tick(1).after(millis(1)), Err(SendError::NoProcess(_))));
    assert!(matches!(clock.tick(1).every(millis(1)), Err(SendError::NoProcess(_))));
    let name = ClockClient::named(&node, "nobody")?;
    assert!(matches!(name.tick(1).after(millis(1)), Err(SendError::NoProcess(_))));
    Ok(())
}

#[tokio::test]
async fn thousands_at_once() -> Result {
    const MANY: usize = 5000;
    for node in [here().await, owned().await] {
        let (number, mut seen) = channel();
        let clock = node.spawn::<Clock>(number).await?;
        let setters = [node.spawn::<Clock>(channel().0).await?, node.spawn::<Clock>(channel().0).await?];
        let began = Instant::now();
        for setter in &setters {
            setter.set(clock.pid(), (0..MANY).map(|at| millis(at as u64 % 50)).collect(), false).await?;
        }
        let mut counts = vec![0; MANY];
        for _ in 0..2 * MANY {
            let number = seen.recv().await.unwrap() as usize;
            counts[number] += 1;
            assert!(began.elapsed() >= millis(number as u64 % 50), "{number} is early");
        }
        assert!(counts.iter().all(|count| *count == 2));
        // Those that are taken back do not fire, and the others do.
        let timers: Vec<_> = (0..MANY).map(|at| clock.tick(at as u64).after(millis(at as u64 % 20)).unwrap()).collect();
        let fired = timers.iter().filter(|timer| !timer.cancel()).count();
        for _ in 0..fired {
            seen.recv().await.unwrap();
        }
        clock.ping().await?;
        assert!(all(&mut seen).is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_message_that_panics_when_a_timer_drops_it_harms_nobody() -> Result {
    for node in [here().await, owned().await] {
        let before = DROPPED.load(Ordering::Relaxed);
        let (number, mut seen) = channel();
        let clock = node.spawn::<Clock>(number).await?;
        let dead = node.spawn::<Clock>(number).await?;
        // Fires for nobody, and is dropped there.
        dead.drop_it(Grenade { armed: true }).after(millis(3))?;
        let ended = node.ended(dead.pid());
        node.kill(dead.pid());
        ended.await;
        clock.tick(1).after(millis(4))?;
        assert_eq!(seen.recv().await, Some(1));
        while DROPPED.load(Ordering::Relaxed) == before {
            tokio::task::yield_now().await;
        }
        clock.ping().await?;
    }
    Ok(())
}

/// The timers of a process are its node's, whoever they are for.
#[tokio::test(start_paused = true)]
async fn they_go_from_one_node_to_another() -> Result {
    for every in [false, true] {
        let [here, there, third] = [here().await, here().await, here().await];
        let (number, mut seen) = channel();
        let clock = there.spawn::<Clock>(number).await?;
        let to = {
            let mut all = THERE.lock().unwrap();
            all.push(clock.client().clone());
            all.len() - 1
        };
        let setters = [here.spawn::<Clock>(channel().0).await?, here.spawn::<Clock>(channel().0).await?];
        // In the wheel of the setters' node are timers of somebody else, in the places that theirs would have in the other's.
        let (aside, mut kept) = channel();
        let (beside, third) = (here.spawn::<Clock>(aside).await?, third.spawn::<Clock>(aside).await?);
        beside.set(beside.pid(), vec![millis(70); 8], false).await?;
        for setter in &setters {
            setter.set_there(to, vec![millis(5), millis(50), millis(50)], every).await?;
        }
        assert_eq!([seen.recv().await, seen.recv().await], [Some(0), Some(0)]);
        // A setter ends: its timers do not fire, the other's do.
        let ended = here.ended(setters[0].pid());
        here.kill(setters[0].pid());
        ended.await;
        assert_eq!(setters[1].set_timers().await?, if every { 3 } else { 2 });
        tokio::time::sleep(millis(60)).await;
        let fired = all(&mut seen);
        assert_eq!(fired.iter().filter(|number| **number > 0).count(), 2, "{fired:?}");
        // The node that they go to ends: nobody is there any more.
        setters[1].set_there(to, vec![millis(5)], every).await?;
        assert_eq!(there.shutdown(Duration::from_secs(60)).await, 0);
        tokio::time::sleep(millis(60)).await;
        assert_eq!(setters[1].set_timers().await?, 0);
        assert_eq!(all(&mut kept), (0..8).collect::<Vec<_>>());
        // The node of who set them ends.
        THERE.lock().unwrap()[to] = third.client().clone();
        setters[1].set_there(to, vec![millis(50)], every).await?;
        assert_eq!(here.shutdown(Duration::from_secs(60)).await, 0);
        tokio::time::sleep(millis(100)).await;
        assert!(all(&mut kept).is_empty());
        third.ping().await?;
    }
    Ok(())
}

#[actor]
async fn hog(_inbox: Inbox<()>, until: usize) {
    // Never awaits.
    while SEEN.lock().unwrap()[until].receiver_is_here() {
        std::thread::yield_now();
    }
}

trait Here {
    fn receiver_is_here(&self) -> bool;
}

impl Here for UnboundedSender<u64> {
    fn receiver_is_here(&self) -> bool {
        !self.is_closed()
    }
}

/// The timer is on the wheel of the worker that is held, and who is to be told on another one.
#[tokio::test]
async fn they_fire_beside_a_process_that_holds_its_worker() -> Result {
    let node = Node::builder().workers(2).build().await?;
    let (number, mut seen) = channel();
    let clock = node.spawn::<Clock>(number).await?;
    let setter = node.spawn::<Clock>(channel().0).await?;
    let (holds, held) = channel();
    setter.set(clock.pid(), vec![millis(20); 10], false).await?;
    let hog = node.spawn::<hog>(holds).await?;
    clock.tick(9).after(millis(30))?;
    for _ in 0..11 {
        assert!(seen.recv().await.is_some());
    }
    let ended = node.ended(hog.pid());
    drop(held);
    assert_eq!(ended.await, ExitReason::Normal);
    Ok(())
}

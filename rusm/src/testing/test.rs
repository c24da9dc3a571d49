//! What a test can do beside running: wait for events, and make trouble.

use crate::otp::trial::Rule;
use crate::otp::trial::{Draw, Trial};
use crate::otp::{Instant, Node};
use crate::wire::{ExitReason, Pid};
use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// One run of a test: its node, its seed, and what can be asked of both.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Test {
    trial: Arc<Trial>,
    node: Node,
    began: Instant,
}

/// What a test's body can take as an argument.
#[diagnostic::on_unimplemented(
    message = "a test can't take `{Self}`",
    label = "not given to tests",
    note = "a test takes a `rusm::Node`, a `rusm::testing::Test`, or both"
)]
pub trait FromTest {
    /// Takes it from the run.
    fn from_test(test: &Test) -> Self;
}

impl FromTest for Test {
    fn from_test(test: &Test) -> Self {
        test.clone()
    }
}

impl FromTest for Node {
    fn from_test(test: &Test) -> Self {
        test.node.clone()
    }
}

impl Test {
    pub(super) fn new(trial: Arc<Trial>, node: Node) -> Self {
        Self { trial, node, began: Instant::now() }
    }

    /// The node that was made for the test.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The seed of this run.
    pub fn seed(&self) -> u64 {
        self.trial.seed()
    }

    /// How much virtual time has passed since the run began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Draws a number from the seed: the same one again when the run is replayed.
    ///
    /// # Panics
    /// On an empty range.
    pub fn draw(&self, from: Range<u64>) -> u64 {
        assert!(!from.is_empty(), "nothing to draw from: {from:?}");
        from.start + self.trial.draw(|draw: &mut Draw| draw.below(from.end - from.start))
    }

    /// A number that tells which processes had their turns so far, and in which order.
    ///
    /// Two runs with one seed tell the same, unless the test depends on what a seed does not tell; see
    /// [`testing`](super).
    pub fn trace(&self) -> u64 {
        self.trial.trace().1
    }

    /// How many turns processes have had so far.
    pub fn turns(&self) -> u64 {
        self.trial.trace().0
    }

    /// Waits until this is true. It is asked after turns of processes, and whenever nothing can run, before time passes. If nothing will happen any more the test fails, as at any deadlock.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    ///
    /// # Examples
    /// ```test_harness
    /// # use rusm::{prelude::*, testing::Test};
    /// # use std::{sync::{Arc, atomic::{AtomicBool, Ordering}}, time::Duration};
    /// #[rusm::test]
    /// async fn a_job_gets_done(test: Test) {
    ///     let done = Arc::new(AtomicBool::new(false));
    ///     let flag = done.clone();
    ///     let job = async move {
    ///         sleep(Duration::from_secs(3600)).await;
    ///         flag.store(true, Ordering::Relaxed);
    ///     };
    ///     test.node().spawn_fn("job", |_| job).unwrap();
    ///     test.until(|| done.load(Ordering::Relaxed)).await;
    /// }
    /// ```
    pub fn until(&self, mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
        poll_fn(move |cx| {
            if condition() {
                return Poll::Ready(());
            }
            self.trial.wake_changed(cx.waker());
            Poll::Pending
        })
    }

    /// Waits until nothing can run, at this moment of virtual time: everything that was sent is handled, and whoever
    /// waits, waits for time or for the test.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub fn idle(&self) -> impl Future<Output = ()> {
        let mut asked = None;
        poll_fn(move |cx| {
            // Something else may have woken the test before.
            let moments = self.trial.idle_moments();
            if *asked.get_or_insert(moments) != moments {
                return Poll::Ready(());
            }
            self.trial.wake_idle(cx.waker());
            Poll::Pending
        })
    }

    /// Waits until a process has ended, and tells why; also if it ended long ago. `NoProcess` if there was no such process in this run.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn exits(&self, pid: Pid) -> ExitReason {
        let nodes = self.trial.nodes();
        let Some(cell) = nodes.iter().find_map(|node| node.table().get_ending(pid)) else {
            return self.trial.end_of(pid).map_or(ExitReason::NoProcess, |end| end.reason);
        };
        cell.gone().await
    }

    /// Ends a process at its next await as if it had panicked there with this text: links and monitors are told, a
    /// supervisor starts it again. [`deny_crashes`](Self::deny_crashes) does not count it.
    ///
    /// Does nothing if it has ended. [`Node::kill`] kills.
    pub fn crash(&self, pid: Pid, why: impl Into<String>) {
        let why = ExitReason::Panicked(why.into().into());
        for node in self.trial.nodes() {
            if let Some(cell) = node.table().get(pid) {
                self.trial.expect_crash(pid);
                cell.ptr().request_end(why.clone());
            }
        }
    }

    /// From now on a process that crashes fails the test: one that ends with a panic, an error, a trap or at a limit. One
    /// that has crashed before fails it now.
    pub fn deny_crashes(&self) {
        self.trial.deny_crashes();
    }

    /// The crash of this process is none that [`deny_crashes`](Self::deny_crashes) counts.
    pub fn expect_crash(&self, pid: Pid) {
        self.trial.expect_crash(pid);
    }

    /// Loses messages on their way to a process: those for whose number it says yes, counted from 0 and from now on.
    ///
    /// A lost call ends at its deadline: nobody is told. Signals are not lost. Replaces the rule before; the rule ends with the process.
    ///
    /// # Examples
    /// ```test_harness
    /// # use rusm::{prelude::*, testing::Test};
    /// # pub struct Echo;
    /// # #[actor]
    /// # impl Echo {
    /// #     #[init]
    /// #     fn start() -> Self { Self }
    /// #     pub fn say(&self, word: String) -> String { word }
    /// # }
    /// #[rusm::test]
    /// async fn the_first_call_is_lost(test: Test) -> Result<(), Box<dyn std::error::Error>> {
    ///     let echo = test.node().spawn::<Echo>(()).await?;
    ///     test.drop_messages(echo.pid(), |number| number == 0);
    ///     assert!(matches!(echo.say("one".into()).await, Err(CallError::Timeout(_))));
    ///     assert_eq!(echo.say("two".into()).await?, "two");
    ///     Ok(())
    /// }
    /// ```
    pub fn drop_messages(&self, to: Pid, which: impl FnMut(u64) -> bool + Send + 'static) {
        self.rule(to, || Rule::Drop(Box::new(which)));
    }

    /// Delays each message on its way to a process by a time that is drawn, in milliseconds.
    ///
    /// What one process sends stays in order, with the signals of its end. Senders do not notice; one that a full mailbox would
    /// make wait goes on. Replaces the delay before; the rule ends with the process.
    pub fn delay_messages(&self, to: Pid, by: RangeInclusive<Duration>) {
        self.rule(to, || Rule::Delay(by));
    }

    /// Takes the rules for a process back; what is late stays late, and what is lost stays lost.
    pub fn deliver_messages(&self, to: Pid) {
        self.rule(to, || Rule::Deliver);
    }

    fn rule(&self, to: Pid, rule: impl FnOnce() -> Rule) {
        let nodes = self.trial.nodes();
        if let Some(cell) = nodes.iter().find_map(|node| node.table().get(to)) {
            cell.ptr().mailbox().rule(self.trial.clone(), cell.ptr(), rule());
        }
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Test").field("seed", &self.seed()).field("turns", &self.turns()).finish_non_exhaustive()
    }
}

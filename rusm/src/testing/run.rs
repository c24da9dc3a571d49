//! One run for each seed: a runtime, a node, the body, and the verdict.
//!
//! The body is what the runtime blocks on. It is polled only when something woke it, so that waking it without need, to have a
//! look at the run, is not a step of the test. Beside it lies one timer, later than all that a test may wait for: when time gets
//! there, nothing else was left to wait for.

use super::plan::{Plan, Seed, Seeds};
use super::report::{Failed, Failure, describe, panic_text};
use super::test::Test;
use crate::otp::trial::Trial;
use crate::otp::{Instant, Node};
use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::Builder;

/// Fifty years. What a test sets for later than that does not come.
const LAST: Duration = Duration::from_secs(50 * 365 * 24 * 3600);

/// What the body of a test may return.
#[diagnostic::on_unimplemented(
    message = "a test returns nothing or a `Result`, not `{Self}`",
    label = "not the outcome of a test",
    note = "return `()` or `Result<(), E>` with `E: Debug`"
)]
pub trait Outcome {
    /// The text of its failure, if it failed.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Debug> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| format!("Error: {error:?}"))
    }
}

impl Plan {
    /// Runs the body as the plan says, whatever the environment.
    ///
    /// # Errors
    /// The first run that fails.
    pub fn check<F>(&self, body: impl Fn(Test) -> F) -> Result<(), Failed>
    where
        F: Future<Output: Outcome>,
    {
        let seeds = self.chosen(|_| None).unwrap_or(Seeds::One(0));
        self.each(seeds, body)
    }

    /// Runs the body as the plan and the environment say.
    ///
    /// # Panics
    /// With the report of the first run that fails, which is also printed to stderr.
    pub fn run<F>(&self, body: impl Fn(Test) -> F)
    where
        F: Future<Output: Outcome>,
    {
        let seeds = self.chosen(|name| std::env::var(name).ok()).unwrap_or_else(|error| panic!("{error}"));
        if let Err(failed) = self.each(seeds, body) {
            let report = failed.to_string();
            eprintln!("{report}");
            // Told already; the text is for `#[should_panic(expected = "..")]`.
            resume_unwind(Box::new(report));
        }
    }

    fn each<F>(&self, seeds: Seeds, body: impl Fn(Test) -> F) -> Result<(), Failed>
    where
        F: Future<Output: Outcome>,
    {
        (0..seeds.count()).try_for_each(|number| {
            self.once(seeds.get(number), &body).map_err(|failed| Failed { number, count: seeds.count(), ..failed })
        })
    }

    /// One run; what it leaves is gone when this returns.
    fn once<F>(&self, seed: Seed, body: impl Fn(Test) -> F) -> Result<(), Failed>
    where
        F: Future<Output: Outcome>,
    {
        let trial = Trial::new(seed.0, self.most_turns());
        let _entered = trial.enter();
        let parks = trial.clone();
        let runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .on_thread_park(move || parks.parks())
            .build()
            .unwrap_or_else(|error| panic!("no runtime for the test: {error}"));
        let began = {
            let _inside = runtime.enter();
            Instant::now()
        };
        let failure = match catch_unwind(AssertUnwindSafe(|| runtime.block_on(life(&trial, body)))) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => failure,
            Err(payload) => Failure::Body(panic_text(&*payload)),
        };
        let now = {
            let _inside = runtime.enter();
            Instant::now()
        };
        // In a deadlock time went on to its end before it was seen that there is nothing left.
        let until = if matches!(failure, Failure::Deadlock) { trial.moved_at().unwrap_or(began) } else { now };
        let (turns, trace) = trial.trace();
        let elapsed = until.saturating_duration_since(began);
        let text = describe(&trial, &failure);
        Err(Failed { name: self.test_name(), seed, number: 0, count: 1, turns, trace, elapsed, text })
    }
}

/// The body, up to its end or what ends it.
async fn life<F>(trial: &Arc<Trial>, body: impl Fn(Test) -> F) -> Result<(), Failure>
where
    F: Future<Output: Outcome>,
{
    let node = Node::builder().name("test").build().await;
    let node = node.map_err(|error| Failure::Body(format!("no node: {error}")))?;
    let test = Test::new(trial.clone(), node);
    let mut body = pin!(body(test));
    let mut last = pin!(tokio::time::sleep(LAST));
    trial.wake_body();
    poll_fn(|cx| {
        if let Some(waker) = trial.body_woken(cx.waker())
            && let Poll::Ready(outcome) = body.as_mut().poll(&mut Context::from_waker(&waker))
        {
            return Poll::Ready(outcome.failure().map_or(Ok(()), |text| Err(Failure::Body(text))));
        }
        if let Some(verdict) = trial.verdict() {
            return Poll::Ready(Err(Failure::Verdict(verdict)));
        }
        last.as_mut().poll(cx).map(|()| Err(Failure::Deadlock))
    })
    .await
    .and_then(|()| trial.verdict().map_or(Ok(()), |verdict| Err(Failure::Verdict(verdict))))
}

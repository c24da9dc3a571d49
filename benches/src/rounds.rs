//! Measures variants in turns.

use crate::Failure;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// What one variant did in one round.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sample {
    /// In the unit of its row.
    pub(crate) value: f64,
    /// Microseconds of the middle one, and of all but the slowest in a hundred; 0 where no latency is measured.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Sample {
    /// One without latencies.
    pub(crate) fn only(value: f64) -> Self {
        Self { value, ..Self::default() }
    }
}

/// Something to measure for this long.
pub(crate) type Variant<'a> = Box<dyn FnMut(Duration) -> Result<Sample, Failure> + 'a>;

/// Measures every variant once per round, after one round that does not count. Each round begins with another one, so that
/// none always follows the same.
///
/// # Errors
/// The first of a variant.
pub(crate) fn alternate(
    rounds: u32,
    span: Duration,
    variants: &mut [Variant<'_>],
) -> Result<Vec<Vec<Sample>>, Failure> {
    let mut samples = vec![Vec::new(); variants.len()];
    for variant in &mut *variants {
        variant(span.min(Duration::from_millis(500)))?;
    }
    for round in 0..rounds as usize {
        for turn in 0..variants.len() {
            let turn = (round + turn) % variants.len();
            samples[turn].push(variants[turn](span)?);
        }
    }
    Ok(samples)
}

/// When to stop. Looks at the clock once in a while, which costs nothing beside what is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    until_look: u32,
}

impl Deadline {
    const LOOK: u32 = 16;

    /// Whether there is time for one more.
    pub(crate) fn is_ahead(&mut self) -> bool {
        if self.until_look > 0 {
            self.until_look -= 1;
            return true;
        }
        self.until_look = Self::LOOK - 1;
        Instant::now() < self.at
    }
}

/// The rate of several tasks that count what they do until a deadline.
///
/// # Errors
/// The first of a task.
pub(crate) fn rate<F>(
    runtime: &Runtime,
    tasks: usize,
    span: Duration,
    task: impl Fn(Deadline) -> F,
) -> Result<Sample, Failure>
where
    F: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    runtime.block_on(async {
        let began = Instant::now();
        let deadline = Deadline { at: began + span, until_look: 0 };
        let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(task(deadline))).collect();
        let mut done = 0;
        for task in tasks {
            done += task.await??;
        }
        Ok(Sample::only(done as f64 / began.elapsed().as_secs_f64()))
    })
}

/// One, and as many as there are cores to run on.
pub(crate) fn task_counts() -> Vec<usize> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if cores > 1 { vec![1, cores] } else { vec![1] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn variants_take_turns_after_a_round_that_does_not_count() {
        let order = RefCell::new(String::new());
        let variant = |name: char| -> Variant<'_> {
            let order = &order;
            Box::new(move |_| {
                order.borrow_mut().push(name);
                Ok(Sample::only(f64::from(u32::from(name))))
            })
        };
        let samples = alternate(3, Duration::ZERO, &mut [variant('a'), variant('b')]).unwrap();
        assert_eq!(*order.borrow(), "ababbaab");
        assert_eq!(samples.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
        assert!(samples[1].iter().all(|sample| sample.value == f64::from(u32::from('b'))));
    }

    #[test]
    fn a_deadline_that_passed_stops_the_next_look() {
        let mut deadline = Deadline { at: Instant::now(), until_look: 2 };
        assert_eq!([deadline.is_ahead(), deadline.is_ahead(), deadline.is_ahead()], [true, true, false]);
    }

    #[test]
    fn tasks_add_up_and_failures_come_out() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sample = rate(&runtime, 3, Duration::ZERO, |_| async { Ok(7) }).unwrap();
        assert!(sample.value > 0.0);
        assert!(rate(&runtime, 2, Duration::ZERO, |_| async { Err("no".into()) }).is_err());
    }
}

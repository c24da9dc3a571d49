//! What is told of a run that failed.

use super::plan::Seed;
use crate::otp::trial::{Trial, Verdict};
use crate::wire::Pid;
use std::any::Any;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

/// At most so many lines about each kind of thing.
const LINES: usize = 20;

/// Why a run failed.
pub(super) enum Failure {
    /// The body panicked or returned an error.
    Body(String),
    /// Something ended the run before its body.
    Verdict(Verdict),
    /// The body waits, and nothing will happen any more.
    Deadlock,
}

pub(super) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a value that is no text".to_owned())
}

/// What failed, and what is to be seen of the nodes while they are there.
pub(super) fn describe(trial: &Arc<Trial>, failure: &Failure) -> String {
    let mut text = match failure {
        Failure::Body(text) => text.clone(),
        Failure::Deadlock => "deadlock: the test waits, no process can run, and no timer is set".to_owned(),
        Failure::Verdict(Verdict::Endless(turns)) => {
            format!("no end after {turns} turns; `#[rusm::test(turns = ..)]` allows more")
        }
        Failure::Verdict(Verdict::Crashed(pid)) => {
            format!("{} crashed, and the test denies crashes", named(trial, *pid))
        }
    };
    let crashes = trial.crashes().into_iter();
    let crashes = crashes.map(|(pid, end)| format!("{pid} ({}): {}", end.label, end.reason)).collect();
    list(&mut text, "processes that crashed", crashes);
    let mut waiting = trial.waiting();
    if matches!(failure, Failure::Verdict(Verdict::Endless(_))) {
        waiting.sort_by_key(|process| std::cmp::Reverse(process.turns));
        let busy = waiting.iter().map(|process| format!("{process}; {} turns", process.turns)).collect();
        list(&mut text, "processes, the busiest first", busy);
    } else {
        list(&mut text, "processes", waiting.iter().map(ToString::to_string).collect());
    }
    let recent: Vec<_> = trial.recent().into_iter().map(|pid| named(trial, pid)).collect();
    if !recent.is_empty() {
        let _ = write!(text, "\nthe last turns: {}", recent.join(", "));
    }
    text
}

fn named(trial: &Trial, pid: Pid) -> String {
    let ended = trial.end_of(pid).map(|end| end.label);
    let alive = || trial.nodes().iter().find_map(|node| node.table().get(pid).map(|cell| cell.label()));
    match ended.or_else(alive) {
        Some(label) => format!("{pid} ({label})"),
        None => pid.to_string(),
    }
}

fn list(text: &mut String, what: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(text, "\n{what}:");
    for line in lines.iter().take(LINES) {
        let _ = write!(text, "\n    {line}");
    }
    if lines.len() > LINES {
        let _ = write!(text, "\n    and {} more", lines.len() - LINES);
    }
}

/// A run that failed: which one, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    pub(super) name: &'static str,
    pub(super) seed: Seed,
    pub(super) number: u64,
    pub(super) count: u64,
    pub(super) turns: u64,
    pub(super) trace: u64,
    pub(super) elapsed: Duration,
    pub(super) text: String,
}

impl Failed {
    /// The seed that has it again.
    pub fn seed(&self) -> u64 {
        self.seed.0
    }

    /// What failed, and what was to be seen of the processes then.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// See [`Test::trace`](super::Test::trace).
    pub fn trace(&self) -> u64 {
        self.trace
    }

    /// How many turns processes had had.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// How much virtual time had passed.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// The whole report, with how to replay it.
impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, seed, number, count, turns, trace, elapsed, text } = self;
        write!(f, "{name} fails with seed {seed}")?;
        if *count > 1 {
            write!(f, " (run {} of {count})", number + 1)?;
        }
        writeln!(f, ", after {turns} turns and {elapsed:?} of virtual time, trace {trace:#x}:")?;
        for line in text.lines() {
            writeln!(f, "    {line}")?;
        }
        write!(f, "replay: RUSM_SEED={seed} cargo test {name} -- --exact")
    }
}

impl std::error::Error for Failed {}

//! The BEAM, if `erl` is installed: one emulator that is told the rows line by line.

use super::rows::{Done, Work};
use super::{Peer, WORKERS};
use crate::Failure;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// How many dynamic children it starts at most: to stop them takes it disproportionately longer the more they are.
const CROWD: u64 = 20_000;
const MODULE: &str = include_str!("bench.erl");

pub(crate) struct Beam {
    emulator: Child,
    rows: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Where its module is while it lives.
    _folder: tempfile::TempDir,
}

impl Beam {
    /// None if there is no `erl`.
    ///
    /// # Errors
    /// An `erl` that does not do what it should.
    pub(crate) fn new() -> Result<Option<Self>, Failure> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("bench.erl"), MODULE)?;
        let begin = "{ok, M, B} = compile:file(bench, [binary, report]), {module, M} = code:load_binary(M, [], B), \
                     bench:main().";
        let started = Command::new("erl")
            .args(["-noshell", "+S", &format!("{WORKERS}:{WORKERS}"), "+P", "4000000", "-eval", begin])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut emulator = match started {
            Ok(emulator) => emulator,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let (Some(rows), Some(answers)) = (emulator.stdin.take(), emulator.stdout.take()) else {
            return Err("erl has no pipes".into());
        };
        Ok(Some(Self { emulator, rows, answers: BufReader::new(answers), _folder: folder }))
    }

    fn ask(&mut self, row: &str, parameter: u64, amount: u64) -> Result<(u64, u64), Failure> {
        writeln!(self.rows, "{row} {parameter} {amount}")?;
        self.rows.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        parse(&answer).ok_or_else(|| format!("erl answered {answer:?} to {row}").into())
    }
}

fn parse(answer: &str) -> Option<(u64, u64)> {
    let (count, number) = answer.trim().split_once(' ')?;
    Some((count.parse().ok()?, number.parse().ok()?))
}

/// Its name of a row, and the row's parameter.
fn row(work: Work) -> Option<(&'static str, u64)> {
    Some(match work {
        Work::Spawn { spawners } => ("spawn", spawners),
        Work::Parked => ("parked", 0),
        Work::PingPong { pairs } => ("ping_pong", pairs),
        Work::FanIn => ("fan_in", 0),
        Work::Ring => ("ring", 0),
        Work::Call { clients } => ("call", clients),
        Work::SelectiveCall => ("selective_call", 0),
        Work::NameSend => ("name_send", 0),
        Work::TimerCancel => ("timer_cancel", 0),
        Work::Cascade => ("cascade", 0),
        Work::Downs => ("downs", 0),
        Work::Restart { panics: false } => ("restart_exit", 0),
        Work::Restart { panics: true } => ("restart_panic", 0),
        Work::Supervisor => ("supervisor", 0),
        Work::Dynamic => ("dynamic", 0),
        Work::CallNamed => ("call_named", 0),
        Work::TcpEcho | Work::HyperHello => return None,
    })
}

impl Peer for Beam {
    fn name(&self) -> &'static str {
        "beam"
    }

    fn has(&self, work: Work) -> bool {
        row(work).is_some()
    }

    fn measure(&mut self, work: Work, amount: u64) -> Result<Done, Failure> {
        let (row, parameter) = row(work).ok_or("the BEAM does not take part in it")?;
        let amount = if work == Work::Dynamic { amount.min(CROWD) } else { amount };
        let (count, nanos) = self.ask(row, parameter, amount)?;
        Ok(Done { count, took: Duration::from_nanos(nanos) })
    }

    /// It looks at itself.
    fn parked(&mut self, count: u64) -> Result<f64, Failure> {
        let (count, bytes) = self.ask("parked", 0, count)?;
        Ok(bytes as f64 / count as f64)
    }
}

impl Drop for Beam {
    fn drop(&mut self) {
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::rows::ROWS;

    #[test]
    fn answers_are_two_numbers() {
        for (answer, expected) in [("3 4\n", Some((3, 4))), ("3\n", None), ("", None), ("a b", None), ("-1 2", None)] {
            assert_eq!(parse(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn the_module_has_every_row() {
        for row in ROWS.iter().filter_map(|known| row(known.work)) {
            assert!(MODULE.contains(&format!("\nrow({}, ", row.0)), "{row:?}");
        }
    }
}

//! The rows: what each of them measures, in which unit, and how much of it is done at once.

use crate::report::Better;
use std::time::Duration;

/// What a row measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// This many processes start others that end at once; counted until all have ended.
    Spawn { spawners: u64 },
    /// Resident bytes per process that was started and waits for a message, in a process of the system of its own.
    Parked,
    /// Round trips of a cast between the two of a pair; this many pairs at a time.
    PingPong { pairs: u64 },
    /// [`SENDERS`] processes cast to one.
    FanIn,
    /// Hops of one token around [`MEMBERS`] processes.
    Ring,
    /// This many processes call one server.
    Call { clients: u64 },
    /// A process in whose mailbox [`WAITING`] messages wait calls a server.
    SelectiveCall,
    /// A process casts to a name that is looked up for each message; counted until all were received.
    NameSend,
    /// A far timer is set and cancelled, one after the other.
    TimerCancel,
    /// Processes are linked to one that is killed; until all are gone.
    Cascade,
    /// A process monitors others, tells them to end and receives their downs.
    Downs,
    /// A child of a supervisor ends at once and is started again, so often; it panics or it returns.
    Restart { panics: bool },
    /// A supervisor starts so many children, starts one of them again that was killed, and stops.
    Supervisor,
    /// A dynamic supervisor starts so many children, one by one, and stops.
    Dynamic,
    /// A process calls a supervised server by its name.
    CallNamed,
    /// A connection is a process and sends back what comes.
    TcpEcho,
    /// A connection is a process and runs hyper on it.
    HyperHello,
}

/// How many processes cast to one.
pub(crate) const SENDERS: u64 = 1000;
/// How many processes a ring has.
pub(crate) const MEMBERS: u64 = 1000;
/// How many messages wait while calls are made.
pub(crate) const WAITING: u64 = 100_000;
/// How many processes a spawner starts before it waits for their end.
pub(crate) const BATCH: u64 = 100_000;
/// What times of crowds are told for; smaller ones are scaled.
const CROWD: f64 = 100_000.0;
/// How far away the timers are that are cancelled.
pub(crate) const FAR: Duration = Duration::from_secs(3600);

/// What a measurement did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Done {
    pub(crate) count: u64,
    pub(crate) took: Duration,
}

impl Work {
    /// Whether it is about supervisors, which few have.
    pub(crate) fn is_supervision(self) -> bool {
        matches!(self, Self::Restart { .. } | Self::Supervisor | Self::Dynamic | Self::CallNamed)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    pub(crate) work: Work,
    /// What the round that does not count does.
    first: u64,
    /// What a round does at most; what waits or is alive at once grows with it.
    most: u64,
}

impl Row {
    const fn rate(name: &'static str, work: Work, first: u64, most: u64) -> Self {
        Self { name, unit: "1/s", better: Better::Higher, work, first, most }
    }

    /// What the first round does.
    pub(crate) fn first(&self, quick: bool) -> u64 {
        match self.work {
            // Fewer would share what the program takes once among too few.
            Work::Parked if quick => self.most / 2,
            _ if quick && self.first == self.most => self.most / 10,
            _ => self.first,
        }
    }

    /// What takes about this long at the pace of another round.
    pub(crate) fn amount(&self, pace: Done, span: Duration, quick: bool) -> u64 {
        let first = self.first(quick);
        if self.first == self.most {
            return first;
        }
        let amount = pace.count as f64 * span.as_secs_f64() / pace.took.as_secs_f64().max(1e-9);
        (amount as u64).clamp(first / 10, self.most)
    }

    /// The figure, in the row's unit.
    pub(crate) fn value(&self, done: Done) -> f64 {
        let (count, seconds) = (done.count.max(1) as f64, done.took.as_secs_f64());
        match self.unit {
            "us" => seconds * 1e6 / count,
            "ms" => seconds * 1e3 * CROWD / count,
            _ => count / seconds,
        }
    }
}

/// All of them, in the order in which they are shown.
pub(crate) const ROWS: [Row; 21] = [
    Row::rate("spawn-1", Work::Spawn { spawners: 1 }, 20_000, 4_000_000),
    Row::rate("spawn-2", Work::Spawn { spawners: 2 }, 20_000, 4_000_000),
    Row { unit: "B", better: Better::Lower, ..Row::rate("parked-bytes", Work::Parked, 250_000, 250_000) },
    Row::rate("ping-pong-1", Work::PingPong { pairs: 1 }, 10_000, u64::MAX),
    Row::rate("ping-pong-1000", Work::PingPong { pairs: 1000 }, 20_000, u64::MAX),
    Row::rate("fan-in", Work::FanIn, 50_000, 2_000_000),
    Row::rate("ring", Work::Ring, 20_000, u64::MAX),
    Row::rate("call-1", Work::Call { clients: 1 }, 10_000, u64::MAX),
    Row::rate("call-100", Work::Call { clients: 100 }, 20_000, u64::MAX),
    Row { unit: "us", better: Better::Lower, ..Row::rate("selective-call", Work::SelectiveCall, 200, 1_000_000) },
    Row::rate("name-send", Work::NameSend, 20_000, 2_000_000),
    Row::rate("timer-cancel", Work::TimerCancel, 10_000, 4_000_000),
    Row { unit: "ms", better: Better::Lower, ..Row::rate("cascade", Work::Cascade, 100_000, 100_000) },
    Row::rate("downs", Work::Downs, 100_000, 100_000),
    Row::rate("restart-exit", Work::Restart { panics: false }, 20_000, 4_000_000),
    Row::rate("restart-panic", Work::Restart { panics: true }, 5_000, 4_000_000),
    Row { unit: "ms", better: Better::Lower, ..Row::rate("supervisor-100k", Work::Supervisor, 100_000, 100_000) },
    Row::rate("dynamic-1m", Work::Dynamic, 1_000_000, 1_000_000),
    Row::rate("call-named", Work::CallNamed, 10_000, u64::MAX),
    Row::rate("tcp-echo", Work::TcpEcho, 0, 0),
    Row::rate("hyper-hello", Work::HyperHello, 0, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str) -> Row {
        ROWS.into_iter().find(|row| row.name == name).expect("a row")
    }

    #[test]
    fn rounds_take_about_as_long_as_they_should() {
        let pace = |count, millis| Done { count, took: Duration::from_millis(millis) };
        let span = Duration::from_millis(100);
        for (name, pace, quick, expected) in [
            ("ping-pong-1", pace(10_000, 10), false, 100_000),
            ("ping-pong-1", pace(10_000, 100_000), false, 1_000),
            ("fan-in", pace(50_000, 1), false, 2_000_000),
            ("cascade", pace(100_000, 1), false, 100_000),
            ("cascade", pace(10_000, 1), true, 10_000),
            ("downs", pace(10_000, 1_000), true, 10_000),
            ("parked-bytes", pace(10_000, 1_000), true, 125_000),
            ("dynamic-1m", pace(10_000, 1_000), true, 100_000),
            ("dynamic-1m", pace(10_000, 1_000), false, 1_000_000),
        ] {
            assert_eq!(row(name).amount(pace, span, quick), expected, "{name} {pace:?}");
        }
    }

    #[test]
    fn figures_are_in_the_unit_of_their_row() {
        let done = Done { count: 50_000, took: Duration::from_millis(20) };
        for (name, expected) in [("ring", 2_500_000.0), ("selective-call", 0.4), ("cascade", 40.0)] {
            assert!((row(name).value(done) - expected).abs() < expected / 1e9, "{name}");
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names = ROWS.map(|row| row.name);
        names.sort_unstable();
        assert!(names.is_sorted_by(|one, other| one < other));
    }
}

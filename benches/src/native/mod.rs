//! Claim: native processes are ahead of everything in their field.
//!
//! The rows of [`rows`], ours beside each peer that has something like it, in one process and in alternating rounds, all of
//! them with [`WORKERS`] workers and messages of sixteen bytes. Then all of it again with another allocator under all but
//! the BEAM, which has its own.

mod actix;
mod beam;
mod crowd;
mod finish;
mod kameo;
mod lateness;
mod ours;
mod parked;
mod ractor;
mod rows;
mod rusm_otp;
mod sockets;
mod tokio;

pub(crate) use crowd::crowd;
pub(crate) use lateness::lateness;
pub(crate) use ours::Payload;
pub(crate) use parked::{Hold, child};

use crate::allocator;
use crate::client::{self, ECHO, HTTP};
use crate::report::{self, Row as Shown};
use crate::rounds::{Sample, Variant, alternate};
use crate::{Failure, Options};
use rows::{Done, ROWS, Row, Work};
use serde_json::Value;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

/// How many threads run processes, for everyone.
pub(crate) const WORKERS: usize = 2;
/// The name that messages are sent to.
pub(crate) const SINK: &str = "bench-sink";
/// In the tail of a token that ends a ring.
pub(crate) const END: u64 = u64::MAX;

/// How long one measurement takes, unless what it does is given.
const SPAN: Duration = Duration::from_millis(200);
const QUICK: Duration = Duration::from_millis(20);

/// Everyone, us first; `by-pid` is ours too, for what a name costs.
const NAMES: [&str; 8] = ["ours", "by-pid", "rusm-otp", "ractor", "kameo", "actix", "tokio", "beam"];

/// One that takes part.
pub(crate) trait Peer {
    fn name(&self) -> &'static str;

    /// Whether it has something like this.
    fn has(&self, work: Work) -> bool;

    /// Does about so much, at least one for each that takes part.
    ///
    /// # Errors
    /// Something that did not work, or did not come to an end.
    fn measure(&mut self, work: Work, amount: u64) -> Result<Done, Failure>;

    /// Starts so many that wait for a message.
    ///
    /// # Errors
    /// One could not be started.
    fn park(&mut self, count: u64) -> Result<Hold, Failure> {
        let _ = count;
        Err("it can't park".into())
    }

    /// Resident bytes of each of so many, in a process of the system that has done nothing before.
    ///
    /// # Errors
    /// See [`parked::here`].
    fn parked(&mut self, count: u64) -> Result<f64, Failure> {
        parked::here(self, count)
    }

    /// Accepts connections until the end.
    ///
    /// # Errors
    /// It can't.
    fn serve(&mut self, work: Work) -> Result<SocketAddr, Failure> {
        let _ = work;
        Err("it does not serve".into())
    }
}

/// None if it is not installed.
fn make(name: &str) -> Result<Option<Box<dyn Peer>>, Failure> {
    Ok(Some(match name {
        "ours" => Box::new(ours::Ours::new()?),
        "by-pid" => Box::new(ours::ByPid::new()?),
        "rusm-otp" => Box::new(rusm_otp::RusmOtp::new()?),
        "ractor" => Box::new(ractor::Ractor::new()?),
        "kameo" => Box::new(kameo::Kameo::new()?),
        "actix" => Box::new(actix::Actix::new()),
        "tokio" => Box::new(tokio::Tokio::new()?),
        "beam" => return Ok(beam::Beam::new()?.map(|beam| Box::new(beam) as Box<dyn Peer>)),
        other => return Err(format!("no peer is called {other}").into()),
    }))
}

/// A message.
pub(crate) fn payload() -> Payload {
    Payload { head: 0, tail: 0 }
}

/// What the peers on tokio run on.
///
/// # Errors
/// No threads.
pub(crate) fn runtime() -> Result<::tokio::runtime::Runtime, Failure> {
    Ok(::tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?)
}

/// Does an amount in equal shares.
///
/// # Errors
/// Those of the work.
pub(crate) fn total(
    shares: u64,
    amount: u64,
    work: impl FnOnce(u64) -> Result<Duration, Failure>,
) -> Result<Done, Failure> {
    let each = amount.div_ceil(shares).max(1);
    Ok(Done { count: each * shares, took: work(each)? })
}

/// # Errors
/// A row that nobody has, a peer that did not do what it should.
pub(crate) fn run(options: &Options, only: &[String]) -> Result<(), Failure> {
    let rows = chosen(only)?;
    println!("native, every peer with {} and {WORKERS} workers\n", allocator::name());
    let shown = measure(&rows, options)?;
    println!("{}", report::table(&shown));
    let mut all = report::value(&shown);
    if allocator::is_system() {
        let mut again = again(options, only)?;
        all["rows_mimalloc"] = again["rows"].take();
    }
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{all:#}\n")).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn chosen(only: &[String]) -> Result<Vec<Row>, Failure> {
    if let Some(unknown) = only.iter().find(|name| ROWS.iter().all(|row| row.name != **name)) {
        let known = ROWS.map(|row| row.name).join(" ");
        return Err(format!("no row is called {unknown}; there are {known}").into());
    }
    Ok(ROWS.into_iter().filter(|row| only.is_empty() || only.iter().any(|name| name == row.name)).collect())
}

/// This program once more, with the other allocator.
fn again(options: &Options, only: &[String]) -> Result<Value, Failure> {
    let json = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.env(allocator::VARIABLE, allocator::MIMALLOC).arg("native").arg("--json").arg(json.path());
    command.arg("--rounds").arg(options.rounds.to_string());
    if options.quick {
        command.arg("--quick");
    }
    if !only.is_empty() {
        command.arg("--only").arg(only.join(","));
    }
    if !command.status()?.success() {
        return Err("the second table could not be made".into());
    }
    Ok(serde_json::from_reader(std::fs::File::open(json.path())?)?)
}

fn measure(rows: &[Row], options: &Options) -> Result<Vec<Shown>, Failure> {
    let mut peers = Vec::new();
    for name in NAMES.into_iter().filter(|name| *name != "beam" || allocator::is_system()) {
        peers.extend(make(name)?);
    }
    let mut shown = Vec::new();
    for row in rows {
        let has = |peer: &dyn Peer| peer.has(row.work) && (row.work != Work::Parked || parked::is_known());
        if !has(&*peers[0]) {
            eprintln!("{} can't be measured on this system", row.name);
            continue;
        }
        let taking_part: Vec<_> = peers.iter_mut().filter(|peer| has(&***peer)).collect();
        let names: Vec<_> = taking_part.iter().map(|peer| peer.name()).collect();
        let mut variants = taking_part
            .into_iter()
            .map(|peer| variant(*row, &mut **peer, options))
            .collect::<Result<Vec<Variant<'_>>, _>>()?;
        let span = if options.quick { QUICK } else { SPAN };
        let samples =
            alternate(options.rounds, span, &mut variants).map_err(|error| format!("{}: {error}", row.name))?;
        let theirs: Vec<_> = names.into_iter().zip(samples.iter().map(Vec::as_slice)).skip(1).collect();
        shown.push(Shown::new(row.name, row.unit, row.better, &samples[0], &theirs));
    }
    Ok(shown)
}

fn variant<'a>(row: Row, peer: &'a mut dyn Peer, options: &Options) -> Result<Variant<'a>, Failure> {
    let quick = options.quick;
    Ok(match row.work {
        Work::Parked => {
            let (name, mut warm) = (peer.name(), false);
            Box::new(move |_| {
                // A process of the system that is fresh has nothing to warm up.
                let counts = std::mem::replace(&mut warm, true);
                if counts { Ok(Sample::only(parked::fresh(name, row.first(quick))?)) } else { Ok(Sample::default()) }
            })
        }
        work @ (Work::TcpEcho | Work::HyperHello) => {
            let (to, connections) = (peer.serve(work)?, options.connections);
            let exchange = if work == Work::TcpEcho { &ECHO } else { &HTTP };
            // Latencies of a short time are those of its first moments.
            Box::new(move |span| client::load(to, connections, span * 4, exchange))
        }
        work => {
            let mut pace = None;
            let name = peer.name();
            Box::new(move |span| {
                let amount = pace.map_or_else(|| row.first(quick), |pace| row.amount(pace, span, quick));
                let done = peer.measure(work, amount).map_err(|error| format!("{name}: {error}"))?;
                pace.get_or_insert(done);
                Ok(Sample::only(row.value(done)))
            })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_chosen_by_name() {
        assert_eq!(chosen(&[]).unwrap().len(), ROWS.len());
        let two = chosen(&["ring".into(), "downs".into()]).unwrap();
        assert_eq!(two.iter().map(|row| row.name).collect::<Vec<_>>(), ["ring", "downs"]);
        let unknown = chosen(&["rings".into()]).unwrap_err().to_string();
        assert!(unknown.contains("rings") && unknown.contains("ring "), "{unknown}");
    }

    #[test]
    fn shares_are_equal_and_not_empty() {
        for (shares, amount, each) in [(1, 10, 10), (3, 10, 4), (1000, 10, 1)] {
            let done = total(shares, amount, |given| {
                assert_eq!(given, each);
                Ok(Duration::from_secs(1))
            });
            assert_eq!(done.unwrap().count, each * shares);
        }
    }

    #[test]
    fn a_message_has_sixteen_bytes() {
        assert_eq!(size_of::<Payload>(), 16);
    }

    /// Each of ours and of the peers in this process does a little of all that it has.
    #[test]
    fn everyone_comes_to_an_end() {
        let _alone = finish::ALONE.lock();
        for name in NAMES.into_iter().filter(|name| *name != "beam") {
            let mut peer = make(name).unwrap().expect("it is in this process");
            assert_eq!(peer.name(), name);
            let measured = |row: &Row| !matches!(row.work, Work::Parked | Work::TcpEcho | Work::HyperHello);
            for row in ROWS.iter().filter(|row| measured(row)) {
                if !peer.has(row.work) {
                    continue;
                }
                // Where what waits is looked through at each call, many take long.
                let amount = if row.work == Work::SelectiveCall { 20 } else { 1500 };
                for _ in 0..2 {
                    let done =
                        peer.measure(row.work, amount).unwrap_or_else(|error| panic!("{name} {}: {error}", row.name));
                    assert!(done.count >= amount && done.took > Duration::ZERO, "{name} {} {done:?}", row.name);
                }
            }
        }
    }
}

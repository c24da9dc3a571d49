//! One bench per claim: our rate beside a peer's, in the same process, in alternating rounds.
//!
//! Rates differ from machine to machine and from run to run; what is worth comparing is the ratio to the peer. No figure
//! makes a bench fail: only what could not be measured does.

mod allocator;
mod call;
mod client;
mod component;
mod http;
mod native;
mod report;
mod rounds;
mod size;
mod spawn;
mod stats;

use clap::{Args, Parser, Subcommand};
use report::Row;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Why something could not be measured.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures rusm beside its peers
#[derive(Debug, Parser)]
#[command(name = "rusm-bench")]
struct Cli {
    #[command(flatten)]
    options: Options,

    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
enum Bench {
    /// Requests per second and their latency
    Http,
    /// Processes started and ended per second
    Spawn,
    /// Calls per second
    Call,
    /// Bytes of a component
    Size,
    /// All of these
    All,
    /// Native processes beside those of other crates and of the BEAM
    Native {
        /// Measure these rows only
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        only: Vec<String>,
    },
    /// So many native processes at once: started, parked, woken and ended
    Crowd {
        /// How many
        #[arg(long, default_value_t = 10_000_000)]
        count: u64,
    },
    /// How late timers are while all workers of native processes are busy
    Lateness,
    /// What `native` starts to look at the memory of one peer
    #[command(hide = true)]
    NativeParked { peer: String, count: u64 },
}

/// What holds for all benches.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// How long one measurement takes; there is one per variant and round. `native` has its own times
    #[arg(long, global = true, value_name = "N", value_parser = seconds, default_value = "2")]
    seconds: Duration,

    /// How many rounds the medians are of
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(5..=101), default_value_t = 5)]
    rounds: u32,

    /// How many connections the HTTP client keeps busy
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), default_value_t = 64)]
    connections: u32,

    /// Short measurements: `all` and `native` in less than 50 seconds each once everything is compiled
    #[arg(long, global = true)]
    quick: bool,

    /// Write the rows into a file too
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Options {
    /// How long one measurement takes.
    fn span(&self) -> Duration {
        if self.quick { self.seconds.min(Duration::from_millis(250)) } else { self.seconds }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.05..=60.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds from 0.05 to 60".to_owned()),
    }
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        eprintln!("warning: this is not a release build; its figures mean nothing");
    }
    let options = &cli.options;
    match &cli.bench {
        Bench::Native { only } => return native::run(options, only),
        Bench::NativeParked { peer, count } => return native::child(peer, *count),
        Bench::Crowd { count } => return native::crowd(*count),
        Bench::Lateness => return native::lateness(options),
        _ => {}
    }
    let chosen = |bench| cli.bench == bench || cli.bench == Bench::All;
    // As in a node that `cargo rusm` runs: events that nobody wants to see are turned away early, but not for nothing.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .init();
    let component = component::build()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let node = runtime.block_on(component::node(&component))?;

    let mut rows = Vec::new();
    let mut show = |claim: &str, measured: Vec<Row>| {
        println!("{claim}\n\n{}", report::table(&measured));
        rows.extend(measured);
    };
    if chosen(Bench::Size) {
        show(size::CLAIM, size::run(&component)?);
    }
    if chosen(Bench::Http) {
        show(http::CLAIM, http::run(&runtime, &node, options)?);
    }
    if chosen(Bench::Spawn) {
        show(spawn::CLAIM, spawn::run(&runtime, &node, options)?);
    }
    if chosen(Bench::Call) {
        show(call::CLAIM, call::run(&runtime, &node, options)?);
    }
    runtime.block_on(node.shutdown(Duration::from_secs(5)));
    runtime.shutdown_timeout(Duration::from_secs(1));
    if let Some(path) = &options.json {
        std::fs::write(path, report::json(&rows)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
        let cli = Cli::try_parse_from(["rusm-bench", "http", "--seconds", "0.5", "--connections", "8"]).unwrap();
        assert_eq!(
            (cli.bench, cli.options.span(), cli.options.connections),
            (Bench::Http, Duration::from_millis(500), 8)
        );
        let cli = Cli::try_parse_from(["rusm-bench", "native", "--quick", "--only", "ring,downs"]).unwrap();
        assert_eq!(cli.bench, Bench::Native { only: vec!["ring".into(), "downs".into()] });
        for bad in
            [["--seconds", "0"], ["--seconds", "nan"], ["--seconds", "61"], ["--rounds", "4"], ["--connections", "0"]]
        {
            assert!(Cli::try_parse_from(["rusm-bench", "http"].into_iter().chain(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn quick_only_shortens() {
        for (seconds, millis) in [("2", 250), ("0.1", 100)] {
            let cli = Cli::try_parse_from(["rusm-bench", "all", "--quick", "--seconds", seconds]).unwrap();
            assert_eq!(cli.options.span(), Duration::from_millis(millis));
        }
    }
}

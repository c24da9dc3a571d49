//! `[log]`: the node's log on stderr.

use std::io;

use rusm::app::{LogFormat, LogLevel, LogSettings};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Starts logging; a logger that is there already stays.
pub(crate) fn start(settings: LogSettings) {
    let level = match settings.level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // The compiler's own lines would drown those of the node.
    let loud = ["cranelift", "cranelift_codegen", "regalloc2", "wasmtime", "hyper", "hyper_util", "mio"];
    let targets =
        Targets::new().with_default(level).with_targets(loud.map(|target| (target, level.min(LevelFilter::WARN))));
    let layer = fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry();
    let _ = match settings.format {
        LogFormat::Pretty => {
            let colors = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
            registry.with(layer.with_ansi(colors).with_filter(targets)).try_init()
        }
        LogFormat::Json => registry.with(layer.json().with_filter(targets)).try_init(),
    };
}

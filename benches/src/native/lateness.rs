//! Claim: a timer is on time while every worker is busy with processes that yield.

use super::WORKERS;
use crate::{Failure, Options};
use rusm::prelude::*;
use std::hint::spin_loop;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How many processes keep each worker busy.
const BUSY: usize = 4;
/// How long each of them computes before it yields.
const COMPUTES: Duration = Duration::from_micros(20);
/// How many processes sleep, each so often.
const SLEEPERS: u64 = 16;
const SLEEPS: u64 = 1000;
const QUICK: u64 = 200;

/// # Errors
/// A node that can't be made.
pub(crate) fn lateness(options: &Options) -> Result<(), Failure> {
    let runtime = super::runtime()?;
    let mut late = runtime.block_on(measure(if options.quick { QUICK } else { SLEEPS }))?;
    late.sort_unstable();
    let at = |percent: usize| late[(late.len() * percent / 100).min(late.len() - 1)];
    println!(
        "{} timers of 3 to 8 ms, {} busy processes on {WORKERS} workers: late by {:?} (p50), {:?} (p99), {:?} (most)",
        late.len(),
        BUSY * WORKERS,
        at(50),
        at(99),
        at(100)
    );
    Ok(())
}

async fn measure(sleeps: u64) -> Result<Vec<Duration>, Failure> {
    let node = Node::builder().workers(WORKERS).build().await?;
    for _ in 0..BUSY * WORKERS {
        node.spawn_fn("busy", |_| async {
            // Until its node ends.
            for _ in 0..u64::MAX {
                let began = Instant::now();
                while began.elapsed() < COMPUTES {
                    spin_loop();
                }
                tokio::task::yield_now().await;
            }
        })?;
    }
    let (told, heard) = mpsc::channel();
    for sleeper in 0..SLEEPERS {
        let told = told.clone();
        node.spawn_fn("sleeper", move |_| async move {
            for round in 0..sleeps {
                let limit = Duration::from_micros(3000 + (round * 617 + sleeper * 331) % 5000);
                let began = Instant::now();
                sleep(limit).await;
                // Whoever listens is there until all have gone.
                let _ = told.send(began.elapsed().saturating_sub(limit));
            }
        })?;
    }
    drop(told);
    let late = tokio::task::spawn_blocking(move || heard.iter().collect()).await?;
    node.shutdown(Duration::ZERO).await;
    Ok(late)
}

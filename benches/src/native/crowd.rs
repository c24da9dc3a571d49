//! Claim: ten million processes fit on one machine, and each of them can be woken.

use super::parked::settled;
use super::{WORKERS, finish};
use crate::Failure;
use rusm::Address;
use rusm::prelude::*;
use std::time::{Duration, Instant};

/// Starts so many that wait, wakes each with a message, with which it ends, and says what it took.
///
/// # Errors
/// One could not be started or woken.
pub(crate) fn crowd(count: u64) -> Result<(), Failure> {
    let runtime = super::runtime()?;
    let before = settled()?;
    let node = runtime.block_on(Node::builder().name("crowd").workers(WORKERS).build())?;
    let each = count.div_ceil(WORKERS as u64);
    finish::expect(WORKERS as u64);
    let began = Instant::now();
    for _ in 0..WORKERS {
        runtime.block_on(node.spawn::<starter>(each))?;
    }
    finish::wait()?;
    let started = began.elapsed();
    let (alive, bytes) = (node.alive(), settled()?.saturating_sub(before));
    println!("{alive} alive after {started:?}, {:.0} resident bytes each", bytes as f64 / alive as f64);

    let pids = node.processes();
    let woken = Instant::now();
    for pid in &pids {
        SleeperClient::from_address(Address::pid_on(&node, *pid)).send(()).send()?;
    }
    let told = woken.elapsed();
    while node.alive() > 0 {
        if woken.elapsed() > Duration::from_secs(60) {
            return Err(format!("{} have not ended after a minute", node.alive()).into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("{} woken in {told:?}, by one thread, and all ended after {:?}", pids.len(), woken.elapsed());
    Ok(())
}

#[actor]
async fn starter(inbox: Inbox<u64>, count: u64) {
    for _ in 0..count {
        inbox.node().spawn::<sleeper>(()).await.expect("there is memory");
    }
    finish::arrive();
}

/// Ends with its first message.
#[actor]
async fn sleeper(mut inbox: Inbox<()>) {
    inbox.receive().await;
}

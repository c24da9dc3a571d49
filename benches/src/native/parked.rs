//! What a waiting process holds in memory, seen from outside of the allocator: the growth of what is resident, in a
//! process of the system that has done nothing else before.

use super::{Peer, make};
use crate::Failure;
use std::any::Any;
use std::process::Command;
use std::time::Duration;

/// What keeps the processes of a peer alive while they are counted.
pub(crate) struct Hold {
    kept: Box<dyn Any>,
    /// What holding takes itself.
    bytes: usize,
}

impl Hold {
    /// They live without being held.
    pub(crate) fn nothing() -> Self {
        Self { kept: Box::new(()), bytes: 0 }
    }

    /// One thing for each.
    pub(crate) fn all<T: 'static>(count: u64, hold: impl FnMut(u64) -> T) -> Self {
        let mut kept = Vec::with_capacity(count as usize);
        kept.extend((0..count).map(hold));
        Self { bytes: kept.capacity() * size_of::<T>(), kept: Box::new(kept) }
    }
}

/// Measures in this process.
///
/// # Errors
/// Processes that can't be started, a system that does not tell what is resident.
pub(crate) fn here<P: Peer + ?Sized>(peer: &mut P, count: u64) -> Result<f64, Failure> {
    let before = resident()?;
    let hold = peer.park(count)?;
    let grown = settled()?.saturating_sub(before).saturating_sub(hold.bytes as u64);
    // Ending them all takes longer than starting them, and the process is about to end.
    std::mem::forget(hold.kept);
    Ok(grown as f64 / count as f64)
}

/// Measures in a fresh one: this program again, with the command that [`child`] is.
///
/// # Errors
/// What went wrong there.
pub(crate) fn fresh(peer: &str, count: u64) -> Result<f64, Failure> {
    let output = Command::new(std::env::current_exe()?).args(["native-parked", peer, &count.to_string()]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .parse()
        .map_err(|_| format!("{peer} could not be parked: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// What the fresh process does: its standard output is the figure.
///
/// # Errors
/// No such peer, and all of [`here`].
pub(crate) fn child(name: &str, count: u64) -> Result<(), Failure> {
    let mut peer = make(name)?.ok_or("is not installed")?;
    println!("{}", peer.parked(count)?);
    // What was started need not be ended.
    std::process::exit(0);
}

/// Whether this system tells what is resident.
pub(crate) fn is_known() -> bool {
    resident().is_ok()
}

/// What is resident once it does not grow any more.
pub(super) fn settled() -> Result<u64, Failure> {
    let mut last = resident()?;
    loop {
        std::thread::sleep(Duration::from_millis(5));
        let now = resident()?;
        if now <= last + last / 1000 {
            return Ok(now);
        }
        last = now;
    }
}

/// Exact, unlike `statm`, which lags behind by some pages per thread.
fn resident() -> Result<u64, Failure> {
    parse(&std::fs::read_to_string("/proc/self/smaps_rollup")?).ok_or_else(|| "nothing is said to be resident".into())
}

fn parse(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_resident() {
        let text = "00400000-7ffe [rollup]\nRss:                1234 kB\nPss:    7 kB\n";
        assert_eq!(parse(text), Some(1234 * 1024));
        for bad in ["", "Rss: 12\n", "Rss: x kB\n", "Pss: 7 kB\n"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn holding_is_not_counted() {
        let hold = Hold::all(100, |number| number);
        assert!(hold.bytes >= 800);
        assert_eq!(Hold::nothing().bytes, 0);
    }
}

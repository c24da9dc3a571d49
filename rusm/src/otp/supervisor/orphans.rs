//! What a supervisor that was killed leaves behind: its links ask its children to end, and here those are seen to that refuse.

use super::Shutdown;
use crate::otp::sched::timers::Due;
use crate::otp::{Node, context, timer};
use crate::wire::Pid;
use std::collections::BTreeMap;
use std::time::Duration;

/// Kills each child when its time to stop is over; one that may take for ever is only asked, by its link.
pub(in crate::otp) fn see_to(node: &Node, children: impl Iterator<Item = (Pid, Shutdown)>) {
    let mut in_time: BTreeMap<Duration, Vec<Pid>> = BTreeMap::new();
    for (pid, shutdown) in children {
        match shutdown {
            Shutdown::Brutal => node.kill(pid),
            Shutdown::Timeout(limit) => in_time.entry(limit.min(timer::FAR)).or_default().push(pid),
            Shutdown::Infinite => {}
        }
    }
    let inner = node.inner();
    for (limit, pids) in in_time {
        let node = node.uncounted();
        let kill = Box::new(move || pids.iter().for_each(|pid| node.kill(*pid)));
        inner.scheduler().set_timer(inner, context::now().after(limit), Due::Run(kill));
    }
}

//! Resident components: one supervisor for each, so that a crash loop of one is nobody else's.
//!
//! A supervisor restarts its component at once, and gives up after too many restarts in a short time, as in OTP. What
//! is permanent must not be gone for good, though, while the node goes on without it: such a supervisor is started
//! again after a pause that grows up to a minute, and each time the log says so.

use std::time::Duration;

use super::layout::Resident;
use super::manifest::Restart;
use crate::otp::supervisor::{ChildSpec, Intensity, Restart as When, Supervisor};
use crate::otp::{Instant, Node, SpawnError};
use crate::wire::Pid;

/// Restarts that a supervisor does at once, before it gives up.
const INTENSITY: Intensity = Intensity::new(3, Duration::from_secs(5));

/// Starts a resident component under a supervisor of its own, and waits for its `#[init]`.
pub(super) async fn start(node: &Node, resident: &Resident) -> Result<(), SpawnError> {
    let pid = supervise(node, resident).await?;
    if resident.restart != Restart::Temporary {
        tokio::spawn(keep(node.clone(), resident.clone(), pid));
    }
    Ok(())
}

async fn supervise(node: &Node, resident: &Resident) -> Result<Pid, SpawnError> {
    let name = &resident.component;
    let when = match resident.restart {
        Restart::Permanent => When::Permanent,
        Restart::Transient => When::Transient,
        Restart::Temporary => When::Temporary,
    };
    let child =
        ChildSpec::component(name, name, Some(&resident.entry), resident.args.clone()).restart(when).named(name);
    let supervisor = Supervisor::new().label(format!("supervisor of {name}")).intensity(INTENSITY).child(child);
    Ok(node.supervise(supervisor).await?.pid())
}

/// Starts the supervisor again whenever it gave up, until the node ends.
async fn keep(node: Node, resident: Resident, mut pid: Pid) {
    let mut pause = Pause::default();
    loop {
        let since = Instant::now();
        // A supervisor that gives up ends like one that the node stops: by `Shutdown`. What tells them apart is whether
        // there is still a node to start it on.
        node.ended(pid).await;
        let mut wait = pause.after(since.elapsed());
        let component = &*resident.component;
        pid = loop {
            tokio::time::sleep(wait).await;
            match supervise(&node, &resident).await {
                Ok(pid) => {
                    tracing::warn!(target: "rusm::app", component, ?wait, "a resident component that kept ending was started again after a pause");
                    break pid;
                }
                Err(SpawnError::NodeDown) => return,
                Err(error) => {
                    wait = pause.after(Duration::ZERO);
                    tracing::error!(target: "rusm::app", component, %error, ?wait, "a resident component could not be started; it is tried again after a pause");
                }
            }
        };
    }
}

/// How long to wait before the next try: a second, doubled up to a minute, and a second again after a minute that
/// went well.
#[derive(Debug, Default)]
struct Pause(Duration);

impl Pause {
    const MOST: Duration = Duration::from_secs(60);

    fn after(&mut self, lived: Duration) -> Duration {
        if lived > Self::MOST {
            self.0 = Duration::ZERO;
        }
        self.0 = (self.0 * 2).clamp(Duration::from_secs(1), Self::MOST);
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_start_over() {
        let mut pause = Pause::default();
        let seconds: Vec<u64> = (0..8).map(|_| pause.after(Duration::from_secs(5)).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause.after(Duration::from_secs(61)).as_secs(), 1);
    }
}

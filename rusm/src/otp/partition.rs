//! Several dynamic supervisors side by side, so that starts and ends of many children share no lock and no process; as
//! Elixir's `PartitionSupervisor`.

use super::dynamic::run::{Kind, Shared, Spec, start};
use super::dynamic::{DynamicSupervisor, DynamicSupervisorRef};
use super::supervisor::{Restart, Shutdown};
use super::{Node, Ref, Spawn, SpawnError, lock};
use crate::wire::ExitReason;
use foldhash::fast::FixedState;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hash};
use std::panic::Location;
use std::sync::{Arc, Mutex};

/// A running partition supervisor: the key of a child says in which partition it is. Cheap to clone.
///
/// A partition that gives up is started again, without its children; too often, and all of them end.
///
/// # Examples
/// ```
/// use rusm::otp::dynamic::DynamicSupervisor;
/// use rusm::prelude::*;
///
/// #[actor]
/// async fn session(mut inbox: Inbox<u64>, _user: u64) { inbox.receive().await; }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = Node::builder().build().await?;
/// let sessions = node.supervise_partitions(0, DynamicSupervisor::new())?;
/// let session = sessions.start_child::<session>(&"user 7", 7).await?;
/// assert_eq!(sessions.partition(&"user 7").which_children(), [session.pid()]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PartitionSupervisor {
    root: DynamicSupervisorRef,
    partitions: Arc<[Mutex<Arc<Shared>>]>,
}

impl Node {
    /// Starts so many dynamic supervisors of this kind, one for each worker if it is 0, under one supervisor that
    /// takes 3 ends of partitions in 5 seconds. A name of `config` is that of the supervisor above them.
    ///
    /// # Errors
    /// See [`SpawnError`].
    #[track_caller]
    pub fn supervise_partitions(
        &self,
        partitions: usize,
        config: DynamicSupervisor,
    ) -> Result<PartitionSupervisor, SpawnError> {
        let at = Location::caller();
        let partitions = if partitions == 0 { self.workers().len().max(1) } else { partitions };
        let above = DynamicSupervisor { name: config.name.clone(), ..DynamicSupervisor::new() };
        let root = self.supervise_dynamic(above.shutdown(Shutdown::Infinite))?;
        let config = DynamicSupervisor { name: None, ..config };
        let stop = |error| {
            self.exit(root.pid(), ExitReason::Shutdown);
            error
        };
        let first = (0..partitions).map(|_| begin(&root.shared, Kind::STARTING, &config, at).map(Mutex::new));
        let first: Arc<[_]> = first.collect::<Result<Vec<_>, _>>().map_err(stop)?.into();
        for index in 0..partitions {
            let (seen, config) = (first.clone(), config.clone());
            let pid = lock(&first[index]).pid();
            let again = Box::new(move |above: &Arc<Shared>, kind: Kind| {
                *lock(&seen[index]) = launch(above, kind, &config, at)?;
                Ok(())
            });
            root.shared.started(pid, Arc::new(Spec { restart: Restart::Permanent, shutdown: None, start: again }));
        }
        Ok(PartitionSupervisor { root, partitions: first })
    }
}

fn begin(
    above: &Arc<Shared>,
    kind: Kind,
    config: &DynamicSupervisor,
    at: &'static Location<'static>,
) -> Result<Arc<Shared>, SpawnError> {
    above.reserve()?;
    launch(above, kind, config, at)
}

fn launch(
    above: &Arc<Shared>,
    kind: Kind,
    config: &DynamicSupervisor,
    at: &'static Location<'static>,
) -> Result<Arc<Shared>, SpawnError> {
    above.launch(kind, |begun| start(&above.node, config, above.family(), begun, at))
}

impl PartitionSupervisor {
    /// The partition of a key: the same for equal keys as long as it is not started again.
    pub fn partition(&self, key: &impl Hash) -> DynamicSupervisorRef {
        let hash = FixedState::default().hash_one(key);
        let index = hash % self.partitions.len() as u64;
        DynamicSupervisorRef { shared: lock(&self.partitions[index as usize]).clone() }
    }

    /// Starts a temporary child in the partition of a key.
    ///
    /// # Errors
    /// As for [`DynamicSupervisorRef::start_child`].
    ///
    /// # Cancel safety
    /// A child whose start is given up is killed.
    pub async fn start_child<P: Spawn>(&self, key: &(impl Hash + Sync), args: P::Args) -> Result<Ref<P>, SpawnError> {
        let partition = self.partition(key);
        partition.start_child::<P>(args).await
    }

    /// The supervisor above the partitions.
    pub fn root(&self) -> &DynamicSupervisorRef {
        &self.root
    }

    /// All partitions.
    pub fn partitions(&self) -> impl Iterator<Item = DynamicSupervisorRef> + '_ {
        self.partitions.iter().map(|shared| DynamicSupervisorRef { shared: lock(shared).clone() })
    }

    /// Stops all partitions at the same time, and waits for them; why the supervisor above them ended.
    pub fn stop(&self) -> impl Future<Output = ExitReason> + Send + '_ {
        self.root.stop()
    }
}

impl fmt::Debug for PartitionSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionSupervisor").field("partitions", &self.partitions.len()).finish_non_exhaustive()
    }
}

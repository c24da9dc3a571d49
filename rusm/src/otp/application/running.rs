//! Starting applications, and those that run.

use super::Application;
use super::order::{Disorder, order};
use super::report::{Report, StopCause, Stopped};
use super::signals::Signals;
use super::stop::{Time, stop};
use crate::otp::cell::CellRef;
use crate::otp::{Node, SpawnError};
use crate::wire::ExitReason;
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// How long those that were started get to stop when another one does not start.
const DRAIN: Duration = Duration::from_secs(30);

/// Why applications were not started.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StartError {
    /// Two have the same name.
    Twice(Arc<str>),
    /// One depends on another that is not in the list.
    Unknown {
        /// Which one.
        name: Arc<str>,
        /// What it depends on.
        dependency: Arc<str>,
    },
    /// These depend on each other: each on the next one, the last one on the first.
    Cycle(Vec<Arc<str>>),
    /// One did not start; those before it were stopped again.
    Failed {
        /// Which one.
        name: Arc<str>,
        /// Why.
        error: SpawnError,
        /// What came of stopping the others.
        report: Report,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice(name) => write!(f, "there are two applications {name:?}: rename one, or remove it"),
            Self::Unknown { name, dependency } => write!(
                f,
                "application {name:?} depends on {dependency:?}, which is not in the list: add it, or take it out of `depends_on`"
            ),
            Self::Cycle(names) => {
                f.write_str("applications depend on each other: ")?;
                names.iter().try_for_each(|name| write!(f, "{name:?} -> "))?;
                let first = names.first().map_or("", |name| name);
                write!(f, "{first:?}: take one of these out of `depends_on`")
            }
            Self::Failed { name, error, .. } => write!(f, "application {name:?} did not start: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<Disorder> for StartError {
    fn from(disorder: Disorder) -> Self {
        match disorder {
            Disorder::Twice(name) => Self::Twice(name),
            Disorder::Unknown { name, dependency } => Self::Unknown { name, dependency },
            Disorder::Cycle(names) => Self::Cycle(names),
        }
    }
}

impl Node {
    /// Starts applications: as they are listed, but none before those that it depends on.
    ///
    /// # Errors
    /// See [`StartError`]. Nothing is started unless all names fit together. The first one that does not start ends those before it, in
    /// reverse order; they have 30 seconds for it, then they are killed.
    ///
    /// # Cancel safety
    /// Dropping the future kills what it has started.
    pub async fn start_applications(
        &self,
        applications: impl IntoIterator<Item = Application>,
    ) -> Result<Running, StartError> {
        let applications: Vec<Application> = applications.into_iter().collect();
        let nodes: Vec<_> = applications.iter().map(|app| (&app.name, app.depends_on.as_slice())).collect();
        let order = order(&nodes)?;
        let mut applications: Vec<_> = applications.into_iter().map(Some).collect();
        let mut starting = StartingAll(Some(Running { node: self.clone(), started: Vec::new() }));
        for place in order {
            let Some(Application { name, start, is_temporary, .. }) = applications[place].take() else { continue };
            let pid = match Application::run(start, self).await {
                Ok(pid) => pid,
                Err(error) => {
                    tracing::error!(target: "rusm::application", application = %name, %error, "did not start");
                    let running = starting.take(self);
                    let report = running.stop_for(StopCause::NotStarted(name.clone()), DRAIN, pin!(pending())).await;
                    return Err(StartError::Failed { name, error, report });
                }
            };
            tracing::info!(target: "rusm::application", application = %name, "started");
            let root = match pid {
                None => Root::None,
                // One that has ended at once has no slot any more.
                Some(pid) => self.table().get_ending(pid).map_or(Root::Gone, Root::Process),
            };
            if let Some(running) = &mut starting.0 {
                running.started.push(Started { name, root, is_temporary });
            }
        }
        Ok(starting.take(self))
    }
}

/// What was started so far.
struct StartingAll(Option<Running>);

impl StartingAll {
    fn take(&mut self, node: &Node) -> Running {
        self.0.take().unwrap_or_else(|| Running { node: node.clone(), started: Vec::new() })
    }
}

impl Drop for StartingAll {
    fn drop(&mut self) {
        for started in self.0.iter().flat_map(|running| running.started.iter().rev()) {
            if let Root::Process(root) = &started.root {
                root.node().kill(root.pid());
            }
        }
    }
}

/// Applications that run. Dropping it changes nothing about them.
pub struct Running {
    node: Node,
    started: Vec<Started>,
}

struct Started {
    name: Arc<str>,
    root: Root,
    is_temporary: bool,
}

/// The process at the root of a tree.
enum Root {
    None,
    Gone,
    Process(CellRef),
}

impl Started {
    /// Waits until its tree ends; for ever if it has none.
    async fn ended(&self) -> ExitReason {
        match &self.root {
            Root::None => pending().await,
            Root::Gone => ExitReason::NoProcess,
            Root::Process(root) => root.gone().await,
        }
    }
}

impl Running {
    /// Their names, in the order in which they were started.
    pub fn names(&self) -> Vec<Arc<str>> {
        self.started.iter().map(|started| started.name.clone()).collect()
    }

    /// Stops them in reverse order: each tree is asked to shut down and waited for. `drain` is the time for all together; what is left then is
    /// killed, in the same order.
    ///
    /// A process that the tree has started without a link to it is killed once the tree has ended. One that does not await
    /// can't be killed; it is waited for another second.
    ///
    /// # Cancel safety
    /// Dropping the future leaves those running that were not asked yet.
    pub async fn stop(self, drain: Duration) -> Report {
        self.stop_for(StopCause::Asked, drain, pin!(pending())).await
    }

    /// Waits for SIGTERM, SIGINT, or the end of an application that is not temporary, and stops the others as [`stop`](Self::stop) does. A second
    /// signal meanwhile is the end of `drain`. On Windows it is Ctrl-C, and the close of the console.
    ///
    /// Signals end the program by themselves before this is called, and don't any more afterwards, for the program's life.
    ///
    /// # Errors
    /// The operating system does not let us listen to signals.
    ///
    /// # Panics
    /// Outside of a tokio runtime that drives sockets and timers.
    ///
    /// # Cancel safety
    /// As for [`stop`](Self::stop).
    pub async fn until_signal(self, drain: Duration) -> io::Result<Report> {
        let mut signals = Signals::listen()?;
        let cause = tokio::select! {
            name = signals.next() => StopCause::Signal(name),
            cause = self.first_end() => cause,
        };
        let hurry = async {
            let signal = signals.next().await;
            tracing::warn!(target: "rusm::application", signal, "asked again: what is left is killed");
        };
        Ok(self.stop_for(cause, drain, pin!(hurry)).await)
    }

    /// Waits for the end of one that is not temporary; those that are, are logged.
    async fn first_end(&self) -> StopCause {
        let mut ends: Vec<Pin<Box<dyn Future<Output = ExitReason> + Send + '_>>> =
            self.started.iter().map(|started| Box::pin(started.ended()) as _).collect();
        let mut has_ended = vec![false; ends.len()];
        std::future::poll_fn(|cx| {
            for ((started, end), has_ended) in self.started.iter().zip(&mut ends).zip(&mut has_ended) {
                let Poll::Ready(reason) = (if *has_ended { Poll::Pending } else { end.as_mut().poll(cx) }) else {
                    continue;
                };
                *has_ended = true;
                let name = started.name.clone();
                tracing::error!(target: "rusm::application", application = %name, %reason, "ended by itself");
                if !started.is_temporary {
                    return Poll::Ready(StopCause::Ended { name, reason });
                }
            }
            Poll::Pending
        })
        .await
    }

    async fn stop_for(
        self,
        cause: StopCause,
        drain: Duration,
        hurry: Pin<&mut (dyn Future<Output = ()> + Send)>,
    ) -> Report {
        tracing::info!(target: "rusm::application", %cause, ?drain, "stopping");
        let mut time = Time::new(drain, hurry);
        let mut applications = Vec::with_capacity(self.started.len());
        for Started { name, root, .. } in self.started.into_iter().rev() {
            let stopped = match &root {
                Root::Process(root) => stop(&self.node, name, root, &mut time).await,
                Root::None => Stopped::nothing(name, None),
                Root::Gone => Stopped::nothing(name, Some(ExitReason::NoProcess)),
            };
            let (killed, unread) = (stopped.killed.len(), stopped.unread.iter().map(|left| left.messages).sum::<u64>());
            tracing::info!(target: "rusm::application", application = %stopped.name, took = ?stopped.took, killed, unread, "stopped");
            applications.push(stopped);
        }
        Report { cause, applications }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Running").field(&self.names()).finish()
    }
}

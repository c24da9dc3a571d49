//! TCP: a listener that is a process, and a process for each connection.
//!
//! # Who ends whom
//! Connections are linked children of their listener, which traps exits: the end of a connection is a message to it, by
//! which it knows how many there are; its own end, however it comes, ends them. Asked to end, it asks them first and waits
//! for them.
//!
//! # Where a socket lives
//! A socket's readiness is told by the tokio driver that it was registered with. It is accepted by the listener's
//! driver, goes to its process unregistered, and is registered in that process's first turn: with the driver of the
//! worker that runs it.

mod pause;

use super::call::Limit;
use super::mailbox::{Mailbox, Receiver};
use super::node::{Family, KillOnDrop, Start};
use super::signal::Trap;
use super::slot::{Filler, slot};
use super::{Delivery, ExitReason, Incoming, Instant, Node, Process, SpawnError, SpawnOptions, This, context};
use crate::receive::Ending;
use crate::wire::{Exit, Pid};
use pause::double;
pub(crate) use pause::pause_after;
use std::collections::HashSet;
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::watch;
use tokio::time::sleep_until;

/// How many connections a listener has at once unless told.
const LIMIT: usize = 10_000;

impl Node {
    /// Begins a TCP listener: a process that accepts connections and gives each a process of its own.
    ///
    /// An address with port 0 gets a free port; [`Listener::local_addr`] tells which.
    ///
    /// # Examples
    /// ```
    /// use rusm::prelude::*;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    /// use tokio::net::TcpStream;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = Node::builder().build().await?;
    /// let listener = node
    ///     .listen_tcp("127.0.0.1:0")
    ///     .serve(|mut stream, peer, _| async move { stream.write_all(format!("hello {peer}").as_bytes()).await })
    ///     .await?;
    ///
    /// let mut client = TcpStream::connect(listener.local_addr()).await?;
    /// let mut heard = String::new();
    /// client.read_to_string(&mut heard).await?;
    /// assert_eq!(heard, format!("hello {}", client.local_addr()?));
    /// # Ok(())
    /// # }
    /// ```
    pub fn listen_tcp(&self, address: impl ToSocketAddrs<Iter: Send, Future: Send> + Send + 'static) -> ListenTcp {
        let bind = Box::pin(TcpListener::bind(address));
        ListenTcp { node: self.clone(), bind, limit: LIMIT, nodelay: true, label: None }
    }
}

/// How a TCP listener is started; see [`Node::listen_tcp`].
#[must_use = "nothing listens before `serve`"]
pub struct ListenTcp {
    node: Node,
    bind: Pin<Box<dyn Future<Output = io::Result<TcpListener>> + Send>>,
    limit: usize,
    nodelay: bool,
    label: Option<Arc<str>>,
}

impl ListenTcp {
    /// How many connections there may be at once; 10,000 unless told.
    ///
    /// Who comes then waits in the system's backlog, unaccepted, until a connection ends; with 0 everybody does.
    pub fn limit(mut self, connections: usize) -> Self {
        self.limit = connections;
        self
    }

    /// Whether small writes are sent at once (TCP_NODELAY); true unless told.
    pub fn nodelay(mut self, on: bool) -> Self {
        self.nodelay = on;
        self
    }

    /// What the listener is called in logs, and its connections with their peer's address; `tcp` unless told.
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Listens, and runs `handler` as a process for each connection.
    ///
    /// What the handler does to its process (return an error, panic, be killed) ends this connection, and closes it, and
    /// nothing else. A crash is logged with the peer's address. When accepting fails, because the system has no file
    /// descriptors or no memory, the listener waits 10 ms, doubled up to a second, and goes on.
    ///
    /// # Errors
    /// What the system says of the address; a node that is shut down.
    ///
    /// # Cancel safety
    /// A listener whose start is given up is killed.
    #[track_caller]
    pub fn serve<H, F>(self, handler: H) -> impl Future<Output = io::Result<Listener>> + Send
    where
        H: Fn(TcpStream, SocketAddr, This) -> F + Send + Sync + 'static,
        F: Future<Output: Ending> + Send + 'static,
    {
        let at = Location::caller();
        async move {
            let Self { node, bind, limit, nodelay, label } = self;
            let shared = Arc::new(Shared::default());
            let (filler, bound) = slot();
            let trap = Trap { links: true, stop: false };
            let start = Start { label: label.clone(), trap, ..Start::new(&"tcp", at) };
            let door = Door { handler: Arc::new(handler), label: label.unwrap_or("tcp".into()), nodelay, at };
            let this = node
                .start(start, Mailbox::<Incoming>::new(Some(0.into())), |this| {
                    let process = Process::new(Receiver::new(this));
                    live(process, bind, filler, limit, door, shared.clone())
                })
                .map_err(io::Error::other)?;
            let guard = KillOnDrop::new(&node, this.cell());
            let Ok(address) = bound.await else {
                let reason = this.cell().gone().await;
                return Err(io::Error::other(format!("the listener ended before it listened: {reason}")));
            };
            guard.disarm();
            let pid = this.cell().pid();
            Ok(Listener { node, pid, address: address?, shared })
        }
    }
}

/// A running TCP listener; see [`Node::listen_tcp`].
///
/// A handle: dropping it changes nothing. The listener ends with its node, or when told. It is a process: to have it end
/// with another one, link that one to its [`pid`](Self::pid). Cheap to clone.
#[derive(Clone)]
pub struct Listener {
    node: Node,
    pid: Pid,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Listener {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// How many connections are open now.
    pub fn connections(&self) -> usize {
        self.shared.open.load(Ordering::Acquire)
    }

    /// Closes its socket and keeps the connections; it ends with the last of them. Who still waits in the system's
    /// backlog is refused by the system.
    ///
    /// # Cancel safety
    /// It stops all the same.
    pub async fn stop(&self) {
        self.shared.order.send_if_modified(|order| {
            let is_first = *order == Order::Accept;
            if is_first {
                *order = Order::Stop;
            }
            is_first
        });
        // Its sender is in `self`.
        let _ = self.shared.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// Closes its socket, asks the connections to end, kills those that are left after `drain`, and waits until all are gone
    /// and so is the listener. How many had to be killed.
    ///
    /// A handler that is asked ends at its next await. To let connections finish what they do, [`stop`](Self::stop)
    /// first, and give the listener, which ends with the last of them, as long as that may take. A handler that never
    /// awaits can't be ended; it is waited for as long again as `drain`, at least a second.
    ///
    /// # Cancel safety
    /// It goes on all the same.
    pub async fn shutdown(&self, drain: Duration) -> usize {
        let until = Limit::new(drain, None).until.instant();
        self.shared.order.send_replace(Order::End { until, grace: drain.max(Duration::from_secs(1)) });
        self.node.ended(self.pid).await;
        self.shared.killed.load(Ordering::Acquire)
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("pid", &self.pid)
            .field("address", &self.address)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ListenTcp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenTcp").field("limit", &self.limit).field("label", &self.label).finish_non_exhaustive()
    }
}

/// What a listener's handles and its processes share.
#[derive(Default)]
struct Shared {
    /// What the listener is told to do; the latest counts.
    order: watch::Sender<Order>,
    /// Its socket is closed.
    closed: watch::Sender<bool>,
    open: AtomicUsize,
    killed: AtomicUsize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Order {
    #[default]
    Accept,
    /// Accept no more.
    Stop,
    /// End the connections as well: ask until then, then kill and wait for so long.
    End { until: Instant, grace: Duration },
}

impl Shared {
    /// The order that comes after the one that is known.
    async fn order_after(&self, known: Order) -> Order {
        let mut orders = self.order.subscribe();
        let next = orders.wait_for(|order| *order != known).await.map(|order| *order);
        match next {
            Ok(order) => order,
            // The sender is in `self`.
            Err(_) => pending().await,
        }
    }
}

/// A connection, counted while its process has it.
struct Seat(Arc<Shared>);

impl Seat {
    fn take(shared: &Arc<Shared>) -> Self {
        shared.open.fetch_add(1, Ordering::AcqRel);
        Self(shared.clone())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// What is told when the socket is closed, whatever closed it: dropped behind it.
struct Told(Arc<Shared>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.closed.send_replace(true);
    }
}

/// Where connections come from.
trait Accept: Send + 'static {
    /// Waits for the next one. Cancel safe.
    fn accept(&self) -> impl Future<Output = io::Result<(std::net::TcpStream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    async fn accept(&self) -> io::Result<(std::net::TcpStream, SocketAddr)> {
        let (stream, peer) = Self::accept(self).await?;
        Ok((stream.into_std()?, peer))
    }
}

/// How a connection becomes a process.
struct Door<H> {
    handler: Arc<H>,
    label: Arc<str>,
    nodelay: bool,
    at: &'static Location<'static>,
}

impl<H, F> Door<H>
where
    H: Fn(TcpStream, SocketAddr, This) -> F + Send + Sync + 'static,
    F: Future<Output: Ending> + Send + 'static,
{
    fn open(
        &self,
        listener: &This,
        stream: std::net::TcpStream,
        peer: SocketAddr,
        seat: Seat,
    ) -> Result<Pid, SpawnError> {
        let Self { handler, nodelay, at, label } = self;
        let (handler, nodelay) = (handler.clone(), *nodelay);
        let family = Family { parent: Some(&listener.cell), link: true, monitor: None };
        let options = SpawnOptions::default().label(&format!("{label} {peer}"));
        let life = |this| async move {
            let _seat = seat;
            let stream = match TcpStream::from_std(stream) {
                Ok(stream) => stream,
                Err(error) => return Exit::from(error),
            };
            if nodelay {
                // A connection that is gone already says so at the first read.
                let _ = stream.set_nodelay(true);
            }
            let life = handler(stream, peer, this);
            drop(handler);
            life.await.into_exit()
        };
        listener.node().spawn_fn_in(family, options, life, at)
    }
}

/// A listener's life.
async fn live<H, F>(
    mut process: Process,
    mut bind: Pin<Box<dyn Future<Output = io::Result<TcpListener>> + Send>>,
    bound: Filler<io::Result<SocketAddr>>,
    limit: usize,
    door: Door<H>,
    shared: Arc<Shared>,
) -> ExitReason
where
    H: Fn(TcpStream, SocketAddr, This) -> F + Send + Sync + 'static,
    F: Future<Output: Ending> + Send + 'static,
{
    let mut open = HashSet::new();
    let source = loop {
        tokio::select! {
            biased;
            delivery = process.next() => if let Some(reason) = heed(delivery, &mut open) {
                return reason;
            },
            source = &mut bind => break source,
        }
    };
    match source.and_then(|source| Ok((source.local_addr()?, source))) {
        Ok((address, source)) => {
            let _ = bound.fill(Ok(address));
            let open = |this: &This, stream, peer, seat| door.open(this, stream, peer, seat);
            accept(&mut process, source, limit, &shared, open).await
        }
        Err(error) => {
            let _ = bound.fill(Err(error));
            ExitReason::Normal
        }
    }
}

/// What a delivery means: the end of a connection, or the reason why the listener is to end.
fn heed(delivery: Delivery, open: &mut HashSet<Pid>) -> Option<ExitReason> {
    match delivery {
        Delivery::Stop(reason) => Some(reason),
        Delivery::Exit(exit) if open.remove(&exit.from) => None,
        // Somebody has linked itself to the listener.
        Delivery::Exit(exit) => (exit.reason != ExitReason::Normal).then_some(exit.reason),
        Delivery::Message(_) | Delivery::Down(_) => None,
    }
}

/// Accepts until told otherwise.
async fn accept<A: Accept>(
    process: &mut Process,
    source: A,
    limit: usize,
    shared: &Arc<Shared>,
    spawn: impl Fn(&This, std::net::TcpStream, SocketAddr, Seat) -> Result<Pid, SpawnError>,
) -> ExitReason {
    let mut open = HashSet::new();
    let mut source = Some((source, Told(shared.clone())));
    let (mut order, mut pause, mut resume, mut is_full) = (Order::Accept, Duration::ZERO, None, false);
    let reason = loop {
        if source.is_none() && open.is_empty() {
            return ExitReason::Normal;
        }
        if open.len() >= limit && !is_full {
            is_full = true;
            tracing::warn!(target: "rusm::tcp", pid = %process.pid(), limit, "full: nobody is accepted until one leaves");
        }
        // Half of them have to leave before it is worth another line.
        is_full &= open.len() > limit / 2;
        let accepted = async {
            match &source {
                Some((source, _)) if open.len() < limit => {
                    if let Some(resume) = resume {
                        sleep_until(resume).await;
                    }
                    source.accept().await
                }
                _ => pending().await,
            }
        };
        let accepted = tokio::select! {
            biased;
            delivery = process.next() => match heed(delivery, &mut open) {
                Some(reason) => break reason,
                None => continue,
            },
            next = shared.order_after(order) => {
                order = next;
                match order {
                    Order::End { .. } => break ExitReason::Shutdown,
                    Order::Stop => source = None,
                    Order::Accept => {}
                }
                continue;
            }
            accepted = accepted => accepted,
        };
        resume = None;
        let failed = match accepted {
            Ok((stream, peer)) => match spawn(process, stream, peer, Seat::take(shared)) {
                Ok(pid) => {
                    open.insert(pid);
                    pause = Duration::ZERO;
                    None
                }
                // It will be asked to end, or has been.
                Err(SpawnError::NodeDown) => {
                    source = None;
                    None
                }
                Err(error) => Some((double(pause), format!("{peer} was turned away: {error}"))),
            },
            Err(error) => pause_after(pause, error.kind()).map(|pause| (pause, error.to_string())),
        };
        if let Some((wait, error)) = failed {
            tracing::error!(target: "rusm::tcp", pid = %process.pid(), error, ?wait, "accepting failed, trying again");
            (pause, resume) = (wait, Some(Instant::now() + wait));
        }
        context::yield_now().await;
    };
    drop(source);
    end(process, open, order, &reason, shared).await;
    reason
}

/// Ends the connections: asked, and killed when the order says so.
async fn end(
    process: &mut Process,
    mut open: HashSet<Pid>,
    mut order: Order,
    reason: &ExitReason,
    shared: &Arc<Shared>,
) {
    for pid in &open {
        process.exit(*pid, reason.clone());
    }
    let mut killed_until = None;
    while !open.is_empty() {
        let time = async {
            match (killed_until, order) {
                (Some(until), _) | (None, Order::End { until, .. }) => sleep_until(until).await,
                (None, _) => pending().await,
            }
        };
        tokio::select! {
            biased;
            delivery = process.next() => drop(heed(delivery, &mut open)),
            next = shared.order_after(order) => order = next,
            () = time => {
                let (None, Order::End { grace, .. }) = (killed_until, order) else { return };
                for pid in &open {
                    process.node().kill(*pid);
                }
                shared.killed.store(open.len(), Ordering::Release);
                killed_until = Some(Limit::new(grace, None).until.instant());
            }
        }
    }
}

#[cfg(test)]
mod tests;

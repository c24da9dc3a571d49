//! Takes connections in until told to stop, then lets them end.
//!
//! Nothing that `accept` says ends the loop: what concerns one connection is passed over, what concerns the
//! process (no descriptors, no memory) is waited out. At the limit of connections it stops accepting, and the system's
//! backlog holds whoever comes.

use super::connection;
use super::gateway::Gateway;
use crate::otp::pause_after;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Where connections come from.
pub(crate) trait Accept: Send + 'static {
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next one. Cancel safe.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = Self::accept(self).await?;
        // Answers are written whole; waiting for more to send only delays them.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }
}

/// Serves until `stop` says how long a drain may take, or is dropped; gives the number of connections that were cut.
pub(crate) async fn run<A: Accept>(source: A, gateway: Arc<Gateway>, mut stop: oneshot::Receiver<Duration>) -> usize {
    let mut connections = JoinSet::new();
    let draining = watch::Sender::new(false);
    let most = gateway.config.max_connections;
    let mut pause = Duration::ZERO;
    let mut resume = Instant::now();
    let patience = loop {
        let accepted = async {
            sleep_until(resume).await;
            source.accept().await
        };
        tokio::select! {
            biased;
            patience = &mut stop => break patience.unwrap_or_default(),
            Some(ended) = connections.join_next() => report(ended),
            accepted = accepted, if connections.len() < most => match accepted {
                Ok((io, peer)) => {
                    pause = Duration::ZERO;
                    connections.spawn(connection::serve(io, peer, gateway.clone(), draining.subscribe()));
                    if connections.len() == most {
                        tracing::warn!(target: "rusm::serve", most, "no more connections are accepted until one ends");
                    }
                }
                Err(error) => {
                    // None: the connection failed, not the accepting.
                    if let Some(wait) = pause_after(pause, error.kind()) {
                        tracing::error!(target: "rusm::serve", %error, ?wait, "accepting failed, trying again");
                        (pause, resume) = (wait, Instant::now() + wait);
                    }
                }
            },
        }
    };
    drop(source);
    draining.send_replace(true);
    let deadline = Instant::now() + patience;
    while let Ok(Some(ended)) = timeout_at(deadline, connections.join_next()).await {
        report(ended);
    }
    let cut = connections.len();
    connections.shutdown().await;
    cut
}

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(target: "rusm::serve", %error, "a connection's task failed");
    }
}

#[cfg(test)]
mod tests;

//! One connection, from accept to close.
//!
//! hyper reads heads and writes answers, one request after the other. It ends when the client leaves, when a head is
//! not there in time, when a write gets nowhere, or when a drain finds it idle. A client that leaves while its
//! request is worked on is seen at once, which drops the gateway's future and with it the handler.

use super::config::MAX_HEAD;
use super::gateway::Gateway;
use super::io::Watched;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

/// For a head that began and did not end.
const HEAD_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n\
      content-length: 16\r\n\r\nRequest Timeout\n";

/// How long and how much of an unread body is thrown away so that the client gets to read its answer.
const LINGER: (Duration, u64) = (Duration::from_secs(1), 1024 * 1024);

/// Serves a connection until it is closed.
pub(crate) async fn serve<Io>(io: Io, peer: SocketAddr, gateway: Arc<Gateway>, mut drain: watch::Receiver<bool>)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let received = Arc::new(AtomicBool::new(false));
    let unread = Arc::new(AtomicBool::new(false));
    let io = TokioIo::new(Watched::new(io, gateway.config.write_timeout, received.clone()));
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (gateway, unread) = (gateway.clone(), unread.clone());
        let answer = async move {
            let outcome = gateway.answer(request).await;
            unread.fetch_or(outcome.unread, Ordering::Relaxed);
            Ok::<_, Infallible>(outcome.answer)
        };
        Box::pin(answer) as Pin<Box<dyn Future<Output = _> + Send>>
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(gateway.config.header_timeout)
        .max_header_size(MAX_HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(io, service);

    let ended = tokio::select! {
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
        // The guard of the value must not live on beyond the wait.
        () = async { drop(drain.wait_for(|draining| *draining).await) } => {
            // One that has not said anything yet is owed nothing.
            if !received.load(Ordering::Relaxed) {
                return;
            }
            Pin::new(&mut connection).graceful_shutdown();
            poll_fn(|cx| connection.poll_without_shutdown(cx)).await
        }
    };
    let parts = connection.into_parts();
    let mut io = parts.io.into_inner();
    match ended {
        Ok(()) => {}
        Err(error) if error.is_timeout() && !parts.read_buf.is_empty() => {
            tracing::debug!(target: "rusm::serve", %peer, "the head of a request was not there in time");
            if io.write_all(HEAD_TIMEOUT).await.is_err() {
                return;
            }
        }
        Err(error) => {
            tracing::debug!(target: "rusm::serve", %peer, %error, "connection ended");
            // What hyper had to say about a bad head is written; nothing of a broken stream is.
            if !error.is_parse() {
                return;
            }
            unread.store(true, Ordering::Relaxed);
        }
    }
    close(io, unread.load(Ordering::Relaxed)).await;
}

/// Says that nothing more comes. Closing while the client still sends would reset the connection and may take
/// the answer away before it is read.
async fn close<Io: AsyncRead + AsyncWrite + Unpin>(mut io: Io, unread: bool) {
    if io.shutdown().await.is_err() || !unread {
        return;
    }
    let (time, bytes) = LINGER;
    let mut left = io.take(bytes);
    let drained = async {
        let mut scrap = [0; 4096];
        while matches!(left.read(&mut scrap).await, Ok(1..)) {}
    };
    let _ = tokio::time::timeout(time, drained).await;
}

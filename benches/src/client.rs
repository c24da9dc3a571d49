//! A load: so many connections for so long, each with one request under way.
//!
//! It shares the machine with the server it measures, so it does as little as it can: it writes the same bytes again
//! and again, and of an answer it reads the status, the length and the body. Threads and runtimes of its own keep its
//! tasks apart from the server's.

use crate::Failure;
use crate::rounds::Sample;
use hdrhistogram::Histogram;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

/// What every answer over HTTP has to be.
pub(crate) const BODY: &[u8] = b"Hello, world!\n";

/// What is written again and again, and what comes back for it.
#[derive(Debug)]
pub(crate) struct Exchange {
    request: &'static [u8],
    body: &'static [u8],
    end: fn(&[u8]) -> Result<Option<End>, Failure>,
}

/// Where an answer ends, and where its body begins.
type End = (usize, usize);

/// A request and its answer.
pub(crate) const HTTP: Exchange = Exchange { request: b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", body: BODY, end };

/// Sixteen bytes, and they come back.
pub(crate) const ECHO: Exchange = Exchange { request: SIXTEEN, body: SIXTEEN, end: echoed };

const SIXTEEN: &[u8; 16] = b"0123456789abcdef";

const THREADS: u32 = 2;
/// The longest head that is read.
const MAX_HEAD: usize = 4096;
/// What an answer, or a connection, may take beyond the time of the load.
const PATIENCE: Duration = Duration::from_secs(10);
/// What latencies are counted up to.
const LONGEST: u64 = 60_000_000_000;

/// Keeps `connections` busy for `span`.
///
/// # Errors
/// A connection that broke or stalled, an answer that is not the expected one.
pub(crate) fn load(
    to: SocketAddr,
    connections: u32,
    span: Duration,
    exchange: &'static Exchange,
) -> Result<Sample, Failure> {
    let began = Instant::now();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| (connections + thread) / THREADS)
        .filter(|share| *share > 0)
        .map(|share| thread::spawn(move || busy(to, share, span, exchange)))
        .collect();
    let mut total = histogram()?;
    for thread in threads {
        total.add(thread.join().map_err(|_| "a client thread panicked")??)?;
    }
    let micros = |quantile| total.value_at_quantile(quantile) as f64 / 1e3;
    Ok(Sample { value: total.len() as f64 / began.elapsed().as_secs_f64(), p50: micros(0.5), p99: micros(0.99) })
}

fn histogram() -> Result<Histogram<u64>, Failure> {
    Ok(Histogram::new_with_bounds(1, LONGEST, 3)?)
}

fn busy(
    to: SocketAddr,
    connections: u32,
    span: Duration,
    exchange: &'static Exchange,
) -> Result<Histogram<u64>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = async {
        let until = Instant::now() + span;
        let latencies = Rc::new(RefCell::new(histogram()?));
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            tasks.spawn_local(connection(to, until, exchange, latencies.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let total = latencies.borrow().clone();
        Ok(total)
    };
    let work = async { tokio::time::timeout(span + PATIENCE, work).await };
    LocalSet::new()
        .block_on(&runtime, work)
        .unwrap_or_else(|_| Err(format!("{to} did not answer within {PATIENCE:?}").into()))
}

async fn connection(
    to: SocketAddr,
    until: Instant,
    exchange: &Exchange,
    latencies: Rc<RefCell<Histogram<u64>>>,
) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut answer = Vec::with_capacity(MAX_HEAD);
    let mut asked = Instant::now();
    while asked < until {
        stream.write_all(exchange.request).await?;
        answer.clear();
        let end = loop {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(format!("{to} closed the connection").into());
            }
            if let Some(end) = (exchange.end)(&answer)? {
                break end;
            }
        };
        if answer.len() != end.0 || answer[end.1..] != *exchange.body {
            return Err(format!("{to} answered {:?}", String::from_utf8_lossy(&answer)).into());
        }
        let now = Instant::now();
        latencies.borrow_mut().saturating_record(u64::try_from((now - asked).as_nanos()).unwrap_or(u64::MAX));
        asked = now;
    }
    Ok(())
}

/// None if it is not all there.
fn end(answer: &[u8]) -> Result<Option<End>, Failure> {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return if answer.len() < MAX_HEAD { Ok(None) } else { Err("the head of an answer is too long".into()) };
    };
    let body = head + 4;
    let text = std::str::from_utf8(&answer[..head])?;
    if !text.starts_with("HTTP/1.1 200 ") {
        return Err(format!("not the expected answer: {text:?}").into());
    }
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    let length = length.ok_or("an answer without content-length")??;
    if length > MAX_HEAD {
        return Err("the body of an answer is too long".into());
    }
    Ok((answer.len() >= body + length).then_some((body + length, body)))
}

fn echoed(answer: &[u8]) -> Result<Option<End>, Failure> {
    Ok((answer.len() >= SIXTEEN.len()).then_some((SIXTEEN.len(), 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_echoes() {
        assert_eq!(echoed(&SIXTEEN[..15]).unwrap(), None);
        assert_eq!(echoed(SIXTEEN).unwrap(), Some((16, 0)));
    }

    #[test]
    fn ends_of_answers() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\ndate: x\r\n\r\nhi";
        for cut in 0..whole.len() {
            assert_eq!(end(&whole[..cut]).unwrap(), None, "{cut}");
        }
        assert_eq!(end(whole).unwrap(), Some((whole.len(), whole.len() - 2)));
        for bad in [
            &b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n",
            &[b'a'; MAX_HEAD],
        ] {
            assert!(end(bad).is_err());
        }
    }
}

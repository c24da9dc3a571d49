use super::super::config::ServeConfig;
use super::super::gateway::Gateway;
use super::super::routes::Routes;
use super::*;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

/// Gives what the test sends.
struct Script(Mutex<Option<mpsc::UnboundedReceiver<io::Result<DuplexStream>>>>);

impl Accept for Script {
    type Io = DuplexStream;

    async fn accept(&self) -> io::Result<(DuplexStream, SocketAddr)> {
        std::future::poll_fn(|cx| {
            let mut source = self.0.lock().unwrap();
            let Some(receiver) = source.as_mut() else { return std::task::Poll::Pending };
            receiver.poll_recv(cx).map(|next| match next {
                Some(next) => Some(next),
                None => {
                    *source = None;
                    None
                }
            })
        })
        .await
        .unwrap_or_else(|| Err(io::ErrorKind::BrokenPipe.into()))
        .map(|io| (io, SocketAddr::from(([127, 0, 0, 1], 1))))
    }
}

struct Running {
    source: mpsc::UnboundedSender<io::Result<DuplexStream>>,
    stop: oneshot::Sender<Duration>,
    task: tokio::task::JoinHandle<usize>,
}

fn start(config: ServeConfig) -> Running {
    let gateway = Arc::new(Gateway::new(config, Routes::default()));
    let (source, receiver) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(run(Script(Mutex::new(Some(receiver))), gateway, stopped));
    Running { source, stop, task }
}

impl Running {
    fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(1024);
        self.source.send(Ok(theirs)).unwrap();
        ours
    }
}

const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

/// The status line of an answer whose body is `Not Found`.
async fn answer(client: &mut DuplexStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"Not Found\n") {
        assert_ne!(client.read_buf(&mut bytes).await.unwrap(), 0, "{}", String::from_utf8_lossy(&bytes));
    }
    String::from_utf8_lossy(&bytes).lines().next().unwrap().to_owned()
}

#[tokio::test]
async fn errors_of_accept_do_not_end_it() {
    let running = start(ServeConfig::default());
    for kind in [io::ErrorKind::ConnectionAborted, io::ErrorKind::Other, io::ErrorKind::OutOfMemory] {
        running.source.send(Err(kind.into())).unwrap();
    }
    let mut client = running.connect();
    client.write_all(ASK).await.unwrap();
    assert_eq!(answer(&mut client).await, "HTTP/1.1 404 Not Found");
}

#[tokio::test]
async fn one_connection_too_many_waits() {
    let running = start(ServeConfig { max_connections: 1, ..ServeConfig::default() });
    let mut first = running.connect();
    let mut second = running.connect();
    second.write_all(ASK).await.unwrap();
    first.write_all(ASK).await.unwrap();
    answer(&mut first).await;
    let early = tokio::time::timeout(Duration::from_millis(20), second.read_u8()).await;
    assert!(early.is_err(), "the second was served beside the first");
    drop(first);
    assert_eq!(answer(&mut second).await, "HTTP/1.1 404 Not Found");
}

#[tokio::test]
async fn a_drain_closes_who_is_idle_and_cuts_who_does_not_end() {
    let running = start(ServeConfig::default());
    let mut silent = running.connect();
    let mut idle = running.connect();
    let mut halfway = running.connect();
    halfway.write_all(&ASK[..10]).await.unwrap();
    idle.write_all(ASK).await.unwrap();
    answer(&mut idle).await;
    running.stop.send(Duration::from_millis(500)).unwrap();
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(running.task.await.unwrap(), 1);
    assert_eq!(halfway.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_head_that_comes_during_the_drain_is_answered() {
    let running = start(ServeConfig::default());
    let mut idle = running.connect();
    let mut halfway = running.connect();
    halfway.write_all(&ASK[..10]).await.unwrap();
    // Served in order of arrival: once this answer is here the other's bytes were read.
    idle.write_all(ASK).await.unwrap();
    answer(&mut idle).await;
    running.stop.send(Duration::from_secs(60)).unwrap();
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    halfway.write_all(&ASK[10..]).await.unwrap();
    assert_eq!(answer(&mut halfway).await, "HTTP/1.1 404 Not Found");
    assert_eq!(running.task.await.unwrap(), 0);
}

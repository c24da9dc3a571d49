//! Byte streams and TCP connections between real processes and over real sockets: what arrives, what waits, who ends whom.

use rusm::prelude::*;
use rusm::{Address, ByteReader, ByteWriter, Listener, This, byte_stream};
use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

async fn node() -> Node {
    Node::builder().build().await.expect("a node")
}

/// Reads what it is given, when it is told.
pub struct Consumer {
    bytes: ByteReader,
}

#[actor]
impl Consumer {
    #[init]
    fn start(bytes: ByteReader) -> Self {
        Self { bytes }
    }

    /// At most so many bytes; how many there were, or why there are none.
    pub async fn take(&mut self, most: usize) -> std::result::Result<usize, String> {
        let mut chunk = vec![0; most];
        self.bytes.read(&mut chunk).await.map_err(|error| format!("{:?}: {error}", error.kind()))
    }
}

/// Writes a byte at a time, as much as fits; how much that was.
async fn fill(writer: &mut ByteWriter) -> usize {
    let mut written = 0;
    poll_fn(|cx| {
        loop {
            match Pin::new(&mut *writer).poll_write(cx, b"x") {
                Poll::Ready(Ok(1)) => written += 1,
                Poll::Ready(other) => panic!("{other:?}"),
                Poll::Pending => {
                    // Tokio's budget may be what was used up, and not the room.
                    if tokio::task::coop::has_budget_remaining() {
                        return Poll::Ready(written);
                    }
                    return Poll::Pending;
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_writer_is_ahead_of_its_reader_by_the_capacity() -> Result {
    let node = node().await;
    let (mut writer, reader) = byte_stream(100);
    let consumer = node.spawn::<Consumer>(reader).await?;
    assert_eq!(fill(&mut writer).await, 100);
    assert_eq!(consumer.take(30).await?, Ok(30));
    assert_eq!(fill(&mut writer).await, 30, "as much as was read");
    writer.finish()?;
    assert_eq!(consumer.take(1000).await?, Ok(100));
    assert_eq!(consumer.take(1000).await?, Ok(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_megabyte_arrives_through_little_room() -> Result {
    let node = node().await;
    for capacity in [0, 1000] {
        let length: usize = if capacity == 0 { 5_000 } else { 1 << 20 };
        let (mut writer, mut reader) = byte_stream(capacity);
        let sent: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let all = sent.clone();
        node.spawn_fn("writer", |_| async move {
            writer.write_all(&all).await?;
            writer.finish()
        })?;
        let read = node.run("reader", Duration::from_secs(60), async move {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).await.map(|_| bytes)
        });
        assert!(read.await?? == sent);
    }
    Ok(())
}

#[tokio::test]
async fn the_death_of_a_writer_is_no_end() -> Result {
    let node = node().await;
    type Life = fn(ByteWriter) -> Pin<Box<dyn Future<Output = std::result::Result<(), Exit>> + Send>>;
    let lives: [(&str, Life); 3] = [
        ("killed", |_writer| Box::pin(async move { pending().await })),
        ("panics", |_writer| Box::pin(async move { panic!("on the way") })),
        ("returns", |_writer| Box::pin(async move { Ok(()) })),
    ];
    for (name, life) in lives {
        let (mut writer, reader) = byte_stream(100);
        let consumer = node.spawn::<Consumer>(reader).await?;
        writer.write_all(b"half").await?;
        let pid = node.spawn_fn("writer", |_| life(writer))?;
        if name == "killed" {
            node.kill(pid);
        }
        node.ended(pid).await;
        assert_eq!(consumer.take(100).await?, Ok(4), "{name}");
        let error = consumer.take(100).await?.unwrap_err();
        assert!(error.starts_with("UnexpectedEof") && error.contains("before it had finished"), "{name}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn the_death_of_a_reader_breaks_the_pipe() -> Result {
    let node = node().await;
    let (mut writer, reader) = byte_stream(4);
    let consumer = node.spawn::<Consumer>(reader).await?;
    let (said, mut heard) = unbounded_channel();
    let waiting = node.spawn_fn("writer", |_| async move {
        fill(&mut writer).await;
        let _ = said.send(ErrorKind::Other);
        let error = writer.write_all(b"more").await.unwrap_err();
        let _ = said.send(error.kind());
        pending::<()>().await
    })?;
    assert_eq!(heard.recv().await, Some(ErrorKind::Other));
    node.kill(consumer.pid());
    assert_eq!(heard.recv().await, Some(ErrorKind::BrokenPipe), "while it waited for room");
    node.kill(waiting);
    Ok(())
}

#[actor]
async fn numbers(mut inbox: Inbox<u64>, _: ()) {
    inbox.receive().await;
}

#[actor]
async fn streams(mut inbox: Inbox<ByteReader>, _: ()) {
    inbox.receive().await;
}

#[tokio::test]
async fn a_byte_stream_does_not_leave_its_node() -> Result {
    let node = node().await;
    let streams = node.spawn::<streams>(()).await?;
    let (mut writer, reader) = byte_stream(1);
    streams.send(reader).send()?;
    assert_eq!(Ref::ended(&streams).await, ExitReason::Normal);
    assert_eq!(writer.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe, "its reader has ended");

    // To a process that reads other messages it would have to go in bytes.
    let numbers = node.spawn::<numbers>(()).await?;
    let client = StreamsClient::from_address(Address::pid_on(&node, numbers.pid()));
    let (mut writer, reader) = byte_stream(1);
    let error = client.send(reader).send().unwrap_err();
    assert!(error.to_string().contains("a byte stream does not leave its node"), "{error}");
    assert_eq!(writer.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe, "it went with its message");
    Ok(())
}

/// What a handler does with its connection is said by its first byte.
async fn obey(mut stream: TcpStream, this: This, seen: UnboundedSender<Pid>) -> std::result::Result<(), Exit> {
    let _ = seen.send(this.pid());
    loop {
        match stream.read_u8().await {
            Ok(b'p') => panic!("as it was told"),
            Ok(b'f') => return Err(Exit::error("as it was told")),
            Ok(byte) => stream.write_u8(byte).await?,
            Err(_) => return Ok(()),
        }
    }
}

struct Served {
    node: Node,
    listener: Listener,
    seen: UnboundedReceiver<Pid>,
}

/// On two workers, so that a listener and its connections run at the same time.
async fn serve(limit: usize) -> Result<Served> {
    let node = Node::builder().workers(2).build().await?;
    let (sender, seen) = unbounded_channel();
    let listener = node
        .listen_tcp("127.0.0.1:0")
        .limit(limit)
        .serve(move |stream, _, this| obey(stream, this, sender.clone()))
        .await?;
    Ok(Served { node, listener, seen })
}

impl Served {
    async fn connect(&mut self) -> Result<(TcpStream, Pid)> {
        let client = TcpStream::connect(self.listener.local_addr()).await?;
        Ok((client, self.seen.recv().await.ok_or("nobody serves")?))
    }
}

async fn echo(client: &mut TcpStream) -> io::Result<()> {
    client.write_u8(b'x').await?;
    assert_eq!(client.read_u8().await?, b'x');
    Ok(())
}

/// Whether the peer has closed it, one way or another.
async fn is_closed(client: &mut TcpStream) -> bool {
    matches!(client.read(&mut [0]).await, Ok(0) | Err(_))
}

#[tokio::test]
async fn each_connection_ends_for_its_own_reason_and_alone() -> Result {
    let mut served = serve(100).await?;
    let (mut witness, _) = served.connect().await?;
    type Check = fn(&ExitReason) -> bool;
    let cases: [(&[u8], Check); 2] = [
        (b"p", |reason| matches!(reason, ExitReason::Panicked(text) if text.contains("as it was told"))),
        (b"f", |reason| *reason == ExitReason::Error("as it was told".into())),
    ];
    for (bytes, is_expected) in cases {
        let (mut client, pid) = served.connect().await?;
        assert_eq!(served.listener.connections(), 2);
        let ended = served.node.ended(pid);
        client.write_all(bytes).await?;
        assert!(is_closed(&mut client).await);
        let reason = ended.await;
        assert!(is_expected(&reason), "{reason}");
        assert_eq!(served.listener.connections(), 1);
        echo(&mut witness).await?;
    }
    let (mut client, pid) = served.connect().await?;
    let ended = served.node.ended(pid);
    served.node.kill(pid);
    assert_eq!(ended.await, ExitReason::Killed);
    assert!(is_closed(&mut client).await);
    let (client, pid) = served.connect().await?;
    let ended = served.node.ended(pid);
    drop(client);
    assert_eq!(ended.await, ExitReason::Normal);
    echo(&mut witness).await?;
    assert!(served.node.is_alive(served.listener.pid()));
    Ok(())
}

#[tokio::test]
async fn a_handler_that_panics_before_its_future_ends_one_connection() -> Result {
    let node = node().await;
    let count = AtomicUsize::new(0);
    let listener = node
        .listen_tcp("127.0.0.1:0")
        .serve(move |mut stream, _, _| {
            assert!(count.fetch_add(1, Ordering::SeqCst) > 0, "not the first one");
            async move { stream.write_u8(b'y').await }
        })
        .await?;
    let mut first = TcpStream::connect(listener.local_addr()).await?;
    assert!(is_closed(&mut first).await);
    assert_eq!(TcpStream::connect(listener.local_addr()).await?.read_u8().await?, b'y');
    Ok(())
}

#[tokio::test]
async fn small_writes_are_sent_at_once_unless_told_otherwise() -> Result {
    let node = node().await;
    for on in [None, Some(true), Some(false)] {
        let listen = node.listen_tcp("127.0.0.1:0");
        let listen = match on {
            Some(on) => listen.nodelay(on),
            None => listen,
        };
        let answer = |mut stream: TcpStream, _, _| async move {
            let is_on = stream.nodelay()?;
            stream.write_u8(is_on.into()).await
        };
        let listener = listen.serve(answer).await?;
        let answer = TcpStream::connect(listener.local_addr()).await?.read_u8().await?;
        assert_eq!(answer == 1, on.unwrap_or(true));
    }
    Ok(())
}

#[tokio::test]
async fn one_too_many_waits_and_is_served_when_one_leaves() -> Result {
    let mut served = serve(2).await?;
    let (mut first, pid) = served.connect().await?;
    let (mut second, _) = served.connect().await?;
    // The system takes it in; nobody here does.
    let mut third = TcpStream::connect(served.listener.local_addr()).await?;
    third.write_u8(b'z').await?;
    for _ in 0..10 {
        echo(&mut first).await?;
        echo(&mut second).await?;
    }
    assert!(served.seen.try_recv().is_err() && served.listener.connections() == 2);
    let ended = served.node.ended(pid);
    drop(first);
    assert_eq!(ended.await, ExitReason::Normal);
    assert_eq!(third.read_u8().await?, b'z', "what it had said is not lost");
    assert_eq!(served.listener.connections(), 2);
    Ok(())
}

#[tokio::test]
async fn stop_closes_the_socket_and_keeps_the_connections() -> Result {
    let mut served = serve(100).await?;
    let (mut client, _) = served.connect().await?;
    served.listener.stop().await;
    served.listener.stop().await;
    let refused = TcpStream::connect(served.listener.local_addr()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    echo(&mut client).await?;
    let ended = served.node.ended(served.listener.pid());
    drop(client);
    assert_eq!(ended.await, ExitReason::Normal, "it ends with its last connection");
    assert_eq!(served.listener.shutdown(Duration::ZERO).await, 0);
    Ok(())
}

#[tokio::test]
async fn shutdown_ends_the_connections_too() -> Result {
    for stop_first in [false, true] {
        let mut served = serve(100).await?;
        let (mut client, pid) = served.connect().await?;
        let ended = served.node.ended(pid);
        if stop_first {
            served.listener.stop().await;
        }
        assert_eq!(served.listener.shutdown(Duration::from_secs(60)).await, 0);
        assert_eq!(ended.await, ExitReason::Shutdown);
        assert!(is_closed(&mut client).await);
        assert_eq!(served.listener.connections(), 0);
        assert_eq!(
            TcpStream::connect(served.listener.local_addr()).await.unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_handler_that_never_awaits_is_killed_waited_for_and_given_up() -> Result {
    let node = Node::builder().workers(2).build().await?;
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let (said, mut heard) = unbounded_channel();
    let listener = node
        .listen_tcp("127.0.0.1:0")
        .serve(move |_stream, _, this| {
            let (gate, said) = (gate.clone(), said.clone());
            async move {
                let _ = said.send(this.pid());
                let _ = gate.lock().unwrap().recv();
                pending::<()>().await
            }
        })
        .await?;
    let _client = TcpStream::connect(listener.local_addr()).await?;
    let pid = heard.recv().await.ok_or("nobody serves")?;
    let (connection, ended) = (node.ended(pid), node.ended(listener.pid()));
    assert_eq!(listener.shutdown(Duration::ZERO).await, 1);
    assert_eq!(ended.await, ExitReason::Shutdown);
    assert_eq!(listener.connections(), 1, "nobody can end it");
    go.send(())?;
    assert_eq!(connection.await, ExitReason::Killed);
    assert_eq!(listener.connections(), 0);
    Ok(())
}

#[tokio::test]
async fn nobody_is_orphaned_when_the_listener_is_killed() -> Result {
    let mut served = serve(100).await?;
    let (mut client, pid) = served.connect().await?;
    let ended = served.node.ended(pid);
    served.node.kill(served.listener.pid());
    assert_eq!(ended.await, ExitReason::Killed);
    assert!(is_closed(&mut client).await);
    served.listener.stop().await;
    assert_eq!(served.listener.shutdown(Duration::ZERO).await, 0);
    Ok(())
}

#[tokio::test]
async fn it_ends_with_a_process_that_is_linked_to_it() -> Result {
    let mut served = serve(100).await?;
    let (mut client, pid) = served.connect().await?;
    let ended = served.node.ended(pid);
    let listener = served.listener.pid();
    let listener_ended = served.node.ended(listener);
    for reason in [Exit::normal(), Exit::error("no more")] {
        let is_crash = !reason.reason().is_orderly();
        let owner = served.node.spawn_fn("owner", |this| async move {
            this.link(listener);
            reason
        })?;
        served.node.ended(owner).await;
        if !is_crash {
            echo(&mut client).await?;
        }
    }
    assert_eq!(ended.await, ExitReason::Error("no more".into()));
    assert_eq!(listener_ended.await, ExitReason::Error("no more".into()));
    Ok(())
}

#[tokio::test]
async fn it_shuts_down_with_its_node() -> Result {
    let mut served = serve(100).await?;
    let (mut client, pid) = served.connect().await?;
    let (connection, listener) = (served.node.ended(pid), served.node.ended(served.listener.pid()));
    assert_eq!(served.node.shutdown(Duration::from_secs(60)).await, 0);
    assert_eq!((connection.await, listener.await), (ExitReason::Shutdown, ExitReason::Shutdown));
    assert!(is_closed(&mut client).await);
    let error = served.node.listen_tcp("127.0.0.1:0").serve(|_, _, _| async {}).await.unwrap_err();
    assert!(error.to_string().contains("shut"), "{error}");
    Ok(())
}

#[tokio::test]
async fn what_can_not_be_listened_to_is_an_error() -> Result {
    let node = node().await;
    let listener = node.listen_tcp("127.0.0.1:0").serve(|_, _, _| async {}).await?;
    let again = node.listen_tcp(listener.local_addr()).serve(|_, _, _| async {}).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AddrInUse);
    let none = node.listen_tcp("not an address").serve(|_, _, _| async {}).await;
    assert_eq!(none.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(node.alive(), 1, "the one that listens");
    Ok(())
}

#[tokio::test]
async fn a_slow_peer_holds_its_own_connection_and_no_more() -> Result {
    let node = node().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let (said, mut heard) = unbounded_channel();
    let listener = node
        .listen_tcp("127.0.0.1:0")
        .serve({
            let sent = sent.clone();
            move |mut stream, _, _| {
                let (sent, said) = (sent.clone(), said.clone());
                async move {
                    loop {
                        let wrote = poll_fn(|cx| match Pin::new(&mut stream).poll_write(cx, &[0; 4096]) {
                            Poll::Pending if tokio::task::coop::has_budget_remaining() => {
                                let _ = said.send(());
                                Poll::Pending
                            }
                            polled => polled,
                        });
                        sent.fetch_add(wrote.await?, Ordering::SeqCst);
                    }
                    #[allow(unreachable_code, reason = "it says of what type the loop is")]
                    io::Result::Ok(())
                }
            }
        })
        .await?;
    let mut slow = TcpStream::connect(listener.local_addr()).await?;
    heard.recv().await.ok_or("it never waits")?;
    let held = sent.load(Ordering::SeqCst);
    // Another one gets on beside it.
    let mut quick = TcpStream::connect(listener.local_addr()).await?;
    quick.read_exact(&mut vec![0; 100_000]).await?;
    let mut read = vec![0; held];
    slow.read_exact(&mut read).await?;
    slow.read_exact(&mut vec![0; 4096]).await?;
    Ok(())
}

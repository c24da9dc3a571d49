use super::*;
use std::io::Read;
use std::sync::Mutex;
use tokio::sync::mpsc;

type Step = io::Result<(std::net::TcpStream, SocketAddr)>;

/// Gives what the test sends, and tells when it was asked.
struct Script {
    steps: tokio::sync::Mutex<mpsc::UnboundedReceiver<Step>>,
    asked: mpsc::UnboundedSender<Instant>,
}

impl Accept for Script {
    async fn accept(&self) -> Step {
        let mut steps = self.steps.lock().await;
        let _ = self.asked.send(Instant::now());
        match steps.recv().await {
            Some(step) => step,
            None => pending().await,
        }
    }
}

struct Scripted {
    node: Node,
    pid: Pid,
    steps: mpsc::UnboundedSender<Step>,
    asked: mpsc::UnboundedReceiver<Instant>,
    shared: Arc<Shared>,
}

/// A listener over a script whose connections live until they are told to end.
async fn scripted(limit: usize, spawn_fails: &'static Mutex<Vec<SpawnError>>) -> Scripted {
    let node = Node::builder().build().await.unwrap();
    let (steps, receiver) = mpsc::unbounded_channel();
    let (asker, asked) = mpsc::unbounded_channel();
    let source = Script { steps: tokio::sync::Mutex::new(receiver), asked: asker };
    let shared = Arc::new(Shared::default());
    let at = Location::caller();
    let start = Start { trap: Trap { links: true, stop: false }, ..Start::new(&"tcp", at) };
    let this = node
        .start(start, Mailbox::<Incoming>::new(Some(0.into())), |this| {
            let mut process = Process::new(Receiver::new(this));
            let shared = shared.clone();
            let handler = |stream: TcpStream, _, _| async move {
                let _stream = stream;
                pending::<()>().await
            };
            async move {
                let door = Door { handler: Arc::new(handler), label: "test".into(), nodelay: true, at };
                let spawn = |this: &This, stream, peer, seat| match spawn_fails.lock().unwrap().pop() {
                    Some(error) => Err(error),
                    None => door.open(this, stream, peer, seat),
                };
                accept(&mut process, source, limit, &shared, spawn).await
            }
        })
        .unwrap();
    let pid = this.cell().pid();
    Scripted { node, pid, steps, asked, shared }
}

/// Both ends of a real connection.
fn connection() -> (std::net::TcpStream, (std::net::TcpStream, SocketAddr)) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, peer) = listener.accept().unwrap();
    server.set_nonblocking(true).unwrap();
    (client, (server, peer))
}

#[tokio::test(start_paused = true)]
async fn errors_of_accept_are_waited_out_and_a_success_forgets_them() {
    static NONE: Mutex<Vec<SpawnError>> = Mutex::new(Vec::new());
    let mut script = scripted(10, &NONE).await;
    let mut last = script.asked.recv().await.unwrap();
    let mut waits = Vec::new();
    let mut clients = Vec::new();
    let steps = [Some(24), Some(24), Some(103), Some(12), None, Some(24)];
    for step in steps {
        script
            .steps
            .send(match step {
                Some(code) => Err(io::Error::from_raw_os_error(code)),
                None => {
                    let (client, accepted) = connection();
                    clients.push(client);
                    Ok(accepted)
                }
            })
            .unwrap();
        // The step was taken; what is asked next comes after the pause.
        let next = script.asked.recv().await.unwrap();
        waits.push((next - last).as_millis());
        last = next;
    }
    let near = |wait: u128, expected: u128| wait >= expected && wait <= expected + 5;
    let expected = [10, 20, 0, 40, 0, 10];
    assert!(waits.iter().zip(expected).all(|(wait, expected)| near(*wait, expected)), "{waits:?}");
    assert!(script.node.is_alive(script.pid));
}

#[tokio::test]
async fn a_connection_that_gets_no_process_is_closed_and_the_next_one_is_tried_later() {
    static FAILS: Mutex<Vec<SpawnError>> = Mutex::new(Vec::new());
    FAILS.lock().unwrap().push(SpawnError::Capacity("full".to_owned()));
    let mut script = scripted(10, &FAILS).await;
    let first = script.asked.recv().await.unwrap();
    let (mut refused, accepted) = connection();
    script.steps.send(Ok(accepted)).unwrap();
    let next = script.asked.recv().await.unwrap();
    assert!(next - first >= Duration::from_millis(10), "it did not pause");
    assert_eq!(refused.read(&mut [0]).unwrap(), 0);
    assert_eq!(script.shared.open.load(Ordering::SeqCst), 0);
    let (_client, accepted) = connection();
    script.steps.send(Ok(accepted)).unwrap();
    script.asked.recv().await.unwrap();
    assert_eq!(script.shared.open.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_node_that_closes_stops_it() {
    static FAILS: Mutex<Vec<SpawnError>> = Mutex::new(Vec::new());
    FAILS.lock().unwrap().push(SpawnError::NodeDown);
    let mut script = scripted(10, &FAILS).await;
    script.asked.recv().await.unwrap();
    let ended = script.node.ended(script.pid);
    let (_client, accepted) = connection();
    script.steps.send(Ok(accepted)).unwrap();
    assert_eq!(ended.await, ExitReason::Normal);
    assert!(*script.shared.closed.borrow());
}

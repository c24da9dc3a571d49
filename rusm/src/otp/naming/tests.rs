//! What the tests of the naming room share.

use crate::otp::{Address, Client, Inbox, Letter, Node, RawProcess, Ref, SendError, address, lock};
use crate::wire::{Entry, EntryKind, Exit, Pid, Type};
use std::collections::HashSet;
use std::sync::{Barrier, Mutex};

/// A process that needs no node: the first of a slot.
pub(crate) fn pid(number: u32) -> Pid {
    Pid::from_parts(0, 0, number, 1 << 32)
}

/// Who has ended.
#[derive(Default)]
pub(crate) struct Ends(Mutex<HashSet<Pid>>);

impl Ends {
    pub(crate) fn is_alive(&self, pid: Pid) -> bool {
        !lock(&self.0).contains(&pid)
    }

    pub(crate) fn end(&self, pid: Pid) {
        lock(&self.0).insert(pid);
    }

    /// Lets many processes end while they join something.
    pub(crate) fn race(&self, join: impl Fn(Pid) + Sync, leave: impl Fn(Pid) + Sync) {
        const ROUNDS: u32 = 3000;
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    start.wait();
                    join(pid(round));
                }
            });
            for round in 0..ROUNDS {
                start.wait();
                // Some delay that differs, so that each step of the join is hit.
                for _ in 0..round % 64 {
                    std::hint::spin_loop();
                }
                self.end(pid(round));
                leave(pid(round));
            }
        });
    }
}

/// A process that reads what it is asked to and waits for its end.
pub(crate) struct Listener;

#[derive(Clone)]
pub(crate) struct ListenerClient(Address<Letter<u32>>);

impl ListenerClient {
    pub(crate) fn send(&self, number: u32) -> Result<(), SendError> {
        address::cast(&self.0, Letter::<u32>::METHOD, (number,), |(number,)| Letter(number))
    }
}

impl Client for ListenerClient {
    type Message = Letter<u32>;

    fn from_address(address: Address<Letter<u32>>) -> Self {
        Self(address)
    }

    fn address(&self) -> &Address<Letter<u32>> {
        &self.0
    }
}

impl RawProcess for Listener {
    type Args = ();
    type Message = u32;
    type Client = ListenerClient;
    const ENTRY: &'static Entry = &Entry {
        kind: EntryKind::Process,
        name: "Listener",
        package: "rusm",
        init: Some(&Type::Unit),
        methods: &[Letter::<u32>::METHOD],
        on_exit: false,
        on_terminate: false,
    };

    async fn run(_inbox: Inbox<u32>, (): ()) -> Exit {
        std::future::pending().await
    }
}

impl crate::otp::Spawn for Listener {
    type Args = ();
    type Message = Letter<u32>;
    type Client = ListenerClient;
    const ENTRY: &'static Entry = <Self as RawProcess>::ENTRY;

    async fn live(args: (), birth: crate::otp::Birth<Letter<u32>>) -> crate::wire::ExitReason {
        crate::otp::live::<Self>(args, birth).await
    }
}

pub(crate) async fn listener(node: &Node) -> Ref<Listener> {
    node.spawn::<Listener>(()).await.unwrap()
}

pub(crate) async fn kill(node: &Node, pid: Pid) {
    let ended = node.ended(pid);
    node.kill(pid);
    ended.await;
}

/// Ends, names, keys, groups and topics on several threads, and processes that are killed meanwhile: nothing stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_outlives_its_process() {
    const PROCESSES: usize = 400;
    let node = Node::builder().build().await.unwrap();
    let group = node.group("all").unwrap();
    let keys = node.registry::<usize, String>("keys").unwrap();
    let topic = node.topic::<ListenerClient>("news").unwrap();
    let mut tasks = Vec::new();
    for number in 0..PROCESSES {
        let process = listener(&node).await;
        let (node, group, keys, topic) = (node.clone(), group.clone(), keys.clone(), topic.clone());
        let pid = process.pid();
        tasks.push(tokio::spawn({
            let node = node.clone();
            async move {
                tokio::task::yield_now().await;
                kill(&node, pid).await;
                assert_eq!(node.whereis(&format!("name {number}")), None);
                assert_eq!(keys.lookup(&number), None);
                assert!(!group.members().contains(&pid));
                assert!(!topic.subscribers().iter().any(|subscriber| subscriber.pid == pid));
            }
        }));
        let (group, keys) = (node.group("all").unwrap(), node.registry::<usize, String>("keys").unwrap());
        let topic = node.topic::<ListenerClient>("news").unwrap();
        tasks.push(tokio::spawn(async move {
            let _ = node.register(&format!("name {number}"), pid);
            let _ = keys.register(pid, number, "x".to_owned());
            let _ = group.join(pid);
            let _ = group.monitor(pid, |_| Ok(()));
            let _ = topic.subscribe(process.client().clone());
            topic.publish(|client| client.send(1));
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((node.names(), keys.entries(), group.members(), topic.subscribers()), Default::default());
    assert_eq!((keys.count(), node.groups().len()), (0, 0));
    drop((keys, topic));
    assert_eq!((node.registries().len(), node.topics().len()), (0, 0));
    assert!(node.naming().registries.is_empty() && node.naming().topics.is_empty() && node.naming().groups.is_empty());
}

#[tokio::test]
async fn a_type_that_does_not_fit_is_an_error_while_the_other_is_in_use() {
    let node = Node::builder().build().await.unwrap();
    let numbers = node.registry::<String, u32>("a").unwrap();
    let error = node.registry::<String, bool>("a").unwrap_err();
    assert_eq!(
        error.to_string(),
        "\"a\" is in use with (alloc::string::String, u32), not with (alloc::string::String, bool)"
    );
    assert!(node.registry::<String, u32>("").is_err() && node.group("\n").is_err());
    assert!(node.topic::<ListenerClient>("a").is_ok(), "topics and registries have names of their own");
    assert_eq!(node.topics().len(), 0);
    let process = listener(&node).await;
    numbers.register(process.pid(), "k".to_owned(), 1).unwrap();
    drop(numbers);
    // It has a member, so it is there.
    assert!(node.registry::<String, bool>("a").is_err());
    assert_eq!(node.registry::<String, u32>("a").unwrap().lookup("k"), Some((process.pid(), 1)));
    kill(&node, process.pid()).await;
    assert!(node.registry::<String, bool>("a").is_ok());
    assert_eq!(node.registries().len(), 0);
}

#[tokio::test]
async fn foreign_and_dead_pids_are_refused() {
    let node = Node::builder().build().await.unwrap();
    let process = listener(&node).await;
    kill(&node, process.pid()).await;
    let keys = node.registry::<u32, u32>("keys").unwrap();
    let topic = node.topic::<ListenerClient>("news").unwrap();
    for nobody in [process.pid(), Pid::from_parts(9, 9, 9, 9)] {
        assert!(node.register("a", nobody).is_err());
        assert!(keys.register(nobody, 1, 1).is_err() && keys.keys(nobody).is_empty());
        assert!(node.group("g").unwrap().join(nobody).is_err());
        assert!(node.group("g").unwrap().monitor(nobody, |_| Ok(())).is_err());
        assert!(topic.subscribe_pid(nobody, crate::otp::Slow::Keep).is_err() && !topic.unsubscribe(nobody));
    }
    assert!(topic.subscribe(process.client().clone()).is_err());
    assert!(topic.subscribe(ListenerClient(Address::named(&node, "nobody").unwrap())).is_err());
    assert!(node.groups().is_empty());
}

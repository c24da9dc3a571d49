use super::super::directory::Directory;
use super::super::naming::tests::{Ends, Listener, ListenerClient, kill, listener, pid};
use super::super::{Ref, SpawnOptions};
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

type News = Arc<Opened<Store<ListenerClient>>>;

#[derive(Debug, Clone)]
enum Step {
    Subscribe(usize, Slow),
    Unsubscribe(usize),
    Kill(usize),
    Publish,
}

fn step() -> impl Strategy<Value = Step> {
    let slow = prop_oneof![
        Just(Slow::Keep),
        (0..3_usize).prop_map(|above| Slow::Skip { above }),
        (0..3_usize).prop_map(|above| Slow::Disconnect { above }),
    ];
    prop_oneof![
        4 => (0..4_usize, slow).prop_map(|(who, slow)| Step::Subscribe(who, slow)),
        1 => (0..4_usize).prop_map(Step::Unsubscribe),
        1 => (0..4_usize).prop_map(Step::Kill),
        4 => Just(Step::Publish),
    ]
}

#[derive(Default, Clone)]
struct Model {
    subscribed: Option<(Slow, u64)>,
    waiting: usize,
    dead: bool,
}

const BOUND: usize = 4;

async fn follow(steps: Vec<Step>) {
    let node = Node::builder().build().await.unwrap();
    let topic = node.topic::<ListenerClient>("news").unwrap();
    let mut processes: Vec<Ref<Listener>> = Vec::new();
    for _ in 0..4 {
        processes.push(node.spawn_with((), SpawnOptions::default().mailbox(BOUND)).await.unwrap());
    }
    // The order of a publish is that of the pids.
    processes.sort_by_key(Ref::pid);
    let mut model = vec![Model::default(); 4];
    for step in steps {
        match step {
            Step::Subscribe(who, slow) => {
                let got = topic.subscribe_with(processes[who].client().clone(), slow);
                assert_eq!(got.is_err(), model[who].dead);
                if got.is_ok() {
                    model[who].subscribed = Some((slow, 0));
                }
            }
            Step::Unsubscribe(who) => {
                assert_eq!(topic.unsubscribe(processes[who].pid()), model[who].subscribed.take().is_some());
            }
            Step::Kill(who) => {
                kill(&node, processes[who].pid()).await;
                model[who] = Model { dead: true, ..Model::default() };
            }
            Step::Publish => {
                let mut expected = Published::default();
                for process in &mut model {
                    let Some((slow, shed)) = &mut process.subscribed else { continue };
                    match *slow {
                        Slow::Disconnect { above } if process.waiting > above => {
                            expected.disconnected += 1;
                            process.subscribed = None;
                        }
                        Slow::Skip { above } if process.waiting > above => {
                            expected.shed += 1;
                            *shed += 1;
                        }
                        _ if process.waiting == BOUND => {
                            expected.shed += 1;
                            *shed += 1;
                        }
                        _ => {
                            expected.delivered += 1;
                            process.waiting += 1;
                        }
                    }
                }
                assert_eq!(topic.publish(|client| client.send(1)), expected);
            }
        }
        let expected = processes.iter().zip(&model).filter_map(|(process, model)| {
            model.subscribed.map(|(slow, shed)| Subscriber { pid: process.pid(), slow, shed })
        });
        assert_eq!(topic.subscribers(), expected.collect::<Vec<_>>());
    }
    drop(topic);
    for process in &processes {
        kill(&node, process.pid()).await;
    }
    assert!(node.naming().topics.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// A model: per process its policy, what waits and what was shed; nobody reads, and mailboxes have a bound.
    #[test]
    fn subscribers_get_what_their_policy_says(steps in proptest::collection::vec(step(), 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(follow(steps));
    }
}

#[tokio::test]
async fn a_name_subscribes_its_holder() {
    let node = Node::builder().build().await.unwrap();
    let process = listener(&node).await;
    node.register("screen", process.pid()).unwrap();
    let topic = node.topic::<ListenerClient>("news").unwrap();
    topic.subscribe(ListenerClient::from_address(Address::named(&node, "screen").unwrap())).unwrap();
    // It stays subscribed without its name.
    node.naming().names.release("screen", process.pid()).unwrap();
    assert_eq!(topic.publish(|client| client.send(1)).delivered, 1);
    topic.subscribe_pid(process.pid(), Slow::Keep).unwrap();
    assert_eq!(topic.publish(|client| client.send(1)), Published { delivered: 1, ..Published::default() });
}

#[tokio::test]
async fn other_failures_are_told_and_keep_the_subscriber() {
    let node = Node::builder().build().await.unwrap();
    let process = listener(&node).await;
    let topic = node.topic::<ListenerClient>("news").unwrap();
    topic.subscribe(process.client().clone()).unwrap();
    let error = SendError::Denied("no".into());
    let report = topic.publish(|_| Err(error.clone()));
    assert_eq!(report, Published { failed: 1, error: Some(error), ..Published::default() });
    let report = topic.publish(|_| Err(SendError::NoProcess(String::new())));
    assert_eq!((report.gone, topic.subscribers().len()), (1, 0));
    assert_eq!(topic.publish(|_| Ok(())), Published::default());
}

#[tokio::test]
async fn the_closure_may_use_the_topic() {
    let node = Node::builder().build().await.unwrap();
    let (first, second) = (listener(&node).await, listener(&node).await);
    let topic = node.topic::<ListenerClient>("news").unwrap();
    topic.subscribe(first.client().clone()).unwrap();
    let report = topic.publish(|client| {
        topic.subscribe(second.client().clone()).unwrap();
        assert!(topic.unsubscribe(first.pid()));
        assert_eq!(topic.publish(|client| client.send(2)).delivered, 1);
        client.send(1)
    });
    assert_eq!(report.delivered, 1);
    assert_eq!(
        topic.subscribers().iter().map(|subscriber| subscriber.pid).collect::<BTreeSet<_>>(),
        [second.pid()].into()
    );
}

/// The steps of a subscription, without a node.
fn join(home: &Directory, store: &News, node: &Node, pid: Pid, is_alive: impl Fn(Pid) -> bool) {
    let client = ListenerClient::from_address(Address::pid_on(node, pid));
    let subscription = Arc::new(Subscription { pid, client, slow: Slow::Keep, shed: AtomicU64::new(0) });
    let _ = store.join(home, subscription, is_alive);
}

#[tokio::test]
async fn subscribing_while_ending_leaves_nothing() {
    let node = Node::builder().build().await.unwrap();
    let (home, ends) = (Directory::default(), Ends::default());
    ends.race(
        |me| {
            let store: News = home.open("news").unwrap();
            join(&home, &store, &node, me, |pid| ends.is_alive(pid));
            store.list();
        },
        |me| home.leave_all(me),
    );
    assert!(home.is_empty());
    let store: News = home.open("news").unwrap();
    join(&home, &store, &node, pid(1), |_| true);
    assert_eq!(store.list().len(), 1);
}

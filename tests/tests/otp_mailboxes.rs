//! Mailboxes through the public API: bounds and what they do to senders, what is counted, what comes first.

use rusm::otp::{Bound, Overflow, SpawnOptions, Undelivered, Why};
use rusm::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Arguments cross boundaries, and a gate can't: it is given by its number.
static GATES: Mutex<Vec<Arc<Gate>>> = Mutex::new(Vec::new());

/// Tells that somebody waits, and lets go.
struct Gate {
    waits: Semaphore,
    opens: Semaphore,
}

fn gate() -> (usize, Arc<Gate>) {
    let gate = Arc::new(Gate { waits: Semaphore::new(0), opens: Semaphore::new(0) });
    let mut gates = GATES.lock().unwrap();
    gates.push(gate.clone());
    (gates.len() - 1, gate)
}

pub struct Reader {
    read: Vec<u64>,
    downs: u64,
}

#[actor]
impl Reader {
    #[init]
    fn start() -> Self {
        Self { read: Vec::new(), downs: 0 }
    }

    #[cast]
    pub async fn hold(&mut self, gate: usize) {
        let gate = GATES.lock().unwrap()[gate].clone();
        gate.waits.add_permits(1);
        gate.opens.acquire().await.unwrap().forget();
    }

    #[cast]
    pub fn note(&mut self, number: u64) {
        self.read.push(number);
    }

    pub fn read(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.read)
    }

    pub fn downs(&self) -> u64 {
        self.downs
    }

    pub fn shed(&self, cx: &mut Cx<Self>) -> u64 {
        cx.shed()
    }

    /// Watches what does not exist while its own mailbox is full.
    pub fn watch(&self, cx: &mut Cx<Self>) {
        cx.monitor(Pid::from_parts(9, 9, 9, 9));
    }

    pub fn overtake(&self, cx: &mut Cx<Self>) {
        let (me, urgent) = (cx.me(), cx.urgent());
        for number in 0..3 {
            me.note(number).send().unwrap();
            urgent.note(10 + number).send().unwrap();
        }
    }

    #[on(down)]
    fn down(&mut self, _down: Down) {
        self.downs += 1;
    }
}

async fn nodes() -> [Node; 2] {
    [Node::builder().in_runtime().build().await.unwrap(), Node::builder().workers(8).build().await.unwrap()]
}

/// A reader that holds still, with nothing in its mailbox.
async fn held(node: &Node, bound: Option<Bound>) -> (Ref<Reader>, Arc<Gate>) {
    let options = bound.map_or(SpawnOptions::default(), |bound| SpawnOptions::default().mailbox(bound));
    let reader = node.spawn_with::<Reader>((), options).await.unwrap();
    let (number, gate) = gate();
    reader.hold(number).send().unwrap();
    gate.waits.acquire().await.unwrap().forget();
    assert_eq!(reader.address().depth(), Some(0));
    (reader, gate)
}

#[tokio::test]
async fn each_overflow_and_what_is_counted() -> Result {
    let full = Err(SendError::Full);
    let cases = [
        (Overflow::Reject, full.clone(), vec![0, 1, 2]),
        (Overflow::Block, full, vec![0, 1, 2]),
        (Overflow::DropNew, Ok(()), vec![0, 1, 2]),
        (Overflow::DropOld, Ok(()), vec![2, 3, 4]),
    ];
    for workers in [1, 8] {
        for (overflow, expected, left) in cases.clone() {
            let lost = Arc::new(Mutex::new(Vec::<Undelivered>::new()));
            let hook = lost.clone();
            let node = Node::builder()
                .workers(workers)
                .on_undelivered(move |undelivered| hook.lock().unwrap().push(undelivered))
                .build()
                .await?;
            let (reader, gate) = held(&node, Some(Bound::new(3).overflow(overflow))).await;
            for number in 0..5 {
                let sent = reader.note(number).send();
                assert_eq!(sent, if number < 3 { Ok(()) } else { expected.clone() }, "{overflow:?}");
            }
            assert_eq!((reader.address().depth(), node.undelivered()), (Some(3), (2, 0)));
            gate.opens.add_permits(1);
            // Room has to come first.
            while reader.address().depth() > Some(0) {
                tokio::task::yield_now().await;
            }
            assert_eq!(reader.read().await?, left, "{overflow:?}");
            assert_eq!(reader.shed().await?, 2);
            // What is unread at the end is counted, too.
            let (number, gate) = self::gate();
            reader.hold(number).send()?;
            gate.waits.acquire().await?.forget();
            reader.note(7).send()?;
            let ended = node.ended(reader.pid());
            node.kill(reader.pid());
            ended.await;
            assert_eq!(node.undelivered(), (2, 1));
            let lost = lost.lock().unwrap();
            let lost: Vec<_> = lost.iter().map(|lost| (lost.pid, lost.why, lost.messages)).collect();
            let pid = reader.pid();
            assert_eq!(lost, [(pid, Why::Full, 1), (pid, Why::Full, 1), (pid, Why::Ended, 1)]);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_timer_owes_gets_in_and_is_shed_for_nobody() -> Result {
    let node = Node::builder().in_runtime().build().await?;
    let second = Duration::from_secs(1);
    for overflow in [Overflow::Reject, Overflow::Block, Overflow::DropNew, Overflow::DropOld] {
        let (reader, gate) = held(&node, Some(Bound::new(2).overflow(overflow))).await;
        for number in 0..2 {
            reader.note(number).send()?;
        }
        for number in 100..103 {
            reader.note(number).after(second)?;
        }
        sleep(2 * second).await;
        for number in 2..5 {
            let sent = reader.note(number).send();
            assert_eq!(
                sent.is_ok(),
                matches!(overflow, Overflow::DropNew | Overflow::DropOld),
                "{overflow:?} {sent:?}"
            );
        }
        // One that comes again and again is like others.
        let ticks = reader.note(200).every(second)?;
        sleep(3 * second).await;
        ticks.cancel();
        gate.opens.add_permits(1);
        while reader.address().depth() > Some(0) {
            tokio::task::yield_now().await;
        }
        let read = reader.read().await?;
        let owed: Vec<_> = read.iter().filter(|number| (100..103).contains(*number)).collect();
        assert_eq!(owed, [&100, &101, &102], "{overflow:?}: {read:?}");
        // Where the oldest make room for others, those that were there first have.
        let others: &[u64] = if overflow == Overflow::DropOld { &[] } else { &[0, 1] };
        assert!(read.starts_with(others), "{overflow:?}: {read:?}");
        assert_eq!(read.len(), 5, "{overflow:?}: {read:?}");
    }
    Ok(())
}

#[tokio::test]
async fn bounds_are_exact_under_threads() -> Result {
    for node in nodes().await {
        let (reader, gate) = held(&node, Some(Bound::new(100))).await;
        let sending: Vec<_> = (0..8)
            .map(|_| {
                let reader = reader.clone();
                std::thread::spawn(move || (0..100).filter(|number| reader.note(*number).send().is_ok()).count())
            })
            .collect();
        let accepted: usize = sending.into_iter().map(|sender| sender.join().unwrap()).sum();
        assert_eq!((accepted, reader.address().depth(), node.undelivered().0), (100, Some(100), 700));
        gate.opens.add_permits(1);
        while reader.address().depth() > Some(0) {
            tokio::task::yield_now().await;
        }
        assert_eq!(reader.read().await?.len(), 100);
        node.shutdown(Duration::from_secs(60)).await;
    }
    Ok(())
}

#[tokio::test]
async fn senders_that_wait_lose_nothing() -> Result {
    const EACH: u64 = 500;
    for node in nodes().await {
        let options = SpawnOptions::default().mailbox(Bound::new(3).overflow(Overflow::Block));
        let reader = node.spawn_with::<Reader>((), options).await?;
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..8 {
            let client = reader.client().clone();
            let life = async move {
                for number in 0..EACH {
                    client.note(sender * EACH + number).await.unwrap();
                    assert!(client.address().depth() <= Some(3));
                }
            };
            // Half of them are processes.
            if sender % 2 == 0 {
                senders.spawn(life);
            } else {
                let ended = node.ended(node.spawn_fn("sender", |_| life)?);
                senders.spawn(async move { drop(ended.await) });
            }
        }
        while let Some(ended) = senders.join_next().await {
            ended?;
        }
        let read = reader.read().await?;
        assert_eq!(read.len() as u64, 8 * EACH);
        for sender in 0..8 {
            let ours: Vec<_> = read.iter().copied().filter(|number| number / EACH == sender).collect();
            assert!(ours.is_sorted(), "each sender's keep their order");
        }
        assert_eq!(node.undelivered(), (0, 0));
        node.shutdown(Duration::from_secs(60)).await;
    }
    Ok(())
}

#[tokio::test]
async fn signals_and_requests_to_end_get_into_what_is_full() -> Result {
    for node in nodes().await {
        let (reader, gate) = held(&node, Some(Bound::new(1))).await;
        let watching = tokio::spawn({
            let reader = reader.clone();
            async move { reader.watch().await }
        });
        while reader.address().depth() < Some(1) {
            tokio::task::yield_now().await;
        }
        assert_eq!(reader.note(1).send(), Err(SendError::Full));
        gate.opens.add_permits(1);
        watching.await??;
        while reader.downs().await? < 1 {}
        let (number, gate) = self::gate();
        reader.hold(number).send()?;
        gate.waits.acquire().await?.forget();
        reader.note(1).send()?;
        let ended = node.ended(reader.pid());
        node.exit(reader.pid(), ExitReason::Shutdown);
        gate.opens.add_permits(1);
        assert_eq!(ended.await, ExitReason::Shutdown);
        node.shutdown(Duration::from_secs(60)).await;
    }
    Ok(())
}

#[tokio::test]
async fn urgent_ones_overtake() -> Result {
    for node in nodes().await {
        for bound in [None, Some(Bound::new(9))] {
            let options = bound.map_or(SpawnOptions::default(), |bound| SpawnOptions::default().mailbox(bound));
            let reader = node.spawn_with::<Reader>((), options).await?;
            reader.overtake().await?;
            assert_eq!(reader.read().await?, [10, 11, 12, 0, 1, 2]);
        }
        node.shutdown(Duration::from_secs(60)).await;
    }
    Ok(())
}

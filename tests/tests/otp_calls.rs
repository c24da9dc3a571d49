//! Calls: how long they wait, what ends them, who may answer, and the cycles that can't end.

use rusm::otp::{Address, Bound, Overflow, SpawnOptions, Tapped};
use rusm::prelude::*;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;
use tokio::sync::{Barrier, Semaphore};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What can't cross a boundary is given by its number.
static GATES: Mutex<Vec<Arc<Gate>>> = Mutex::new(Vec::new());
static BARRIERS: Mutex<Vec<Arc<Barrier>>> = Mutex::new(Vec::new());
static KEPT: Mutex<Vec<(u64, Reply<u64>)>> = Mutex::new(Vec::new());

/// Tells that somebody waits, and lets go.
struct Gate {
    waits: Semaphore,
    opens: Semaphore,
}

impl Gate {
    async fn until_somebody_waits(&self) {
        self.waits.acquire().await.unwrap().forget();
    }
}

fn gate() -> (usize, Arc<Gate>) {
    let gate = Arc::new(Gate { waits: Semaphore::new(0), opens: Semaphore::new(0) });
    let mut gates = GATES.lock().unwrap();
    gates.push(gate.clone());
    (gates.len() - 1, gate)
}

fn barrier(size: usize) -> usize {
    let mut barriers = BARRIERS.lock().unwrap();
    barriers.push(Arc::new(Barrier::new(size)));
    barriers.len() - 1
}

fn peer(pid: Pid) -> PeerClient {
    PeerClient::from_address(Address::pid_on(&Node::current(), pid))
}

type Answer = std::result::Result<u64, String>;

fn text(answer: std::result::Result<u64, CallError>) -> Answer {
    answer.map_err(|error| error.to_string())
}

pub struct Peer {
    kept: Vec<Reply<u64>>,
    heard: Vec<Answer>,
}

#[actor]
impl Peer {
    #[init]
    fn start() -> Self {
        Self { kept: Vec::new(), heard: Vec::new() }
    }

    pub fn value(&self) -> u64 {
        7
    }

    /// What it was answered in calls that nobody waits for.
    pub fn heard(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.heard)
    }

    /// Asks the first, which asks the second, and so on.
    pub async fn ask(&mut self, mut path: Vec<Pid>) -> Answer {
        if path.is_empty() {
            return Ok(7);
        }
        let next = path.remove(0);
        match peer(next).ask(path).await {
            Ok(answer) => answer,
            Err(error) => Err(error.to_string()),
        }
    }

    /// Asks for the value once the others of the barrier are about to ask, too.
    pub async fn meet(&mut self, barrier: usize, other: Pid) -> Answer {
        let barrier = BARRIERS.lock().unwrap()[barrier].clone();
        barrier.wait().await;
        text(peer(other).value().await)
    }

    pub async fn hold(&mut self, gate: usize) {
        let gate = GATES.lock().unwrap()[gate].clone();
        gate.waits.add_permits(1);
        gate.opens.acquire().await.unwrap().forget();
    }

    pub async fn hang(&mut self) -> u64 {
        std::future::pending().await
    }

    pub fn crash(&mut self) -> u64 {
        panic!("as asked")
    }

    /// Polls a call once more after its end.
    pub async fn ask_twice(&mut self, other: Pid) -> (Answer, Answer) {
        let client = peer(other);
        let mut call = std::pin::pin!(client.value().into_future());
        (text(call.as_mut().await), text(call.await))
    }

    pub async fn ask_value(&mut self, other: Pid) -> Answer {
        text(peer(other).value().await)
    }

    /// Answers, then goes on with a call.
    pub async fn early(&mut self, reply: Reply<u64>, back: Pid) {
        reply.send(1);
        self.heard.push(text(peer(back).value().await));
    }

    pub async fn ask_early(&mut self, other: Pid, me: Pid) -> Answer {
        text(peer(other).early(me).await)
    }

    /// Gives the duty to answer away.
    pub fn entrust(&mut self, reply: Reply<u64>, whose: u64) {
        KEPT.lock().unwrap().push((whose, reply));
    }

    pub async fn entrust_there(&mut self, other: Pid, whose: u64) -> Answer {
        text(peer(other).entrust(whose).await)
    }

    pub async fn keep_there(&mut self, other: Pid) -> Answer {
        text(peer(other).keep().await)
    }

    pub fn kept(&self) -> u64 {
        self.kept.len() as u64
    }

    pub fn answer_all(&mut self, value: u64) {
        self.kept.drain(..).for_each(|reply| reply.send(value));
    }

    pub fn keep(&mut self, reply: Reply<u64>) {
        self.kept.push(reply);
    }

    /// How many of the kept replies nobody waits for.
    pub fn abandoned(&mut self) -> u64 {
        self.kept.iter().filter(|reply| reply.is_abandoned()).count() as u64
    }

    #[cast]
    pub async fn ask_later(&mut self, other: Pid) {
        let answer = text(peer(other).value().await);
        self.heard.push(answer);
    }

    /// Three calls at once, in three ways of waiting.
    pub async fn at_once(&mut self, others: Vec<Pid>) -> Vec<Answer> {
        let clients: Vec<_> = others.into_iter().map(peer).collect();
        let (one, two) = tokio::join!(clients[0].value().into_future(), clients[1].value().into_future());
        let mut all = vec![text(one), text(two)];
        let mut hanging = std::pin::pin!(clients[0].hang().timeout(Duration::from_secs(60)).into_future());
        let first = tokio::select! {
            biased;
            answer = &mut hanging => answer,
            answer = clients[1].value().into_future() => answer,
        };
        all.push(text(first));
        // Polled by tasks, not by the process.
        let task = tokio::spawn({
            let client = clients[1].clone();
            async move { client.value().await }
        });
        all.push(text(task.await.unwrap()));
        all
    }

    /// Polls calls through a waker that is not the process's own.
    pub async fn through_another_waker(&mut self, other: Pid, limit: Duration) -> (Answer, Answer) {
        let client = peer(other);
        (text(relayed(client.value().into_future()).await), text(relayed(client.hang().timeout(limit)).await))
    }

    /// Begins a call that is not answered yet, and leaks it.
    pub async fn leak(&mut self, other: Pid, gate: usize) -> bool {
        let client: &'static PeerClient = Box::leak(Box::new(peer(other)));
        let mut call = Box::pin(client.hold(gate).into_future());
        let is_pending = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
        std::mem::forget(call);
        is_pending
    }

    /// A nested call, and how long it took.
    pub async fn nested(&mut self, other: Pid, limit: Duration) -> (Answer, Duration) {
        let began = tokio::time::Instant::now();
        let answer = peer(other).hang().timeout(limit).await;
        (text(answer), began.elapsed())
    }

    /// Calls the last of a chain, which never answers.
    pub async fn chain(&mut self, mut path: Vec<Pid>, limit: Duration) -> Answer {
        let next = path.remove(0);
        if path.is_empty() {
            return text(peer(next).hang().timeout(limit).await);
        }
        match peer(next).chain(path, limit).timeout(limit).await {
            Ok(answer) => answer,
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Wakes its task, as sets of futures do.
struct Relay(Waker);

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.0.wake_by_ref();
    }
}

async fn relayed<F: IntoFuture>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future.into_future());
    std::future::poll_fn(|cx| {
        let waker = Waker::from(Arc::new(Relay(cx.waker().clone())));
        future.as_mut().poll(&mut Context::from_waker(&waker))
    })
    .await
}

async fn node(workers: usize) -> Node {
    let builder = Node::builder();
    let builder = if workers == 0 { builder.in_runtime() } else { builder.workers(workers) };
    builder.build().await.unwrap()
}

async fn peers<const N: usize>(node: &Node) -> [Ref<Peer>; N] {
    let mut all = Vec::new();
    for _ in 0..N {
        all.push(node.spawn::<Peer>(()).await.unwrap());
    }
    all.try_into().unwrap()
}

async fn until_waiting(client: &PeerClient, messages: usize) {
    while client.address().depth() != Some(messages) {
        tokio::task::yield_now().await;
    }
}

/// Workers of their own, more of them than cores, and none.
const NODES: [usize; 3] = [0, 1, 8];

#[tokio::test]
async fn cycles_end_at_once_with_their_path() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        let [a, b, c, d] = peers(&node).await;
        let cases: [(&[&Ref<Peer>], bool); 6] = [
            (&[&a], true),
            (&[&b], false),
            (&[&b, &a], true),
            (&[&b, &c, &a], true),
            (&[&b, &c, &d, &c], true),
            (&[&b, &c, &d], false),
        ];
        for (path, is_cycle) in cases {
            let pids: Vec<_> = path.iter().map(|peer| peer.pid()).collect();
            let answer = a.ask(pids).timeout(Duration::from_secs(60)).await?;
            let Err(text) = &answer else {
                assert!(!is_cycle, "{path:?} found no cycle on {workers} workers");
                continue;
            };
            assert!(is_cycle && text.contains("deadlock"), "{path:?}: {text}");
            let (_, cycle) = text.rsplit_once(": ").unwrap();
            let cycle: Vec<_> = cycle.split(" -> ").collect();
            assert!(cycle.len() > 1 && cycle.first() == cycle.last(), "{text}");
            let last = path[path.len() - 1].pid().to_string();
            assert!(cycle.iter().any(|pid| pid.starts_with(&last)), "{last} is not in {text}");
        }
        // Nothing of it stays behind.
        assert_eq!(a.ask(vec![b.pid(), c.pid(), d.pid()]).await?, Ok(7));
    }
    Ok(())
}

#[tokio::test]
async fn a_cycle_that_closes_everywhere_at_once_is_found() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        for _ in 0..50 {
            let [a, b, c] = peers(&node).await;
            let barrier = barrier(3);
            let ask = |from: &Ref<Peer>, to: &Ref<Peer>| {
                let (from, to) = (from.clone(), to.pid());
                tokio::spawn(async move { from.meet(barrier, to).timeout(Duration::from_secs(60)).await })
            };
            let asking = [ask(&a, &b), ask(&b, &c), ask(&c, &a)];
            let mut found = 0;
            for asked in asking {
                match asked.await?? {
                    Ok(value) => assert_eq!(value, 7),
                    Err(error) => {
                        assert!(error.contains("deadlock"), "{error}");
                        found += 1;
                    }
                }
            }
            assert!(found > 0);
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_on_its_way_closes_no_cycle() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        let [a, b] = peers(&node).await;
        // Answered early by the method itself.
        assert_eq!(a.ask_early(b.pid(), a.pid()).await?, Ok(1));
        assert_eq!(b.heard().await?, [Ok(7)]);
        // Answered, and the callee goes on with a message that was waiting before the caller had a turn.
        let (number, gate) = gate();
        let holding = tokio::spawn({
            let b = b.clone();
            async move { b.hold(number).await }
        });
        gate.until_somebody_waits().await;
        let asking = tokio::spawn({
            let (a, b) = (a.clone(), b.pid());
            async move { a.ask_value(b).await }
        });
        until_waiting(&b, 1).await;
        b.ask_later(a.pid()).send()?;
        gate.opens.add_permits(1);
        holding.await??;
        assert_eq!(asking.await??, Ok(7));
        assert_eq!(b.heard().await?, [Ok(7)], "on {workers} workers");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn deadlines_are_inherited_along_a_chain() -> Result {
    let node = Node::builder().build().await?;
    let [a, b, c, d] = peers(&node).await;
    let began = tokio::time::Instant::now();
    let path = vec![b.pid(), c.pid(), d.pid()];
    let limit = Duration::from_secs(2);
    let answer = a.chain(path, Duration::from_secs(60)).timeout(limit).await;
    assert_eq!((answer, began.elapsed()), (Err(CallError::Timeout(limit)), limit));
    // All of them gave up at the same time: those in between are free again.
    for peer in [&a, &b, &c] {
        assert_eq!(peer.value().await?, 7);
    }
    assert_eq!(began.elapsed(), limit);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_shorter_limit_counts() -> Result {
    let node = Node::builder().build().await?;
    let seconds = Duration::from_secs;
    // The outer call's limit, the nested one's, and how long the nested one takes.
    let cases = [
        (seconds(9), seconds(2), seconds(2)),
        (seconds(2), seconds(9), seconds(2)),
        (seconds(60), seconds(50), seconds(50)),
        (seconds(3600), Duration::MAX, seconds(3600)),
        (Duration::MAX, seconds(7), seconds(7)),
        (seconds(1), Duration::ZERO, Duration::ZERO),
    ];
    for (outer, inner, expected) in cases {
        let [a, hung] = peers(&node).await;
        let began = tokio::time::Instant::now();
        let answer = a.nested(hung.pid(), inner).timeout(outer).await;
        assert_eq!(began.elapsed(), expected, "{outer:?} {inner:?}");
        match answer {
            Ok((answer, took)) => assert!(answer.is_err() && took == expected && inner <= outer),
            Err(error) => assert!(error == CallError::Timeout(outer) && outer <= inner, "{error}"),
        }
        // A call of no time is given up before it has an answer.
        assert_eq!(a.value().timeout(Duration::ZERO).await, Err(CallError::Timeout(Duration::ZERO)));
        assert_eq!(a.value().await?, 7);
    }
    Ok(())
}

#[tokio::test]
async fn a_callee_that_dies_ends_the_call_with_its_reason() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        let [in_hand, caller] = peers(&node).await;
        let (number, gate) = gate();
        // In hand, waiting in the mailbox, and from a process.
        let task = |client: PeerClient| tokio::spawn(async move { client.hold(0).timeout(Duration::MAX).await });
        let holding = {
            let client = in_hand.client().clone();
            tokio::spawn(async move { client.hold(number).timeout(Duration::MAX).await })
        };
        gate.until_somebody_waits().await;
        let waiting = task(in_hand.client().clone());
        let asking = {
            let (caller, callee) = (caller.clone(), in_hand.pid());
            tokio::spawn(async move { caller.ask_value(callee).timeout(Duration::MAX).await })
        };
        until_waiting(&in_hand, 2).await;
        node.kill(in_hand.pid());
        let killed = CallError::Exited(ExitReason::Killed);
        assert_eq!(holding.await?, Err(killed.clone()));
        assert_eq!(waiting.await?, Err(killed.clone()));
        assert_eq!(asking.await??, Err(killed.to_string()));
        assert!(matches!(in_hand.value().await, Err(CallError::NoProcess(_))));
    }
    Ok(())
}

#[tokio::test]
async fn a_reply_knows_that_its_caller_is_gone() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        let [callee, dying] = peers(&node).await;
        let keep = |client: PeerClient| tokio::spawn(async move { client.keep().timeout(Duration::MAX).await });
        let (stays, goes) = (keep(callee.client().clone()), keep(callee.client().clone()));
        // A caller that is a process, and killed while it waits.
        let asking = {
            let (dying, callee) = (dying.clone(), callee.pid());
            tokio::spawn(async move { dying.keep_there(callee).timeout(Duration::MAX).await })
        };
        while callee.kept().await? < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(callee.abandoned().await?, 0);
        goes.abort();
        assert!(goes.await.unwrap_err().is_cancelled());
        assert_eq!(callee.abandoned().await?, 1);
        let ended = node.ended(dying.pid());
        node.kill(dying.pid());
        ended.await;
        assert!(asking.await?.is_err());
        assert_eq!(callee.abandoned().await?, 2);
        callee.answer_all(4).await?;
        assert_eq!(stays.await?, Ok(4));
    }
    Ok(())
}

type Moved = std::pin::Pin<Box<dyn Future<Output = std::result::Result<u64, CallError>> + Send>>;
static MOVED: Mutex<Option<Moved>> = Mutex::new(None);

/// Begins a call that is not answered yet, leaves it for somebody else, and ends.
#[actor]
async fn beginner(_inbox: Inbox<()>, callee: Pid) {
    let client = peer(callee);
    let mut call: Moved = Box::pin(async move { client.keep().timeout(Duration::MAX).await });
    let is_pending = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
    assert!(is_pending, "nobody has answered");
    *MOVED.lock().unwrap() = Some(call);
}

/// A call wakes whoever polled it last, and one whose process has ended meanwhile loses no answer.
#[tokio::test]
async fn a_call_outlives_the_process_that_began_it() -> Result {
    for workers in NODES {
        for polls in 0..3 {
            let node = node(workers).await;
            let [callee] = peers(&node).await;
            let begun = node.spawn::<beginner>(callee.pid()).await?;
            node.ended(begun.pid()).await;
            let mut call = MOVED.lock().unwrap().take().ok_or("it has begun one")?;
            while callee.kept().await? < 1 {
                tokio::task::yield_now().await;
            }
            assert_eq!(callee.abandoned().await?, 0);
            if polls == 0 {
                callee.answer_all(5).await?;
                assert_eq!(call.await?, 5);
                assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
                continue;
            }
            if polls == 2 {
                let is_pending = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending())).await;
                assert!(is_pending, "nobody has answered");
            }
            let waiting = tokio::spawn(call);
            callee.answer_all(5).await?;
            assert_eq!(waiting.await?, Ok(5));
            assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
        }
    }
    Ok(())
}

/// One that is over, and still there, is waited for by nobody.
#[tokio::test(start_paused = true)]
async fn a_call_that_was_too_late_is_given_up() -> Result {
    let node = node(0).await;
    let [callee] = peers(&node).await;
    let mut call = std::pin::pin!(callee.keep().timeout(Duration::from_secs(1)).into_future());
    assert!(matches!(call.as_mut().await, Err(CallError::Timeout(_))));
    assert_eq!(callee.abandoned().await?, 1);
    assert!(call.await.is_err(), "polled after its end");
    Ok(())
}

/// Whatever its answer was, one that is asked again has no other.
#[tokio::test]
async fn a_call_has_one_answer() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        let [callee, crashing] = peers(&node).await;
        let mut call = std::pin::pin!(callee.value().into_future());
        assert_eq!(call.as_mut().await, Ok(7));
        assert_eq!(call.await, Err(CallError::NoReply));
        let mut call = std::pin::pin!(crashing.crash().into_future());
        assert!(matches!(call.as_mut().await, Err(CallError::Exited(ExitReason::Panicked(_)))));
        assert_eq!(call.await, Err(CallError::NoReply));
        // Who looks on is told of one answer.
        let [watched] = peers(&node).await;
        let mut tap = node.tap(watched.pid()).calls().for_at_most(Duration::from_secs(60));
        assert_eq!(watched.ask_twice(callee.pid()).await?, (Ok(7), Err(CallError::NoReply.to_string())));
        node.kill(watched.pid());
        let mut answers = 0;
        while let Some(event) = tap.next().await {
            answers += u32::from(matches!(event.what, Tapped::Answered { .. }));
        }
        assert_eq!(answers, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_reply_is_answered_by_whoever_has_it() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        let [callee, caller] = peers(&node).await;
        let task = tokio::spawn({
            let callee = callee.clone();
            async move { callee.entrust(workers as u64).await }
        });
        let process = tokio::spawn({
            let (caller, callee) = (caller.clone(), callee.pid());
            async move { caller.entrust_there(callee, workers as u64).await }
        });
        let mut replies = Vec::new();
        while replies.len() < 2 {
            let ours = |(whose, _): &mut (u64, _)| *whose == workers as u64;
            let kept: Vec<_> = KEPT.lock().unwrap().extract_if(.., ours).collect();
            replies.extend(kept.into_iter().map(|(_, reply)| reply));
            tokio::task::yield_now().await;
        }
        // The callee is not needed any more.
        let ended = node.ended(callee.pid());
        node.kill(callee.pid());
        ended.await;
        std::thread::spawn(move || replies.into_iter().for_each(|reply| reply.send(9))).join().unwrap();
        assert_eq!(task.await?, Ok(9));
        assert_eq!(process.await??, Ok(9));
    }
    Ok(())
}

#[tokio::test]
async fn who_has_given_a_reply_away_may_call_its_caller() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        let [caller, callee, between] = peers(&node).await;
        for path in [vec![caller.pid()], vec![between.pid(), caller.pid()]] {
            let waiting = tokio::spawn({
                let (caller, callee) = (caller.clone(), callee.pid());
                async move { caller.entrust_there(callee, 100 + workers as u64).await }
            });
            let reply = loop {
                let ours = |(whose, _): &mut (u64, _)| *whose == 100 + workers as u64;
                if let Some((_, reply)) = KEPT.lock().unwrap().extract_if(.., ours).next() {
                    break reply;
                }
                tokio::task::yield_now().await;
            };
            // The caller waits, but not for the one that is free to call it.
            let mut back = tokio::spawn({
                let (callee, path) = (callee.clone(), path.clone());
                async move { callee.ask(path).await }
            });
            tokio::select! {
                () = until_waiting(&caller, 1) => {}
                answer = &mut back => panic!("{answer:?} on {workers} workers"),
            }
            reply.send(9);
            assert_eq!(waiting.await??, Ok(9));
            assert_eq!(back.await??, Ok(7));
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_at_once_and_through_any_waker() -> Result {
    let node = Node::builder().build().await?;
    let [a, hung, c] = peers(&node).await;
    let began = tokio::time::Instant::now();
    assert_eq!(a.at_once(vec![hung.pid(), c.pid()]).await?, [Ok(7), Ok(7), Ok(7), Ok(7)]);
    assert_eq!(began.elapsed(), Duration::ZERO);
    let [hung] = peers(&node).await;
    let limit = Duration::from_secs(3);
    let (value, hung) = a.through_another_waker(hung.pid(), limit).timeout(Duration::from_secs(60)).await?;
    assert_eq!((value, hung), (Ok(7), Err(CallError::Timeout(limit).to_string())));
    assert_eq!(began.elapsed(), limit);
    Ok(())
}

#[tokio::test]
async fn calls_from_tasks_and_threads() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        let [peer] = peers(&node).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let peer = peer.clone();
            tasks.spawn(async move { peer.value().timeout(Duration::MAX).await });
        }
        while let Some(answer) = tasks.join_next().await {
            assert_eq!(answer?, Ok(7));
        }
        let other = tokio::task::spawn_blocking({
            let peer = peer.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async { peer.value().timeout(Duration::MAX).await })
            }
        });
        assert_eq!(other.await?, Ok(7));
    }
    Ok(())
}

#[tokio::test]
async fn a_leaked_call_is_no_part_of_a_cycle() -> Result {
    for workers in NODES {
        let node = node(workers).await;
        let [a, b] = peers(&node).await;
        let (number, leaked) = gate();
        assert!(a.leak(b.pid(), number).await?);
        leaked.opens.add_permits(1);
        let (number, gate) = gate();
        let holding = tokio::spawn({
            let a = a.clone();
            async move { a.hold(number).await }
        });
        gate.until_somebody_waits().await;
        // It waits for `a`, which waits for nobody.
        let asking = tokio::spawn({
            let (b, a) = (b.clone(), a.pid());
            async move { b.ask_value(a).await }
        });
        until_waiting(&a, 1).await;
        gate.opens.add_permits(1);
        holding.await??;
        assert_eq!(asking.await??, Ok(7));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_room_within_their_deadline() -> Result {
    let node = Node::builder().build().await?;
    let options = || SpawnOptions::default().mailbox(Bound::new(1).overflow(Overflow::Block));
    let callee = node.spawn_with::<Peer>((), options()).await?;
    let (number, gate) = gate();
    let spawn = |limit: Duration| {
        let callee = callee.clone();
        tokio::spawn(async move { callee.value().timeout(limit).await })
    };
    let holding = tokio::spawn({
        let callee = callee.clone();
        async move { callee.hold(number).timeout(Duration::MAX).await }
    });
    gate.until_somebody_waits().await;
    let first = spawn(Duration::MAX);
    until_waiting(&callee, 1).await;
    let began = tokio::time::Instant::now();
    let (long, short) = (spawn(Duration::MAX), spawn(Duration::from_secs(2)));
    // From a process as well.
    let [caller] = peers(&node).await;
    let nested = caller.ask_value(callee.pid()).timeout(Duration::from_secs(3)).await;
    assert_eq!((nested, began.elapsed()), (Err(CallError::Timeout(Duration::from_secs(3))), Duration::from_secs(3)));
    assert_eq!(short.await?, Err(CallError::Timeout(Duration::from_secs(2))));
    assert_eq!(callee.address().depth(), Some(1), "who gave up has sent nothing");
    assert!(!first.is_finished() && !long.is_finished());
    gate.opens.add_permits(1);
    holding.await??;
    assert_eq!((first.await?, long.await?), (Ok(7), Ok(7)));

    // Who waits for room is told of the end.
    let [_holder] = peers(&node).await;
    let (number, gate) = self::gate();
    let holding = tokio::spawn({
        let callee = callee.clone();
        async move { callee.hold(number).timeout(Duration::MAX).await }
    });
    gate.until_somebody_waits().await;
    let first = spawn(Duration::MAX);
    until_waiting(&callee, 1).await;
    let second = spawn(Duration::MAX);
    tokio::task::yield_now().await;
    node.kill(callee.pid());
    let killed = Err(CallError::Exited(ExitReason::Killed));
    assert_eq!((holding.await?, first.await?), (killed.clone(), killed.map(|()| 0)));
    assert!(second.await?.is_err());
    Ok(())
}

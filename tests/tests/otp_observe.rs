//! Seeing inside through the public API: processes, the tree, who uses most, crash reports.

use rusm::otp::{By, ProcessInfo, SpawnOptions, Tap, TapEnd, Tapped};
use rusm::prelude::*;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What was logged on this thread since it was made, as JSON.
struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().map_err(|_| std::io::ErrorKind::Other)?.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn begin(filter: &str) -> Self {
        let lines = Lines::default();
        let filter = tracing_subscriber::EnvFilter::new(filter);
        let log = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(lines.clone());
        Self { lines, _guard: tracing::subscriber::set_default(log.finish()) }
    }

    /// The events of a target.
    fn of(&self, target: &str) -> Vec<Value> {
        let bytes = self.lines.0.lock().unwrap().clone();
        let lines = String::from_utf8(bytes).unwrap();
        let all = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|event| event["target"] == target).collect()
    }
}

/// Does what it is told.
pub struct Subject {
    items: Vec<u32>,
}

#[actor]
impl Subject {
    #[init]
    fn start() -> Self {
        Self { items: vec![1, 2, 3] }
    }

    pub async fn answer_and_hang(&mut self, reply: Reply<()>) {
        reply.send(());
        std::future::pending::<()>().await;
    }

    pub fn ping(&self) {}

    #[cast]
    pub fn note(&mut self, item: u32) {
        self.items.push(item);
    }

    pub fn prepare(&mut self, cx: &mut Cx<Self>, state: bool, recall: u32) {
        if state {
            cx.set_state_name("prepared");
        }
        cx.recall(recall as usize);
    }

    pub async fn spawn(&mut self, cx: &mut Cx<Self>) -> Option<Pid> {
        Some(cx.spawn_link::<Subject>(()).await.ok()?.pid())
    }

    pub fn crash(&self) {
        panic!("as asked")
    }

    pub async fn ask(&self, cx: &mut Cx<Self>, name: String) -> bool {
        match SubjectClient::named(cx.node(), &name) {
            Ok(other) => other.ping().await.is_ok(),
            Err(_) => false,
        }
    }

    /// Calls the first of them with the others.
    pub async fn chain(&self, cx: &mut Cx<Self>, mut names: Vec<String>) -> u64 {
        tracing::info!(target: "app", left = names.len(), "in the chain");
        if names.first().is_some_and(|name| name == "crash") {
            panic!("as asked");
        }
        let Some(next) = names.pop() else { return 0 };
        let Ok(next) = SubjectClient::named(cx.node(), &next) else { return 0 };
        next.chain(names).await.map_or(0, |depth| depth + 1)
    }

    pub fn watch(&self, cx: &mut Cx<Self>, pid: Pid) {
        cx.monitor(pid);
    }

    #[on(report)]
    fn report(&self) -> String {
        assert!(self.items.len() < 100, "no report of that many");
        format!("{} items", self.items.len())
    }

    #[on(terminate)]
    async fn bye(&mut self, cx: &mut Cx<Self>, _reason: &ExitReason) {
        if let Ok(gate) = SubjectClient::named(cx.node(), "gate") {
            let _ = gate.ping().await;
        }
    }
}

/// A function with an inbox.
#[actor]
async fn raw(mut inbox: Inbox<u32>, _args: ()) {
    inbox.receive_match(|number| *number == 7).await;
}

/// What a tap has told and tells until it ends, without times.
async fn rest(mut tap: Tap) -> (Vec<Tapped>, Option<TapEnd>) {
    let mut told = Vec::new();
    while let Some(event) = tap.next().await {
        told.push(match event.what {
            Tapped::Done { kind, .. } => Tapped::Done { kind, took: Duration::ZERO },
            what => what,
        });
    }
    (told, tap.end())
}

fn message(kind: &'static str) -> [Tapped; 2] {
    [Tapped::Message { kind: kind.into() }, Tapped::Done { kind: kind.into(), took: Duration::ZERO }]
}

const LONG: Duration = Duration::from_secs(3600);

fn info(node: &Node, pid: Pid) -> ProcessInfo {
    node.info(pid).expect("it is alive")
}

#[tokio::test]
async fn a_process_is_seen_whole() -> Result {
    let node = Node::builder().build().await?;
    let before = std::time::Instant::now();
    let line = line!() + 1;
    let subject = node.spawn_with::<Subject>((), SpawnOptions::default().name("subject").label("the subject")).await?;
    node.register("alias", subject.pid())?;
    node.group("all")?.join(subject.pid())?;
    let first = subject.spawn().await?.ok_or("no child")?;
    let second = subject.spawn().await?.ok_or("no child")?;
    let seen = info(&node, subject.pid());
    assert_eq!((&*seen.label, seen.parent, seen.children), ("the subject", None, vec![first, second]));
    assert_eq!((seen.names, seen.groups), (vec!["alias".into(), "subject".into()], vec!["all".into()]));
    assert_eq!((seen.state, seen.handling, seen.waiting), (None, None, 0));
    assert_eq!(seen.links, [first, second]);
    assert_eq!((seen.spawned_at.line(), seen.spawned_at.file().ends_with("otp_observe.rs")), (line, true));
    assert!(seen.age <= before.elapsed() + Duration::from_secs(1), "{:?}", seen.age);
    assert!(seen.turns >= 3 && seen.run_time > Duration::ZERO);
    assert_eq!(info(&node, first).parent, Some(subject.pid()));

    subject.prepare(true, 0).await?;
    subject.answer_and_hang().await?;
    let idle = info(&node, subject.pid());
    for item in 0..100 {
        subject.note(item).send()?;
    }
    let seen = info(&node, subject.pid());
    assert_eq!((seen.state, seen.handling.as_deref(), seen.waiting), (Some("prepared"), Some("answer_and_hang"), 100));
    assert!(seen.memory >= idle.memory + 100 * size_of::<u32>(), "{} and {}", seen.memory, idle.memory);
    node.group("all")?.leave(subject.pid());
    assert!(info(&node, subject.pid()).groups.is_empty());

    let ended = node.ended(subject.pid());
    node.kill(subject.pid());
    ended.await;
    assert!(node.info(subject.pid()).is_none());
    Ok(())
}

#[tokio::test]
async fn what_a_process_has_in_hand_is_named() -> Result {
    let node = Node::builder().build().await?;
    let gate = node.spawn_with::<Subject>((), SpawnOptions::default().name("gate")).await?;
    gate.answer_and_hang().await?;
    let subject = node.spawn::<Subject>(()).await?;
    assert_eq!(info(&node, subject.pid()).handling, None);
    let ended = node.ended(subject.pid());
    node.exit(subject.pid(), ExitReason::Shutdown);
    // It ends once the gate's answer to its ping is there or not.
    while gate.address().depth() != Some(1) {
        tokio::task::yield_now().await;
    }
    assert_eq!(info(&node, subject.pid()).handling.as_deref(), Some("#[on(terminate)]"));
    node.kill(gate.pid());
    assert_eq!(ended.await, ExitReason::Shutdown);

    let raw = node.spawn::<raw>(()).await?;
    raw.send(1).send()?;
    assert_eq!(info(&node, raw.pid()).handling, None);
    Ok(())
}

#[tokio::test]
async fn the_tree_shows_who_spawned_whom() -> Result {
    let node = Node::builder().build().await?;
    let root = node.spawn_with::<Subject>((), SpawnOptions::default().name("root")).await?;
    let child = root.spawn().await?.ok_or("no child")?;
    let grandchild =
        SubjectClient::from_address(rusm::Address::pid_on(&node, child)).spawn().await?.ok_or("no child")?;
    let other = node.spawn::<raw>(()).await?;
    root.prepare(true, 0).await?;
    let depths =
        |node: &Node| -> Vec<_> { node.tree().entries().iter().map(|entry| (entry.pid, entry.depth)).collect() };
    assert_eq!(depths(&node), [(root.pid(), 0), (child, 1), (grandchild, 2), (other.pid(), 0)]);
    let printed = node.tree().to_string();
    let expected = format!(
        "Subject {} \"root\" [prepared]\n  Subject {child}\n    Subject {grandchild}\nraw {}\n",
        root.pid(),
        other.pid()
    );
    assert_eq!(printed, expected);

    let (child, grandchild) = (node.ended(child), node.ended(grandchild));
    node.kill(root.pid());
    child.await;
    grandchild.await;
    assert_eq!(depths(&node), [(other.pid(), 0)]);
    Ok(())
}

#[tokio::test]
async fn who_uses_most_comes_first() -> Result {
    let node = Node::builder().build().await?;
    let (busy, full, idle) =
        (node.spawn::<Subject>(()).await?, node.spawn::<Subject>(()).await?, node.spawn::<Subject>(()).await?);
    for _ in 0..50 {
        busy.ping().await?;
    }
    full.answer_and_hang().await?;
    for item in 0..10_000 {
        full.note(item).send()?;
    }
    let first = |by| node.top(by, 1).into_iter().map(|used| used.pid).collect::<Vec<_>>();
    assert_eq!(first(By::Turns), [busy.pid()]);
    assert_eq!((first(By::Mailbox), first(By::Memory)), (vec![full.pid()], vec![full.pid()]));
    assert_eq!((node.top(By::RunTime, 2).len(), node.top(By::RunTime, 9).len()), (2, 3));

    let before = node.snapshot();
    let late = node.spawn::<Subject>(()).await?;
    for _ in 0..20 {
        idle.ping().await?;
    }
    let since = node.snapshot().since(&before).top(By::Turns, 9);
    let turns = |pid| since.iter().find(|used| used.pid == pid).map(|used| used.turns);
    assert_eq!((since[0].pid, turns(busy.pid())), (idle.pid(), Some(0)));
    assert!(turns(late.pid()) > Some(0));
    Ok(())
}

#[tokio::test]
async fn a_crash_report_says_what_the_process_was_about() -> Result {
    let log = Log::begin("rusm::crash=error");
    let node = Node::builder().build().await?;
    let subject = node.spawn_with::<Subject>((), SpawnOptions::default().label("the subject")).await?;
    subject.prepare(true, 3).await?;
    subject.ping().await?;
    subject.note(1).send()?;
    subject.note(2).send()?;
    assert!(matches!(subject.crash().await, Err(CallError::Exited(ExitReason::Panicked(_)))));
    let reports = log.of("rusm::crash");
    let [report] = &reports[..] else { panic!("{reports:?}") };
    let fields = &report["fields"];
    let text = |name: &str| fields[name].as_str().unwrap_or_default().to_owned();
    assert_eq!((text("label"), text("pid")), ("the subject".to_owned(), subject.pid().to_string()));
    assert_eq!((text("handling"), text("recent")), ("crash".to_owned(), "note, note, crash".to_owned()));
    assert_eq!((text("state"), text("report")), ("prepared".to_owned(), "5 items".to_owned()));
    assert!(text("reason").contains("as asked") && text("spawned_at").contains("otp_observe.rs"), "{fields}");
    assert!(!text("age").is_empty() && fields.get("links").is_none(), "{fields}");
    Ok(())
}

#[tokio::test]
async fn a_crash_report_leaves_out_what_nobody_asked_for() -> Result {
    let log = Log::begin("rusm::crash=error");
    let node = Node::builder().build().await?;
    let subject = node.spawn::<Subject>(()).await?;
    let child = subject.spawn().await?.ok_or("no child")?;
    let ended = node.ended(subject.pid());
    let crash = SubjectClient::from_address(rusm::Address::pid_on(&node, child));
    assert!(crash.crash().await.is_err());
    ended.await;
    let reports = log.of("rusm::crash");
    let of = |pid: Pid| reports.iter().find(|report| report["fields"]["pid"] == pid.to_string()).unwrap();
    let fields = &of(child)["fields"];
    assert_eq!((fields.get("recent"), fields.get("state")), (None, None));
    assert_eq!(fields["parent"], subject.pid().to_string());
    assert_eq!(fields["links"], format!("[{}]", subject.pid()));
    // The linked one dies of it with nothing in hand.
    let fields = &of(subject.pid())["fields"];
    assert_eq!((fields.get("handling"), fields.get("report")), (None, None));
    Ok(())
}

#[tokio::test]
async fn a_report_that_panics_is_left_out() -> Result {
    let log = Log::begin("rusm::crash=error");
    let node = Node::builder().build().await?;
    let subject = node.spawn::<Subject>(()).await?;
    for item in 0..100 {
        subject.note(item).send()?;
    }
    assert!(matches!(subject.crash().await, Err(CallError::Exited(ExitReason::Panicked(_)))));
    let reports = log.of("rusm::crash");
    let [report] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!(report["fields"].get("report"), None);
    assert!(report["fields"]["reason"].as_str().is_some_and(|reason| reason.contains("as asked")), "{report}");
    Ok(())
}

#[tokio::test]
async fn a_tap_tells_what_is_asked_for_and_ends_with_the_process() -> Result {
    let node = Node::builder().build().await?;
    let subject = node.spawn::<Subject>(()).await?;
    let other = node.spawn_with::<Subject>((), SpawnOptions::default().name("other")).await?;
    let tap = |pid| node.tap(pid);
    let (all, messages) = (tap(subject.pid()), tap(subject.pid()).messages().for_at_most(LONG));
    let (calls, exits) = (tap(subject.pid()).calls().for_at_most(LONG), tap(subject.pid()).exits().for_at_most(LONG));
    let all = all.for_at_most(LONG);
    assert!(subject.ask("other".to_owned()).await?);
    assert!(!subject.ask("nobody".to_owned()).await?);
    subject.watch(other.pid()).await?;
    let ended = node.ended(other.pid());
    node.kill(other.pid());
    ended.await;
    subject.ping().await?;
    let ended = node.ended(subject.pid());
    node.exit(subject.pid(), ExitReason::Shutdown);
    ended.await;

    let called = [
        Tapped::Called { to: other.pid(), method: "ping" },
        Tapped::Answered { to: Some(other.pid()), error: None },
        Tapped::Answered { to: None, error: Some(CallError::NoProcess("named \"nobody\"".to_owned())) },
        // Its last call, before it ends.
        Tapped::Answered { to: None, error: Some(CallError::NoProcess("named \"gate\"".to_owned())) },
    ];
    assert_eq!(rest(calls).await, (called.to_vec(), Some(TapEnd::Process)));
    let exits_told = [
        Tapped::Down { pid: other.pid(), reason: ExitReason::Killed },
        Tapped::Asked(ExitReason::Shutdown),
        Tapped::Ended(ExitReason::Shutdown),
    ];
    assert_eq!(rest(exits).await, (exits_told.to_vec(), Some(TapEnd::Process)));
    let kinds = ["ask", "ask", "watch", "#[on(down)]", "ping", "#[on(terminate)]"];
    assert_eq!(rest(messages).await, (kinds.map(message).concat(), Some(TapEnd::Process)));
    let (told, _) = rest(all).await;
    assert_eq!(told.len(), 2 * kinds.len() + called.len() + exits_told.len());
    assert_eq!(told[..3], [message("ask")[0].clone(), called[0].clone(), called[1].clone()]);
    Ok(())
}

#[tokio::test]
async fn a_tap_on_nobody_has_ended() -> Result {
    let node = Node::builder().build().await?;
    let subject = node.spawn::<Subject>(()).await?;
    let ended = node.ended(subject.pid());
    node.kill(subject.pid());
    ended.await;
    assert_eq!(rest(node.tap(subject.pid()).for_at_most(LONG)).await, (Vec::new(), Some(TapEnd::NoProcess)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tap_is_bounded_in_every_way() -> Result {
    let node = Node::builder().build().await?;
    let subject = node.spawn::<Subject>(()).await?;
    let mut tap = node.tap(subject.pid()).messages().limit(10).for_at_most(Duration::from_secs(60));
    for _ in 0..50 {
        subject.ping().await?;
    }
    let waiting = |tap: &Tap| format!("{tap:?}").contains("waiting: 10");
    // The last one is laid down when the next one is taken up.
    assert!(waiting(&tap) && (88..=90).contains(&tap.dropped()), "{tap:?}");
    // Room in the second is no room in the queue.
    let dropped = tap.dropped();
    tokio::time::advance(Duration::from_secs(5)).await;
    subject.ping().await?;
    assert!(waiting(&tap) && tap.dropped() > dropped, "{tap:?}");
    for _ in 0..10 {
        assert!(tap.next().await.is_some());
    }
    tokio::time::advance(Duration::from_secs(56)).await;
    subject.ping().await?;
    assert_eq!((tap.next().await.is_none(), tap.end()), (true, Some(TapEnd::Time)));

    // One that nothing happens to ends by its time as well, for whoever waits for it.
    let silent = node.tap(subject.pid()).messages().for_at_most(Duration::from_secs(60));
    assert_eq!(rest(silent).await, (Vec::new(), Some(TapEnd::Time)));
    Ok(())
}

#[tokio::test]
async fn a_tap_on_a_function_with_an_inbox_tells_what_it_takes_out() -> Result {
    let node = Node::builder().build().await?;
    let raw = node.spawn::<raw>(()).await?;
    let (tap, ended) = (node.tap(raw.pid()).messages().for_at_most(LONG), node.ended(raw.pid()));
    raw.send(1).send()?;
    raw.send(7).send()?;
    ended.await;
    let (told, _) = rest(tap).await;
    assert!(matches!(&told[..], [Tapped::Message { kind }] if *kind == "message"), "{told:?}");
    Ok(())
}

#[tokio::test]
async fn sends_that_find_nobody_are_counted() -> Result {
    let node = Node::builder().build().await?;
    let subject = node.spawn::<Subject>(()).await?;
    let by_name = SubjectClient::named(&node, "nobody")?;
    let by_pid = SubjectClient::from_address(rusm::Address::pid_on(&node, subject.pid()));
    assert!(by_name.ping().await.is_err() && by_name.address().depth().is_none());
    assert_eq!(node.unreached(), 1);
    subject.ping().await?;
    let ended = node.ended(subject.pid());
    node.kill(subject.pid());
    ended.await;
    assert!(subject.note(1).send().is_err() && by_pid.note(1).send().is_err() && by_pid.ping().await.is_err());
    assert_eq!((node.unreached(), node.undelivered()), (4, (0, 0)));
    Ok(())
}

/// The numbers of a line that was logged in one span, or of a call.
fn numbers(fields: &Value) -> [&str; 3] {
    ["trace", "span", "parent"].map(|name| fields[name].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_call_is_followed_across_processes_without_growing() -> Result {
    let log = Log::begin("rusm::call=debug,app=info,rusm::crash=error");
    let node = Node::builder().build().await?;
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    for name in &names {
        node.spawn_with::<Subject>((), SpawnOptions::default().name(name)).await?;
    }
    let first = node.spawn::<Subject>(()).await?;
    // What runs by now takes traced messages.
    first.ping().await?;
    let before = log.of("rusm::call").len();
    assert_eq!(first.chain(names.clone()).await?, 20);
    let (lines, calls) = (log.of("app"), log.of("rusm::call").split_off(before));
    assert_eq!((lines.len(), calls.len()), (21, 21));
    let mut parent = "0000000000000000".to_owned();
    let trace = numbers(&calls[0]["fields"])[0].to_owned();
    for (depth, (line, call)) in lines.iter().zip(&calls).enumerate() {
        // The callee's line is in the span that its caller has told, alone.
        let spans = line["spans"].as_array().ok_or("no span")?;
        assert_eq!((spans.len(), numbers(&spans[0])), (1, numbers(&call["fields"])), "{line}");
        assert_eq!((spans[0]["method"].as_str(), spans[0]["name"].as_str()), (Some("chain"), Some("call")));
        let [this, span, of] = numbers(&call["fields"]);
        assert_eq!((this, of, line["fields"]["left"].as_u64()), (&*trace, &*parent, Some(20 - depth as u64)));
        // And the caller tells it in its own.
        assert_eq!(call["spans"].as_array().map_or(0, Vec::len), usize::from(depth > 0), "{call}");
        parent = span.to_owned();
    }

    // The next one is another trace, and a crash report tells it.
    assert!(first.chain(vec!["crash".to_owned()]).await.is_err());
    let calls = log.of("rusm::call");
    let [other, ..] = numbers(&calls.last().ok_or("no call")?["fields"]);
    assert!(other != trace && log.of("rusm::crash")[0]["fields"]["trace"] == *other);
    Ok(())
}

#[tokio::test]
async fn a_traced_call_waits_for_room_and_keeps_its_deadline() -> Result {
    let log = Log::begin("rusm::call=debug");
    let node = Node::builder().build().await?;
    let options = SpawnOptions::default().mailbox(rusm::Bound::new(1).overflow(rusm::Overflow::Block));
    let subject = node.spawn_with::<Subject>((), options).await?;
    let ping = || async { subject.ping().await };
    let (one, two, three) = tokio::join!(ping(), ping(), ping());
    one.and(two).and(three)?;
    assert_eq!(log.of("rusm::call").len(), 3);
    subject.answer_and_hang().await?;
    let late = subject.ping().timeout(Duration::from_millis(1)).await;
    assert!(matches!(late, Err(CallError::Timeout(_))), "{late:?}");
    Ok(())
}

#[tokio::test]
async fn calls_carry_nothing_when_nobody_listens() -> Result {
    let log = Log::begin("app=info");
    let node = Node::builder().build().await?;
    let subject = node.spawn::<Subject>(()).await?;
    subject.ping().await?;
    subject.chain(Vec::new()).await?;
    let lines = log.of("app");
    assert_eq!((lines.len(), lines[0].get("spans")), (1, None), "{lines:?}");
    Ok(())
}

//! Processes of a component: what they may do, how they end, and that nothing else ends with them.

use rusm::prelude::*;
use rusm::wasm::{Capabilities, Names, Network, Preopen, Profile, Source, Wasm};
use rusm_fixture::{Rascal, RascalClient};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

/// The fixture as a component, built once per run.
fn rascal() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let built = Command::new(env!("CARGO"))
            .args(["rustc", "-p", "rusm-fixture", "--target", "wasm32-wasip2", "--crate-type", "cdylib", "--quiet"])
            .current_dir(&root)
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the fixture builds: is the target wasm32-wasip2 installed?");
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        target.join("wasm32-wasip2/debug/rusm_fixture.wasm")
    })
    .clone()
}

/// Where code that was compiled is kept for the tests of this file.
fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}

async fn wasm(capabilities: Capabilities) -> Arc<Wasm> {
    let builder = Wasm::builder().cache_dir(cache()).max_processes(16);
    builder.component("rascal", Source::File(rascal()), capabilities).build().await.expect("loads")
}

async fn node(capabilities: Capabilities) -> Node {
    Node::builder().backend(wasm(capabilities).await).build().await.expect("a node")
}

async fn sandboxed() -> Node {
    node(Profile::Sandboxed.capabilities()).await
}

async fn spawn(node: &Node) -> RascalClient {
    node.component("rascal").spawn::<RascalClient>(1_u64).await.expect("spawns")
}

fn pid(client: &RascalClient) -> Pid {
    client.address().pid().expect("an address by pid")
}

/// The reason with which a call found its callee gone.
#[track_caller]
fn reason<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> ExitReason {
    match outcome {
        Err(CallError::Exited(reason)) => reason,
        other => panic!("expected the callee's exit reason, got {other:?}"),
    }
}

#[tokio::test]
async fn calls_go_in_and_answers_come_out() {
    let node = sandboxed().await;
    let rascal = spawn(&node).await;
    assert_eq!(rascal.add(2).await, Ok(3));
    assert_eq!(rascal.add(4).await, Ok(7));
    assert_eq!(rascal.echo(vec![7; 100_000]).await, Ok(vec![7; 100_000]));
    assert_eq!(rascal.nap(5).await, Ok(5));
    assert_eq!(spawn(&node).await.add(1).await, Ok(2), "another process has a memory of its own");
}

#[tokio::test]
async fn an_init_that_fails_is_told_to_the_spawner() {
    let node = sandboxed().await;
    let error = node.component("rascal").spawn::<RascalClient>(13_u64).await.unwrap_err();
    assert!(matches!(&error, SpawnError::Init(ExitReason::Error(text)) if text.contains("unlucky")), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_misdeed_ends_one_process_with_its_reason() {
    let node = sandboxed().await;
    let bystander = spawn(&node).await;

    let panicked = reason(spawn(&node).await.panic("out of cheese".into()).await);
    assert!(matches!(&panicked, ExitReason::Panicked(text) if text.contains("out of cheese")), "{panicked}");

    let trapped = reason(spawn(&node).await.trap().await);
    assert!(
        matches!(&trapped, ExitReason::Trapped(text) if text.contains("unreachable") && text.contains("abort")),
        "{trapped}"
    );

    let bombed = reason(spawn(&node).await.bomb().timeout(LONG).await);
    assert!(matches!(&bombed, ExitReason::Limit(text) if text.contains("memory limit of 64 MiB reached")), "{bombed}");

    let deep = reason(spawn(&node).await.recurse().timeout(LONG).await);
    assert!(
        matches!(&deep, ExitReason::Trapped(text) if text.contains("stack") || text.contains("out of bounds")),
        "{deep}"
    );

    assert_eq!(bystander.add(1).await, Ok(2));
}

#[tokio::test]
async fn memory_refused_can_be_lived_with() {
    let node = sandboxed().await;
    let rascal = spawn(&node).await;
    let got = rascal.take(100).timeout(LONG).await.unwrap();
    assert!((30..64).contains(&got), "{got}");
    assert_eq!(rascal.add(1).await, Ok(2));
}

#[tokio::test]
async fn an_endless_loop_holds_no_worker_and_dies_at_once() {
    // One thread for everything: if the loop held it, nothing below would run.
    let node = sandboxed().await;
    let spinner = spawn(&node).await;
    let call = tokio::spawn({
        let spinner = spinner.clone();
        async move { spinner.spin().timeout(LONG).await }
    });
    let bystander = spawn(&node).await;
    for n in 2..20 {
        assert_eq!(bystander.add(1).await, Ok(n));
    }
    let ended = node.ended(pid(&spinner));
    let began = Instant::now();
    node.kill(pid(&spinner));
    assert_eq!(ended.await, ExitReason::Killed);
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(reason(call.await.unwrap()), ExitReason::Killed);
}

#[tokio::test]
async fn a_budget_ends_a_long_message_and_not_a_long_life() {
    let node = node(Capabilities { max_cpu: Some(Duration::from_millis(50)), ..Default::default() }).await;
    let rascal = spawn(&node).await;
    for _ in 0..3 {
        // Waiting is no computing.
        assert_eq!(rascal.nap(60).await, Ok(60));
    }
    let over = reason(rascal.spin().timeout(LONG).await);
    assert!(matches!(&over, ExitReason::Limit(text) if text.contains("50ms") && text.contains("max-cpu")), "{over}");
}

#[tokio::test]
async fn callers_in_waiting_learn_why_nobody_answers() {
    let node = sandboxed().await;
    let rascal = spawn(&node).await;
    let waiting = tokio::spawn({
        let rascal = rascal.clone();
        async move { rascal.hold().await }
    });
    // Messages of one sender arrive in order; the held one may come before or after, and is ended either way.
    assert_eq!(rascal.add(1).await, Ok(2));
    let trapped = reason(rascal.trap().await);
    assert_eq!(reason(waiting.await.unwrap()), trapped);
}

#[tokio::test]
async fn what_was_not_granted_is_denied_by_name() {
    let node = sandboxed().await;
    let rascal = spawn(&node).await;
    let denied = rascal.breed(1).await.unwrap().unwrap_err();
    assert!(denied.contains("allow-spawn") && denied.contains("rascal"), "{denied}");
    let denied = rascal.take_name("auth".into()).await.unwrap().unwrap_err();
    assert!(denied.contains("allow-names") && denied.contains("auth"), "{denied}");
    assert!(rascal.read("/etc/hostname".into()).await.unwrap().is_err());
    assert!(rascal.dial("127.0.0.1:1".into()).await.unwrap().is_err());
    assert_eq!(rascal.variable("PATH".into()).await, Ok(None));
    rascal.print("nobody hears this".into()).await.unwrap();

    let victim = spawn(&node).await;
    rascal.end(pid(&victim)).await.unwrap();
    assert_eq!(victim.add(1).await, Ok(2), "a stranger's life is not its to end");

    let trapped = reason(rascal.insist("/etc/hostname".into()).await);
    assert!(
        matches!(&trapped, ExitReason::Trapped(text) if text.contains("`preopen`") && text.contains("`allow-process-control`")),
        "{trapped}"
    );
}

#[tokio::test]
async fn what_was_granted_works() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.txt"), "hello").unwrap();
    let preopen = |guest: &str, write| Preopen { host: dir.path().into(), guest: guest.into(), write };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let node = node(Capabilities {
        spawn: Names::listed(["rascal"]),
        names: Names::listed(["r.*"]),
        network: Network::listed([address.parse().unwrap()]),
        preopens: vec![preopen("/read", false), preopen("/write", true)],
        env: ["PATH".to_owned()].into(),
        max_processes: 1,
        ..Default::default()
    })
    .await;
    let rascal = spawn(&node).await;
    assert_eq!(rascal.read("/read/a.txt".into()).await, Ok(Ok("hello".into())));
    assert!(rascal.write("/read/b.txt".into()).await.unwrap().is_err(), "a grant is to read unless it says so");
    assert_eq!(rascal.write("/write/b.txt".into()).await, Ok(Ok(())));
    assert!(rascal.read("/read/../../etc/hostname".into()).await.unwrap().is_err());
    assert_eq!(rascal.dial(address).await, Ok(Ok(())));
    assert!(rascal.dial("127.0.0.1:1".into()).await.unwrap().is_err());
    assert_eq!(rascal.variable("PATH".into()).await, Ok(std::env::var("PATH").ok()));
    assert_eq!(rascal.variable("HOME".into()).await, Ok(None));

    assert_eq!(rascal.take_name("r.one".into()).await, Ok(Ok(())));
    assert_eq!(node.whereis("r.one"), Some(pid(&rascal)));
    assert!(rascal.take_name("s".into()).await.unwrap().is_err());

    let child = rascal.breed(1).await.unwrap().expect("one child");
    let full = rascal.breed(1).await.unwrap().unwrap_err();
    assert!(full.contains("max-processes"), "{full}");
    let ended = node.ended(child);
    rascal.end(child).await.unwrap();
    assert_eq!(ended.await, ExitReason::Killed);
    assert!(rascal.breed(1).await.unwrap().is_ok(), "its place is free again");
}

#[cfg(unix)]
#[tokio::test]
async fn a_granted_directory_that_became_a_link_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let (inner, secret) = (dir.path().join("inner"), dir.path().join("secret"));
    std::fs::create_dir(&inner).unwrap();
    std::fs::create_dir(&secret).unwrap();
    std::fs::write(secret.join("a.txt"), "secret").unwrap();
    let preopens = vec![Preopen { host: inner.clone(), guest: "/in".into(), write: false }];
    let node = node(Capabilities { preopens, ..Default::default() }).await;
    assert!(spawn(&node).await.read("/in/a.txt".into()).await.unwrap().is_err());
    std::fs::write(inner.join("a.txt"), "granted").unwrap();
    assert_eq!(spawn(&node).await.read("/in/a.txt".into()).await, Ok(Ok("granted".into())));
    // As a guest could that may write in the directory above.
    std::fs::remove_dir_all(&inner).unwrap();
    std::os::unix::fs::symlink("secret", &inner).unwrap();
    assert!(spawn(&node).await.read("/in/a.txt".into()).await.unwrap().is_err());
}

#[tokio::test]
async fn more_processes_than_places_is_an_answer() {
    let builder = Wasm::builder().cache_dir(cache()).max_processes(3);
    let capabilities = Profile::Sandboxed.capabilities();
    let wasm = builder.component("rascal", Source::File(rascal()), capabilities).build().await.unwrap();
    let node = Node::builder().backend(wasm.clone()).build().await.unwrap();
    let held = [spawn(&node).await, spawn(&node).await, spawn(&node).await];
    for client in &held {
        assert_eq!(client.add(1).await, Ok(2), "each has a stack and a memory");
    }
    let error = node.component("rascal").spawn::<RascalClient>(1_u64).await.unwrap_err();
    assert!(error.to_string().contains("max_processes"), "{error}");
    let ended = node.ended(pid(&held[0]));
    node.kill(pid(&held[0]));
    ended.await;
    assert_eq!(spawn(&node).await.add(1).await, Ok(2));
    assert_eq!(wasm.processes(), 3);
}

#[tokio::test]
async fn a_damaged_cache_costs_a_compilation() {
    let dir = tempfile::tempdir().unwrap();
    let build = || {
        let builder = Wasm::builder().cache_dir(dir.path().join("c")).max_processes(1);
        builder.component("rascal", Source::File(rascal()), Profile::Sandboxed.capabilities()).build()
    };
    let entry = || {
        let mut entries = std::fs::read_dir(dir.path().join("c")).unwrap();
        let entry = entries.next().expect("one entry").unwrap().path();
        assert!(entries.next().is_none(), "and only one");
        entry
    };
    build().await.unwrap();
    let good = std::fs::read(entry()).unwrap();
    for damage in [Vec::new(), good[..good.len() / 2].to_vec(), vec![0x90; good.len()]] {
        std::fs::write(entry(), &damage).unwrap();
        let node = Node::builder().backend(build().await.unwrap()).build().await.unwrap();
        assert_eq!(spawn(&node).await.add(1).await, Ok(2));
        assert_ne!(std::fs::read(entry()).unwrap(), damage, "it was replaced");
    }
}

#[tokio::test]
async fn a_name_is_given_once() {
    let component = |builder: rusm::wasm::Builder| {
        builder.component("twin", Source::File(rascal()), Profile::Sandboxed.capabilities())
    };
    let error = component(component(Wasm::builder())).build().await.unwrap_err();
    assert!(matches!(error.problem(), rusm::wasm::Problem::Twice), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_cache_that_others_can_write_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let builder = Wasm::builder().cache_dir(dir.path()).max_processes(1);
    builder.component("rascal", Source::File(rascal()), Profile::Sandboxed.capabilities()).build().await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left in it");
}

#[tokio::test]
async fn a_nested_call_ends_with_its_caller_s_deadline() {
    let node = sandboxed().await;
    let (silent, asker) = (spawn(&node).await, spawn(&node).await);
    node.register("silent", pid(&silent)).unwrap();
    let began = Instant::now();
    let outcome = asker.ask("silent".into()).timeout(Duration::from_millis(100)).await;
    assert!(matches!(outcome, Err(CallError::Timeout(_))), "{outcome:?}");
    // It answers again once its own call has ended: by the deadline it was given, not by a call's usual five seconds.
    let asked = asker.asked().await.unwrap();
    assert!(asked.contains("no answer"), "{asked}");
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn asked_to_end_it_takes_its_leave() {
    let node = sandboxed().await;
    let (heir, rich) = (spawn(&node).await, node.component("rascal").spawn::<RascalClient>(40_u64).await.unwrap());
    node.register("heir", pid(&heir)).unwrap();
    let ended = node.ended(pid(&rich));
    node.exit(pid(&rich), ExitReason::Shutdown);
    assert_eq!(ended.await, ExitReason::Shutdown);
    assert_eq!(heir.add(1).await, Ok(42));
}

#[tokio::test]
async fn a_request_is_an_instance_of_its_own() {
    use rusm::__private::Exchange;
    use rusm::wire::{decode, encode, method_id};
    let wasm = wasm(Profile::Sandboxed.capabilities()).await;
    let node = Node::builder().backend(wasm.clone()).build().await.unwrap();
    let component = node.component("rascal");
    let request = Request::new(Method::GET, "/a/b");
    let body = encode(&Exchange::new(request, Params::default())).unwrap();
    let answer = component.request(method_id("pages::show"), body.clone(), LONG).await.unwrap();
    let response: Response = decode(&answer).unwrap();
    assert_eq!(response.body, b"you asked for /a/b");

    let crashed = reason(component.request(method_id("pages::crash"), body.clone(), LONG).await);
    assert!(matches!(&crashed, ExitReason::Panicked(text) if text.contains("no page")), "{crashed}");
    let unknown = component.request(method_id("pages::none"), body, LONG).await;
    assert!(matches!(unknown, Err(CallError::UnknownMethod(_))), "{unknown:?}");
    while wasm.processes() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_promised_number_of_processes_fits() {
    const MANY: u32 = 4096;
    let builder = Wasm::builder().cache_dir(cache()).max_processes(MANY);
    let capabilities = Profile::Sandboxed.capabilities();
    let wasm = builder.component("rascal", Source::File(rascal()), capabilities).build().await.unwrap();
    assert!(wasm.is_pooled());
    let node = Node::builder().backend(wasm.clone()).build().await.unwrap();
    let mut held = Vec::new();
    for _ in 0..MANY {
        held.push(spawn(&node).await);
    }
    for client in &held {
        assert_eq!(client.add(1).timeout(LONG).await, Ok(2));
    }
    assert_eq!(wasm.processes(), MANY);
}

/// Run by the test below with little address space.
#[tokio::test]
#[ignore = "run by a test with a limit on its address space"]
async fn little_address_space() {
    let wasm = wasm(Profile::Sandboxed.capabilities()).await;
    assert!(!wasm.is_pooled());
    let node = Node::builder().backend(wasm).build().await.unwrap();
    let rascal = spawn(&node).await;
    assert_eq!(rascal.add(1).await, Ok(2));
    let bombed = reason(rascal.bomb().timeout(LONG).await);
    assert!(matches!(&bombed, ExitReason::Limit(_)), "{bombed}");
    assert_eq!(spawn(&node).await.add(1).await, Ok(2));
}

#[cfg(target_os = "linux")]
#[test]
fn without_room_for_a_pool_processes_still_run() {
    rascal();
    let output = Command::new("sh")
        .args(["-c", r#"ulimit -v 3000000 && exec "$0" --ignored --exact little_address_space"#])
        .arg(std::env::current_exe().unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// The same code on both sides of the wall.
pub struct Mixed;

#[supervisor(strategy = Strategy::OneForAll)]
impl Mixed {
    fn native(&self) -> Child<Rascal> {
        Child::new(10)
    }

    fn sandboxed(&self) -> Child<Rascal> {
        Child::new(20).sandboxed("rascal")
    }
}

#[tokio::test]
async fn one_tree_has_native_and_sandboxed_children() {
    let node = sandboxed().await;
    let tree = node.supervise(Mixed).await.expect("starts");
    assert_eq!((tree.native().add(1).await, tree.sandboxed().add(1).await), (Ok(11), Ok(21)));
    let pid = |id: &str| {
        let children = tree.which_children();
        children.into_iter().find(|child| &*child.id == id).and_then(|child| child.pid)
    };
    let (native, guest) = (pid("native"), pid("sandboxed"));
    assert!(matches!(reason(tree.sandboxed().trap().await), ExitReason::Trapped(_)));
    // The other one goes with it; both begin anew, and the clients find them.
    for (id, before) in [("sandboxed", guest), ("native", native)] {
        assert_ne!(Some(tree.restarted(id, before).await.expect("comes back")), before);
    }
    assert_eq!((tree.native().add(1).await, tree.sandboxed().add(1).await), (Ok(11), Ok(21)));
    assert_eq!(tree.stop().await, ExitReason::Shutdown);
    assert_eq!(node.alive(), 0);
}

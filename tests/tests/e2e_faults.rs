//! Parts of a served app fail in every way there is: the request that met it is told, and nothing else notices.
#![cfg(unix)]

mod cli_support;
mod e2e_support;
mod serve_support;

use std::collections::BTreeSet;

use e2e_support::{Entry, SOON, Server, client, entries, faults, get, read, until_answered};
use serve_support::Raw;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The number of a gateway in the app's `rusm.toml`.
const PATIENT: usize = 0;
const IMPATIENT: usize = 1;

const INTERNAL: &str = "Internal Server Error\n";

async fn serve() -> Server {
    Server::start(&faults(), 2, &[("RUSM_LOG", "debug")]).await
}

#[tokio::test]
async fn a_handler_that_fails_is_answered_at_once_while_a_hundred_others_wait() {
    const MANY: u64 = 100;
    let server = serve().await;
    let client = client();
    let mut waiting = JoinSet::new();
    for _ in 0..MANY {
        let (client, url) = (client.clone(), server.url(PATIENT, "/wait"));
        waiting.spawn(async move { get(&client, &url).await });
    }
    until_answered(&client, &server.url(PATIENT, "/waiting"), MANY).await;

    for path in ["/trap", "/panic/oops", "/bomb", "/recurse", "/budget"] {
        assert_eq!(get(&client, &server.url(PATIENT, path)).await, (500, INTERNAL.to_owned()), "{path}");
    }
    assert_eq!(get(&client, &server.url(PATIENT, "/waiting")).await, (200, MANY.to_string()));
    assert!(waiting.try_join_next().is_none(), "all of them still wait");

    let opened = client.post(server.url(PATIENT, "/open")).send().await.unwrap();
    assert_eq!(read(opened).await, (200, MANY.to_string()));
    let mut numbers = BTreeSet::new();
    while let Some(answer) = waiting.join_next().await {
        let (status, number) = answer.unwrap();
        assert_eq!(status, 200, "{number}");
        numbers.insert(number.parse::<u64>().unwrap());
    }
    assert_eq!(numbers, (0..MANY).collect(), "each got an answer of its own");
    assert_eq!(server.stop("TERM").await.0, Some(0));
}

#[tokio::test]
async fn each_failure_is_told_to_the_log_and_not_to_the_client() {
    let server = serve().await;
    let client = client();
    for (path, says) in [
        ("/panic/out-of-cheese", "panicked: out-of-cheese"),
        ("/trap", "trapped: wasm trap"),
        ("/bomb", "memory limit of 16 MiB reached"),
        ("/recurse", "trapped: "),
        ("/budget", "max-cpu"),
    ] {
        let answer = client.get(server.url(PATIENT, path)).send().await.unwrap();
        let head = format!("{:?}", answer.headers());
        let (status, body) = read(answer).await;
        assert_eq!((status, body.as_str()), (500, INTERNAL), "{path}");
        assert!(!head.contains("cheese"), "{head}");
        server.logged(says, 1, |entry| entry.is_crash() && entry.field("reason").contains(says)).await;
        assert_eq!(get(&client, &server.url(PATIENT, "/fresh")).await, (200, "1".to_owned()), "after {path}");
    }
    let (code, lines) = server.stop("TERM").await;
    assert_eq!(code, Some(0));
    let entries = entries(&lines);
    let crashes: Vec<_> = entries.iter().filter(|entry| entry.is_crash()).collect();
    assert_eq!(crashes.len(), 5, "one report for each: {crashes:#?}");
    assert!(crashes[0].field("reason").contains("src/lib.rs:"), "a panic names its place: {:?}", crashes[0]);
    // The request that met it is told apart from the report, in a line without the backtrace.
    let failed: Vec<_> = entries.iter().filter(|entry| entry.field("message") == "request failed").collect();
    assert_eq!(failed.len(), 5, "{failed:#?}");
    assert!(failed[0].field("path").contains("/panic/") && failed[0].field("note").contains("faults#faults::panics"));
    assert!(!failed.iter().any(|entry| entry.field("note").contains("backtrace")), "{failed:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains("panicked: out-of-cheese")).count(), 2, "no third line");
}

#[tokio::test]
async fn every_request_gets_an_instance_that_never_answered_before() {
    let server = serve().await;
    let client = client();
    let mut requests = JoinSet::new();
    for _ in 0..50 {
        let (client, url) = (client.clone(), server.url(PATIENT, "/fresh"));
        requests.spawn(async move { get(&client, &url).await });
    }
    for answer in requests.join_all().await {
        assert_eq!(answer, (200, "1".to_owned()));
    }
    for n in 1..=5 {
        assert_eq!(get(&client, &server.url(PATIENT, "/fresh")).await, (200, "1".to_owned()));
        assert_eq!(get(&client, &server.url(PATIENT, "/count")).await, (200, n.to_string()), "the service remembers");
    }
    assert_eq!(server.stop("TERM").await.0, Some(0));
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_deadline_and_holds_nobody_up() {
    // More than there are threads on most machines that run this.
    let loops = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    let server = serve().await;
    let client = client();
    let mut spinning = JoinSet::new();
    for _ in 0..loops {
        let (client, url) = (client.clone(), server.url(IMPATIENT, "/spin"));
        spinning.spawn(async move {
            let response = client.get(url).send().await.unwrap();
            let retry = response.headers().get("retry-after").cloned();
            (read(response).await, retry)
        });
    }
    until_answered(&client, &server.url(PATIENT, "/loops"), loops as u64).await;
    assert_eq!(get(&client, &server.url(PATIENT, "/fresh")).await, (200, "1".to_owned()));
    assert!(spinning.try_join_next().is_none(), "others were answered while all of them spun");

    while let Some(answer) = spinning.join_next().await {
        let ((status, text), retry) = answer.unwrap();
        assert_eq!((status, text.as_str()), (503, "Service Unavailable\n"));
        assert_eq!(retry.unwrap(), "1");
    }
    // Nobody waits for their answers any more; their processes are gone too, and with them what they used.
    server.logged("that the loops were killed", loops, |entry| entry.is_killed("faults")).await;
    assert_eq!(get(&client, &server.url(PATIENT, "/count")).await, (200, "1".to_owned()));
    let (code, lines) = server.stop("TERM").await;
    assert_eq!(code, Some(0));
    assert!(!entries(&lines).iter().any(|entry| entry.is_crash()), "a deadline is no crash");
}

#[tokio::test]
async fn a_wait_ends_at_the_deadline_too() {
    let server = serve().await;
    let client = client();
    // The call inside would wait for a minute, but no nested call outlives its request.
    let (status, _) = get(&client, &server.url(IMPATIENT, "/wait")).await;
    assert!(status == 503 || status == 504, "{status}");
    assert_eq!(get(&client, &server.url(PATIENT, "/count")).await, (200, "1".to_owned()));
    assert_eq!(server.stop("TERM").await.0, Some(0));
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_process_along() {
    let server = serve().await;
    let client = client();
    let mut raw = Raw::connect(server.address(PATIENT)).await;
    raw.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    until_answered(&client, &server.url(PATIENT, "/waiting"), 1).await;
    let killed = |entry: &Entry| entry.is_killed("faults");
    assert!(!entries(&server.lines()).iter().any(killed));
    drop(raw);
    server.logged("that the handler was killed", 1, killed).await;
    // Whoever answers it later answers nobody, and is none the worse for it.
    let opened = client.post(server.url(PATIENT, "/open")).send().await.unwrap();
    assert_eq!(read(opened).await, (200, "1".to_owned()));
    assert_eq!(get(&client, &server.url(PATIENT, "/count")).await, (200, "1".to_owned()));
    assert_eq!(server.stop("TERM").await.0, Some(0));
}

/// Counts until there is somebody to count; in between only "not now" may be said. Gives the first number.
async fn counted_again(server: &Server, client: &reqwest::Client) -> u64 {
    let counted = async {
        loop {
            let response = client.get(server.url(PATIENT, "/count")).send().await.unwrap();
            let retry = response.headers().contains_key("retry-after");
            match read(response).await {
                (200, number) => return number.parse().unwrap(),
                (503, _) if retry => {}
                // It was found just before it was gone.
                (502, _) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    timeout(SOON, counted).await.unwrap_or_else(|_| panic!("it never came back:\n{}", server.lines().join("\n")))
}

#[tokio::test]
async fn a_service_that_crashes_is_started_again_with_fresh_state() {
    let server = serve().await;
    let client = client();
    for n in 1..=3 {
        assert_eq!(get(&client, &server.url(PATIENT, "/count")).await, (200, n.to_string()));
    }
    // Who waits for it learns that it is gone.
    let waits = tokio::spawn({
        let (client, url) = (client.clone(), server.url(PATIENT, "/wait"));
        async move { get(&client, &url).await }
    });
    until_answered(&client, &server.url(PATIENT, "/waiting"), 1).await;

    let crashed = get(&client, &server.url(PATIENT, "/crash/sudden-end")).await;
    assert_eq!(crashed, (502, "Bad Gateway\n".to_owned()));
    assert_eq!(waits.await.unwrap().0, 502);
    assert_eq!(counted_again(&server, &client).await, 1);
    assert_eq!(get(&client, &server.url(PATIENT, "/waiting")).await, (200, "0".to_owned()));

    let (code, lines) = server.stop("TERM").await;
    assert_eq!(code, Some(0));
    let entries = entries(&lines);
    let crashes: Vec<_> = entries.iter().filter(|entry| entry.is_crash()).collect();
    assert_eq!(crashes.len(), 1, "{crashes:#?}");
    assert_eq!(crashes[0].field("label"), "keeper#MemoryKeeper");
    assert!(crashes[0].field("reason").starts_with("panicked: sudden-end, at "), "{:?}", crashes[0]);
}

#[tokio::test]
async fn a_service_that_keeps_crashing_is_given_a_pause_and_then_another_chance() {
    let server = serve().await;
    let client = client();
    let given_up = |lines: &[String]| {
        entries(lines)
            .iter()
            .any(|entry| entry.target() == "rusm::supervisor" && entry.field("message").contains("gives up"))
    };
    let mut crashes = 0;
    let mut asked = 0;
    while !given_up(&server.lines()) {
        asked += 1;
        assert!(asked < 1000, "it is never given up, after {crashes} crashes");
        if get(&client, &server.url(PATIENT, "/crash/again")).await.0 == 502 {
            crashes += 1;
        }
        // The others are served all the time.
        assert_eq!(get(&client, &server.url(PATIENT, "/fresh")).await, (200, "1".to_owned()));
    }
    assert!(crashes >= 4, "three restarts are its due, after {crashes} crashes it was given up");
    assert_eq!(counted_again(&server, &client).await, 1);
    let again = |entry: &Entry| entry.target() == "rusm::app" && entry.field("message").contains("after a pause");
    server.logged("that it was started again", 1, again).await;
    assert_eq!(get(&client, &server.url(PATIENT, "/count")).await, (200, "2".to_owned()));
    assert_eq!(server.stop("TERM").await.0, Some(0));
}

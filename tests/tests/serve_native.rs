//! Native handlers behind a real socket: routes, limits, deadlines, failures, drain.

#![allow(missing_docs, reason = "handlers must be public, and nobody reads those of a test")]

mod serve_support;

use rusm::prelude::*;
use rusm::serve::{ServeConfig, ServeError, Server, ServerBuilder, Target};
use serve_support::{Raw, ask};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::Notify;

#[wire]
pub struct Item {
    name: String,
    cents: u64,
}

/// Tells when it goes.
struct Gone(&'static Notify);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

static LEFT_STARTED: Notify = Notify::const_new();
static LEFT_GONE: Notify = Notify::const_new();
static LATE_GONE: Notify = Notify::const_new();
static DRAIN_STARTED: Notify = Notify::const_new();
static DRAIN_GO: Notify = Notify::const_new();
static CUT_STARTED: Notify = Notify::const_new();
static CUT_GONE: Notify = Notify::const_new();

#[handlers]
pub mod items {
    use super::*;

    pub async fn show(params: Params) -> Result<String, HttpError> {
        let id: u64 = params.parse("id")?;
        if id == 0 { Err(HttpError::not_found("no item 0")) } else { Ok(format!("item {id}")) }
    }

    pub async fn create(Json(item): Json<Item>) -> (u16, Json<String>) {
        (201, Json(format!("{} for {}", item.name, item.cents)))
    }

    pub async fn echo(req: Request) -> Response {
        Response::text(String::from_utf8_lossy(&req.body))
    }

    pub async fn boom() -> String {
        panic!("secret reason")
    }

    pub async fn fails() -> Result<(), HttpError> {
        "secret".parse::<u8>()?;
        Ok(())
    }

    pub async fn splits(params: Params) -> Response {
        Response::text("x").with_header("x", params.get("*").unwrap_or_default())
    }

    pub async fn left() {
        let _gone = Gone(&LEFT_GONE);
        LEFT_STARTED.notify_one();
        std::future::pending().await
    }

    pub async fn late() {
        let _gone = Gone(&LATE_GONE);
        std::future::pending().await
    }

    pub async fn drained() -> &'static str {
        DRAIN_STARTED.notify_one();
        DRAIN_GO.notified().await;
        "drained"
    }

    pub async fn cut() {
        let _gone = Gone(&CUT_GONE);
        CUT_STARTED.notify_one();
        std::future::pending().await
    }
}

#[handlers]
pub mod others {
    pub async fn show() {}
}

fn builder(node: &Node, config: ServeConfig) -> ServerBuilder {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = ServeConfig { listen, headers: [("x-server", "test")].into_iter().collect(), ..config };
    Server::builder(node).config(config).mount("shop", items::handlers())
}

async fn serve(config: ServeConfig) -> (Node, Server) {
    let node = Node::builder().build().await.unwrap();
    let mut builder = builder(&node, config);
    for (pattern, target) in [
        ("GET /items/:id", "shop#show"),
        ("POST /items", "shop#items::create"),
        ("POST /echo", "shop#echo"),
        ("ANY /boom", "shop#boom"),
        ("GET /fails", "shop#fails"),
        ("GET /splits/*", "shop#splits"),
        ("GET /left", "shop#left"),
        ("GET /late", "shop#late"),
        ("GET /drained", "shop#drained"),
        ("GET /cut", "shop#cut"),
    ] {
        builder = builder.route(pattern, Target::parse(target).unwrap());
    }
    (node, builder.bind().await.unwrap())
}

const JSON: &str = "content-type: application/json\r\n";

#[tokio::test]
async fn requests_and_answers() {
    let (_node, server) = serve(ServeConfig::default()).await;
    for (line, rest, status, body, field) in [
        ("GET /items/7", "\r\n", 200, "item 7", ("content-type", "text/plain; charset=utf-8")),
        ("HEAD /items/7", "\r\n", 200, "", ("content-length", "6")),
        ("GET /items/0", "\r\n", 404, "no item 0\n", ("x-server", "test")),
        (
            "GET /items/x",
            "\r\n",
            400,
            "path parameter `id` is \"x\": invalid digit found in string\n",
            ("x-server", "test"),
        ),
        ("GET /nowhere", "\r\n", 404, "Not Found\n", ("x-server", "test")),
        ("DELETE /items/7", "\r\n", 405, "use one of GET, HEAD, OPTIONS\n", ("allow", "GET, HEAD, OPTIONS")),
        ("OPTIONS /items/7", "\r\n", 204, "", ("allow", "GET, HEAD, OPTIONS")),
        (
            "POST /items",
            "content-length: 2\r\n\r\n{}",
            415,
            "the request has no content-type: send application/json\n",
            ("x-server", "test"),
        ),
        ("GET /fails", "\r\n", 500, "Internal Server Error\n", ("x-server", "test")),
        ("GET /splits/a%0d%0ab", "\r\n", 500, "Internal Server Error\n", ("x-server", "test")),
        ("GET /splits/ab", "\r\n", 200, "x", ("x", "ab")),
    ] {
        let answer = ask(server.local_addr(), line, rest).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, body), "{line}");
        assert_eq!(answer.field(field.0), Some(field.1), "{line}: {}", answer.head);
        assert!(answer.field("date").is_some());
    }
    for (body, status, part) in [
        (r#"{"name": "tea", "cents": 3}"#, 201, "\"tea for 3\""),
        (r#"{"name": "tea"}"#, 422, "missing field `cents`"),
        (r#"{"name": tea}"#, 400, "line 1 column 11"),
    ] {
        let rest = format!("{JSON}content-length: {}\r\n\r\n{body}", body.len());
        let answer = ask(server.local_addr(), "POST /items", &rest).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.contains(part), "{answer:?}");
    }
}

#[tokio::test]
async fn a_client_of_the_shelf() {
    let (_node, server) = serve(ServeConfig { max_body: 100_000, ..ServeConfig::default() }).await;
    let client = reqwest::Client::new();
    let url = format!("http://{}/echo", server.local_addr());
    let body = "x".repeat(100_000);
    let response = client.post(&url).body(body.clone()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), body);
    // The answer arrives though the client is still sending.
    let response = client.post(&url).body("x".repeat(1_000_000)).send().await.unwrap();
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn bodies_that_are_too_large() {
    let (_node, server) = serve(ServeConfig { max_body: 10, ..ServeConfig::default() }).await;
    // By what it announces: nothing of it was sent, and it is not asked for.
    let answer = ask(server.local_addr(), "POST /echo", "content-length: 11\r\nexpect: 100-continue\r\n\r\n").await;
    assert_eq!((answer.status, answer.field("connection")), (413, Some("close")));
    // By what arrives: eleven bytes in two chunks, and no end.
    let chunks = "transfer-encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n3\r\nijk\r\n";
    assert_eq!(ask(server.local_addr(), "POST /echo", chunks).await.status, 413);
    let chunks = "transfer-encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n2\r\nij\r\n0\r\n\r\n";
    let answer = ask(server.local_addr(), "POST /echo", chunks).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "abcdefghij"));
}

#[tokio::test]
async fn clients_that_are_too_slow() {
    let quick = Duration::from_millis(250);
    let (_node, server) =
        serve(ServeConfig { header_timeout: quick, body_timeout: quick, ..ServeConfig::default() }).await;
    let to = server.local_addr();

    let mut half_a_head = Raw::connect(to).await;
    half_a_head.send("GET /items/7 HTT").await;
    let text = half_a_head.end().await;
    assert!(text.starts_with("HTTP/1.1 408 ") && text.ends_with("\r\n\r\nRequest Timeout\n"), "{text}");

    let mut silent = Raw::connect(to).await;
    assert_eq!(silent.end().await, "");

    let mut idle = Raw::connect(to).await;
    idle.send("GET /items/7 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(idle.answer(false).await.body, "item 7");
    assert_eq!(idle.end().await, "");

    let mut half_a_body = Raw::connect(to).await;
    half_a_body.send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab").await;
    let answer = half_a_body.answer(false).await;
    assert_eq!((answer.status, answer.field("connection")), (408, Some("close")));
    assert_eq!(half_a_body.end().await, "");
}

#[tokio::test]
async fn heads_that_are_none() {
    let (_node, server) = serve(ServeConfig::default()).await;
    for (text, status) in [
        ("GET /items/7 HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /items/7 HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned(), 400),
        ("\u{1}\u{2}\u{3} nonsense\r\n\r\n".to_owned(), 400),
        (format!("GET /items/7 HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(100_000)), 431),
        ("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nab".to_owned(), 400),
        ("GET /items/7 HTTP/1.1\r\nhost: x\r\nx: a\r\n b: c\r\n\r\n".to_owned(), 400),
        ("GET /items/7 HTTP/1.1\r\nhost: x\r\nx : a\r\n\r\n".to_owned(), 400),
        ("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: +2\r\n\r\nab".to_owned(), 400),
        ("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\nab".to_owned(), 400),
        ("POST /echo HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("GET /splits/a%2F..%2F..%2Fb HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 400),
        ("GET /items/%00 HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 400),
        ("GET /items/%c0%af HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(100_000)), 431),
        (format!("GET /items/7 HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(200)), 431),
    ] {
        let mut raw = Raw::connect(server.local_addr()).await;
        raw.send(&text).await;
        assert_eq!(raw.answer(false).await.status, status, "{}", &text[..20]);
    }
}

#[tokio::test]
async fn two_lengths_hide_no_second_request() {
    let (_node, server) = serve(ServeConfig::default()).await;
    let mut raw = Raw::connect(server.local_addr()).await;
    let hidden = "0\r\n\r\nGET /items/7 HTTP/1.1\r\nhost: x\r\n\r\n";
    raw.send(&format!(
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n{hidden}",
        hidden.len()
    ))
    .await;
    let answer = raw.answer(false).await;
    assert_eq!((answer.status, answer.field("connection"), answer.body.as_str()), (200, Some("close"), ""));
    assert_eq!(raw.end().await, "");
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let (_node, server) = serve(ServeConfig::default()).await;
    let mut raw = Raw::connect(server.local_addr()).await;
    for id in 1..4 {
        raw.send(&format!("GET /items/{id} HTTP/1.1\r\nhost: x\r\n\r\n")).await;
        assert_eq!(raw.answer(false).await.body, format!("item {id}"));
    }
    // Several at once, the last of them the last.
    raw.send(
        "GET /items/4 HTTP/1.1\r\nhost: x\r\n\r\nPOST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi\
         HEAD /items/5 HTTP/1.1\r\nhost: x\r\n\r\nGET /items/6 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(raw.answer(false).await.body, "item 4");
    assert_eq!(raw.answer(false).await.body, "hi");
    assert_eq!(raw.answer(true).await.field("content-length"), Some("6"));
    assert_eq!(raw.answer(false).await.body, "item 6");
    assert_eq!(raw.end().await, "");
}

#[tokio::test]
async fn a_panic_is_its_own_requests_only() {
    let (node, server) = serve(ServeConfig { max_in_flight: 1, ..ServeConfig::default() }).await;
    let mut raw = Raw::connect(server.local_addr()).await;
    for _ in 0..3 {
        raw.send("PATCH /boom HTTP/1.1\r\nhost: x\r\n\r\nGET /items/7 HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let answer = raw.answer(false).await;
        assert_eq!((answer.status, answer.body.as_str()), (500, "Internal Server Error\n"));
        assert_eq!(raw.answer(false).await.body, "item 7");
    }
    assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_handler() {
    let (_node, server) = serve(ServeConfig::default()).await;
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send("GET /left HTTP/1.1\r\nhost: x\r\n\r\n").await;
    LEFT_STARTED.notified().await;
    drop(raw);
    LEFT_GONE.notified().await;
}

#[tokio::test]
async fn a_handler_that_is_late_is_ended() {
    let (_node, server) =
        serve(ServeConfig { request_timeout: Duration::from_millis(20), ..ServeConfig::default() }).await;
    let answer = ask(server.local_addr(), "GET /late", "\r\n").await;
    assert_eq!((answer.status, answer.field("retry-after")), (503, Some("1")));
    LATE_GONE.notified().await;
}

#[tokio::test]
async fn a_drain_lets_requests_finish() {
    let (_node, server) = serve(ServeConfig::default()).await;
    let to = server.local_addr();
    let mut raw = Raw::connect(to).await;
    raw.send("GET /drained HTTP/1.1\r\nhost: x\r\n\r\n").await;
    DRAIN_STARTED.notified().await;
    let mut idle = Raw::connect(to).await;
    idle.send("GET /items/7 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    idle.answer(false).await;

    let shutdown = tokio::spawn(server.shutdown(Duration::from_secs(60)));
    assert_eq!(idle.end().await, "");
    assert!(tokio::net::TcpStream::connect(to).await.is_err(), "still listening");
    DRAIN_GO.notify_one();
    let answer = raw.answer(false).await;
    assert_eq!((answer.body.as_str(), answer.field("connection")), ("drained", Some("close")));
    assert_eq!(raw.end().await, "");
    assert_eq!(shutdown.await.unwrap(), 0);
}

#[tokio::test]
async fn a_drain_cuts_what_does_not_finish() {
    let (_node, server) = serve(ServeConfig::default()).await;
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send("GET /cut HTTP/1.1\r\nhost: x\r\n\r\n").await;
    CUT_STARTED.notified().await;
    assert_eq!(server.shutdown(Duration::from_millis(10)).await, 1);
    CUT_GONE.notified().await;
}

#[tokio::test]
async fn what_can_not_be_served_is_told_before_anything_listens() {
    let node = Node::builder().build().await.unwrap();
    let start = || builder(&node, ServeConfig::default()).mount("shop", others::handlers());
    for (server, part) in [
        (start().route("GET /", Target::new("shop", "show")), "shop#show may be any of items::show, others::show"),
        (start().route("GET /", Target::new("shop", "ecoh")), "did you mean items::echo?"),
        (start().route("GET /", Target::new("shpo", "echo")), "no component \"shpo\""),
        (start().route("GTE /", Target::new("shop", "echo")), "did you mean GET?"),
        (
            start().route("GET /:a", Target::new("shop", "echo")).route("GET /:b", Target::new("shop", "boom")),
            "\"GET /:b\" accepts the same requests as \"GET /:a\"",
        ),
        (start().config(ServeConfig { max_body: 0, ..ServeConfig::default() }), "max-body is 0"),
    ] {
        let error = server.check().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(server.bind().await.unwrap_err().to_string(), error);
    }
    let taken = start().bind().await.unwrap();
    let config = ServeConfig { listen: taken.local_addr(), ..ServeConfig::default() };
    let error = start().config(config).bind().await.unwrap_err();
    assert!(matches!(error, ServeError::Bind { listen, .. } if listen == taken.local_addr()), "{error}");
}

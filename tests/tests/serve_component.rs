//! Components behind the gateway, with a backend that runs their handlers from the same bytes a guest would get.

#![allow(missing_docs, reason = "handlers must be public, and nobody reads those of a test")]

mod serve_support;

use rusm::http::Exchange;
use rusm::otp::Process;
use rusm::otp::backend::{Backend, ComponentInfo, Job, Work};
use rusm::prelude::*;
use rusm::serve::{ServeConfig, Server, Target};
use rusm::wire::schema::Schema;
use rusm::wire::{decode, encode};
use serve_support::{Raw, ask};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

static STARTED: Notify = Notify::const_new();
static GONE: Notify = Notify::const_new();

struct Gone;

impl Drop for Gone {
    fn drop(&mut self) {
        GONE.notify_one();
    }
}

#[handlers]
pub mod items {
    use super::*;

    pub async fn echo(req: Request, params: Params) -> Response {
        let text = format!("{} {} {:?} ", req.method, params.get("id").unwrap_or("-"), req.query);
        Response::new(202).with_body([text.as_bytes(), &req.body].concat()).with_header("x-id", "7")
    }

    pub async fn traps() {}

    pub async fn nonsense() {}

    pub async fn silent() {}

    pub async fn hangs() {
        let _gone = Gone;
        STARTED.notify_one();
        std::future::pending().await
    }
}

struct Fake;

impl Backend for Fake {
    fn component(&self, name: &str) -> Option<ComponentInfo> {
        let schema = Schema { entries: vec![Arc::new(items::handlers().entry.into())] };
        let info =
            || ComponentInfo { schema: Arc::new(schema), package: env!("CARGO_PKG_NAME").into(), max_mailbox: None };
        (name == "shop").then(info)
    }

    fn run(&self, job: Job, _process: Process) -> Pin<Box<dyn Future<Output = ExitReason> + Send>> {
        Box::pin(async move {
            let Work::Request { message } = job.work else { return ExitReason::Error("no request".into()) };
            let (method, body, reply, _) = message.into_parts();
            let action = items::handlers().actions.iter().find(|action| action.method.id() == method).unwrap();
            let exchange: Exchange = decode(&body).unwrap();
            let reply = reply.unwrap();
            match action.method.name {
                "items::traps" => return ExitReason::Trapped("unreachable, with a secret backtrace".into()),
                "items::nonsense" => reply.send(vec![0xff]),
                "items::silent" => drop(reply),
                _ => reply.send(encode(&(action.run)(exchange).await).unwrap()),
            }
            ExitReason::Normal
        })
    }
}

async fn serve(request_timeout: Duration) -> (Node, Server) {
    let node = Node::builder().backend(Arc::new(Fake)).build().await.unwrap();
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut server = Server::builder(&node).config(ServeConfig { listen, request_timeout, ..ServeConfig::default() });
    for action in ["echo", "traps", "nonsense", "silent", "hangs"] {
        server = server.route(format!("ANY /{action}/:id"), Target::new("shop", action));
    }
    (node, server.bind().await.unwrap())
}

#[tokio::test]
async fn whole_requests_and_responses_cross() {
    let (_node, server) = serve(Duration::from_secs(60)).await;
    let answer = ask(server.local_addr(), "PUT /echo/a%20b?x=1", "content-length: 4\r\n\r\nbody").await;
    assert_eq!((answer.status, answer.body.as_str()), (202, "PUT a b \"x=1\" body"));
    assert_eq!(answer.field("x-id"), Some("7"));
}

#[tokio::test]
async fn an_instance_that_gives_no_response_is_a_failure_at_once() {
    let (node, server) = serve(Duration::from_secs(60)).await;
    for what in ["traps", "nonsense", "silent"] {
        let answer = ask(server.local_addr(), &format!("GET /{what}/7"), "\r\n").await;
        assert_eq!((answer.status, answer.body.as_str()), (500, "Internal Server Error\n"), "{what}");
    }
    assert_eq!(node.shutdown(Duration::from_secs(5)).await, 0);
}

#[tokio::test]
async fn an_instance_ends_with_its_client_and_with_its_deadline() {
    let (_node, server) = serve(Duration::from_secs(60)).await;
    let mut raw = Raw::connect(server.local_addr()).await;
    raw.send("GET /hangs/7 HTTP/1.1\r\nhost: x\r\n\r\n").await;
    STARTED.notified().await;
    drop(raw);
    GONE.notified().await;

    let (_node, server) = serve(Duration::from_millis(20)).await;
    let answer = ask(server.local_addr(), "GET /hangs/7", "\r\n").await;
    assert_eq!((answer.status, answer.field("retry-after")), (503, Some("1")));
    GONE.notified().await;
}

#[tokio::test]
async fn routes_are_checked_against_the_schema() {
    let node = Node::builder().backend(Arc::new(Fake)).build().await.unwrap();
    for (target, part) in [
        ("shop#trap", "did you mean items::traps?"),
        ("shop#items::ecko", "did you mean items::echo?"),
        ("cart#echo", "no component \"cart\""),
    ] {
        let server = Server::builder(&node).route("GET /", Target::parse(target).unwrap());
        let error = server.check().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

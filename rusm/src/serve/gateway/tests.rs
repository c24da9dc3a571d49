use super::*;
use crate::otp::ExitReason;
use crate::serve::target::Responding;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use std::time::Duration;
use tokio::sync::Notify;

/// Answers by the path's last segment.
#[derive(Default)]
struct Script {
    entered: Notify,
    go: Notify,
}

impl Responder for Script {
    fn respond(&self, mut exchange: Exchange, _: Duration) -> Responding<'_> {
        use crate::http::FromRequest;
        Box::pin(async move {
            let params = Params::from_request(&mut exchange).unwrap();
            let request = Request::from_request(&mut exchange).unwrap();
            match params.get("what").unwrap() {
                "echo" => Ok(Response::text(format!(
                    "{} {}?{} {:?} {}",
                    request.method,
                    request.path,
                    request.query,
                    request.headers.get("x"),
                    request.text().unwrap()
                ))),
                "hold" => {
                    self.entered.notify_one();
                    self.go.notified().await;
                    Ok(Response::text("held"))
                }
                "never" => std::future::pending().await,
                "died" => Err(CallError::Exited(ExitReason::Trapped("unreachable".into()))),
                "gone" => Err(CallError::NoProcess("shop".to_owned())),
                "late" => Err(CallError::Timeout(Duration::from_secs(1))),
                "denied" => Err(CallError::Denied("secret".to_owned())),
                what => Ok(Response::text(what).with_header("x", "a\nb")),
            }
        })
    }

    fn name(&self) -> &str {
        "script"
    }
}

fn gateway(config: ServeConfig) -> (Arc<Gateway>, Arc<Script>) {
    let script = Arc::new(Script::default());
    let mut routes: Routes<Arc<dyn Responder>> = Routes::default();
    routes.insert("GET /do/:what", script.clone()).unwrap();
    routes.insert("POST /do/:what", script.clone()).unwrap();
    (Arc::new(Gateway::new(config, routes)), script)
}

fn ask(request: &str, body: &'static str) -> hyper::Request<Full<Bytes>> {
    let (method, uri) = request.split_once(' ').unwrap();
    let builder = hyper::Request::builder().method(method).uri(uri).header("host", "x");
    builder.header("x", HeaderValue::from_bytes(b"\xe9t\xe9").unwrap()).body(Full::from(body)).unwrap()
}

async fn text(outcome: Outcome) -> (u16, String) {
    let status = outcome.answer.status().as_u16();
    let body = outcome.answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn requests_and_answers() {
    let small = ServeConfig { max_body: 4, request_timeout: Duration::from_millis(5), ..ServeConfig::default() };
    let (gateway, _) = gateway(small);
    for (request, body, status, expected, header) in [
        ("POST /do/echo?a=%20", "body", 200, "POST /do/echo?a=%20 Some(\"été\") body", None),
        ("HEAD /do/echo", "", 200, "HEAD /do/echo? Some(\"été\") ", None),
        ("GET /nothing", "", 404, "Not Found\n", None),
        ("PUT /do/echo", "", 405, "use one of GET, HEAD, OPTIONS, POST\n", Some(("allow", "GET, HEAD, OPTIONS, POST"))),
        ("OPTIONS /do/echo", "", 204, "", Some(("allow", "GET, HEAD, OPTIONS, POST"))),
        ("POST /do/echo", "large", 413, "a body may have 4 bytes at most\n", Some(("connection", "close"))),
        ("GET /do/died", "", 500, "Internal Server Error\n", None),
        ("GET /do/denied", "", 500, "Internal Server Error\n", None),
        ("GET /do/unsendable", "", 500, "Internal Server Error\n", None),
        ("GET /do/gone", "", 503, "Service Unavailable\n", Some(("retry-after", "1"))),
        ("GET /do/late", "", 503, "Service Unavailable\n", Some(("retry-after", "1"))),
        ("GET /do/never", "", 503, "Service Unavailable\n", Some(("retry-after", "1"))),
        ("GET /do/..", "", 400, "the path has a . or .. segment\n", None),
    ] {
        let outcome = gateway.answer(ask(request, body)).await;
        if let Some((name, value)) = header {
            assert_eq!(outcome.answer.headers()[name], value, "{request}");
        }
        assert_eq!(outcome.unread, status == 413, "{request}");
        assert_eq!(text(outcome).await, (status, expected.to_owned()), "{request}");
    }
}

#[tokio::test]
async fn one_request_too_many_is_turned_away() {
    let config = ServeConfig { max_in_flight: 1, queue_timeout: Duration::from_millis(1), ..ServeConfig::default() };
    let (gateway, script) = gateway(config);
    let held = tokio::spawn({
        let gateway = gateway.clone();
        async move { text(gateway.answer(ask("GET /do/hold", "")).await).await }
    });
    script.entered.notified().await;
    let outcome = gateway.answer(ask("GET /do/echo", "")).await;
    assert_eq!(outcome.answer.headers()["retry-after"], "1");
    assert_eq!(outcome.answer.status(), 503);
    // What needs no handler is still answered.
    assert_eq!(gateway.answer(ask("GET /nothing", "")).await.answer.status(), 404);
    script.go.notify_one();
    assert_eq!(held.await.unwrap(), (200, "held".to_owned()));
    assert_eq!(gateway.answer(ask("GET /do/echo", "")).await.answer.status(), 200);
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_its_place() {
    let config = ServeConfig { max_in_flight: 1, queue_timeout: Duration::from_millis(1), ..ServeConfig::default() };
    let (gateway, script) = gateway(config);
    let mut given_up = Box::pin(gateway.answer(ask("GET /do/hold", "")));
    tokio::select! {
        _ = &mut given_up => unreachable!("nobody let it go"),
        () = script.entered.notified() => {}
    }
    drop(given_up);
    assert_eq!(gateway.answer(ask("GET /do/echo", "")).await.answer.status(), 200);
}

#[tokio::test]
async fn hosts() {
    let (gateway, _) = gateway(ServeConfig::default());
    for (version, hosts, status) in [
        (Version::HTTP_11, &["a"][..], 200),
        (Version::HTTP_11, &[], 400),
        (Version::HTTP_11, &["a", "b"], 400),
        (Version::HTTP_10, &[], 200),
        (Version::HTTP_10, &["a", "b"], 400),
    ] {
        let mut request = hyper::Request::builder().version(version).uri("/do/echo");
        for host in hosts {
            request = request.header("host", *host);
        }
        let outcome = gateway.answer(request.body(Full::<Bytes>::default()).unwrap()).await;
        assert_eq!(outcome.answer.status(), status, "{version:?} {hosts:?}");
    }
}

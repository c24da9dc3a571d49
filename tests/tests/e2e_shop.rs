//! The example shop, built and served as its README says, asked over HTTP and ended by signals.
#![cfg(unix)]

mod cli_support;
mod e2e_support;
mod serve_support;

use std::fs;
use std::net::TcpListener;

use e2e_support::{Server, app, client, get, read, shop};
use serde_json::{Value, json};
use serve_support::{Raw, ask};

async fn serve(name: &str) -> Server {
    Server::start(&app(name, &shop()), 1, &[]).await
}

#[tokio::test]
async fn the_cart_remembers_what_instances_forget() {
    let server = serve("shop-routes").await;
    let client = client();
    let cart = server.url(0, "/cart");
    let items = server.url(0, "/cart/items");
    let tea = json!({ "sku": "tea", "cents": 450, "quantity": 2 });

    let (status, text) = get(&client, &cart).await;
    let empty: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &empty), (200, &json!({ "currency": "EUR", "items": [], "total_cents": 0 })));
    for total in [900, 1800, 2700] {
        let response = client.post(&items).json(&tea).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
        let (status, text) = read(response).await;
        let summary: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &summary["total_cents"]), (201, &json!(total)));
    }
    let summary: Value = serde_json::from_str(&get(&client, &cart).await.1).unwrap();
    assert_eq!(summary["items"], json!([{ "sku": "tea", "cents": 450, "quantity": 6 }]));

    let deleted = || async { read(client.delete(format!("{items}/tea")).send().await.unwrap()).await };
    assert_eq!(deleted().await.0, 200);
    assert_eq!(deleted().await, (404, "tea is not in the cart\n".to_owned()));
    assert_eq!(serde_json::from_str::<Value>(&get(&client, &cart).await.1).unwrap(), empty);

    // The line that people are told to try.
    let lines = server.lines();
    let hint = lines.iter().find_map(|line| line.strip_prefix("note: try `curl ")?.strip_suffix('`')).unwrap();
    assert_eq!(hint, cart);
    assert_eq!(server.stop("TERM").await.0, Some(0));
}

#[tokio::test]
async fn what_is_no_good_is_refused_with_the_status_for_it() {
    let server = serve("shop-refusals").await;
    let client = client();
    let items = server.url(0, "/cart/items");

    assert_eq!(get(&client, &server.url(0, "/basket")).await.0, 404);
    assert_eq!(get(&client, &server.url(0, "/cart/items/")).await.0, 404);
    let wrong = client.put(server.url(0, "/cart")).body("x").send().await.unwrap();
    assert_eq!((wrong.status().as_u16(), wrong.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD, OPTIONS"));
    let wrong = client.get(&items).send().await.unwrap();
    assert_eq!((wrong.status().as_u16(), wrong.headers()["allow"].to_str().unwrap()), (405, "OPTIONS, POST"));

    let post = |body: &'static str, kind: &'static str| {
        let request = client.post(&items).header("content-type", kind).body(body);
        async move { read(request.send().await.unwrap()).await }
    };
    let (status, text) = post(r#"{"sku":"tea","cents":450}"#, "application/json").await;
    assert!(status == 422 && text.contains("missing field `quantity`"), "{status} {text}");
    let (status, text) = post(r#"{"sku":"tea","cents":-1,"quantity":1}"#, "application/json").await;
    assert!(status == 422 && text.contains("-1"), "{status} {text}");
    assert_eq!(post(r#"{"sku":"#, "application/json").await.0, 400);
    assert_eq!(post("sku=tea", "application/x-www-form-urlencoded").await.0, 415);
    let all = r#"{"sku":"gold","cents":18446744073709551615,"quantity":2}"#;
    assert_eq!(post(all, "application/json").await, (400, "more than the cart can count\n".to_owned()));

    let text = get(&client, &server.url(0, "/cart")).await.1;
    assert!(text.contains("\"items\":[]"), "nothing of it got in: {text}");
    assert_eq!(server.stop("TERM").await.0, Some(0));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_however_it_is_sent() {
    const LIMIT: usize = 64 * 1024;
    let server = serve("shop-bodies").await;
    let to = server.address(0);

    // Announced, and not a byte of it sent.
    let head = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n", LIMIT + 1);
    let answer = ask(to, "POST /cart/items", &head).await;
    assert_eq!((answer.status, answer.field("connection")), (413, Some("close")), "{}", answer.body);
    assert!(answer.body.contains("65536"), "{}", answer.body);

    // Not announced: the limit is met on the way, and the last chunk never comes.
    let mut raw = Raw::connect(to).await;
    raw.send("POST /cart/items HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n").await;
    raw.send("transfer-encoding: chunked\r\n\r\n").await;
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    for _ in 0..=LIMIT / 0x1000 {
        raw.send(&chunk).await;
    }
    assert_eq!(raw.answer(false).await.status, 413);

    // As much as is allowed, either way.
    let item = r#"{"sku":"tea","cents":1,"quantity":1}"#;
    let padded = format!("{item}{}", " ".repeat(LIMIT - item.len()));
    let head = format!("content-type: application/json\r\ncontent-length: {LIMIT}\r\n\r\n{padded}");
    assert_eq!(ask(to, "POST /cart/items", &head).await.status, 201);
    let chunked =
        format!("content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n10000\r\n{padded}\r\n0\r\n\r\n");
    assert_eq!(ask(to, "POST /cart/items", &chunked).await.status, 201);
    assert_eq!(server.stop("TERM").await.0, Some(0));
}

#[tokio::test]
async fn either_signal_ends_it_in_order_and_frees_the_port() {
    for signal in ["TERM", "INT"] {
        let manifest = app(&format!("shop-{signal}"), &shop());
        // What is no component any more is written anew.
        let wasm = manifest.with_file_name("wasm");
        fs::create_dir_all(&wasm).unwrap();
        fs::write(wasm.join("cart.wasm"), b"\0asm").unwrap();
        let server = Server::start(&manifest, 1, &[]).await;
        let address = server.address(0);
        // An idle connection holds nothing up.
        let mut idle = Raw::connect(address).await;
        idle.send("GET /cart HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert_eq!(idle.answer(false).await.status, 200);
        let (code, lines) = server.stop(signal).await;
        assert_eq!(code, Some(0), "{}", lines.join("\n"));
        assert!(lines.iter().any(|line| line.contains("Stopping")), "{}", lines.join("\n"));
        assert!(!lines.iter().any(|line| line.contains("ERROR") || line.contains("WARN")), "{}", lines.join("\n"));
        assert_eq!(idle.end().await, "");
        TcpListener::bind(address).expect("its port is free again");
    }
}

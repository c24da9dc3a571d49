//! Claim: each request gets a sandboxed instance of its own, at a third of the rate of bare hyper or more.
//!
//! Three servers on one tokio runtime answer the same client the same bytes, one at a time: handlers in a component, the
//! same handlers mounted natively, and hyper alone with neither routes nor limits.

use crate::client::{self, BODY};
use crate::report::Row;
use crate::rounds::{Variant, alternate};
use crate::{Failure, Options, component};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rusm::otp::Node;
use rusm::serve::{ServeConfig, Server, Target};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

pub(crate) const CLAIM: &str =
    "http: each request gets a sandboxed instance of its own, at a third of the rate of bare hyper or more";

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// # Errors
/// A server that does not come up, and any answer that is not the expected one.
pub(crate) fn run(runtime: &Runtime, node: &Node, options: &Options) -> Result<Vec<Row>, Failure> {
    let (sandboxed, native, hyper) = runtime.block_on(async {
        let listener = TcpListener::bind(ANY).await?;
        let address = listener.local_addr()?;
        let hyper = (address, tokio::spawn(hyper(listener)));
        Ok::<_, Failure>((serve(node, false).await?, serve(node, true).await?, hyper))
    })?;

    let connections = options.connections;
    let load =
        |to: SocketAddr| -> Variant<'_> { Box::new(move |span| client::load(to, connections, span, &client::HTTP)) };
    let mut variants = [load(sandboxed.local_addr()), load(native.local_addr()), load(hyper.0)];
    let samples = alternate(options.rounds, options.span(), &mut variants)?;

    hyper.1.abort();
    runtime.block_on(async {
        sandboxed.shutdown(Duration::from_secs(1)).await;
        native.shutdown(Duration::from_secs(1)).await;
    });
    let peers: [(_, &[_]); 1] = [("hyper", &samples[2])];
    Ok(vec![
        Row::rates("http-hello-component", &samples[0], &peers),
        Row::rates("http-hello-native", &samples[1], &peers),
    ])
}

/// The component's handlers, or the same ones mounted over it.
async fn serve(node: &Node, natively: bool) -> Result<Server, Failure> {
    let mut server = Server::builder(node).config(ServeConfig { listen: ANY, ..ServeConfig::default() });
    if natively {
        server = server.mount(component::NAME, rusm_bench_hello::pages::handlers());
    }
    Ok(server.route("GET /", Target::new(component::NAME, "hello")).bind().await?)
}

/// hyper with nothing around it. Ends, with its connections, when the task is aborted.
async fn hyper(listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let _ = stream.set_nodelay(true);
        connections.spawn(async move {
            let service = service_fn(|_| async {
                let mut response = hyper::Response::new(Full::new(Bytes::from_static(BODY)));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
                Ok::<_, Infallible>(response)
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

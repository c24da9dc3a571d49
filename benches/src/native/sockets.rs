//! What a connection does, whatever it runs in.

use super::rows::Work;
use crate::client::BODY;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Serves it until the client goes.
pub(crate) async fn connection(work: Work, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    match work {
        Work::HyperHello => hello(stream).await,
        _ => echo(stream).await,
    }
}

async fn echo(mut stream: TcpStream) {
    let mut bytes = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
        if stream.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

/// hyper with nothing around it.
pub(crate) async fn hello(stream: TcpStream) {
    let service = service_fn(|_| async {
        let mut response = hyper::Response::new(Full::new(Bytes::from_static(BODY)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        Ok::<_, Infallible>(response)
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

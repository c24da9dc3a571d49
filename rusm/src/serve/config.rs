//! How a server serves.

use crate::http::Headers;
use hyper::header::{HeaderName, HeaderValue};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The largest head of a request, in bytes; above it the answer is 431. Also the read buffer of a connection.
pub(crate) const MAX_HEAD: usize = 64 * 1024;

/// Limits and addresses of one server. Every limit has a default; none can be taken away.
///
/// # Examples
/// ```
/// use rusm::serve::ServeConfig;
/// use std::time::Duration;
///
/// let config = ServeConfig { request_timeout: Duration::from_secs(5), ..ServeConfig::default() };
/// assert_eq!(config.max_body, 1024 * 1024);
/// config.check()?;
/// # Ok::<(), rusm::serve::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeConfig {
    /// Where to listen. Default `127.0.0.1:8080`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Connections held at once. Default 10,000. Above it new ones wait in the system's backlog. An
    /// idle one costs about 10 KiB here and a file descriptor.
    pub max_connections: usize,
    /// Handlers at work at once. Default 1024. Above it requests wait for `queue_timeout`. Each one is a
    /// process, with a component's whole memory where it is one.
    pub max_in_flight: usize,
    /// How long a request waits for a free handler before it gets 503 with `retry-after`. Default 1 s.
    pub queue_timeout: Duration,
    /// The largest body of a request, in bytes; above it the answer is 413. Default 1 MiB.
    pub max_body: usize,
    /// All bodies held at once, in bytes; above it the answer is 503. Default 256 MiB. Without it
    /// `max_connections` slow clients would hold that many times `max_body`.
    pub max_buffered: usize,
    /// From a connection's start or its last response to the end of the next request's head. Default
    /// 10 s. A head that is half there gets 408, an idle connection is closed.
    pub header_timeout: Duration,
    /// From the end of the head to the end of the body; then the answer is 408. Default 30 s.
    pub body_timeout: Duration,
    /// From the end of the body to the handler's response; then its process is killed and the answer is
    /// 503 with `retry-after`. Default 30 s.
    pub request_timeout: Duration,
    /// How long a client may refuse to take any byte of a response before its connection is cut. Default 30 s.
    pub write_timeout: Duration,
    /// Fields that every response gets unless its handler sets them.
    pub headers: Headers,
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            max_connections: 10_000,
            max_in_flight: 1024,
            queue_timeout: Duration::from_secs(1),
            max_body: 1024 * 1024,
            max_buffered: 256 * 1024 * 1024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            headers: Headers::new(),
        }
    }
}

/// Why a configuration can't be served with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A limit that would refuse everything.
    #[error("{name} is 0, which would refuse every request: leave it out for the default")]
    Zero {
        /// The limit.
        name: &'static str,
    },
    /// A limit beyond what the machine counts.
    #[error("{name} is {value}: {max} is the most")]
    TooLarge {
        /// The limit.
        name: &'static str,
        /// What it was set to.
        value: usize,
        /// The most that is possible.
        max: usize,
    },
    /// A header field that can't be sent.
    #[error("the header {name:?} can't be sent: {problem}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl ServeConfig {
    /// Whether it can be served with.
    ///
    /// # Errors
    /// The first limit or header field that can't be.
    pub fn check(&self) -> Result<(), ConfigError> {
        const MOST: usize = tokio::sync::Semaphore::MAX_PERMITS;
        for (name, value) in [
            ("max-connections", self.max_connections),
            ("max-in-flight", self.max_in_flight),
            ("max-body", self.max_body),
            ("max-buffered", self.max_buffered),
        ] {
            if value == 0 {
                return Err(ConfigError::Zero { name });
            }
            if value > MOST {
                return Err(ConfigError::TooLarge { name, value, max: MOST });
            }
        }
        for (name, value) in [
            ("header-timeout", self.header_timeout),
            ("body-timeout", self.body_timeout),
            ("request-timeout", self.request_timeout),
            ("write-timeout", self.write_timeout),
        ] {
            if value.is_zero() {
                return Err(ConfigError::Zero { name });
            }
        }
        for (name, value) in self.headers.iter() {
            header(name, value).map_err(|problem| ConfigError::Header { name: name.to_owned(), problem })?;
        }
        Ok(())
    }
}

/// Fields that are about the connection or the body's framing: the server's own.
const OURS: [&str; 8] =
    ["connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// A field that may be sent.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    if OURS.iter().any(|ours| ours.eq_ignore_ascii_case(name)) {
        return Err("it is about the connection, which is the server's");
    }
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "its name is not a token")?;
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| "its value has control characters")?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_served_with() {
        let ok = ServeConfig::default();
        assert_eq!(ok.check(), Ok(()));
        for (config, part) in [
            (ServeConfig { max_in_flight: 0, ..ok.clone() }, "max-in-flight is 0"),
            (ServeConfig { max_connections: usize::MAX, ..ok.clone() }, "max-connections is 18446744073709551615"),
            (ServeConfig { request_timeout: Duration::ZERO, ..ok.clone() }, "request-timeout is 0"),
            (ServeConfig { headers: [("x", "a\nb")].into_iter().collect(), ..ok.clone() }, "control characters"),
            (ServeConfig { headers: [("a b", "c")].into_iter().collect(), ..ok.clone() }, "\"a b\" can't be sent"),
            (ServeConfig { headers: [("Upgrade", "h2c")].into_iter().collect(), ..ok.clone() }, "the connection"),
        ] {
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}

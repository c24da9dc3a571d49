//! From a request to its answer: route, body, admission, handler, response.
//!
//! Knows no socket; the connection gives it requests and takes answers. Every step has a limit, and each way
//! out of it is an answer. The future may be dropped anywhere, because the client left: places, bytes and the
//! handler's process are owned by it and go with it.

use super::admission::{Admission, Budget, Overloaded};
use super::answer::{Answer, answer};
use super::body::{self, BodyError};
use super::config::ServeConfig;
use super::routes::{Found, Routes};
use super::target::Responder;
use crate::http::{Exchange, Headers, HttpError, IntoResponse, Method, Params, Request, Response, Status};
use crate::otp::CallError;
use hyper::body::Body;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderValue};
use hyper::{Version, http::request::Parts};
use std::sync::Arc;

/// How many seconds a client is asked to stay away when there is no room.
const RETRY_AFTER: u32 = 1;

/// Everything that the connections of one server share.
pub(crate) struct Gateway {
    pub(crate) config: ServeConfig,
    routes: Routes<Arc<dyn Responder>>,
    admission: Admission,
    budget: Arc<Budget>,
}

/// An answer, and what it means for its connection.
pub(crate) struct Outcome {
    pub(crate) answer: Answer,
    /// The request's body is still on its way.
    pub(crate) unread: bool,
}

/// Why there is no response of a handler.
struct Refusal {
    error: HttpError,
    unread: bool,
    close: bool,
}

impl From<HttpError> for Refusal {
    fn from(error: HttpError) -> Self {
        Self { error, unread: true, close: false }
    }
}

impl Gateway {
    pub(crate) fn new(config: ServeConfig, routes: Routes<Arc<dyn Responder>>) -> Self {
        let admission = Admission::new(config.max_in_flight, config.queue_timeout);
        let budget = Budget::new(config.max_buffered);
        Self { config, routes, admission, budget }
    }

    /// Answers one request.
    pub(crate) async fn answer<B>(&self, request: hyper::Request<B>) -> Outcome
    where
        B: Body + Unpin,
        B::Error: std::fmt::Display,
    {
        let (parts, body) = request.into_parts();
        let has_body = !body.is_end_stream();
        let (response, unread, close) = match self.respond(&parts, body).await {
            Ok(response) => (response, false, false),
            Err(Refusal { error, unread, close }) => (error.into_response(), unread && has_body, close),
        };
        let (mut answer, note) = answer(response, &self.config.headers);
        if close {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        log(&parts, answer.status().as_u16(), note.as_deref());
        Outcome { answer, unread }
    }

    async fn respond<B>(&self, parts: &Parts, body: B) -> Result<Response, Refusal>
    where
        B: Body + Unpin,
        B::Error: std::fmt::Display,
    {
        check_host(parts.version, &parts.headers)?;
        let (responder, params) = self.route(parts)?;
        let mut share = self.budget.share();
        let body = body::read(body, self.config.max_body, self.config.body_timeout, &mut share)
            .await
            .map_err(|error| self.no_body(error))?;
        let read = |error: HttpError| Refusal { error, unread: false, close: false };
        let exchange = Exchange::new(convert(parts, body), params);
        let _place = self.admission.enter().await.map_err(|Overloaded| {
            read(overloaded(format!(
                "{} handlers are at work and none became free within {:?}",
                self.config.max_in_flight, self.config.queue_timeout
            )))
        })?;
        let limit = self.config.request_timeout;
        match tokio::time::timeout(limit, responder.respond(exchange, limit)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(read(failure(responder.name(), &error))),
            Err(_) => Err(read(failure(responder.name(), &CallError::Timeout(limit)))),
        }
    }

    fn route(&self, parts: &Parts) -> Result<(&Arc<dyn Responder>, Params), HttpError> {
        match self.routes.find(parts.method.as_str(), parts.uri.path()) {
            Found::Target { target, params } => Ok((target, params)),
            Found::Nothing => Err(HttpError::not_found(Status::NOT_FOUND.reason())),
            Found::WrongMethod { allow } => {
                let message = format!("use one of {allow}");
                Err(HttpError::new(Status::METHOD_NOT_ALLOWED, message).with_header("allow", allow))
            }
            Found::Options { allow } => Err(HttpError::new(Status::NO_CONTENT, "").with_header("allow", allow)),
            Found::BadPath(problem) => Err(HttpError::bad_request(problem)),
        }
    }

    fn no_body(&self, error: BodyError) -> Refusal {
        let close = |error| Refusal { error, unread: true, close: true };
        match error {
            BodyError::TooLarge => close(HttpError::new(
                Status::CONTENT_TOO_LARGE,
                format!("a body may have {} bytes at most", self.config.max_body),
            )),
            BodyError::Timeout => close(HttpError::new(
                Status::REQUEST_TIMEOUT,
                format!("the body was not there within {:?}", self.config.body_timeout),
            )),
            BodyError::Overloaded => {
                close(overloaded(format!("all bodies together have {} bytes", self.config.max_buffered)))
            }
            BodyError::Broken(problem) => close(HttpError::bad_request(format!("the body: {problem}"))),
        }
    }
}

/// HTTP/1.1 wants exactly one `host`, so that nobody in between understands another one.
fn check_host(version: Version, headers: &HeaderMap) -> Result<(), HttpError> {
    match headers.get_all(HOST).iter().count() {
        1 => Ok(()),
        0 if version < Version::HTTP_11 => Ok(()),
        0 => Err(HttpError::bad_request("the request has no host header")),
        _ => Err(HttpError::bad_request("the request has several host headers")),
    }
}

fn convert(parts: &Parts, body: Vec<u8>) -> Request {
    let text = |value: &HeaderValue| match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    };
    let headers: Headers = parts.headers.iter().map(|(name, value)| (name.as_str(), text(value))).collect();
    let method = match parts.method.as_str() {
        "GET" => Method::GET,
        other => Method::new(other.to_owned()),
    };
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    Request { method, path, query, headers, body }
}

fn overloaded(note: String) -> HttpError {
    HttpError::unavailable(note).retry_after(RETRY_AFTER)
}

/// What the client gets when the handler gave no response.
fn failure(name: &str, error: &CallError) -> HttpError {
    match error {
        CallError::Timeout(limit) => overloaded(format!("{name} had no response within {limit:?} and was ended")),
        CallError::NoProcess(_) | CallError::Full => overloaded(format!("{name}: {error}")),
        CallError::Exited(reason) => {
            // The backtrace is in the crash report, once.
            let reason = reason.to_string();
            let first = reason.lines().next().unwrap_or_default();
            HttpError::internal(format!("{name} ended before its response: {first}"))
        }
        error => HttpError::internal(format!("{name}: {error}")),
    }
}

/// Notes may hold what a guest wrote: they are cut, and control characters are escaped.
fn log(parts: &Parts, status: u16, note: Option<&str>) {
    let (method, path) = (&parts.method, parts.uri.path());
    let note = note.map(|note| note.chars().take(4096).collect::<String>());
    match note {
        Some(note) if status >= 500 => {
            tracing::error!(target: "rusm::serve", %method, path = ?path, status, note = ?note, "request failed");
        }
        Some(note) => {
            tracing::warn!(target: "rusm::serve", %method, path = ?path, status, note = ?note, "request answered with a note");
        }
        None => tracing::debug!(target: "rusm::serve", %method, path = ?path, status, "request answered"),
    }
}

#[cfg(test)]
mod tests;

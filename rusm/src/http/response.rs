//! Responses, and what a handler may give as one.

use super::{Body, Headers, HttpError, Json, Status, bytes};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An HTTP response.
///
/// `content-length`, `date` and everything that concerns the connection are the gateway's. A status
/// that is no final one (below 200, above 999) or a field that can't be sent makes it a 500.
///
/// # Examples
/// ```
/// use rusm::http::Response;
///
/// let response = Response::html("<h1>Gone</h1>").with_status(410).with_header("cache-control", "no-store");
/// assert_eq!(response.headers.get("content-type"), Some("text/html; charset=utf-8"));
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body.
    #[serde(with = "bytes")]
    pub body: Vec<u8>,
    /// What went wrong, for the node's log; never sent to the client.
    pub note: Option<String>,
}

impl Response {
    /// A response without a body.
    pub fn new(status: impl Into<Status>) -> Self {
        Self { status: status.into().0, headers: Headers::new(), body: Vec::new(), note: None }
    }

    /// 200 with text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of("text/plain; charset=utf-8", text.into().into_bytes())
    }

    /// 200 with a page.
    pub fn html(page: impl Into<String>) -> Self {
        Self::of("text/html; charset=utf-8", page.into().into_bytes())
    }

    /// 200 with a value as JSON; 500 if it can't be written as such.
    pub fn json(value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self::of("application/json", body),
            Err(error) => HttpError::internal(format!("the response as JSON: {error}")).into_response(),
        }
    }

    /// 303: the client shall `GET` this location next.
    pub fn see_other(location: impl Into<String>) -> Self {
        Self::new(Status::SEE_OTHER).with_header("location", location)
    }

    fn of(kind: &str, body: Vec<u8>) -> Self {
        Self::new(Status::OK).with_header("content-type", kind).with_body(body)
    }

    /// With this status.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<Status>) -> Self {
        self.status = status.into().0;
        self
    }

    /// With this header field; others of the same name go.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With this body; the `content-type` stays as it is.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// Shows a body's size only.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("note", &self.note)
            .finish()
    }
}

/// Something that makes a response: the result of a handler.
///
/// Text is 200 `text/plain`, bytes are 200 `application/octet-stream`, `()` is 204, [`Json`] is 200
/// `application/json`; `(201, …)` changes the status, `(201, headers, …)` also sets fields; of a
/// `Result` whichever side it is.
///
/// # Examples
/// ```
/// use rusm::http::{HttpError, IntoResponse, Json};
///
/// pub async fn create() -> Result<(u16, Json<u64>), HttpError> {
///     Ok((201, Json(7)))
/// }
/// assert_eq!(().into_response().status, 204);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be the response of a handler",
    label = "nothing makes a response of this",
    note = "return `Response`, `String`, `&'static str`, `()`, `Status`, `Json<T>`, `(u16, …)`, or `Result` of one of them and `HttpError`",
    note = "`Json<T>` needs `T: serde::Serialize`: annotate `T` with #[rusm::wire]"
)]
pub trait IntoResponse {
    /// Makes the response.
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for &'static str {
    fn into_response(self) -> Response {
        Response::text(self)
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(Status::NO_CONTENT)
    }
}

impl IntoResponse for Vec<u8> {
    fn into_response(self) -> Response {
        Response::of("application/octet-stream", self)
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl IntoResponse for Status {
    fn into_response(self) -> Response {
        Response::new(self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        Response::json(&self.0)
    }
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

impl<T: IntoResponse> IntoResponse for (u16, T) {
    fn into_response(self) -> Response {
        (Status(self.0), self.1).into_response()
    }
}

impl<T: IntoResponse> IntoResponse for (Status, T) {
    fn into_response(self) -> Response {
        (self.0, Headers::new(), self.1).into_response()
    }
}

impl<T: IntoResponse> IntoResponse for (u16, Headers, T) {
    fn into_response(self) -> Response {
        (Status(self.0), self.1, self.2).into_response()
    }
}

/// A part that failed by itself (a note is its mark) stays a failure whatever status is put on it.
impl<T: IntoResponse> IntoResponse for (Status, Headers, T) {
    fn into_response(self) -> Response {
        let (status, headers, inner) = self;
        let mut response = inner.into_response();
        if response.note.is_none() {
            response.status = status.0;
        }
        for (name, _) in headers.iter() {
            response.headers.remove(name);
        }
        for (name, value) in headers {
            response.headers.append(name, value);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;
    use std::collections::BTreeMap;

    #[test]
    fn results_of_handlers() {
        let html = Headers::from_iter([("Content-Type", "text/html"), ("set-cookie", "a"), ("set-cookie", "b")]);
        let refused: Result<(), _> = Err(HttpError::not_found("no item 7"));
        let text = Some("text/plain; charset=utf-8");
        for (response, status, kind, body) in [
            ("hi".into_response(), 200, text, "hi"),
            (String::from("hi").into_response(), 200, text, "hi"),
            (().into_response(), 204, None, ""),
            (vec![b'x'].into_response(), 200, Some("application/octet-stream"), "x"),
            (Body(vec![b'x']).into_response(), 200, Some("application/octet-stream"), "x"),
            (Json([1, 2]).into_response(), 200, Some("application/json"), "[1,2]"),
            ((201, Json("a")).into_response(), 201, Some("application/json"), "\"a\""),
            ((Status::ACCEPTED, ()).into_response(), 202, None, ""),
            ((203, html.clone(), "<p>").into_response(), 203, Some("text/html"), "<p>"),
            (Ok::<_, HttpError>("hi").into_response(), 200, text, "hi"),
            (refused.into_response(), 404, text, "no item 7\n"),
            (Status::NOT_MODIFIED.into_response(), 304, None, ""),
            (Response::see_other("/x").into_response(), 303, None, ""),
        ] {
            assert_eq!((response.status, response.headers.get("content-type")), (status, kind));
            assert_eq!(String::from_utf8_lossy(&response.body), body);
        }
        assert_eq!((200, html, "").into_response().headers.get_all("set-cookie").count(), 2);
    }

    #[test]
    fn what_is_no_json_is_a_failure_under_any_status() {
        let response = (201, Json(BTreeMap::from([(vec![1], 2)]))).into_response();
        assert_eq!(response.status, 500);
        assert!(response.note.unwrap().contains("key must be a string"));
    }

    #[test]
    fn crosses_a_boundary_whole() {
        let sent = HttpError::internal("disk full").into_response().with_header("x", "y");
        assert_eq!(wire::decode::<Response>(&wire::encode(&sent).unwrap()).unwrap(), sent);
        let large = Response::new(200).with_body(vec![0xff; 1000]);
        assert!(wire::encode(&large).unwrap().len() < 1020);
    }
}

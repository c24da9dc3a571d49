//! Failures of handlers.

use super::{Headers, IntoResponse, Response, Status};
use crate::wire::{CallError, SendError};
use std::error::Error;

/// Why a handler gives no good response: a status, a message for the client, a note for the log.
///
/// The client's own mistakes (4xx) are told to it as `text/plain`. Of the server's (5xx) it only
/// learns the status; the text goes to the node's log. Any error becomes one by `?`: a [`CallError`] or
/// [`SendError`] by its cause, everything else as 500.
///
/// | [`CallError`] | status | |
/// |---|---|---|
/// | `NoProcess`, `Full` | 503 | with `retry-after`: a restart or some room is likely |
/// | `Timeout` | 504 | |
/// | `Exited`, `NoReply` | 502 | the callee may have done a part of the work |
/// | `Denied` and the rest | 500 | the deployment is at fault, not the client's rights |
///
/// # Examples
/// ```
/// use rusm::http::{HttpError, IntoResponse, Params};
///
/// fn price(params: &Params) -> Result<String, HttpError> {
///     let id: u64 = params.parse("id")?;
///     std::fs::read_to_string(format!("/prices/{id}")).map_err(|_| HttpError::not_found(format!("no price of {id}")))
/// }
///
/// let response = HttpError::internal("the price list is a directory").into_response();
/// assert_eq!(response.body, b"Internal Server Error\n");
/// assert_eq!(response.note.as_deref(), Some("the price list is a directory"));
/// ```
// No `std::error::Error`: the conversion from every error would overlap with `From<T> for T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpError {
    status: u16,
    message: String,
    note: Option<String>,
    headers: Headers,
}

impl HttpError {
    /// An error of this status. Of 5xx the text is the note for the log, of others the message.
    pub fn new(status: impl Into<Status>, text: impl Into<String>) -> Self {
        let status = status.into().0;
        let (message, note) = if status < 500 { (text.into(), None) } else { (reason(status), Some(text.into())) };
        Self { status, message, note, headers: Headers::new() }
    }

    /// 400: the request makes no sense.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 401: who is asking? Wants a `www-authenticate` field.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, message)
    }

    /// 403: not for this client.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(403, message)
    }

    /// 404: there is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, message)
    }

    /// 409: not in the state that things are in.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, message)
    }

    /// 422: understood, and wrong.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, message)
    }

    /// 500: our fault; the text is for the log.
    pub fn internal(note: impl Into<String>) -> Self {
        Self::new(500, note)
    }

    /// 503: not now; the text is for the log. Goes well with [`retry_after`](Self::retry_after).
    pub fn unavailable(note: impl Into<String>) -> Self {
        Self::new(503, note)
    }

    /// Tells the client this instead, also for 5xx.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Leaves this for the log.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// With this header field; others of the same name go.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Asks the client to come back after so many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        self.with_header("retry-after", seconds.to_string())
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// What the client is told.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the log is told.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    fn of_call(error: &CallError) -> Self {
        let note = error.to_string();
        match error {
            CallError::NoProcess(_) | CallError::Full => Self::unavailable(note).retry_after(1),
            CallError::Timeout(_) => Self::new(504, note),
            CallError::Exited(_) | CallError::NoReply | CallError::Deadlock(_) => Self::new(502, note),
            _ => Self::internal(note),
        }
    }
}

fn reason(status: u16) -> String {
    match Status(status).reason() {
        "" => format!("Error {status}"),
        reason => reason.to_owned(),
    }
}

impl<E: Error + 'static> From<E> for HttpError {
    fn from(error: E) -> Self {
        if let Some(error) = (&error as &dyn Error).downcast_ref::<CallError>() {
            return Self::of_call(error);
        }
        if let Some(error) = (&error as &dyn Error).downcast_ref::<SendError>() {
            return Self::of_call(&error.clone().into());
        }
        let mut note = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            note = format!("{note}: {cause}");
            source = cause.source();
        }
        Self::internal(note)
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let Self { status, mut message, note, headers } = self;
        message.push('\n');
        let mut response = Response::text(message).with_status(status);
        for (name, value) in headers {
            response.headers.insert(name, value);
        }
        response.note = note;
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ExitReason;
    use std::time::Duration;

    fn fails(error: CallError) -> Result<(), HttpError> {
        Err(error)?
    }

    #[test]
    fn calls_fail_by_their_cause() {
        for (error, status, retry) in [
            (CallError::NoProcess("cart".to_owned()), 503, Some("1")),
            (CallError::Full, 503, Some("1")),
            (CallError::Timeout(Duration::from_secs(5)), 504, None),
            (CallError::Exited(ExitReason::Killed), 502, None),
            (CallError::NoReply, 502, None),
            (CallError::Denied("allow-names".to_owned()), 500, None),
            (CallError::UnknownMethod("x".to_owned()), 500, None),
        ] {
            let text = error.to_string();
            let response = fails(error).unwrap_err().into_response();
            assert_eq!((response.status, response.headers.get("retry-after")), (status, retry), "{text}");
            assert!(!String::from_utf8_lossy(&response.body).contains(&text));
            assert_eq!(response.note, Some(text));
        }
    }

    #[test]
    fn casts_fail_as_calls_do() {
        let error: HttpError = SendError::Full.into();
        assert_eq!(error, HttpError::of_call(&CallError::Full));
    }

    #[test]
    fn other_errors_are_ours_and_stay_inside() {
        let error: HttpError = "x".parse::<u8>().unwrap_err().into();
        assert_eq!((error.status(), error.message()), (500, "Internal Server Error"));
        assert_eq!(error.note(), Some("invalid digit found in string"));
    }

    #[test]
    fn a_message_may_be_meant_for_the_client() {
        let response = HttpError::unavailable("backup").with_message("back at nine").retry_after(60).into_response();
        assert_eq!(response.body, b"back at nine\n");
        assert_eq!((response.headers.get("retry-after"), response.note.as_deref()), (Some("60"), Some("backup")));
        assert_eq!(HttpError::new(599, "x").message(), "Error 599");
    }
}

//! From a handler's response to what goes out.

use super::config::header;
use crate::http::{Headers, HttpError, IntoResponse, Response};
use bytes::Bytes;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::header::{CONTENT_LENGTH, HeaderValue};

/// What goes out.
pub(crate) type Answer = hyper::Response<Full<Bytes>>;

/// Checks a response and adds the server's fields; what can't be sent becomes a 500 whose note says why.
pub(crate) fn answer(response: Response, extra: &Headers) -> (Answer, Option<String>) {
    match build(response, extra) {
        Ok(done) => done,
        Err(problem) => {
            let failure = HttpError::internal(format!("the handler's response can't be sent: {problem}"));
            // The failure and the extra fields, which were checked before, can be sent.
            build(failure.into_response(), extra).unwrap_or_else(|_| {
                let mut bare = Answer::default();
                *bare.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                (bare, Some(problem))
            })
        }
    }
}

fn build(response: Response, extra: &Headers) -> Result<(Answer, Option<String>), String> {
    let Response { status, headers, body, note } = response;
    let status = match StatusCode::from_u16(status) {
        Ok(status) if !status.is_informational() => status,
        _ => return Err(format!("{status} is no status of a response: use 200 to 999")),
    };
    let bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let body = if bodiless { Bytes::new() } else { Bytes::from(body) };
    let length = body.len();
    let mut answer = Answer::new(Full::new(body));
    *answer.status_mut() = status;
    let fields = answer.headers_mut();
    for (name, value) in headers.iter() {
        // Counted here; a handler's own count says nothing more.
        if name.eq_ignore_ascii_case("content-length") {
            continue;
        }
        let (name, value) = header(name, value).map_err(|problem| format!("the header {name:?}: {problem}"))?;
        fields.try_append(name, value).map_err(|_| "too many headers".to_owned())?;
    }
    for (name, value) in extra.iter().filter(|(name, _)| !headers.contains(name)) {
        let (name, value) = header(name, value).map_err(|problem| format!("the header {name:?}: {problem}"))?;
        fields.try_append(name, value).map_err(|_| "too many headers".to_owned())?;
    }
    if !bodiless {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok((answer, note))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Body;

    #[test]
    fn fields_are_checked_and_added() {
        let extra = Headers::from_iter([("x-frame-options", "DENY"), ("x", "extra")]);
        let response = Response::text("hi").with_header("X", "own").with_header("Content-Length", "7");
        let (answer, note) = self::answer(response, &extra);
        assert_eq!((answer.status().as_u16(), note), (200, None));
        let fields: Vec<_> = answer.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(
            fields,
            [
                ("content-type", &b"text/plain; charset=utf-8"[..]),
                ("x", b"own"),
                ("x-frame-options", b"DENY"),
                ("content-length", b"2"),
            ]
        );
    }

    #[test]
    fn what_can_not_be_sent_is_a_failure() {
        let extra = Headers::from_iter([("x-extra", "1")]);
        for (response, part) in [
            (Response::text("secret").with_header("x", "a\r\nset-cookie: b"), "\"x\": its value has control"),
            (Response::text("secret").with_header("x y", "a"), "\"x y\": its name is not a token"),
            (Response::text("secret").with_header("Transfer-Encoding", "chunked"), "the connection"),
            (Response::text("secret").with_header("connection", "close"), "the connection"),
            (Response::new(101), "101 is no status"),
            (Response::new(0), "0 is no status"),
            (Response::new(1000), "1000 is no status"),
        ] {
            let (answer, note) = self::answer(response, &extra);
            assert_eq!(answer.status(), 500);
            assert_eq!(answer.headers()["x-extra"], "1");
            assert_eq!(answer.body().size_hint().exact(), Some("Internal Server Error\n".len() as u64));
            assert!(note.as_ref().is_some_and(|note| note.contains(part)), "{note:?}");
        }
    }

    #[test]
    fn some_have_no_body() {
        for status in [204, 304] {
            let (answer, _) = self::answer(Response::text("hi").with_status(status), &Headers::new());
            assert!(answer.body().is_end_stream());
            assert!(!answer.headers().contains_key(CONTENT_LENGTH));
        }
    }
}

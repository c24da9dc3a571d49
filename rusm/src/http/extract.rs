//! What a handler may take as an argument.

use super::{Exchange, Headers, HttpError};
use serde::de::DeserializeOwned;

/// Something that can be taken from a request: an argument of a handler.
///
/// [`Request`](super::Request), [`Params`](super::Params), [`Query`], [`Json`], [`Body`](super::Body),
/// [`Headers`] and [`Method`](super::Method). Implement it for types of your own on top of these.
///
/// # Examples
/// ```
/// use rusm::http::{Exchange, FromRequest, HttpError, Params};
///
/// pub struct ItemId(u64);
///
/// impl FromRequest for ItemId {
///     fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError> {
///         Ok(Self(Params::from_request(exchange)?.parse("id")?))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an argument of a handler",
    label = "nothing takes this from a request",
    note = "take `Request`, `Params`, `Query<T>`, `Json<T>`, `Body`, `Headers` or `Method`, or write `impl FromRequest for {Self}`",
    note = "`Json<T>` and `Query<T>` need `T: serde::Deserialize`: annotate `T` with #[rusm::wire]"
)]
pub trait FromRequest: Sized {
    /// Takes it.
    ///
    /// # Errors
    /// The response that the client gets instead of the handler's.
    fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError>;
}

/// Has every argument that can be taken, or none: what went wrong stays the handler's to see.
impl<T: FromRequest> FromRequest for Result<T, HttpError> {
    fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError> {
        Ok(T::from_request(exchange))
    }
}

/// A JSON body, of a request or of a response.
///
/// As an argument it wants a `content-type` of `application/json` or `application/…+json` (else
/// 415), a body that is JSON (else 400 with line and column) and of `T`'s shape (else 422 with
/// what is wrong and where).
///
/// # Examples
/// ```
/// use rusm::http::Json;
///
/// pub async fn double(Json(number): Json<u64>) -> Json<u64> {
///     Json(number * 2)
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Json<T> {
    pub(super) fn read(headers: &Headers, body: &[u8]) -> Result<Self, HttpError> {
        check_json_type(headers.get("content-type"))?;
        serde_json::from_slice(body).map(Self).map_err(json_error)
    }
}

fn check_json_type(kind: Option<&str>) -> Result<(), HttpError> {
    let essence = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let is_json = match essence.split_once('/') {
        Some((main, sub)) if main.eq_ignore_ascii_case("application") => {
            let suffix = sub.rsplit_once('+').map_or(sub, |(_, suffix)| suffix);
            suffix.eq_ignore_ascii_case("json")
        }
        _ => false,
    };
    if is_json {
        return Ok(());
    }
    Err(HttpError::new(
        415,
        match kind {
            Some(kind) => format!("the body is {kind:?}: send application/json"),
            None => "the request has no content-type: send application/json".to_owned(),
        },
    ))
}

fn json_error(error: serde_json::Error) -> HttpError {
    let status = if error.is_data() { 422 } else { 400 };
    HttpError::new(status, format!("the JSON body: {error}"))
}

impl<T: DeserializeOwned> FromRequest for Json<T> {
    fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError> {
        let (headers, body) = exchange.take_body("Json")?;
        Self::read(headers, &body)
    }
}

/// The query's `name=value` pairs as a struct, a map or a list of pairs.
///
/// Names and values are percent-decoded and `+` is a space. Anything else than `T` is 400 with
/// what is wrong. Repeated names need a list of pairs: `Query<Vec<(String, String)>>`.
///
/// # Examples
/// ```
/// use rusm::http::{Query, Request, Method};
/// use std::collections::BTreeMap;
///
/// pub async fn list(Query(filter): Query<BTreeMap<String, String>>) -> String {
///     format!("by {:?}", filter.get("sort"))
/// }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> Query<T> {
    pub(super) fn read(query: &str) -> Result<Self, HttpError> {
        serde_urlencoded::from_str(query)
            .map(Self)
            .map_err(|error| HttpError::bad_request(format!("the query: {error}")))
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError> {
        Self::read(&exchange.take_query("Query")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Method, Params, Request};
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Item {
        sku: String,
        #[serde(default)]
        cents: u64,
    }

    fn take<T: FromRequest>(kind: Option<&str>, target: &str, body: &str) -> Result<T, HttpError> {
        let mut request = Request::new(Method::POST, target);
        if let Some(kind) = kind {
            request.headers.insert("Content-Type", kind);
        }
        request.body = body.into();
        T::from_request(&mut Exchange::new(request, Params::new()))
    }

    #[test]
    fn json_bodies() {
        let good = r#"{"sku": "tea", "cents": 3}"#;
        for (kind, body, expected) in [
            (Some("application/json"), good, Ok(())),
            (Some("Application/JSON; charset=utf-8"), good, Ok(())),
            (Some("application/problem+json"), good, Ok(())),
            (None, good, Err((415, "no content-type"))),
            (Some("text/json"), good, Err((415, "text/json"))),
            (Some("application/jsonp"), good, Err((415, "send application/json"))),
            (Some("application/json"), "", Err((400, "EOF"))),
            (Some("application/json"), "{\n  \"sku\": tea}", Err((400, "line 2 column"))),
            (Some("application/json"), "\u{0}", Err((400, "line 1 column 1"))),
            (Some("application/json"), "{}", Err((422, "missing field `sku`"))),
            (Some("application/json"), r#"{"sku": 7}"#, Err((422, "expected a string"))),
            (Some("application/json"), "{} x", Err((422, "missing field"))),
            (Some("application/json"), r#"{"sku": "a"} x"#, Err((400, "trailing characters"))),
        ] {
            match (take::<Json<Item>>(kind, "/", body), expected) {
                (Ok(_), Ok(())) => {}
                (Err(error), Err((status, part))) => {
                    assert_eq!(error.status(), status, "{kind:?} {body}: {error:?}");
                    assert!(error.message().contains(part), "{kind:?} {body}: {error:?}");
                }
                (got, expected) => panic!("{kind:?} {body}: {got:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn queries() {
        let item = |sku: &str, cents| Item { sku: sku.to_owned(), cents };
        for (target, expected) in [
            ("/?sku=a+b%2Fc&cents=3", Ok(item("a b/c", 3))),
            ("/?sku=", Ok(item("", 0))),
            ("/?x=1&sku=a", Ok(item("a", 0))),
            ("/", Err("missing field `sku`")),
            ("/?sku=a&cents=x", Err("invalid digit")),
            ("/?sku=a&sku=b", Err("duplicate field")),
        ] {
            match (take::<Query<Item>>(None, target, ""), expected) {
                (Ok(Query(item)), Ok(expected)) => assert_eq!(item, expected),
                (Err(error), Err(part)) => {
                    assert_eq!(error.status(), 400);
                    assert!(error.message().contains(part), "{target}: {error:?}");
                }
                (got, expected) => panic!("{target}: {got:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn a_result_leaves_the_decision_to_the_handler() {
        let item = take::<Result<Json<Item>, HttpError>>(None, "/", "{}").unwrap();
        assert_eq!(item.unwrap_err().status(), 415);
    }
}

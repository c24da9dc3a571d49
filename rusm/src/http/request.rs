//! Requests, and what is known about one when its handler runs.

use super::{FromRequest, Headers, HttpError, Json, Method, Params, Query, bytes};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An HTTP request whose body has arrived.
///
/// # Examples
/// ```
/// use rusm::http::{HttpError, Request, Response};
///
/// pub async fn search(req: Request) -> Result<Response, HttpError> {
///     let filter: Vec<(String, String)> = req.parse_query()?;
///     let agent = req.headers.get("user-agent").unwrap_or("somebody");
///     Ok(Response::text(format!("{agent} looks for {filter:?}")))
/// }
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// The method; `HEAD` also reaches handlers of `GET` routes.
    pub method: Method,
    /// The path as it was sent, percent-encoded, without the query: `/items/7`.
    pub path: String,
    /// What follows the `?`, without it; empty if there is none.
    pub query: String,
    /// The header fields, names in lower case. Values that are not UTF-8 are read as Latin-1.
    pub headers: Headers,
    /// The body; its size is bounded by the gateway.
    #[serde(with = "bytes")]
    pub body: Vec<u8>,
}

impl Request {
    /// A request without header fields and body, for tests. A `?` in the target begins the query.
    pub fn new(method: Method, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { method, path: path.to_owned(), query: query.to_owned(), ..Self::default() }
    }

    /// The body as JSON, by the rules of [`Json`].
    ///
    /// # Errors
    /// 415 without a JSON `content-type`, 400 for what is no JSON, 422 for JSON of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        Json::read(&self.headers, &self.body).map(|Json(value)| value)
    }

    /// The query's `name=value` pairs as a struct, a map or a list of pairs, by the rules of [`Query`].
    ///
    /// # Errors
    /// 400 with what is missing or wrong.
    pub fn parse_query<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        Query::read(&self.query).map(|Query(value)| value)
    }

    /// The body as text.
    ///
    /// # Errors
    /// 400 if it is not UTF-8.
    pub fn text(&self) -> Result<&str, HttpError> {
        std::str::from_utf8(&self.body)
            .map_err(|error| HttpError::bad_request(format!("the body is not UTF-8: {error}")))
    }
}

/// Leaves the body's content out.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("headers", &self.headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}

/// The body of a request as it arrived, or of a response as it shall be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body(pub Vec<u8>);

/// A request on its way into a handler, with the parameters of its route.
///
/// A handler's arguments are taken out of it one after the other, each part once: [`Request`] takes
/// everything but [`Params`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Exchange {
    request: Request,
    params: Params,
    /// Who took which part; does not cross boundaries.
    #[serde(skip)]
    taken: [Option<&'static str>; Part::COUNT],
}

/// What can be taken from an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Method,
    Path,
    Query,
    Headers,
    Body,
    Params,
}

impl Part {
    const COUNT: usize = 6;
    const REQUEST: [Self; 5] = [Self::Method, Self::Path, Self::Query, Self::Headers, Self::Body];

    fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Path => "path",
            Self::Query => "query",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Params => "path parameters",
        }
    }
}

impl Exchange {
    /// Puts a request and the parameters of its route together.
    pub fn new(request: Request, params: Params) -> Self {
        Self { request, params, taken: Default::default() }
    }

    /// Marks parts as taken by an argument of this type.
    fn take(&mut self, argument: &'static str, parts: &[Part]) -> Result<(), HttpError> {
        for part in parts {
            if let Some(earlier) = self.taken[*part as usize] {
                return Err(HttpError::internal(format!(
                    "argument `{argument}`: the {} went to the earlier argument `{earlier}`; each part of a request is taken once, \
                     `Request` takes all but `Params`",
                    part.name()
                )));
            }
        }
        for part in parts {
            self.taken[*part as usize] = Some(argument);
        }
        Ok(())
    }

    pub(super) fn take_query(&mut self, argument: &'static str) -> Result<String, HttpError> {
        self.take(argument, &[Part::Query])?;
        Ok(std::mem::take(&mut self.request.query))
    }

    /// The body for an argument that reads it by its `content-type`; the headers stay where they are.
    ///
    /// # Errors
    /// 500 if an earlier argument took either.
    pub(super) fn take_body(&mut self, argument: &'static str) -> Result<(&Headers, Vec<u8>), HttpError> {
        self.take(argument, &[Part::Body])?;
        Ok((&self.request.headers, std::mem::take(&mut self.request.body)))
    }
}

impl FromRequest for Request {
    fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError> {
        exchange.take("Request", &Part::REQUEST)?;
        Ok(std::mem::take(&mut exchange.request))
    }
}

impl FromRequest for Params {
    fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError> {
        exchange.take("Params", &[Part::Params])?;
        Ok(std::mem::take(&mut exchange.params))
    }
}

impl FromRequest for Method {
    fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError> {
        exchange.take("Method", &[Part::Method])?;
        Ok(std::mem::take(&mut exchange.request.method))
    }
}

impl FromRequest for Body {
    fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError> {
        exchange.take_body("Body").map(|(_, body)| Self(body))
    }
}

/// Leaves a copy of `content-type` behind, for a later [`Json`].
impl FromRequest for Headers {
    fn from_request(exchange: &mut Exchange) -> Result<Self, HttpError> {
        exchange.take("Headers", &[Part::Headers])?;
        let headers = std::mem::take(&mut exchange.request.headers);
        if let Some(kind) = headers.get("content-type") {
            exchange.request.headers.append("content-type", kind);
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    fn exchange() -> Exchange {
        let mut request = Request::new(Method::PUT, "/a%20b/c?x=1&y=2");
        request.headers = Headers::from_iter([("content-type", "application/json"), ("accept", "*/*")]);
        request.body = b"[1]".to_vec();
        Exchange::new(request, Params::from_iter([("id", "7")]))
    }

    #[test]
    fn crosses_a_boundary_whole() {
        let sent = exchange();
        let mut received: Exchange = wire::decode(&wire::encode(&sent).unwrap()).unwrap();
        let request = Request::from_request(&mut received).unwrap();
        assert_eq!(request, sent.request);
        assert_eq!(Params::from_request(&mut received).unwrap(), sent.params);
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/a%20b/c", "x=1&y=2"));
    }

    #[test]
    fn a_body_is_one_run_of_bytes() {
        let mut large = exchange();
        large.request.body = vec![0xff; 1000];
        assert!(wire::encode(&large).unwrap().len() < 1100);
    }

    #[test]
    fn parts_are_taken_once() {
        let mut exchange = exchange();
        Body::from_request(&mut exchange).unwrap();
        Method::from_request(&mut exchange).unwrap();
        Params::from_request(&mut exchange).unwrap();
        Headers::from_request(&mut exchange).unwrap();
        for (error, names) in [
            (Body::from_request(&mut exchange).unwrap_err(), ["argument `Body`", "the body went to", "`Body`"]),
            (Json::<u8>::from_request(&mut exchange).unwrap_err(), ["argument `Json`", "the body went to", "`Body`"]),
            (
                Request::from_request(&mut exchange).unwrap_err(),
                ["argument `Request`", "the method went to", "`Method`"],
            ),
            (Params::from_request(&mut exchange).unwrap_err(), ["argument `Params`", "path parameters", "`Params`"]),
        ] {
            assert_eq!(error.status(), 500);
            let note = error.note().unwrap();
            assert!(names.iter().all(|name| note.contains(name)), "{note}");
        }
        // A refused `Request` took nothing.
        Query::<Vec<(String, u8)>>::from_request(&mut exchange).unwrap();
    }

    #[test]
    fn json_is_read_after_the_headers() {
        let mut exchange = exchange();
        assert_eq!(Headers::from_request(&mut exchange).unwrap().len(), 2);
        assert_eq!(Json::<Vec<u8>>::from_request(&mut exchange).unwrap().0, [1]);
    }
}

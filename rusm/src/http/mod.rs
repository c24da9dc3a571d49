//! HTTP as handlers see it: what they take, what they give.
//!
//! Pure data, the same on the host and inside a component; the server that reads and writes sockets
//! is `rusm::serve`, on the host alone. A handler is an `async fn` in a module under
//! [`#[handlers]`](macro@crate::handlers): each argument is something that can be taken from a
//! request ([`FromRequest`]), and the result something that makes a response ([`IntoResponse`]).
//!
//! # Examples
//! ```
//! use rusm::http::{Exchange, FromRequest, Headers, IntoResponse, Json, Method, Params, Request};
//!
//! let mut request = Request::new(Method::POST, "/items/7");
//! request.headers.insert("content-type", "application/json");
//! request.body = br#"["tea", 3]"#.to_vec();
//! let mut exchange = Exchange::new(request, Params::from_iter([("id", "7")]));
//!
//! let params = Params::from_request(&mut exchange)?;
//! let Json((name, count)) = Json::<(String, u32)>::from_request(&mut exchange)?;
//! assert_eq!((params.parse::<u64>("id")?, name.as_str(), count), (7, "tea", 3));
//!
//! let response = (201, Json(count)).into_response();
//! assert_eq!((response.status, response.body.as_slice()), (201, &b"3"[..]));
//! # Ok::<(), rusm::http::HttpError>(())
//! ```

mod bytes;
mod error;
mod extract;
mod handlers;
mod headers;
mod method;
mod params;
mod request;
mod response;
mod status;

pub use error::HttpError;
pub use extract::{FromRequest, Json, Query};
pub use handlers::{Action, HandlerFuture, Handlers};
pub use headers::Headers;
pub use method::Method;
pub use params::Params;
pub use request::{Body, Exchange, Request};
pub use response::{IntoResponse, Response};
pub use status::Status;

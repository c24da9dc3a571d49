//! Request methods.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// A request method, in upper case: `GET`, `POST`, or any other token.
///
/// # Examples
/// ```
/// use rusm::http::Method;
///
/// assert_eq!(Method::GET, "GET");
/// assert_eq!(Method::new("PROPFIND").as_str(), "PROPFIND");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// Read something.
    pub const GET: Self = Self(Cow::Borrowed("GET"));
    /// Like `GET`, without the body of the response.
    pub const HEAD: Self = Self(Cow::Borrowed("HEAD"));
    /// Do or create something.
    pub const POST: Self = Self(Cow::Borrowed("POST"));
    /// Put something in place.
    pub const PUT: Self = Self(Cow::Borrowed("PUT"));
    /// Change a part of something.
    pub const PATCH: Self = Self(Cow::Borrowed("PATCH"));
    /// Take something away.
    pub const DELETE: Self = Self(Cow::Borrowed("DELETE"));
    /// Ask what is possible.
    pub const OPTIONS: Self = Self(Cow::Borrowed("OPTIONS"));

    /// A method by its name; names are case-sensitive.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Method {
    fn default() -> Self {
        Self::GET
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Method {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Method {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Method {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

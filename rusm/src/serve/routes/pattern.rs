//! Patterns of routes.

use super::{ANY, split};
use crate::http::Params;
use std::borrow::Cow;

/// The methods that a pattern may name; a misspelt one is an error rather than a dead route.
const METHODS: [&str; 20] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    ANY,
    "COPY",
    "LINK",
    "LOCK",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "QUERY",
    "REPORT",
    "SEARCH",
    "UNLINK",
    "UNLOCK",
];

/// Why a pattern can't be a route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// It is not a method, a space and a path.
    #[error(
        "{pattern:?} is no route: write a method, a space and a path that begins with a slash, as in \"GET /items/:id\""
    )]
    Form {
        /// The pattern.
        pattern: String,
    },
    /// There is no such method.
    #[error("{pattern:?}: there is no method {method}; did you mean {nearest}?")]
    Method {
        /// The pattern.
        pattern: String,
        /// The method.
        method: String,
        /// The nearest one that exists.
        nearest: &'static str,
    },
    /// A segment of the path can't be understood.
    #[error("{pattern:?}: the segment {segment:?} {problem}")]
    Segment {
        /// The pattern.
        pattern: String,
        /// The segment.
        segment: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Another route accepts the same requests.
    #[error("{pattern:?} accepts the same requests as {earlier:?}: take one away, or make one more specific")]
    Conflict {
        /// The pattern.
        pattern: String,
        /// The one that was there before.
        earlier: String,
    },
}

/// A pattern that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) method: String,
    pub(super) segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    /// This text, decoded.
    Literal(String),
    /// One segment that is not empty, and the name to find it under.
    Param(String),
    /// All that is left, also nothing.
    Wildcard(String),
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, RouteError> {
        let form = || RouteError::Form { pattern: text.to_owned() };
        let (method, path) = text.trim().split_once(char::is_whitespace).ok_or_else(form)?;
        let path = path.trim_start();
        if !path.starts_with('/') || path.contains(['?', '#']) || path.contains(char::is_whitespace) {
            return Err(form());
        }
        if !METHODS.contains(&method) {
            let upper = method.to_uppercase();
            let nearest = METHODS.iter().min_by_key(|other| strsim::damerau_levenshtein(other, &upper));
            return Err(RouteError::Method {
                pattern: text.to_owned(),
                method: method.to_owned(),
                nearest: nearest.copied().unwrap_or("GET"),
            });
        }
        let mut segments = Vec::new();
        let parts: Vec<_> = if path == "/" { Vec::new() } else { path[1..].split('/').collect() };
        for (i, part) in parts.iter().enumerate() {
            let wrong =
                |problem| RouteError::Segment { pattern: text.to_owned(), segment: (*part).to_owned(), problem };
            let segment = segment(part, i + 1 == parts.len()).map_err(wrong)?;
            if let Some(name) = segment.name()
                && segments.iter().any(|other: &Segment| other.name() == Some(name))
            {
                return Err(wrong("has the name of an earlier one: name each parameter differently"));
            }
            segments.push(segment);
        }
        Ok(Self { text: text.to_owned(), method: method.to_owned(), segments })
    }

    /// What the pattern captures from a path that it accepts.
    pub(super) fn params(&self, path: &[Cow<'_, str>]) -> Params {
        let named = self.segments.iter().enumerate().filter_map(|(i, segment)| match segment {
            Segment::Literal(_) => None,
            Segment::Param(name) => Some((name.as_str(), path.get(i).map_or(String::new(), |text| text.to_string()))),
            Segment::Wildcard(name) => Some((name.as_str(), path.get(i..).unwrap_or_default().join("/"))),
        });
        named.collect()
    }
}

impl Segment {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Param(name) | Self::Wildcard(name) => Some(name),
        }
    }
}

fn segment(part: &str, last: bool) -> Result<Segment, &'static str> {
    let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if let Some(name) = part.strip_prefix(':') {
        return match name {
            "" => Err("has no name: write \":id\""),
            name if is_name(name) => Ok(Segment::Param(name.to_owned())),
            _ => Err("is a parameter with more than a name: letters, digits, \"_\" and \"-\" only"),
        };
    }
    if let Some(name) = part.strip_prefix('*') {
        return match name {
            _ if !last => Err("is a wildcard before the end: it may only be the last segment"),
            "" => Ok(Segment::Wildcard("*".to_owned())),
            name if is_name(name) => Ok(Segment::Wildcard(name.to_owned())),
            _ => Err("is a wildcard with more than a name: letters, digits, \"_\" and \"-\" only"),
        };
    }
    if part.contains(['*', '{', '}']) {
        return Err("mixes text and placeholders: a segment is text, \":name\" or, at the end, \"*\"");
    }
    if part.is_empty() && !last {
        return Err("is empty: take one of the slashes away");
    }
    let text = split(&format!("/{part}"))?.pop().unwrap_or_default().into_owned();
    Ok(Segment::Literal(text))
}

//! Header fields.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The header fields of a request or a response, in order; names are compared without case.
///
/// A plain list: messages carry a dozen fields, which are found faster by looking than by hashing.
/// Nothing is checked here; the gateway refuses a response whose fields could not be sent as they
/// are (line breaks in a value, spaces in a name, fields that belong to the connection).
///
/// # Examples
/// ```
/// use rusm::http::Headers;
///
/// let mut headers = Headers::new();
/// headers.insert("Content-Type", "text/html");
/// headers.append("set-cookie", "a=1");
/// headers.append("set-cookie", "b=2");
/// assert_eq!(headers.get("content-type"), Some("text/html"));
/// assert_eq!(headers.get_all("Set-Cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// No fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The values of all fields of this name, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether there is a field of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets a field; others of the same name go.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        self.remove(&name);
        self.0.push((name, value.into()));
    }

    /// Adds a field; others of the same name stay.
    pub fn append(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Takes all fields of this name away, and gives the first one's value back.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let mut first = None;
        self.0.retain_mut(|(other, value)| {
            let keep = !other.eq_ignore_ascii_case(name);
            if !keep && first.is_none() {
                first = Some(std::mem::take(value));
            }
            keep
        });
        first
    }

    /// All fields, names as they were given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shows the fields; the values of `authorization`, `proxy-authorization`, `cookie` and `set-cookie` are left out.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];
        f.debug_map()
            .entries(self.iter().map(|(name, value)| {
                let secret = SECRET.iter().any(|other| other.eq_ignore_ascii_case(name));
                (name, if secret { "…" } else { value })
            }))
            .finish()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl IntoIterator for Headers {
    type Item = (String, String);
    type IntoIter = std::vec::IntoIter<(String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case() {
        let mut headers = Headers::from_iter([("A", "1"), ("b", "2"), ("a", "3")]);
        assert_eq!(headers.get_all("a").collect::<Vec<_>>(), ["1", "3"]);
        headers.insert("a", "4");
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("b", "2"), ("a", "4")]);
        assert_eq!(headers.remove("B"), Some("2".to_owned()));
        assert_eq!(headers.remove("b"), None);
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn secrets_are_not_shown() {
        let headers = Headers::from_iter([("Authorization", "Bearer x"), ("accept", "*/*")]);
        assert_eq!(format!("{headers:?}"), r#"{"Authorization": "…", "accept": "*/*"}"#);
    }
}

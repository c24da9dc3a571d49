//! What a route's pattern captured from the path.

use super::HttpError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The path parameters of a request: for the route `GET /items/:id`, what stands for `id`.
///
/// Values are percent-decoded. The rest that a final `*` matched is found under `*`, or under its
/// name where the route gives one (`*file`); it may be empty.
///
/// # Examples
/// ```
/// use rusm::http::Params;
///
/// let params = Params::from_iter([("id", "7")]);
/// assert_eq!(params.get("id"), Some("7"));
/// assert_eq!(params.parse::<u64>("id").unwrap(), 7);
/// assert_eq!(params.parse::<bool>("id").unwrap_err().status(), 400);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// No parameters.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of a parameter, if the route has one of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// The value of a parameter as something other than text.
    ///
    /// # Errors
    /// 400 if the value is no `T`; 500 if the route has no such parameter.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<T, HttpError> {
        let value = self.get(name).ok_or_else(|| self.missing(name))?;
        value.parse().map_err(|error| HttpError::bad_request(format!("path parameter `{name}` is {value:?}: {error}")))
    }

    fn missing(&self, name: &str) -> HttpError {
        let names: Vec<_> = self.iter().map(|(name, _)| name).collect();
        HttpError::internal(format!(
            "the route has no parameter `{name}`; it has [{}]: write `:{name}` into its pattern",
            names.join(", ")
        ))
    }

    /// All parameters, in the pattern's order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(params: I) -> Self {
        Self(params.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_route_lacks_is_the_servers_fault() {
        let error = Params::from_iter([("id", "7")]).parse::<u8>("ID").unwrap_err();
        assert_eq!(error.status(), 500);
        assert!(error.note().unwrap().contains("[id]"), "{error:?}");
    }
}

//! What stands behind a route: an action of a component, or one that runs natively.
//!
//! Either way a request gets a process of its own, and the future that waits for its response owns that
//! process: dropped, at a deadline or because the client left, the process is killed.

mod native;

use crate::http::{Action, Exchange, Handlers, Response};
use crate::otp::{CallError, ComponentRef, Node};
use crate::wire::{EntryKind, MethodKind, decode, encode, method_id};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A response that somebody is working on.
pub(crate) type Responding<'a> = Pin<Box<dyn Future<Output = Result<Response, CallError>> + Send + 'a>>;

/// Whatever answers requests; the seam between the server and the core.
pub(crate) trait Responder: Send + Sync {
    /// Works on one request for at most `limit`; dropping the future ends the work.
    fn respond(&self, exchange: Exchange, limit: Duration) -> Responding<'_>;

    /// What it is called in logs: `shop#items::show`.
    fn name(&self) -> &str;
}

/// Where a route leads: an action of a component or of a mounted module.
///
/// Written `shop#show`, or `shop#items::show` where several modules of the component have a `show`.
///
/// # Examples
/// ```
/// use rusm::serve::Target;
///
/// assert_eq!(Target::parse("shop#show"), Some(Target::new("shop", "show")));
/// assert_eq!(Target::parse("shop"), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    component: String,
    action: String,
}

impl Target {
    /// The action of this component.
    pub fn new(component: impl Into<String>, action: impl Into<String>) -> Self {
        Self { component: component.into(), action: action.into() }
    }

    /// Reads `component#action`.
    pub fn parse(text: &str) -> Option<Self> {
        let (component, action) = text.split_once('#')?;
        let whole = !component.is_empty() && !action.is_empty() && !action.contains('#');
        whole.then(|| Self::new(component, action))
    }

    /// The component, or the name that a module is mounted under.
    pub fn component(&self) -> &str {
        &self.component
    }

    /// The action, with its module or without.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Finds who answers: a mounted module of this name, else a component of the node.
    pub(crate) fn resolve(
        &self,
        node: &Node,
        mounts: &[(String, Handlers)],
    ) -> Result<Arc<dyn Responder>, TargetError> {
        let mounted: Vec<&Action> =
            mounts.iter().filter(|(name, _)| *name == self.component).flat_map(|(_, module)| module.actions).collect();
        if !mounted.is_empty() {
            let names: Vec<_> = mounted.iter().map(|action| action.method.name).collect();
            let action = mounted[self.pick(&names)?];
            return Ok(Arc::new(native::Native::new(node, &self.component, *action)));
        }
        let component = node.component(&self.component);
        let Ok(info) = component.info() else {
            return Err(TargetError::NoComponent { component: self.component.clone() });
        };
        let names: Vec<_> = info
            .schema
            .own(&info.package, EntryKind::Handlers)
            .flat_map(|entry| &entry.methods)
            .filter(|method| method.kind == MethodKind::Request)
            .map(|method| method.name.as_str())
            .collect();
        let action = names[self.pick(&names)?];
        Ok(Arc::new(Component { name: format!("{}#{action}", self.component), method: method_id(action), component }))
    }

    /// Which of these actions is meant.
    fn pick(&self, names: &[&str]) -> Result<usize, TargetError> {
        let short = |name: &str| name.rsplit("::").next().is_some_and(|short| short == self.action);
        if let Some(exact) = names.iter().position(|name| *name == self.action) {
            return Ok(exact);
        }
        let found: Vec<_> = (0..names.len()).filter(|i| short(names[*i])).collect();
        let owned = |names: &mut dyn Iterator<Item = &str>| {
            let mut names: Vec<_> = names.map(str::to_owned).collect();
            names.sort();
            names
        };
        match found.as_slice() {
            [one] => Ok(*one),
            [] => {
                let distance = |name: &&&str| {
                    let short = name.rsplit("::").next().unwrap_or(name);
                    strsim::damerau_levenshtein(name, &self.action)
                        .min(strsim::damerau_levenshtein(short, &self.action))
                };
                let near =
                    names.iter().min_by_key(distance).filter(|name| distance(name) <= (self.action.len() / 3).max(1));
                Err(TargetError::NoAction {
                    component: self.component.clone(),
                    action: self.action.clone(),
                    known: owned(&mut names.iter().copied()),
                    nearest: near.map(|name| (*name).to_owned()),
                })
            }
            several => Err(TargetError::Ambiguous {
                target: self.to_string(),
                actions: owned(&mut several.iter().map(|i| names[*i])),
            }),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.component, self.action)
    }
}

/// Why nobody stands behind a target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetError {
    /// The node has no such component, and nothing is mounted under that name.
    NoComponent {
        /// The name.
        component: String,
    },
    /// The component has no such action.
    NoAction {
        /// The component.
        component: String,
        /// The action.
        action: String,
        /// The actions that it has, sorted.
        known: Vec<String>,
        /// The one that may be meant.
        nearest: Option<String>,
    },
    /// Several modules of the component have an action of this name.
    Ambiguous {
        /// The target.
        target: String,
        /// The actions, sorted.
        actions: Vec<String>,
    },
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoComponent { component } => {
                write!(f, "there is no component {component:?}, and no module is mounted under that name")
            }
            Self::NoAction { component, action, known, .. } if known.is_empty() => {
                write!(
                    f,
                    "there is no action {action:?} in {component:?}, which has none: add a module under #[handlers]"
                )
            }
            Self::NoAction { component, action, known, nearest } => {
                write!(f, "there is no action {action:?} in {component:?}, which has {}", known.join(", "))?;
                nearest.as_ref().map_or(Ok(()), |nearest| write!(f, "; did you mean {nearest}?"))
            }
            Self::Ambiguous { target, actions } => {
                write!(f, "{target} may be any of {}: write one of them in full", actions.join(", "))
            }
        }
    }
}

impl std::error::Error for TargetError {}

/// An action of a component: a fresh instance for each request.
struct Component {
    name: String,
    method: u32,
    component: ComponentRef,
}

impl Responder for Component {
    fn respond(&self, exchange: Exchange, limit: Duration) -> Responding<'_> {
        Box::pin(async move {
            let body = encode(&exchange).map_err(|error| CallError::Malformed(format!("the request: {error}")))?;
            drop(exchange);
            let body = self.component.request(self.method, body, limit).await?;
            decode(&body).map_err(|error| CallError::Malformed(format!("the response: {error}")))
        })
    }

    fn name(&self) -> &str {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(action: &str, names: &[&str]) -> Result<String, String> {
        let target = Target::new("shop", action);
        target.pick(names).map(|i| names[i].to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn actions_are_found_by_either_name() {
        let names = ["items::show", "items::create", "users::show", "root"];
        for (action, expected) in [
            ("items::show", Ok("items::show")),
            ("create", Ok("items::create")),
            ("root", Ok("root")),
            ("show", Err("shop#show may be any of items::show, users::show: write one of them in full")),
            (
                "creat",
                Err(
                    "there is no action \"creat\" in \"shop\", which has items::create, items::show, root, users::show; \
                     did you mean items::create?",
                ),
            ),
            (
                "unrelated",
                Err(
                    "there is no action \"unrelated\" in \"shop\", which has items::create, items::show, root, users::show",
                ),
            ),
        ] {
            assert_eq!(pick(action, &names), expected.map(str::to_owned).map_err(str::to_owned), "{action}");
        }
        assert!(pick("show", &[]).unwrap_err().contains("which has none"));
    }

    #[test]
    fn texts_of_targets() {
        for (text, whole) in
            [("a#b", true), ("a#b::c", true), ("a", false), ("#b", false), ("a#", false), ("a#b#c", false)]
        {
            assert_eq!(Target::parse(text).map(|target| target.to_string()), whole.then(|| text.to_owned()));
        }
    }
}

//! The route table: from a method and a path to a target, or to the reason why there is none.
//!
//! Pure. A path's segments are percent-decoded one by one and walked down a tree. At each segment a
//! literal wins over a parameter, and a parameter over a wildcard; where the walk finds no end it
//! goes back to the next best branch. Since a node of the tree is entered at most once, the work for a request
//! is bounded by the size of the table. Two patterns that accept the same paths end at the same
//! node, so that insertion sees every conflict and no answer depends on the order of insertion.

mod pattern;
#[cfg(test)]
mod tests;

use crate::http::Params;
use pattern::{Pattern, Segment};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

pub use pattern::RouteError;

/// What stands for every method in a pattern.
const ANY: &str = "ANY";

/// Routes and where they lead.
#[derive(Debug)]
pub(crate) struct Routes<T> {
    root: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    literals: BTreeMap<String, Node<T>>,
    param: Option<Box<Node<T>>>,
    /// Routes of patterns that end here.
    here: Vec<Route<T>>,
    /// Routes of patterns that end here with a wildcard.
    rest: Vec<Route<T>>,
}

#[derive(Debug)]
struct Route<T> {
    pattern: Pattern,
    target: T,
}

/// What the table knows about a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a, T> {
    /// It goes here.
    Target { target: &'a T, params: Params },
    /// The path is known, the method isn't; these are.
    WrongMethod { allow: String },
    /// `OPTIONS` of a known path that has no route of its own for it.
    Options { allow: String },
    /// No pattern accepts the path.
    Nothing,
    /// No path that could be asked for.
    BadPath(&'static str),
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { literals: BTreeMap::new(), param: None, here: Vec::new(), rest: Vec::new() }
    }
}

impl<T> Default for Routes<T> {
    fn default() -> Self {
        Self { root: Node::default() }
    }
}

impl<T> Routes<T> {
    /// Adds a route: `GET /items/:id`, `ANY /feed/*`, `GET /files/*path`.
    ///
    /// # Errors
    /// No pattern, or one that accepts the same requests as an earlier one.
    pub(crate) fn insert(&mut self, pattern: &str, target: T) -> Result<(), RouteError> {
        let pattern = Pattern::parse(pattern)?;
        let mut node = &mut self.root;
        let mut wildcard = false;
        for segment in &pattern.segments {
            match segment {
                Segment::Literal(text) => node = node.literals.entry(text.clone()).or_default(),
                Segment::Param(_) => node = node.param.get_or_insert_default(),
                Segment::Wildcard(_) => wildcard = true,
            }
        }
        let routes = if wildcard { &mut node.rest } else { &mut node.here };
        if let Some(earlier) = routes.iter().find(|route| route.pattern.method == pattern.method) {
            return Err(RouteError::Conflict { pattern: pattern.text, earlier: earlier.pattern.text.clone() });
        }
        routes.push(Route { pattern, target });
        Ok(())
    }

    /// Looks a request up. `HEAD` is served by `GET` routes.
    pub(crate) fn find(&self, method: &str, path: &str) -> Found<'_, T> {
        if path == "*" && method == "OPTIONS" {
            return Found::Options { allow: allow(&self.root.methods()) };
        }
        let segments = match split(path) {
            Ok(segments) => segments,
            Err(reason) => return Found::BadPath(reason),
        };
        let mut walk = Walk { method, segments: &segments, known: BTreeSet::new() };
        if let Some(route) = walk.down(&self.root, 0) {
            return Found::Target { target: &route.target, params: route.pattern.params(&segments) };
        }
        match walk.known {
            known if known.is_empty() => Found::Nothing,
            known if method == "OPTIONS" => Found::Options { allow: allow(&known) },
            known => Found::WrongMethod { allow: allow(&known) },
        }
    }
}

impl<T> Node<T> {
    /// All methods below.
    fn methods(&self) -> BTreeSet<&str> {
        let own = self.here.iter().chain(&self.rest).map(|route| route.pattern.method.as_str());
        let below = self.literals.values().chain(self.param.as_deref()).flat_map(Self::methods);
        own.chain(below).collect()
    }
}

struct Walk<'t, 'r> {
    method: &'r str,
    segments: &'r [Cow<'r, str>],
    /// Methods of the patterns that accept the path.
    known: BTreeSet<&'t str>,
}

impl<'t> Walk<'t, '_> {
    fn down<T>(&mut self, node: &'t Node<T>, depth: usize) -> Option<&'t Route<T>> {
        let Some(segment) = self.segments.get(depth) else {
            return self.end(&node.here).or_else(|| self.end(&node.rest));
        };
        if let Some(next) = node.literals.get(segment.as_ref())
            && let Some(route) = self.down(next, depth + 1)
        {
            return Some(route);
        }
        if !segment.is_empty()
            && let Some(next) = &node.param
            && let Some(route) = self.down(next, depth + 1)
        {
            return Some(route);
        }
        self.end(&node.rest)
    }

    /// The best of the routes of one node: its own method, `GET` for `HEAD`, any.
    fn end<T>(&mut self, routes: &'t [Route<T>]) -> Option<&'t Route<T>> {
        let by = |method: &str| routes.iter().find(|route| route.pattern.method == method);
        let found =
            by(self.method).or_else(|| if self.method == "HEAD" { by("GET") } else { None }).or_else(|| by(ANY));
        if found.is_none() {
            self.known.extend(routes.iter().map(|route| route.pattern.method.as_str()));
        }
        found
    }
}

fn allow(known: &BTreeSet<&str>) -> String {
    let mut methods = known.clone();
    if methods.remove(ANY) {
        methods.extend(["DELETE", "GET", "PATCH", "POST", "PUT"]);
    }
    if methods.contains("GET") {
        methods.insert("HEAD");
    }
    methods.insert("OPTIONS");
    methods.into_iter().collect::<Vec<_>>().join(", ")
}

/// The decoded segments of a path; `/` has none, `/a/` has `a` and an empty one.
fn split(path: &str) -> Result<Vec<Cow<'_, str>>, &'static str> {
    let rest = path.strip_prefix('/').ok_or("the path doesn't begin with a slash")?;
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    rest.split('/')
        .map(|segment| {
            let text =
                percent_encoding::percent_decode_str(segment).decode_utf8().map_err(|_| "the path is not UTF-8")?;
            // Clients resolve these before they send; whoever still sends them, in disguise even, wants out of somewhere.
            if text.split(['/', '\\']).any(|part| part == "." || part == "..") {
                return Err("the path has a . or .. segment");
            }
            if text.contains('\0') {
                return Err("the path has a NUL");
            }
            Ok(text)
        })
        .collect()
}

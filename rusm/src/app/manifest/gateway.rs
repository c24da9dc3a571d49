//! `[[serve]]`: where the node listens, and which component answers what.

use std::net::SocketAddr;
use std::time::Duration;

use toml::de::DeValue;

use super::array_of_tables;
use super::component::Component;
use super::reader::{Problems, Section};
use crate::app::report::{Located, Problem, listed, nearest};
use crate::serve::{ConfigError, ServeConfig};

/// One `[[serve]]`.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// The address to listen at; port 0 takes a free one.
    pub listen: Located<SocketAddr>,
    /// Requests answered at the same time; default 1024.
    pub max_in_flight: usize,
    /// How long a request waits for its turn before 503; default 1 s.
    pub queue_timeout: Duration,
    /// Open connections; default 10,000.
    pub max_connections: usize,
    /// The largest body, in bytes, before 413; default 1 MiB.
    pub max_body: usize,
    /// How long the head of a request may take; default 10 s.
    pub header_timeout: Duration,
    /// How long an answer may take before the handler is ended; default 30 s.
    pub request_timeout: Duration,
    /// Added to every response.
    pub headers: Vec<(String, String)>,
    /// In the order of the file; the most specific wins whatever the order.
    pub routes: Vec<Route>,
}

impl GatewaySettings {
    /// The server's own terms for it.
    pub(crate) fn config(&self) -> ServeConfig {
        ServeConfig {
            listen: self.listen.value,
            max_connections: self.max_connections,
            max_in_flight: self.max_in_flight,
            queue_timeout: self.queue_timeout,
            max_body: self.max_body,
            max_buffered: ServeConfig::default().max_buffered.max(self.max_body),
            header_timeout: self.header_timeout,
            request_timeout: self.request_timeout,
            headers: self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            ..ServeConfig::default()
        }
    }
}

/// `"GET /items/:id" = "shop#show"`.
#[derive(Clone, Debug)]
pub struct Route {
    /// GET, POST, …
    pub method: String,
    /// The pattern: `/items/:id`, `/feed/*`.
    pub path: String,
    /// The component's name.
    pub component: String,
    /// The action's name.
    pub action: String,
    /// Where the key stands.
    pub(crate) key: std::ops::Range<usize>,
    /// Where the value stands.
    pub(crate) target: std::ops::Range<usize>,
}

/// The methods worth suggesting; whether a rarer one exists is the server's to say.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];

pub(super) fn gateways<'a>(
    root: &mut Section<'a>,
    components: &[Component],
    problems: &'a Problems,
) -> Vec<GatewaySettings> {
    let mut found: Vec<GatewaySettings> = Vec::new();
    for section in array_of_tables(root, "serve", problems) {
        let Some(gateway) = gateway(section, components, problems) else { continue };
        let same =
            |other: &&GatewaySettings| other.listen.value == gateway.listen.value && other.listen.value.port() != 0;
        if let Some(other) = found.iter().find(same) {
            problems.add(
                Problem::new(format!("two gateways listen at {}", gateway.listen.value))
                    .at(&gateway.listen.span, "taken")
                    .also(&other.listen.span, "by this one"),
            );
        }
        found.push(gateway);
    }
    found
}

fn gateway(mut section: Section<'_>, components: &[Component], problems: &Problems) -> Option<GatewaySettings> {
    let listen = section.string("listen");
    if section.missing("listen") {
        problems.add(
            Problem::new("`listen` is missing in [[serve]]")
                .at(&section.span, "where should it listen?")
                .help("write `listen = \"127.0.0.1:8080\"`"),
        );
    }
    let listen = listen.and_then(|text| match text.value.parse() {
        Ok(address) => Some(Located::new(address, text.span)),
        Err(_) => {
            problems.add(
                Problem::new("`listen` in [[serve]] must be an address and a port")
                    .at(&text.span, "not an address")
                    .help(address_help(&text.value)),
            );
            None
        }
    });
    protocol(&mut section);
    let max_in_flight = section.count("max-in-flight", 1..=1_000_000).unwrap_or(1024) as usize;
    let queue_timeout = section.duration("queue-timeout").unwrap_or(Duration::from_secs(1));
    let max_connections = section.count("max-connections", 1..=1_000_000).unwrap_or(10_000) as usize;
    let max_body = section.some_size("max-body").map_or(1 << 20, |size| usize::try_from(size).unwrap_or(usize::MAX));
    let header_timeout = section.some_duration("header-timeout").unwrap_or(Duration::from_secs(10));
    let request_timeout = section.some_duration("request-timeout").unwrap_or(Duration::from_secs(30));
    let headers = headers(&mut section);
    let routes = match section.section("routes", "[serve.routes]") {
        Some(section) => routes(&section, components, problems),
        None => Vec::new(),
    };
    if section.missing("routes") {
        problems.add(
            Problem::new("this [[serve]] has no routes")
                .at(&section.span, "would answer 404 to everything")
                .help("add `[serve.routes]` with lines like `\"GET /\" = \"component#action\"`"),
        );
    }
    for key in ["tls", "compression", "allowed-origins", "authentication", "static"] {
        section.later(key);
    }
    section.finish();
    Some(GatewaySettings {
        listen: listen?,
        max_in_flight,
        queue_timeout,
        max_connections,
        max_body,
        header_timeout,
        request_timeout,
        headers,
        routes,
    })
}

fn protocol(section: &mut Section<'_>) {
    let Some(protocol) = section.string("protocol") else { return };
    let problem = match protocol.value.as_str() {
        "http" => return,
        later @ ("sse" | "ws") => Problem::new(format!("the protocol `{later}` is not supported yet"))
            .at(&protocol.span, "not supported by this version of rusm")
            .help("write `protocol = \"http\"`"),
        other => Problem::new(format!("unknown protocol `{other}`"))
            .at(&protocol.span, "not a protocol")
            .suggest(other, ["http"]),
    };
    section.problem(problem);
}

fn address_help(text: &str) -> String {
    match text.rsplit_once(':') {
        Some(("" | "localhost", port)) if port.parse::<u16>().is_ok() => {
            format!("write \"127.0.0.1:{port}\" for this machine only, \"0.0.0.0:{port}\" for all networks")
        }
        _ => "write an IP address and a port, like \"127.0.0.1:8080\"".into(),
    }
}

fn headers(section: &mut Section<'_>) -> Vec<(String, String)> {
    let Some(section) = section.section("headers", "[serve.headers]") else { return Vec::new() };
    let mut headers = Vec::new();
    for (name, value) in section.entries() {
        let DeValue::String(text) = value.get_ref() else {
            section.wrong(value, &name.value, "a string");
            continue;
        };
        // Whether a field can be sent is the server's to say.
        let alone = ServeConfig { headers: [(&*name.value, &**text)].into_iter().collect(), ..ServeConfig::default() };
        match alone.check() {
            Ok(()) => headers.push((name.value.to_ascii_lowercase(), text.clone().into_owned())),
            Err(ConfigError::Header { problem, .. }) => section
                .problem(Problem::new(format!("the header `{}` can't be sent", name.value)).at(&name.span, problem)),
            Err(other) => section.problem(Problem::new(other.to_string()).at(&name.span, "this header")),
        }
    }
    headers
}

fn routes(section: &Section<'_>, components: &[Component], problems: &Problems) -> Vec<Route> {
    let mut routes = Vec::new();
    for (key, value) in section.entries() {
        let pattern = match pattern(&key.value) {
            Ok(pattern) => Some(pattern),
            Err((title, help)) => {
                problems.add(Problem::new(title).at(&key.span, "not a route").help(help));
                None
            }
        };
        let DeValue::String(target) = value.get_ref() else {
            section.wrong(value, &key.value, "a string like \"component#action\"");
            continue;
        };
        let Some((component, action)) =
            target.split_once('#').filter(|(component, action)| !component.is_empty() && !action.is_empty())
        else {
            problems.add(
                Problem::new(format!("`{target}` names no action"))
                    .at(&value.span(), "not an action")
                    .help("write `\"component#action\"`"),
            );
            continue;
        };
        check_target(component, components, &Located::new((), value.span()), problems);
        if let Some((method, path)) = pattern {
            routes.push(Route {
                method,
                path,
                component: component.to_owned(),
                action: action.to_owned(),
                key: key.span,
                target: value.span(),
            });
        }
    }
    routes
}

fn check_target(name: &str, components: &[Component], place: &Located<()>, problems: &Problems) {
    match components.iter().find(|component| component.name.value == name) {
        None => {
            let problem = Problem::new(format!("route to the unknown component `{name}`"))
                .at(&place.span, format!("there is no [components.{name}]"));
            problems.add(problem.suggest(name, components.iter().map(|component| component.name.value.as_str())));
        }
        Some(component) if component.resident.is_some() => problems.add(
            Problem::new(format!("route to the resident component `{name}`"))
                .at(&place.span, "a route starts a fresh instance for each request")
                .also(&component.name.span, "this one is started once, at boot")
                .help("route to a component with #[handlers], and let those call the resident one by its name"),
        ),
        Some(_) => {}
    }
}

/// Method and path of a route's key.
fn pattern(key: &str) -> Result<(String, String), (String, String)> {
    const HELP: &str = "write a method and a path, like \"GET /items/:id\"";
    let Some((method, path)) = key.split_once(' ') else {
        return Err((format!("`{key}` is not a route"), HELP.into()));
    };
    if !METHODS.contains(&method) {
        let upper = method.to_uppercase();
        match nearest(method, METHODS) {
            Some(near) if near.len() > 2 => {
                return Err((format!("`{method}` is not a method"), format!("did you mean `{near}`?")));
            }
            _ if method != upper || !method.bytes().all(|b| b.is_ascii_uppercase()) => {
                return Err((format!("`{method}` is not a method"), format!("methods {}", listed(&METHODS))));
            }
            _ => {}
        }
    }
    if !path.starts_with('/') || path.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#')) {
        return Err((format!("`{path}` is not a path"), HELP.into()));
    }
    let segments: Vec<&str> = path[1..].split('/').collect();
    for (index, segment) in segments.iter().enumerate() {
        if segment.contains(['{', '}']) {
            return Err((format!("`{segment}` is not a segment of a path"), "write a parameter as `:name`".into()));
        }
        if segment.contains('*') && (segment.rfind('*') != Some(0) || index + 1 != segments.len()) {
            return Err((
                format!("`{path}` has its `*` in the wrong place"),
                "only the last segment can be `*` or `*name`".into(),
            ));
        }
        if let Some(name) = segment.strip_prefix(':') {
            let valid = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') && !name.is_empty();
            if !valid || segments[..index].contains(segment) {
                return Err((
                    format!("`{segment}` can't name a parameter of `{path}`"),
                    "parameters are letters, digits, `_` and `-`, and each differs from the others".into(),
                ));
            }
        } else if segment.contains(':') {
            return Err((
                format!("`{segment}` has its `:` in the wrong place"),
                "a parameter is a whole segment".into(),
            ));
        }
    }
    Ok((method.to_owned(), path.to_owned()))
}

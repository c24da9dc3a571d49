use std::collections::HashMap;

use super::*;
use crate::wasm::{Network, Preopen, Profile};

fn parse(text: &str) -> Result<Manifest, Mistakes> {
    Manifest::parse(Path::new("rusm.toml"), text, &|_| None)
}

/// The titles of the mistakes, each behind its line and column.
fn mistakes(text: &str) -> Vec<String> {
    let Err(mistakes) = parse(text) else { return Vec::new() };
    mistakes
        .problems()
        .iter()
        .map(|problem| match problem.span() {
            None => problem.title().to_owned(),
            Some(span) => {
                let before = &text[..span.start];
                let line = before.matches('\n').count() + 1;
                let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
                format!("{line}:{column} {}", problem.title())
            }
        })
        .collect()
}

const FULL: &str = r##"
[node]
name = "shop"
workers = 2
drain = "3s"
data = "./data"

[log]
level = "debug"
format = "json"

[capabilities.base]
inherits = "network-client"
max-memory = "16MiB"
max-processes = 7

[capabilities.shop-api]
inherits = "base"
allow-network = ["https://api.example.com", "db.internal:5432"]
allow-spawn = ["worker"]
allow-process-control = false
allow-names = ["shop.*"]
allow-stdio = true
max-memory = "64MiB"
max-cpu = "50ms"
max-mailbox = 10
env = ["LOG_STYLE"]
preopen = [{ host = "./assets", guest = "/assets" }]

[components.worker]
[components.shop]
capability = "shop-api"

[components.cart]
resident = true
restart = "transient"
package = "shop-parts"
entry = "MemoryCart"
args = { currency = "EUR" }

[[serve]]
listen = "127.0.0.1:8080"
protocol = "http"
max-in-flight = 10
queue-timeout = "0s"
max-connections = 20
max-body = "2MiB"
header-timeout = "1s"
request-timeout = "2s"
[serve.headers]
"X-Frame-Options" = "DENY"
[serve.routes]
"GET /items/:id" = "shop#show"
"GET /feed/*" = "shop#feed"
"GET /" = "shop#index"
"##;

#[test]
fn a_full_file_is_read() {
    let manifest = parse(FULL).unwrap();
    assert_eq!(
        manifest.node,
        NodeSettings {
            name: Some("shop".into()),
            workers: 2,
            drain: Duration::from_secs(3),
            data: Some("./data".into())
        }
    );
    assert_eq!(manifest.log, LogSettings { level: LogLevel::Debug, format: LogFormat::Json });

    let api = manifest.capabilities("shop-api");
    assert!(api.spawn("worker").is_ok() && api.spawn("cart").is_err());
    assert!(api.register("shop.x").is_ok() && api.register("x").is_err());
    assert_eq!((api.max_memory, api.max_cpu, api.max_processes), (64 << 20, Some(Duration::from_millis(50)), 7));
    assert_eq!((api.max_mailbox, api.stdio), (10, true));
    assert_eq!(api.network.host_names().into_iter().collect::<Vec<_>>(), ["api.example.com", "db.internal"]);
    assert_eq!(api.preopens, [Preopen { host: "./assets".into(), guest: "/assets".into(), write: false }]);
    assert_eq!(api.env.into_iter().collect::<Vec<_>>(), ["LOG_STYLE"]);
    let base = manifest.capabilities("base");
    assert_eq!((base.max_memory, base.network), (16 << 20, Network::public()));

    let cart = manifest.component("cart").unwrap();
    assert_eq!((cart.package.value.as_str(), cart.capability.as_str()), ("shop-parts", "sandboxed"));
    assert_eq!(cart.resident.as_ref().unwrap().restart, Restart::Transient);
    assert!(manifest.component("shop").unwrap().resident.is_none());

    let gateway = &manifest.gateways[0];
    assert_eq!((gateway.max_body, gateway.max_connections), (2 << 20, 20));
    assert_eq!(gateway.headers, [("x-frame-options".to_owned(), "DENY".to_owned())]);
    let routes: Vec<(&str, &str, &str)> = gateway
        .routes
        .iter()
        .map(|route| (route.method.as_str(), route.path.as_str(), route.action.as_str()))
        .collect();
    assert_eq!(routes, [("GET", "/items/:id", "show"), ("GET", "/feed/*", "feed"), ("GET", "/", "index")]);
}

#[test]
fn an_empty_file_has_defaults() {
    let manifest = parse("").unwrap();
    assert_eq!(manifest.node.drain, Duration::from_secs(10));
    assert_eq!(manifest.log.level, LogLevel::Info);
    assert_eq!(manifest.capabilities("trusted"), Profile::Trusted.capabilities());
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, expected) in [
        ("[node]\nnmae = 'x'", vec!["2:1 unknown key `nmae` in [node]"]),
        ("[node]\nworkers = -1", vec!["2:11 `workers` in [node] must be a whole number from 0 to 1024"]),
        ("[node]\ndrain = 10", vec!["2:9 `drain` in [node] must be a duration"]),
        ("[node]\nname = 'a b'", vec!["2:8 `name` in [node] is not a node name"]),
        ("[log]\nlevel = 'inof'", vec!["2:9 unknown level `inof` in [log]"]),
        ("[log]\nlevel = 3", vec!["2:9 `level` in [log] must be a string"]),
        ("[lgo]\n", vec!["1:2 unknown key `lgo` in rusm.toml"]),
        ("[admin]\nlisten = 'x'", vec!["1:2 `admin` in rusm.toml is not supported yet"]),
        ("[cluster]\njoin = []", vec!["1:2 `cluster` in rusm.toml is not supported yet"]),
        ("[capabilities.sandboxed]", vec!["1:15 `sandboxed` is a built-in profile"]),
        ("[capabilities.a]\ninherits = 'sandboxd'", vec!["2:12 unknown capability `sandboxd`"]),
        ("[capabilities.a]\ninherits = 'a'", vec!["2:12 capabilities inherit from each other in a circle"]),
        (
            "[capabilities.c]\ninherits = 'a'\n[capabilities.a]\ninherits = 'b'\n[capabilities.b]\ninherits = 'a'",
            vec!["4:12 capabilities inherit from each other in a circle"],
        ),
        (
            "[capabilities.a]\nallow-storage = true",
            vec!["2:1 `allow-storage` in [capabilities.a] is not supported yet"],
        ),
        (
            "[capabilities.a]\nallow-spawn = 'x'",
            vec!["2:15 `allow-spawn` in [capabilities.a] must be true, false or a list of components"],
        ),
        (
            "[capabilities.a]\nallow-network = ['ftp://x']",
            vec!["2:18 `allow-network` in [capabilities.a] lists `ftp://x`"],
        ),
        ("[capabilities.a]\nallow-names = ['a*b']", vec!["2:16 `allow-names` in [capabilities.a] lists `a*b`"]),
        (
            "[capabilities.a]\nallow-spawn = ['wrker']\n[components.worker]",
            vec!["2:16 `allow-spawn` names the unknown component `wrker`"],
        ),
        (
            "[capabilities.a]\nmax-memory = '64mb'",
            vec!["2:14 `max-memory` in [capabilities.a] must be a size above zero"],
        ),
        ("[capabilities.a]\nmax-cpu = '0s'", vec!["2:11 `max-cpu` in [capabilities.a] must be a duration above zero"]),
        (
            "[capabilities.a]\npreopen = [{ host = 'x', gest = 'y' }]",
            vec![
                "2:12 `preopen` in [capabilities.a] must be a list of tables like { host = \"./assets\", guest = \"/assets\" }",
                "2:26 unknown key `gest` in preopen of [capabilities.a]",
            ],
        ),
        ("[components.a]\ncapability = 'trused'", vec!["2:14 unknown capability `trused`"]),
        ("[components.'a/b']", vec!["1:13 `a/b` can't name a component"]),
        ("[components.a]\nsource = 'kv:x'", vec!["2:1 `source` in [components.a] is not supported yet"]),
        ("[components.a]\ndynamic = 'js'", vec!["2:1 `dynamic` in [components.a] is not supported yet"]),
        (
            "[components.a]\nargs = 1",
            vec!["2:1 `args` in [components.a] means nothing for a component that is not resident"],
        ),
        (
            "[components.a]\nresident = true\nrestart = 'always'",
            vec!["3:11 unknown restart `always` in [components.a]"],
        ),
        ("[components]\na = 1", vec!["2:5 `a` in [components] must be a table"]),
        ("[serve]\nlisten = '127.0.0.1:1'", vec!["1:1 `serve` must be a list of tables"]),
        ("[[serve]]\n", vec!["1:1 `listen` is missing in [[serve]]", "1:1 this [[serve]] has no routes"]),
    ] {
        assert_eq!(mistakes(text), expected, "{text}");
    }
}

#[test]
fn mistakes_of_gateways_are_told_with_their_place() {
    let app = "[components.shop]\n[components.cart]\nresident = true\n[[serve]]\nlisten = '127.0.0.1:0'\n";
    for (text, expected) in [
        ("protocol = 'ws'\nroutes = {}", vec!["6:12 the protocol `ws` is not supported yet"]),
        ("protocol = 'htp'\nroutes = {}", vec!["6:12 unknown protocol `htp`"]),
        ("tls = { cert = 'x' }\nroutes = {}", vec!["6:1 `tls` in [[serve]] is not supported yet"]),
        (
            "max-in-flight = 0\nroutes = {}",
            vec!["6:17 `max-in-flight` in [[serve]] must be a whole number from 1 to 1000000"],
        ),
        (
            "headers = { 'a b' = 'x', c = 1, Upgrade = 'h2c' }\nroutes = {}",
            vec![
                "6:13 the header `a b` can't be sent",
                "6:30 `c` in [serve.headers] must be a string",
                "6:33 the header `Upgrade` can't be sent",
            ],
        ),
        ("max-body = '0B'\nroutes = {}", vec!["6:12 `max-body` in [[serve]] must be a size above zero"]),
        ("[serve.routes]\n'GET /' = 'shpo#show'", vec!["7:11 route to the unknown component `shpo`"]),
        ("[serve.routes]\n'GET /' = 'cart#show'", vec!["7:11 route to the resident component `cart`"]),
        ("[serve.routes]\n'GET /' = 'shop'", vec!["7:11 `shop` names no action"]),
        (
            "[serve.routes]\n'GET /' = 1",
            vec!["7:11 `GET /` in [serve.routes] must be a string like \"component#action\""],
        ),
        ("[serve.routes]\n'get /' = 'shop#a'", vec!["7:1 `get` is not a method"]),
        ("[serve.routes]\n'GET' = 'shop#a'", vec!["7:1 `GET` is not a route"]),
        ("[serve.routes]\n'GET items' = 'shop#a'", vec!["7:1 `items` is not a path"]),
        ("[serve.routes]\n'GET /*/x' = 'shop#a'", vec!["7:1 `/*/x` has its `*` in the wrong place"]),
        ("[serve.routes]\n'GET /a*' = 'shop#a'", vec!["7:1 `/a*` has its `*` in the wrong place"]),
        ("[serve.routes]\n'GET /:a/:a' = 'shop#a'", vec!["7:1 `:a` can't name a parameter of `/:a/:a`"]),
        ("[serve.routes]\n'GET /{a}' = 'shop#a'", vec!["7:1 `{a}` is not a segment of a path"]),
        ("[serve.routes]\n'GET /a:b' = 'shop#a'", vec!["7:1 `a:b` has its `:` in the wrong place"]),
    ] {
        assert_eq!(mistakes(&format!("{app}{text}")), expected, "{text}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let found = mistakes("[node]\nnmae = 'x'\n[log]\nlevel = 'x'\n[components.a]\ncapability = 'x'\n");
    assert_eq!(
        found,
        ["2:1 unknown key `nmae` in [node]", "4:9 unknown level `x` in [log]", "6:14 unknown capability `x`",]
    );
}

#[test]
fn broken_toml_is_told_with_its_place() {
    let found = mistakes("[node]\nname = \nworkers = 1\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("2:"), "{found:?}");
    assert!(found[0].ends_with("rusm.toml is not valid TOML"), "{found:?}");
}

#[test]
fn a_mistake_is_shown_with_its_line_and_a_suggestion() {
    let text = parse("[log]\nlevel = \"inof\"\n").unwrap_err().to_string();
    assert_eq!(
        text,
        "\
error: unknown level `inof` in [log]
 --> rusm.toml:2:9
  |
2 | level = \"inof\"
  |         ^^^^^^ not a level
  |
  = help: did you mean `info`?"
    );
}

#[test]
fn addresses_without_a_host_get_help() {
    let text = parse("[[serve]]\nlisten = ':8080'\nroutes = {}").unwrap_err().to_string();
    assert!(text.contains("write \"127.0.0.1:8080\" for this machine only"), "{text}");
}

#[test]
fn the_environment_goes_before_the_file() {
    let vars =
        HashMap::from([("RUSM_NODE", "eu-1"), ("RUSM_WORKERS", "3"), ("RUSM_DRAIN", "1s"), ("RUSM_LOG", "trace")]);
    let env = |name: &str| vars.get(name).map(|value| (*value).to_owned());
    let manifest = Manifest::parse(Path::new("rusm.toml"), FULL, &env).unwrap();
    assert_eq!((manifest.node.name.as_deref(), manifest.node.workers), (Some("eu-1"), 3));
    assert_eq!((manifest.node.drain, manifest.log.level), (Duration::from_secs(1), LogLevel::Trace));
}

#[test]
fn mistakes_of_the_environment_name_the_variable() {
    let vars = HashMap::from([
        ("RUSM_NODE", ""),
        ("RUSM_WORKERS", "many"),
        ("RUSM_DRAIN", "1"),
        ("RUSM_LOG", "inof"),
        ("RUSM_DATA", ""),
    ]);
    let env = |name: &str| vars.get(name).map(|value| (*value).to_owned());
    let mistakes = Manifest::parse(Path::new("rusm.toml"), "", &env).unwrap_err();
    for name in vars.keys() {
        assert!(mistakes.problems().iter().any(|problem| problem.title().contains(name)), "{name}");
    }
}

#[test]
fn packages_must_exist_and_be_libraries() {
    let manifest = parse("[components.web]\n[components.cart]\npackage = 'crt'\n[components.tool]").unwrap();
    let package = |name: &str, library| Package { name: name.into(), library };
    let known = [package("web", true), package("cart", true), package("tool", false)];
    let mistakes = manifest.check_packages(&known).unwrap_err();
    let titles: Vec<&str> = mistakes.problems().iter().map(Problem::title).collect();
    assert_eq!(titles, ["there is no package `crt`", "the package `tool` is no library"]);
    assert!(mistakes.to_string().contains("did you mean `cart`?"), "{mistakes}");
    assert!(parse("[components.web]").unwrap().check_packages(&known).is_ok());
}

//! `cargo rusm run` and `cargo rusm serve`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use rusm::app::{App, Manifest, Running, Target};
use tokio::runtime::Runtime;

use super::build;
use crate::cli::Build;
use crate::error::{Error, Result};
use crate::shell::Shell;
use crate::step::signals::Signals;
use crate::step::{logging, project};

/// What has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Something to start.
    Run,
    /// Something to serve.
    Serve,
}

pub(super) fn run(path: Option<&Path>, options: Build, mode: Mode, shell: &Shell) -> Result<()> {
    let manifest = Manifest::read(&project::manifest_path(path)?)?;
    something_to_do(&manifest, mode)?;
    build::build(&manifest, options, shell)?;
    logging::start(manifest.log);

    let runtime = runtime(manifest.node.workers)?;
    let result = runtime.block_on(until_signalled(manifest, shell));
    // What the drain left behind has had its time.
    runtime.shutdown_background();
    result
}

/// The threads that everything runs on; 0 workers are one per core.
pub(super) fn runtime(workers: usize) -> Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if workers > 0 {
        builder.worker_threads(workers);
    }
    builder.enable_all().build().map_err(|error| Error::new(format!("no threads to work with: {error}")))
}

fn something_to_do(manifest: &Manifest, mode: Mode) -> Result<()> {
    let path = manifest.path().display();
    let resident = manifest.components.iter().any(|component| component.resident.is_some());
    match (mode, manifest.gateways.is_empty(), resident) {
        (Mode::Serve, true, true) => Err(Error::new(format!("{path} has no [[serve]]: there is nothing to serve"))
            .help("start the resident components with `cargo rusm run`, or add `[[serve]]` with `listen` and routes")),
        (Mode::Serve, true, false) => Err(Error::new(format!("{path} has no [[serve]]: there is nothing to serve"))
            .help("add `[[serve]]` with `listen = \"127.0.0.1:8080\"` and `[serve.routes]`")),
        (Mode::Run, true, false) => Err(Error::new(format!("{path} starts nothing"))
            .help("make a component resident (`resident = true`), or add `[[serve]]`")),
        _ => Ok(()),
    }
}

async fn until_signalled(manifest: Manifest, shell: &Shell) -> Result<()> {
    let mut signals =
        Signals::listen().map_err(|error| Error::new(format!("signals can't be listened for: {error}")))?;
    let up = async { App::load(manifest).await?.start().await };
    let running = tokio::select! {
        running = up => running?,
        // Nothing was promised to anybody yet.
        _ = signals.next() => return Ok(()),
    };
    announce(&running, shell);
    signals.next().await;
    shell.status("Stopping", "(once more to stop at once)");
    tokio::select! {
        () = running.shutdown() => Ok(()),
        code = signals.next() => std::process::exit(code),
    }
}

fn announce(running: &Running, shell: &Shell) {
    for name in running.residents() {
        shell.status("Running", format_args!("{name} (resident)"));
    }
    for (address, routes) in running.gateways() {
        let url = format!("http://{}", reachable(address));
        shell.status("Serving", &url);
        let width = routes.iter().map(|route| route.method.len()).max().unwrap_or(0);
        for Target { method, path, component, action } in routes {
            shell.detail(format_args!("{method:width$} {path} -> {component}#{}", action.name));
        }
        if let Some(line) = curl(&url, routes) {
            shell.note(format_args!("try `{line}`"));
        }
    }
}

/// Where a client on this machine finds it.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// A request that one of the routes answers, the plainest one if there is a choice.
fn curl(url: &str, routes: &[Target]) -> Option<String> {
    let plain = |route: &&Target| (route.method != "GET", route.path.matches([':', '*']).count());
    let route = routes.iter().min_by_key(plain)?;
    let path: Vec<&str> =
        route.path.split('/').map(|segment| if segment.starts_with([':', '*']) { "1" } else { segment }).collect();
    let method = if route.method == "GET" { String::new() } else { format!("-X {} ", route.method) };
    Some(format!("curl {method}{url}{}", path.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(method: &str, path: &str) -> Target {
        use rusm::wire::schema::{MethodSchema, TypeSchema};
        let action = MethodSchema {
            name: "pages::show".into(),
            kind: rusm::wire::MethodKind::Request,
            args: Vec::new(),
            output: TypeSchema::Unit,
            doc: String::new(),
            id: 0,
            fingerprint: 0,
        };
        Target { method: method.into(), path: path.into(), component: "web".into(), action }
    }

    #[test]
    fn the_plainest_route_is_suggested() {
        let url = "http://127.0.0.1:1";
        for (routes, expected) in [
            (vec![target("POST", "/a"), target("GET", "/items/:id"), target("GET", "/")], "curl http://127.0.0.1:1/"),
            (vec![target("POST", "/a"), target("GET", "/items/:id/*")], "curl http://127.0.0.1:1/items/1/1"),
            (vec![target("GET", "/files/*path")], "curl http://127.0.0.1:1/files/1"),
            (vec![target("DELETE", "/a")], "curl -X DELETE http://127.0.0.1:1/a"),
        ] {
            assert_eq!(curl(url, &routes).as_deref(), Some(expected));
        }
        assert_eq!(curl(url, &[]), None);
    }

    #[test]
    fn an_address_for_all_networks_is_shown_as_this_machine() {
        for (address, expected) in
            [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80"), ("10.0.0.1:80", "10.0.0.1:80")]
        {
            assert_eq!(reachable(address.parse().unwrap()).to_string(), expected);
        }
    }

    #[test]
    fn there_has_to_be_something_to_do() {
        let check = |text: &str, mode| {
            something_to_do(&Manifest::parse(Path::new("rusm.toml"), text, &|_| None).unwrap(), mode).is_ok()
        };
        let resident = "[components.a]\nresident = true";
        let serve = "[components.a]\n[[serve]]\nlisten = '127.0.0.1:0'\n[serve.routes]\n'GET /' = 'a#b'";
        assert!(!check("", Mode::Run) && !check("", Mode::Serve));
        assert!(check(resident, Mode::Run) && !check(resident, Mode::Serve));
        assert!(check(serve, Mode::Run) && check(serve, Mode::Serve));
    }
}

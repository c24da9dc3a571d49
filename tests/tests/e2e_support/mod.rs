//! A real `cargo rusm serve` in a process of its own, and clients for it.
#![allow(dead_code, reason = "each test program uses its part")]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::cli_support::cargo_rusm;

/// How long anything may take on a slow machine that has to build first.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long anything may take on a slow machine, once it is built.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// The checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the checkout is there")
}

/// The app whose parts fail when they are asked to; it listens at ports that are free.
pub(crate) fn faults() -> PathBuf {
    root().join("tests/fixtures/faults/rusm.toml")
}

/// Writes a `rusm.toml` into a folder of its own, within the workspace whose packages it names.
pub(crate) fn app(name: &str, manifest: &str) -> PathBuf {
    let folder = root().join("target/e2e").join(name);
    fs::create_dir_all(&folder).expect("a folder for the app");
    let path = folder.join("rusm.toml");
    fs::write(&path, manifest).expect("its manifest");
    path
}

/// The manifest of the example shop, made to listen at a free port.
pub(crate) fn shop() -> String {
    let text = fs::read_to_string(root().join("examples/shop/rusm.toml")).expect("the example is there");
    assert!(text.contains("\"127.0.0.1:8080\""), "{text}");
    text.replace("\"127.0.0.1:8080\"", "\"127.0.0.1:0\"")
}

/// Builds the components of a manifest, so that what follows finds them built.
#[track_caller]
pub(crate) fn build(manifest: &Path, options: &[&str]) -> String {
    let output = cargo_rusm()
        .args(["build", "--manifest-path"])
        .arg(manifest)
        .args(options)
        .output()
        .expect("cargo-rusm can be started");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

/// A serving node. Killed if its test fails.
pub(crate) struct Server {
    child: Child,
    pid: u32,
    lines: watch::Receiver<Vec<String>>,
    reader: JoinHandle<()>,
    addresses: Vec<SocketAddr>,
}

impl Server {
    /// Builds, starts, and waits until `gateways` addresses answer.
    pub(crate) async fn start(manifest: &Path, gateways: usize, env: &[(&str, &str)]) -> Self {
        let mut command = Command::from(cargo_rusm());
        command.args(["serve", "--manifest-path"]).arg(manifest).envs(env.iter().copied());
        // Compiled code is shared by all tests.
        command.env("RUSM_DATA", root().join("target/e2e/data"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("cargo-rusm can be started");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let (sender, lines) = watch::channel(Vec::new());
        let reader = tokio::spawn(async move {
            while let Ok(Some(line)) = stderr.next_line().await {
                sender.send_modify(|lines: &mut Vec<String>| lines.push(line));
            }
        });
        let pid = child.id().expect("it runs");
        let mut server = Self { child, pid, lines, reader, addresses: Vec::new() };
        let listening = |lines: &[String]| {
            lines.iter().filter_map(|line| line.trim().strip_prefix("Serving http://")?.parse().ok()).collect()
        };
        server
            .until(PATIENCE, &format!("{gateways} addresses"), |lines| {
                let found: Vec<SocketAddr> = listening(lines);
                found.len() == gateways
            })
            .await;
        server.addresses = listening(&server.lines());
        server
    }

    /// Where the gateway of this number listens.
    pub(crate) fn address(&self, gateway: usize) -> SocketAddr {
        self.addresses[gateway]
    }

    /// The URL of a path.
    pub(crate) fn url(&self, gateway: usize, path: &str) -> String {
        format!("http://{}{path}", self.address(gateway))
    }

    /// Everything it said so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    /// Waits until it has said enough.
    async fn until(&self, limit: Duration, what: &str, enough: impl Fn(&[String]) -> bool) {
        let mut lines = self.lines.clone();
        let found = timeout(limit, lines.wait_for(|lines| enough(lines))).await.map(|found| found.is_ok());
        let seen = || self.lines().join("\n");
        match found {
            Ok(true) => {}
            Ok(false) => panic!("it ended before it said {what}:\n{}", seen()),
            Err(_) => panic!("it never said {what}:\n{}", seen()),
        }
    }

    /// Waits until `count` entries of its log match.
    pub(crate) async fn logged(&self, what: &str, count: usize, matches: impl Fn(&Entry) -> bool) {
        self.until(SOON, what, |lines| entries(lines).iter().filter(|entry| matches(entry)).count() >= count).await;
    }

    /// Asks it to end; gives its exit code and everything it ever said.
    pub(crate) async fn stop(mut self, signal: &str) -> (Option<i32>, Vec<String>) {
        signal_to(self.pid, signal);
        let status: ExitStatus =
            timeout(SOON, self.child.wait()).await.expect("it ends").expect("it can be waited for");
        timeout(SOON, self.reader).await.expect("its stderr is closed").expect("and was read");
        (status.code(), self.lines.borrow().clone())
    }
}

fn signal_to(pid: u32, signal: &str) {
    let sent = std::process::Command::new("kill").args(["-s", signal, &pid.to_string()]).status().expect("kill");
    assert!(sent.success(), "SIG{signal} to {pid}");
}

/// An entry of a log in JSON.
#[derive(Debug)]
pub(crate) struct Entry(Value);

impl Entry {
    pub(crate) fn level(&self) -> &str {
        self.0["level"].as_str().unwrap_or_default()
    }

    pub(crate) fn target(&self) -> &str {
        self.0["target"].as_str().unwrap_or_default()
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.0["fields"][name].as_str().unwrap_or_default()
    }

    /// A crash report.
    pub(crate) fn is_crash(&self) -> bool {
        self.target() == "rusm::crash" && self.level() == "ERROR"
    }

    /// The end of a process that was killed.
    pub(crate) fn is_killed(&self, label: &str) -> bool {
        self.target() == "rusm::process" && self.field("label") == label && self.field("reason") == "killed"
    }
}

/// The lines that are entries of the log.
pub(crate) fn entries(lines: &[String]) -> Vec<Entry> {
    lines.iter().filter_map(|line| serde_json::from_str(line).ok()).map(Entry).collect()
}

/// A client whose requests end.
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(SOON).build().expect("a client")
}

/// Status and text of an answer.
pub(crate) async fn read(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    (status, response.text().await.expect("a body"))
}

/// `GET`, on whichever connection is free.
pub(crate) async fn get(client: &reqwest::Client, url: &str) -> (u16, String) {
    read(client.get(url).send().await.expect("an answer")).await
}

/// Asks again and again, until the answer is this number.
pub(crate) async fn until_answered(client: &reqwest::Client, url: &str, number: u64) {
    let reached = async { while get(client, url).await != (200, number.to_string()) {} };
    timeout(SOON, reached).await.unwrap_or_else(|_| panic!("{url} never answered {number}"));
}

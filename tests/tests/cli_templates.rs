//! Each template is made, tested natively, built, started, asked and stopped, as the text after `cargo rusm new` says.
#![cfg(unix)]

mod cli_support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use cli_support::{cargo_rusm, run};

/// How long a build on a slow machine may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// An app in a folder of its own, which shares the versions and the target folder of this workspace.
struct App {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl App {
    fn new(template: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // In one target folder, artifacts of equal names would take each other's place.
        let name = format!("my-{template}");
        let (code, text) = run(folder.path(), &["new", &name, "--template", template]);
        assert_eq!(code, Some(0), "{text}");
        let path = folder.path().join(&name);
        fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock"), path.join("Cargo.lock")).unwrap();
        Self { _folder: folder, path }
    }

    fn here(&self, mut command: Command) -> Command {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/templates");
        command.current_dir(&self.path).env("CARGO_TARGET_DIR", target);
        command
    }

    fn cargo_test(&self) {
        let output = self.here(Command::new(env!("CARGO"))).args(["test", "--quiet"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("1 passed"), "{text}");
    }

    fn start(&self, command: Command) -> Started {
        let mut child = self.here(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let streams: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Started { child, lines, seen: Vec::new() }
    }

    fn rusm(&self, verb: &str) -> Started {
        let mut command = cargo_rusm();
        command.arg(verb);
        self.start(command)
    }
}

/// A running program; killed if the test fails.
struct Started {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Started {
    /// Waits for a line that holds this text.
    #[track_caller]
    fn line(&mut self, part: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.seen.push(line.clone()),
                Err(error) => panic!("no line with {part:?} ({error}), but:\n{}", self.seen.join("\n")),
            }
            if let Some(line) = self.seen.last().filter(|line| line.contains(part)) {
                return line.clone();
            }
        }
    }

    /// Asks it to end, and tells its exit code.
    fn signal(&mut self, name: &str) -> Option<i32> {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request on a connection of its own: the whole response.
fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn http() {
    let app = App::new("http");
    app.cargo_test();

    let manifest = app.path.join("rusm.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(text.contains("127.0.0.1:8080"));
    fs::write(&manifest, text.replace("127.0.0.1:8080", "127.0.0.1:0")).unwrap();

    let mut serve = app.rusm("serve");
    let address = serve.line("Serving http://");
    let address = address.split("http://").nth(1).unwrap().trim().to_owned();
    serve.line("try `curl ");
    assert!(ask(&address, "GET /").starts_with("HTTP/1.1 200 OK"));
    assert!(ask(&address, "POST /count/5").ends_with("\r\n\r\n5"));
    assert!(ask(&address, "GET /count").ends_with("\r\n\r\n5"), "the counter is resident");
    assert!(ask(&address, "POST /count/x").starts_with("HTTP/1.1 400"));
    assert!(ask(&address, "GET /nothing").starts_with("HTTP/1.1 404"));
    assert_eq!(serve.signal("TERM"), Some(0));
    assert!(TcpStream::connect(&address).is_err(), "nothing listens any more");

    // A mistake that only the built components show.
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("web#show", "web#shwo").replace("from = 0", "form = 0")).unwrap();
    let output = app.here(cargo_rusm()).arg("check").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("did you mean `web#show`?") && text.contains("did you mean `from`?"), "{text}");
    assert!(text.contains("rusm.toml has 3 mistakes"), "{text}");
}

#[test]
fn service() {
    let app = App::new("service");
    app.cargo_test();
    let mut run = app.rusm("run");
    run.line("Running greeter (resident)");
    assert_eq!(run.signal("INT"), Some(0));

    let output = app.here(cargo_rusm()).arg("serve").output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("has no [[serve]]") && text.contains("cargo rusm run"), "{text}");
}

#[test]
fn native() {
    let app = App::new("native");
    app.cargo_test();
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet"]);
    let mut program = app.start(command);
    program.line("after a crash it is 15");
    // cargo has become the program.
    program.line("Ctrl-C ends it");
    assert_eq!(program.signal("INT"), Some(0));
}

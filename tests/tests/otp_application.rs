//! Applications through the public API: order, failures, deadlines, and real signals to a real child process.

use rusm::otp::application::{Application, Report, Running, StartError, StopCause, Unread};
use rusm::otp::supervisor::Shutdown;
use rusm::prelude::*;
use std::time::Duration;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const LONG: Duration = Duration::from_secs(3600);

/// Writes down what happens.
pub struct Recorder(Vec<String>);

#[actor]
impl Recorder {
    #[init]
    fn start() -> Self {
        Self(Vec::new())
    }

    pub fn note(&mut self, what: String) {
        self.0.push(what);
    }

    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
}

/// What a worker does beside noting its start and its end.
#[derive(PartialEq, Eq)]
#[wire]
pub enum Manner {
    Good,
    NoStart,
    NoEnd,
}

pub struct Worker {
    id: String,
    manner: Manner,
}

#[actor]
impl Worker {
    #[init]
    async fn start(cx: &mut Cx<Self>, id: String, manner: Manner) -> std::result::Result<Self, Exit> {
        if manner == Manner::NoStart {
            return Err(Exit::error("not today"));
        }
        note(cx.node(), format!("+{id}")).await;
        Ok(Self { id, manner })
    }

    pub async fn answer_and_hang(&mut self, reply: Reply<()>) {
        reply.send(());
        std::future::pending::<()>().await;
    }

    #[cast]
    pub fn ping(&self) {}

    pub async fn spawn_alone(&self, cx: &mut Cx<Self>) -> Option<Pid> {
        let args = (format!("alone of {}", self.id), Manner::Good);
        Some(cx.spawn::<Worker>(args).await.ok()?.pid())
    }

    #[on(terminate)]
    async fn bye(&mut self, cx: &mut Cx<Self>, _reason: &ExitReason) {
        note(cx.node(), format!("-{}", self.id)).await;
        if self.manner == Manner::NoEnd {
            std::future::pending::<()>().await;
        }
    }
}

async fn note(node: &Node, what: String) {
    if let Ok(recorder) = RecorderClient::named(node, "recorder") {
        let _ = recorder.note(what).await;
    }
}

async fn node() -> Result<(Node, Ref<Recorder>)> {
    let node = Node::builder().build().await?;
    let recorder = node.spawn::<Recorder>(()).await?;
    node.register("recorder", recorder.pid())?;
    Ok((node, recorder))
}

/// An application with one worker of its name.
fn app(name: &'static str, manner: fn() -> Manner) -> Application {
    Application::new(name).tree(move || {
        let worker = ChildSpec::actor::<Worker>(name, move || (name.to_owned(), manner())).named(name);
        Supervisor::new().label(format!("tree of {name}")).child(worker.shutdown(Shutdown::Infinite))
    })
}

fn good(name: &'static str) -> Application {
    app(name, || Manner::Good)
}

fn names(report: &Report) -> Vec<&str> {
    report.applications.iter().map(|stopped| &*stopped.name).collect()
}

fn labels(report: &Report) -> Vec<Vec<String>> {
    let killed =
        |app: &rusm::otp::application::Stopped| app.killed.iter().map(|killed| killed.label.to_string()).collect();
    report.applications.iter().map(killed).collect()
}

async fn listed(running: Running, recorder: &Ref<Recorder>) -> Result<(Vec<String>, Report)> {
    recorder.take().await?;
    let report = running.stop(LONG).await;
    Ok((recorder.take().await?, report))
}

#[tokio::test]
async fn they_start_in_order_and_stop_in_reverse() -> Result {
    let (node, recorder) = node().await?;
    let apps = [
        good("web").depends_on(["db", "cache"]),
        good("cache").depends_on(["db"]),
        Application::new("all").depends_on(["web"]),
        good("db"),
        good("log"),
    ];
    let running = node.start_applications(apps).await?;
    assert_eq!(running.names().iter().map(|name| &**name).collect::<Vec<_>>(), ["db", "cache", "web", "all", "log"]);
    assert_eq!(recorder.take().await?, ["+db", "+cache", "+web", "+log"]);
    let (noted, report) = listed(running, &recorder).await?;
    assert_eq!(noted, ["-log", "-web", "-cache", "-db"]);
    assert_eq!((names(&report), report.is_clean()), (vec!["log", "all", "web", "cache", "db"], true));
    assert_eq!(report.cause, StopCause::Asked);
    let reasons: Vec<_> = report.applications.iter().map(|app| app.reason.clone()).collect();
    let shutdown = Some(ExitReason::Shutdown);
    assert_eq!(reasons, [shutdown.clone(), None, shutdown.clone(), shutdown.clone(), shutdown]);
    assert_eq!(node.alive(), 1);
    Ok(())
}

#[tokio::test]
async fn one_that_does_not_start_stops_the_others() -> Result {
    let (node, recorder) = node().await?;
    let apps = [good("a"), good("b").depends_on(["a"]), app("bad", || Manner::NoStart), good("never")];
    let failed = node.start_applications(apps).await;
    let Err(StartError::Failed { name, error, report }) = failed else { panic!("{failed:?}") };
    assert_eq!((&*name, names(&report)), ("bad", vec!["b", "a"]));
    assert!(error.to_string().contains("not today") && report.is_clean(), "{error}");
    assert_eq!(report.cause, StopCause::NotStarted("bad".into()));
    assert_eq!(recorder.take().await?, ["+a", "+b", "-b", "-a"]);

    let panics = Application::new("panics").tree(|| -> Supervisor { panic!("no tree today") });
    let failed = node.start_applications([good("a"), panics]).await.err().map(|error| error.to_string());
    assert!(failed.as_ref().is_some_and(|text| text.contains("no tree today")), "{failed:?}");
    assert_eq!((recorder.take().await?, node.alive()), (vec!["+a".to_owned(), "-a".to_owned()], 1));
    Ok(())
}

#[tokio::test]
async fn names_that_do_not_fit_start_nothing() -> Result {
    let (node, recorder) = node().await?;
    let cases: [(Vec<Application>, &str); 3] = [
        (vec![good("a"), good("a")], "there are two applications \"a\": rename one, or remove it"),
        (
            vec![good("a").depends_on(["db"])],
            "application \"a\" depends on \"db\", which is not in the list: add it, or take it out of `depends_on`",
        ),
        (
            vec![good("a").depends_on(["b"]), good("b").depends_on(["a"])],
            "applications depend on each other: \"a\" -> \"b\" -> \"a\": take one of these out of `depends_on`",
        ),
    ];
    for (apps, expected) in cases {
        assert_eq!(node.start_applications(apps).await.err().map(|error| error.to_string()).as_deref(), Some(expected));
    }
    assert_eq!((recorder.take().await?, node.alive()), (Vec::new(), 1));
    Ok(())
}

#[tokio::test]
async fn what_is_left_at_the_deadline_is_killed_and_reported() -> Result {
    let (node, recorder) = node().await?;
    let running = node.start_applications([good("db"), app("web", || Manner::NoEnd), good("busy")]).await?;
    let busy = WorkerClient::named(&node, "busy")?;
    busy.answer_and_hang().await?;
    for _ in 0..3 {
        busy.ping().send()?;
    }
    let busy = busy_pid(&node)?;
    recorder.take().await?;
    let report = running.stop(Duration::ZERO).await;
    assert_eq!(names(&report), ["busy", "web", "db"]);
    let trees = [["tree of busy", "Worker"], ["tree of web", "Worker"], ["tree of db", "Worker"]];
    for (killed, expected) in labels(&report).iter_mut().zip(trees) {
        killed.sort_by_key(|label| label == "Worker");
        assert_eq!(killed.as_slice(), expected);
    }
    assert!(report.applications.iter().all(|app| app.reason == Some(ExitReason::Killed)), "{report}");
    assert!(report.applications.iter().flat_map(|app| &app.killed).all(|killed| killed.is_gone), "{report}");
    let unread: Vec<_> = report.applications.iter().flat_map(|app| &app.unread).collect();
    let [Unread { pid, messages, .. }] = unread[..] else { panic!("{report}") };
    assert_eq!((*pid, *messages, node.alive()), (busy, 3, 1));
    assert!(report.to_string().contains("3 unread"), "{report}");
    Ok(())
}

fn busy_pid(node: &Node) -> Result<Pid> {
    Ok(node.whereis("busy").ok_or("nobody is busy")?)
}

#[tokio::test]
async fn whoever_outlives_its_tree_is_killed() -> Result {
    let (node, recorder) = node().await?;
    let running = node.start_applications([good("web")]).await?;
    let alone = WorkerClient::named(&node, "web")?.spawn_alone().await?.ok_or("no start")?;
    let ended = node.ended(alone);
    let (noted, report) = listed(running, &recorder).await?;
    assert_eq!((noted, ended.await), (vec!["-web".to_owned()], ExitReason::Killed));
    assert_eq!(report.applications[0].reason, Some(ExitReason::Shutdown));
    assert_eq!(report.applications[0].killed.iter().map(|killed| killed.pid).collect::<Vec<_>>(), [alone]);
    Ok(())
}

#[tokio::test]
async fn a_tree_that_ends_takes_the_others_along_unless_it_is_temporary() -> Result {
    let (node, recorder) = node().await?;
    let apps = [good("db"), good("web"), good("extra").temporary()];
    let running = node.start_applications(apps).await?;
    let root = |name: &str| node.whereis(name).and_then(|pid| node.info(pid)?.parent).ok_or("no tree");
    let (extra, web) = (root("extra")?, root("web")?);
    recorder.take().await?;
    let (ended, waited) = (node.ended(extra), running.until_signal(LONG));
    tokio::pin!(waited);
    node.exit(extra, ExitReason::Shutdown);
    tokio::select! {
        biased;
        report = &mut waited => panic!("{report:?}"),
        _ = ended => {}
    }
    node.kill(web);
    let report = waited.await?;
    assert_eq!(report.cause, StopCause::Ended { name: "web".into(), reason: ExitReason::Killed });
    assert_eq!((names(&report), node.alive()), (vec!["extra", "web", "db"], 1));
    assert_eq!(recorder.take().await?.last().map(String::as_str), Some("-db"));
    Ok(())
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing() -> Result {
    let (node, recorder) = node().await?;
    let stuck = Application::new("stuck").start(|_| std::future::pending());
    let starting = node.start_applications([good("db"), stuck]);
    let mut starting = Box::pin(starting);
    let root = loop {
        assert!(futures_util::poll!(starting.as_mut()).is_pending());
        tokio::task::yield_now().await;
        if recorder.take().await? == ["+db"] {
            break node.whereis("db").and_then(|pid| node.info(pid)?.parent).ok_or("no tree")?;
        }
    };
    let worker = node.ended(node.whereis("db").ok_or("no worker")?);
    let ended = node.ended(root);
    drop(starting);
    assert_eq!(ended.await, ExitReason::Killed);
    worker.await;
    Ok(())
}

#[cfg(unix)]
mod signals {
    use super::*;
    use std::io::{BufRead, BufReader, Lines};
    use std::process::{Child, ChildStdout, Command, Stdio};

    /// Tells this test binary to be the program that gets the signals.
    const MANNER: &str = "RUSM_TEST_APPLICATION";

    /// Not a test by itself: the others run it as a process of its own.
    #[test]
    fn program() -> Result {
        let Ok(manner) = std::env::var(MANNER) else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async move {
            let node = Node::builder().build().await?;
            let recorder = node.spawn::<Printer>(()).await?;
            node.register("recorder", recorder.pid())?;
            let web = if manner == "stuck" { app("web", || Manner::NoEnd) } else { good("web") };
            let running = node.start_applications([good("db"), web.depends_on(["db"])]).await?;
            let waited = running.until_signal(LONG);
            tokio::pin!(waited);
            // The first poll listens.
            assert!(futures_util::poll!(waited.as_mut()).is_pending());
            println!("#ready");
            let report = waited.await?;
            let killed: usize = report.applications.iter().map(|app| app.killed.len()).sum();
            println!("#{}, {killed} killed", report.cause);
            Ok(())
        })
    }

    /// Says at once what the recorder writes down.
    pub struct Printer;

    #[actor]
    impl Printer {
        #[init]
        fn start() -> Self {
            Self
        }

        pub fn note(&mut self, what: String) {
            println!("#{what}");
        }
    }

    struct Program {
        child: Child,
        lines: Lines<BufReader<ChildStdout>>,
    }

    impl Program {
        fn start(manner: &str) -> Result<Self> {
            let mut child = Command::new(std::env::current_exe()?)
                .args(["--exact", "signals::program", "--nocapture"])
                .env(MANNER, manner)
                .stdout(Stdio::piped())
                .spawn()?;
            let out = child.stdout.take().ok_or("no stdout")?;
            Ok(Self { child, lines: BufReader::new(out).lines() })
        }

        /// Sends a signal.
        fn send(&self, signal: &str) -> Result {
            let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.child.id())]).status()?;
            if sent.success() { Ok(()) } else { Err("not sent".into()) }
        }

        /// What it says next; lines of the test harness are not its own.
        fn says(&mut self) -> Result<String> {
            for line in &mut self.lines {
                if let Some((_, said)) = line?.split_once('#') {
                    return Ok(said.to_owned());
                }
            }
            Err("it has ended".into())
        }

        fn ends_well(mut self) -> Result {
            while self.says().is_ok() {}
            if self.child.wait()?.success() { Ok(()) } else { Err("it failed".into()) }
        }
    }

    impl Drop for Program {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    fn starts(program: &mut Program) -> Result {
        for expected in ["+db", "+web", "ready"] {
            assert_eq!(program.says()?, expected);
        }
        Ok(())
    }

    #[test]
    fn a_signal_stops_all_in_reverse() -> Result {
        for (signal, name) in [("TERM", "SIGTERM"), ("INT", "SIGINT")] {
            let mut program = Program::start("good")?;
            starts(&mut program)?;
            program.send(signal)?;
            assert_eq!((program.says()?, program.says()?), ("-web".to_owned(), "-db".to_owned()));
            assert_eq!(program.says()?, format!("stopped by {name}, 0 killed"));
            program.ends_well()?;
        }
        Ok(())
    }

    #[test]
    fn a_second_signal_stops_at_once() -> Result {
        let mut program = Program::start("stuck")?;
        starts(&mut program)?;
        program.send("TERM")?;
        assert_eq!(program.says()?, "-web");
        program.send("INT")?;
        assert_eq!(program.says()?, "stopped by SIGTERM, 4 killed");
        program.ends_well()
    }
}

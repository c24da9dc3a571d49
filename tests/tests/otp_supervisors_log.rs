//! What supervisors write into the log.

mod otp_supervisors_support;

use otp_supervisors_support::*;
use rusm::prelude::*;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps what supervisors say: level, child and message.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Line {
    child: String,
    message: String,
    reason: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let to = match field.name() {
            "child" => &mut self.child,
            "message" => &mut self.message,
            "reason" => &mut self.reason,
            _ => return,
        };
        let _ = write!(to, "{value:?}");
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "rusm::supervisor" && *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { child, message, reason } = line;
        self.0.lock().unwrap().push(format!("{} {child}: {message} ({reason})", event.metadata().level()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn each_decision_is_written_once() -> Result {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let (node, world) = (node().await, World::new());
    world.on_start("b", 1, OnStart::Fail);
    let tree = Supervisor::new().strategy(Strategy::OneForAll).intensity(Intensity::new(2, Duration::from_secs(5)));
    let tree =
        supervise(&node, tree, [world.child("a"), world.child("b"), world.child("t").restart(Restart::Temporary)])
            .await;
    let ended = node.ended(tree.pid());
    end(&node, &tree, "t", How::Normal).await;
    let before = world.pid("b");
    end(&node, &tree, "a", How::Error).await;
    tree.restarted("b", before).await?;
    world.kill(&node, "b").await;
    assert_eq!(ended.await, ExitReason::Shutdown);
    let written = std::mem::take(&mut *log.0.lock().unwrap());
    assert_eq!(
        written,
        [
            "WARN a: a child ended: it is started again (error: as asked)",
            "WARN b: a child did not start: it is tried again (error: the process ended while it started: error: no start)",
            "ERROR b: a child ended, and that is too many restarts: the supervisor gives up (killed)",
        ]
    );
    Ok(())
}

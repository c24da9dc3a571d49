//! Everything that a process which is a function may look like, under the strictest lints.
#![deny(warnings, missing_docs, missing_debug_implementations, unused_qualifications)]
// In a test nothing is reachable.
#![allow(unreachable_pub)]
#![deny(clippy::all, clippy::pedantic)]

use std::time::Duration;

use rusm::prelude::*;

mod sealed {
    use rusm::prelude::*;

    #[wire]
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) struct Job {
        pub(crate) weight: u32,
    }

    /// Less visible than its module.
    #[actor]
    pub(super) async fn hidden(mut inbox: Inbox<Job>) -> Exit {
        Exit::error(inbox.receive().await.weight)
    }
}

use sealed::{HiddenClient, Job, hidden};

/// Why a process fails.
#[derive(Debug)]
pub struct Heavy(u32);

impl std::fmt::Display for Heavy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is too heavy", self.0)
    }
}

impl std::error::Error for Heavy {}

/// A name that is a keyword, patterns among the arguments, an error of its own.
#[actor]
async fn r#loop(mut inbox: Inbox<Job>, (most, _): (u32, bool), inbox_: Option<String>) -> Result<(), Heavy> {
    let argument_0 = inbox_;
    while let Some(job) = inbox.receive_match(|job| job.weight > 0).timeout(Duration::from_secs(5)).await {
        if job.weight > most {
            return Err(Heavy(job.weight));
        }
    }
    drop(argument_0);
    Ok(())
}

/// Two words, no arguments, no end.
#[actor]
pub async fn for_ever(mut inbox: Inbox<String>) {
    loop {
        if let Event::Message(text) = inbox.next().await
            && text.is_empty()
        {
            return;
        }
    }
}

/// A function of a function.
async fn local(node: &Node) -> Result<ExitReason, Box<dyn std::error::Error>> {
    #[actor]
    async fn within(mut inbox: Inbox<Vec<u8>>, at_least: usize) -> Result<(), Exit> {
        let bytes = inbox.receive().await;
        if bytes.len() < at_least { Err(Exit::shutdown()) } else { Ok(()) }
    }
    let within = node.spawn::<within>(2).await?;
    let ended = node.ended(within.pid());
    within.send(vec![1]).send()?;
    Ok(ended.await)
}

#[tokio::test]
async fn they_run() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().build().await?;
    assert_eq!(local(&node).await?, ExitReason::Shutdown);

    let light = node.spawn::<hidden>(()).await?;
    let ended = node.ended(light.pid());
    let client: HiddenClient = light.client().clone();
    client.send(Job { weight: 7 }).send()?;
    assert_eq!(ended.await, ExitReason::Error("7".into()));

    let heavy = node.spawn::<r#loop>(((10, true), None)).await?;
    node.register("heavy", heavy.pid())?;
    let ended = node.ended(heavy.pid());
    LoopClient::named(&node, "heavy")?.send(Job { weight: 11 }).send()?;
    assert_eq!(ended.await, ExitReason::Error("11 is too heavy".into()));

    let text = node.spawn::<for_ever>(()).await?;
    let ended = node.ended(text.pid());
    text.send(String::new()).send()?;
    assert_eq!(ended.await, ExitReason::Normal);
    // The function is still one.
    let _: fn(Inbox<String>) -> _ = for_ever;
    Ok(())
}

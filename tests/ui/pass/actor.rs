//! Everything that an actor may hold, under the strictest lints.
#![deny(warnings, missing_docs, missing_debug_implementations, unused_qualifications)]
// In a test nothing is reachable.
#![allow(unreachable_pub)]
#![deny(clippy::all, clippy::pedantic)]
#![allow(
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self,
    reason = "what users write here is a shape"
)]

use std::collections::VecDeque;

use rusm::prelude::*;

mod sealed {
    use rusm::prelude::*;

    #[wire]
    #[derive(Debug, Clone, PartialEq)]
    pub(crate) struct Job {
        pub(crate) weight: u32,
    }
}

use sealed::Job;

/// Counts.
#[derive(Debug)]
pub struct Counter {
    total: i64,
    waiting: VecDeque<(Job, Reply<u32>)>,
    ends: u32,
}

/// Why a counter doesn't start.
#[derive(Debug)]
pub struct Negative(i64);

impl std::fmt::Display for Negative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is below zero", self.0)
    }
}

impl std::error::Error for Negative {}

#[actor]
impl Counter {
    const STEP: i64 = 1;

    #[init]
    async fn start(from: i64, _cx: &mut Cx<Self>, waiting: Vec<u8>) -> Result<Self, Negative> {
        assert!(waiting.is_empty());
        if from < 0 { Err(Negative(from)) } else { Ok(Self { total: from, waiting: VecDeque::new(), ends: 0 }) }
    }

    /// The numbers up to the total.
    #[stream]
    pub(crate) async fn numbers(&self, _cx: &mut Cx<Self>, from: i64) -> impl Stream<Item = i64> {
        futures_util::stream::iter(from..self.total)
    }

    /// Adds to the total.
    pub async fn add(&mut self, mut by: i64) -> i64 {
        by *= Self::STEP;
        self.total += by;
        self.total
    }

    /// The total, synchronously.
    pub fn total(&self) -> i64 {
        self.total
    }

    /// Starts over.
    #[cast]
    pub fn reset(&mut self) {
        self.total = 0;
    }

    /// Names that are keywords, ours, or generated.
    pub async fn r#move(
        &mut self,
        r#type: String,
        message: u8,
        cx: u8,
        reply: Option<u8>,
        to: u8,
        incoming: u8,
    ) -> String {
        format!("{type} {message} {cx} {reply:?} {to} {incoming}")
    }

    /// Answered by [`Counter::flush`].
    pub fn slow(&mut self, job: Job, answer: Reply<u32>) {
        self.waiting.push_back((job, answer));
    }

    /// Answers everybody.
    #[cast]
    pub async fn flush(&mut self) {
        for (job, answer) in self.waiting.drain(..) {
            answer.send(job.weight);
        }
    }

    /// Who this is.
    pub(crate) async fn me(&mut self, cx: &mut Cx<Self>) -> Pid {
        self.helper();
        cx.pid()
    }

    /// Like `Actor::handle` and `Actor::init`, but a message.
    pub fn handle(&self, init: u8) -> Result<u8, String> {
        Ok(init)
    }

    #[on(exit)]
    async fn linked_died(&mut self, cx: &mut Cx<Self>, exit: ExitSignal) {
        if exit.from != cx.pid() {
            self.ends += 1;
        }
    }

    #[on(down)]
    fn watched_died(&mut self, Down { .. }: Down) {
        self.ends += 1;
    }

    #[on(terminate)]
    async fn bye(&mut self, _reason: &ExitReason) {
        self.helper();
    }

    fn helper(&self) {
        let _ = self.ends;
    }
}

mod odd {
    //! Names that rustc warns of are the user's to allow, once.
    use rusm::prelude::*;

    #[allow(non_camel_case_types)]
    pub(super) struct odd_;

    #[allow(non_snake_case)]
    #[actor]
    impl odd_ {
        #[init]
        fn start() -> Self {
            odd_
        }
        pub fn addOne(&self, toThis: u8) -> u8 {
            toThis + 1
        }
        pub fn self_(&self) {}
    }
}

/// Handles no message at all.
struct Idle;

#[actor]
impl Idle {
    #[init]
    fn start() -> Idle {
        Idle
    }
}

#[tokio::test]
async fn answers() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().build().await?;
    let counter = node.spawn::<Counter>((1, Vec::new())).await?;
    assert_eq!(counter.add(5).await?, 6);
    assert_eq!(counter.total().await?, 6);
    counter.reset().send()?;
    assert_eq!(counter.total().await?, 0);
    assert_eq!(counter.r#move("a".to_owned(), 1, 2, Some(3), 4, 5).await?, "a 1 2 Some(3) 4 5");
    assert_eq!(counter.handle(7).await?, Ok(7));
    assert_eq!(counter.me().await?, counter.pid());

    let client: CounterClient = (*counter).clone();
    let slow = tokio::spawn(async move { client.slow(Job { weight: 3 }).await });
    // A message that arrives before the other one's job finds nothing to answer.
    while !slow.is_finished() {
        counter.flush().send()?;
        tokio::task::yield_now().await;
    }
    assert_eq!(slow.await??, 3);

    assert!(node.spawn::<Counter>((-1, Vec::new())).await.is_err());
    node.spawn::<Idle>(()).await?;
    let odd = node.spawn::<odd::odd_>(()).await?;
    odd.self_().await?;
    assert_eq!(odd.addOne(1).await?, 2);
    Ok(())
}

#[tokio::test]
async fn in_a_function() -> Result<(), Box<dyn std::error::Error>> {
    struct Local;
    #[actor]
    impl Local {
        #[init]
        fn start() -> Self {
            Local
        }
        pub fn name(&self) -> String {
            "local".to_owned()
        }
    }
    let node = Node::builder().build().await?;
    assert_eq!(node.spawn::<Local>(()).await?.name().await?, "local");
    Ok(())
}

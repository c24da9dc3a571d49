//! Callbacks: values that come back as the owner's own messages.

use rusm::otp::Address;
use rusm::prelude::*;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A callback inside a message.
#[wire]
pub struct Subscription {
    from: u64,
    tell: Callback<u64>,
}

pub struct Source {
    subscribers: Vec<Subscription>,
}

#[actor]
impl Source {
    #[init]
    fn start() -> Self {
        Self { subscribers: Vec::new() }
    }

    pub fn subscribe(&mut self, subscription: Subscription) {
        self.subscribers.push(subscription);
    }

    /// Tells all who want it; those who are gone are forgotten. How many are left.
    pub fn publish(&mut self, value: u64) -> usize {
        self.subscribers.retain(|one| value < one.from || one.tell.call(value).is_ok());
        self.subscribers.len()
    }
}

pub struct Sink {
    heard: Vec<u64>,
}

#[actor]
impl Sink {
    #[init]
    fn start() -> Self {
        Self { heard: Vec::new() }
    }

    /// Hands out a way back to itself.
    pub async fn follow(&mut self, cx: &mut Cx<Self>, source: Pid, from: u64) -> std::result::Result<(), String> {
        let source = SourceClient::from_address(Address::pid_on(cx.node(), source));
        let tell = Callback::new(cx.me(), |me, value| me.heard_of(value).send());
        source.subscribe(Subscription { from, tell }).await.map_err(|error| error.to_string())
    }

    #[cast]
    pub fn heard_of(&mut self, value: u64) {
        self.heard.push(value);
    }

    pub fn heard(&self) -> Vec<u64> {
        self.heard.clone()
    }
}

#[actor]
async fn raw(mut inbox: Inbox<u64>, to: Callback<u64>) -> std::result::Result<(), SendError> {
    let value = inbox.receive().await;
    to.call(value + 1)
}

#[tokio::test]
async fn values_come_back_as_messages_of_the_owner() -> Result {
    let node = Node::builder().workers(2).build().await?;
    let source = node.spawn::<Source>(()).await?;
    let (first, second) = (node.spawn::<Sink>(()).await?, node.spawn::<Sink>(()).await?);
    first.follow(source.pid(), 0).await??;
    second.follow(source.pid(), 2).await??;
    for value in 1..=3 {
        assert_eq!(source.publish(value).await?, 2);
    }
    assert_eq!(first.heard().await?, [1, 2, 3]);
    assert_eq!(second.heard().await?, [2, 3]);
    node.kill(first.pid());
    node.ended(first.pid()).await;
    assert_eq!(source.publish(4).await?, 1, "the callback of a process that is gone says so");
    assert_eq!(second.heard().await?, [2, 3, 4]);
    Ok(())
}

#[tokio::test]
async fn clones_lead_to_the_same_owner() -> Result {
    let node = Node::builder().workers(2).build().await?;
    let sink = node.spawn::<Sink>(()).await?;
    let tell = Callback::new(sink.client().clone(), |sink, value| sink.heard_of(value).send());
    let process = node.spawn::<raw>(tell.clone()).await?;
    process.send(1).send()?;
    assert_eq!(Ref::ended(&process).await, ExitReason::Normal);
    tell.call(3)?;
    assert_eq!(sink.heard().await?, [2, 3]);
    Ok(())
}

#[tokio::test]
async fn what_reads_bytes_gets_no_callbacks() -> Result {
    let node = Node::builder().workers(1).build().await?;
    let sink = node.spawn::<Sink>(()).await?;
    let other = SourceClient::from_address(Address::pid_on(&node, sink.pid()));
    let tell = Callback::new(sink.client().clone(), |sink, value| sink.heard_of(value).send());
    let Err(CallError::Malformed(text)) = other.subscribe(Subscription { from: 0, tell }).await else {
        panic!("a callback has crossed")
    };
    assert!(text.contains("a callback does not leave its node"), "{text}");
    Ok(())
}

//! Calls over a line that loses what each test wants it to lose, under virtual time.

use super::*;
use phone::{AGAIN, NoCall, PATIENCE, RINGS, SILENCE};
use tokio::time::Instant;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const FOREVER: Duration = Duration::from_secs(600);

struct Call {
    node: Node,
    line: Ref<Line>,
    ann: Ref<Phone>,
    bob: Ref<Phone>,
}

async fn call() -> Result<Call> {
    let node = Node::builder().in_runtime().build().await?;
    let line = node.spawn::<Line>(()).await?;
    node.register("line", line.pid())?;
    let ann = node.spawn::<Phone>(("line".into(), false)).await?;
    let bob = node.spawn::<Phone>(("line".into(), true)).await?;
    Ok(Call { node, line, ann, bob })
}

impl Call {
    fn states(&self) -> [Option<&'static str>; 2] {
        [&self.ann, &self.bob].map(|phone| self.node.info(phone.pid()).and_then(|info| info.state))
    }

    async fn connect(&self) -> Result {
        let dialled = self.ann.dial().timeout(FOREVER);
        let (dialled, picked_up) = tokio::join!(dialled, self.bob.pick_up().timeout(FOREVER));
        picked_up?;
        assert_eq!(dialled?, Ok(()));
        assert_eq!(self.states(), [Some("Talking"); 2]);
        Ok(())
    }
}

/// Not early, and at most a little late.
#[track_caller]
fn took(since: Instant, expected: Duration) {
    let took = since.elapsed();
    assert!(took >= expected && took < expected + AGAIN / 2, "{took:?} instead of {expected:?}");
}

#[tokio::test(start_paused = true)]
async fn an_invitation_is_repeated_at_twice_the_time_until_it_is_heard() -> Result {
    let call = call().await?;
    call.line.lose(3).await?;
    let began = Instant::now();
    call.connect().await?;
    took(began, AGAIN * (1 + 2 + 4));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_it_rings_waits_and_is_heard_in_order() -> Result {
    let call = call().await?;
    let (ann, bob) = (&call.ann, &call.bob);
    let (dialled, one, two, picked_up) = tokio::join!(
        ann.dial(),
        ann.say("one".into()),
        ann.say("two".into()),
        // Only now: bob waits for the ring.
        bob.pick_up(),
    );
    picked_up?;
    assert_eq!((dialled?, one?, two?), (Ok(()), true, true));
    assert!(ann.say("three".into()).await?);
    // By way of the line, so that it has carried what was said.
    call.line.lose(0).await?;
    assert_eq!(bob.heard().await?, ["one", "two", "three"]);
    Ok(())
}

/// That the phone was picked up is lost: what is said says so too.
#[tokio::test(start_paused = true)]
async fn who_speaks_has_picked_up() -> Result {
    let call = call().await?;
    let began = Instant::now();
    let dialled = async { call.ann.dial().timeout(FOREVER).await };
    let answered = async {
        // It rings once the invitation was heard: two packets.
        while call.states() != [Some("Dialling"), Some("Ringing")] || call.line.lose(0).await? < 2 {
            tokio::task::yield_now().await;
        }
        call.line.lose(1).await?;
        call.bob.pick_up().await?;
        call.bob.say("hello?".into()).await
    };
    let (dialled, answered) = tokio::join!(dialled, answered);
    assert_eq!((dialled?, answered?), (Ok(()), true));
    assert_eq!(call.ann.heard().await?, ["hello?"]);
    took(began, Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn patience_ends() -> Result {
    let call = call().await?;
    call.line.lose(u32::MAX).await?;
    let began = Instant::now();
    let (dialled, said) =
        tokio::join!(call.ann.dial().timeout(FOREVER), call.ann.say("hello?".into()).timeout(FOREVER));
    assert_eq!((dialled?, said?), (Err(NoCall::NoAnswer), false));
    took(began, PATIENCE);
    // 0.5, 1.5, 3.5, 7.5, and then every four seconds.
    assert_eq!(call.line.lose(0).await?, 11);
    assert_eq!(call.states(), [Some("OnHook"); 2]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nobody_picks_up() -> Result {
    let call = call().await?;
    let began = Instant::now();
    assert_eq!(call.ann.dial().timeout(FOREVER).await?, Err(NoCall::Busy));
    took(began, RINGS);
    assert_eq!(
        call.line.lose(0).await?,
        3,
        "an invitation, a ring, and that it is busy: what rings is not asked again"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn both_dial() -> Result {
    let call = call().await?;
    let (ann, bob) = tokio::join!(call.ann.dial(), call.bob.dial());
    assert_eq!((ann?, bob?), (Ok(()), Ok(())));
    assert_eq!(call.states(), [Some("Talking"); 2]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_insists_and_the_next_call_waits_for_that() -> Result {
    let call = call().await?;
    call.connect().await?;
    call.line.lose(2).await?;
    let began = Instant::now();
    call.ann.hang_up().await?;
    assert_eq!(call.states(), [Some("HangingUp"), Some("Talking")]);
    // The line carries the third bye after 1.5 seconds, and bob is called right then.
    let picked_up = async {
        tokio::time::sleep(AGAIN * 4).await;
        assert_eq!(call.states(), [Some("Dialling"), Some("Ringing")]);
        call.bob.pick_up().await
    };
    let (dialled, picked_up) = tokio::join!(call.ann.dial(), picked_up);
    assert_eq!((dialled?, picked_up?), (Ok(()), ()));
    took(began, AGAIN * 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_silent_call_is_over() -> Result {
    let call = call().await?;
    call.connect().await?;
    tokio::time::sleep(SILENCE - AGAIN).await;
    assert!(call.bob.say("still there?".into()).await?);
    tokio::time::sleep(SILENCE - AGAIN).await;
    assert_eq!(call.states(), [Some("Talking"); 2]);
    tokio::time::sleep(AGAIN * 2).await;
    assert_eq!(call.states(), [Some("OnHook"); 2]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_is_in_a_call_dials_nobody() -> Result {
    let call = call().await?;
    call.connect().await?;
    assert_eq!(call.ann.dial().await?, Err(NoCall::InCall));
    Ok(())
}

//! A phone as a state machine: it dials, rings, talks and hangs up over a line that loses packets.
//!
//! The rules are those of SIP (RFC 3261), made short: whoever wants something says so again and again, first after [`AGAIN`] and then
//! after twice the time, until it is answered or [`PATIENCE`] is over. Whoever has answered answers again when it is asked again.

use crate::line::LineClient;
use rusm::prelude::*;
use std::time::Duration;

/// When a packet is first sent again: T1 of the RFC.
pub const AGAIN: Duration = Duration::from_millis(500);
/// The longest time until it is: T2.
pub const AGAIN_AT_MOST: Duration = Duration::from_secs(4);
/// When it is given up: 64 times T1.
pub const PATIENCE: Duration = Duration::from_secs(32);
/// How long a phone rings.
pub const RINGS: Duration = Duration::from_secs(20);
/// A call in which nobody says anything for so long is over.
pub const SILENCE: Duration = Duration::from_secs(60);

/// What a phone is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, State)]
pub enum Phase {
    #[default]
    OnHook,
    /// It has invited the other phone and waits for it to be picked up.
    Dialling,
    /// It was invited, and waits to be picked up.
    Ringing,
    Talking,
    /// It has hung up, and waits for the other phone to know.
    HangingUp,
}

/// What phones say to each other.
#[wire]
#[derive(Debug, Clone, PartialEq)]
pub enum Packet {
    Invite,
    Rings,
    PickedUp,
    Busy,
    Says(String),
    Bye,
    GoodBye,
}

/// Why there is no call.
#[wire]
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoCall {
    /// The other phone is in a call, or nobody picked it up.
    Busy,
    /// Nothing came back.
    NoAnswer,
    /// This phone is in a call.
    InCall,
    /// It was hung up.
    HungUp,
}

/// One end of a line.
#[derive(Debug)]
pub struct Phone {
    line: LineClient,
    end: bool,
    /// Who dialled, and waits to be connected.
    dialled: Option<Reply<Result<(), NoCall>>>,
    heard: Vec<String>,
    /// When it repeats itself next.
    again: Duration,
}

#[actor(state = Phase)]
impl Phone {
    #[init]
    async fn start(line: String, end: bool, cx: &mut Cx<Self>) -> Result<Self, CallError> {
        let line = LineClient::connect(&line);
        line.plug(end, Callback::new(cx.me(), |phone, packet| phone.receive(packet).send())).await?;
        Ok(Self { line, end, dialled: None, heard: Vec::new(), again: AGAIN })
    }

    /// Calls the other phone; answered once somebody picks it up. A call that is just ending is waited for.
    #[postpone(Phase::HangingUp)]
    pub fn dial(&mut self, reply: Reply<Result<(), NoCall>>, cx: &mut Cx<Self>) {
        if *cx.state() != Phase::OnHook {
            return reply.send(Err(NoCall::InCall));
        }
        self.dialled = Some(reply);
        cx.to(Phase::Dialling);
    }

    /// Picks it up, once it rings.
    #[postpone(Phase::OnHook | Phase::Dialling | Phase::HangingUp)]
    pub fn pick_up(&mut self, cx: &mut Cx<Self>) {
        if *cx.state() == Phase::Ringing {
            self.send(Packet::PickedUp);
            cx.to(Phase::Talking);
        }
    }

    /// Says something, as soon as somebody can hear it; false if nobody will.
    #[postpone(Phase::Dialling | Phase::Ringing)]
    pub fn say(&mut self, text: String, cx: &mut Cx<Self>) -> bool {
        if *cx.state() != Phase::Talking {
            return false;
        }
        self.send(Packet::Says(text));
        cx.event_timeout(SILENCE);
        true
    }

    /// What was said to it.
    pub fn heard(&mut self, cx: &mut Cx<Self>) -> Vec<String> {
        if *cx.state() == Phase::Talking {
            cx.event_timeout(SILENCE);
        }
        self.heard.clone()
    }

    /// Ends the call, if there is one.
    pub fn hang_up(&mut self, cx: &mut Cx<Self>) {
        if !matches!(cx.state(), Phase::OnHook | Phase::HangingUp) {
            cx.to(Phase::HangingUp);
        }
    }

    /// Takes what the other phone says.
    #[cast]
    pub fn receive(&mut self, packet: Packet, cx: &mut Cx<Self>) {
        match (*cx.state(), packet) {
            (Phase::OnHook, Packet::Invite) => cx.to(Phase::Ringing),
            (Phase::Ringing, Packet::Invite) => self.send(Packet::Rings),
            // That it was picked up was lost.
            (Phase::Talking, Packet::Invite) => {
                self.send(Packet::PickedUp);
                cx.event_timeout(SILENCE);
            }
            (Phase::HangingUp, Packet::Invite) => self.send(Packet::Busy),
            // Both dial: nobody has to ring.
            (Phase::Dialling, Packet::Invite | Packet::PickedUp) => {
                self.connected(Ok(()));
                self.send(Packet::PickedUp);
                cx.to(Phase::Talking);
            }
            (Phase::Dialling, Packet::Rings) => cx.cancel_timeout(Timeout::Named("again")),
            (Phase::Dialling, Packet::Busy) => {
                self.connected(Err(NoCall::Busy));
                cx.to(Phase::OnHook);
            }
            // Who speaks has picked up, whether that was heard or not.
            (Phase::Dialling, packet @ Packet::Says(_)) => {
                cx.next_event(PhoneMessage::Receive { packet: Packet::PickedUp });
                cx.postpone(PhoneMessage::Receive { packet });
            }
            (Phase::Talking, Packet::Says(text)) => {
                self.heard.push(text);
                cx.event_timeout(SILENCE);
            }
            (_, Packet::Bye) => {
                self.send(Packet::GoodBye);
                self.connected(Err(NoCall::HungUp));
                cx.to(Phase::OnHook);
            }
            (Phase::HangingUp, Packet::GoodBye) => cx.to(Phase::OnHook),
            // What comes late, or twice, is no event: the call is as silent as before.
            (Phase::Talking, _) => cx.event_timeout(SILENCE),
            _ => {}
        }
    }

    #[on(enter)]
    fn entered(&mut self, from: Option<Phase>, cx: &mut Cx<Self>) {
        if matches!(from, Some(Phase::Dialling)) {
            self.connected(Err(NoCall::HungUp));
        }
        cx.cancel_timeout(Timeout::Named("again"));
        match cx.state() {
            Phase::OnHook => {}
            Phase::Dialling | Phase::HangingUp => {
                cx.state_timeout(PATIENCE);
                self.again = AGAIN;
                self.insist(cx);
            }
            Phase::Ringing => {
                cx.state_timeout(RINGS);
                self.send(Packet::Rings);
            }
            Phase::Talking => {
                self.heard.clear();
                cx.event_timeout(SILENCE);
            }
        }
    }

    #[on(timeout)]
    fn timed_out(&mut self, timeout: Timeout, cx: &mut Cx<Self>) {
        match (timeout, *cx.state()) {
            (Timeout::Named(_), _) => self.insist(cx),
            (Timeout::Event, _) => cx.to(Phase::HangingUp),
            (Timeout::State, Phase::Ringing) => {
                self.send(Packet::Busy);
                cx.to(Phase::OnHook);
            }
            (Timeout::State, _) => {
                self.connected(Err(NoCall::NoAnswer));
                cx.to(Phase::OnHook);
            }
        }
    }

    /// Says what it wants, and will again.
    fn insist(&mut self, cx: &mut Cx<Self>) {
        self.send(if *cx.state() == Phase::Dialling { Packet::Invite } else { Packet::Bye });
        cx.timeout("again", self.again);
        self.again = AGAIN_AT_MOST.min(self.again * 2);
    }

    fn connected(&mut self, how: Result<(), NoCall>) {
        if let Some(dialled) = self.dialled.take() {
            dialled.send(how);
        }
    }

    /// A line that is gone is one that loses everything.
    fn send(&self, packet: Packet) {
        let _ = self.line.carry(self.end, packet).send();
    }
}

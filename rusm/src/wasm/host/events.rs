//! `rusm:process/events`: time, and what was waited for.
//!
//! `next` looks at two places, what is under way and the mailbox, and begins with the one that did not give the last
//! event: neither starves the other.

use crate::otp::Delivery;
use crate::wasm::bindings::rusm::process::events::{self, Event};
use crate::wasm::bindings::rusm::process::types;
use crate::wasm::run::Stopped;
use crate::wasm::store::State;
use crate::wasm::waiting::Kind;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// What came first.
enum First {
    Waited(Event),
    Delivered(Delivery),
}

impl State {
    async fn first(&mut self) -> First {
        let Self { process, waiting, mailbox_first, .. } = self;
        let mut delivery = pin!(process.next());
        let mailbox_first = *mailbox_first;
        poll_fn(move |cx| {
            if !mailbox_first && let Poll::Ready(event) = waiting.poll(cx) {
                return Poll::Ready(First::Waited(event));
            }
            if let Poll::Ready(delivery) = delivery.as_mut().poll(cx) {
                return Poll::Ready(First::Delivered(delivery));
            }
            if mailbox_first { waiting.poll(cx).map(First::Waited) } else { Poll::Pending }
        })
        .await
    }

    /// The next delivery, for a guest that is not waiting for what is under way: what comes of that is gathered.
    pub(in crate::wasm) async fn delivered(&mut self) -> Delivery {
        let Self { process, waiting, .. } = self;
        let mut delivery = pin!(process.next());
        poll_fn(move |cx| {
            waiting.gather(cx);
            delivery.as_mut().poll(cx)
        })
        .await
    }

    /// A delivery as the guest gets it; None if there is nothing to give, an error if the process is asked to end.
    pub(in crate::wasm) fn receive(&mut self, delivery: Delivery) -> Result<Option<types::Delivery>, Stopped> {
        Ok(Some(match delivery {
            Delivery::Message(message) => match self.take_up(message) {
                Some(message) => types::Delivery::Message(message),
                None => return Ok(None),
            },
            Delivery::Exit(exit) => {
                self.take_up_signal();
                types::Delivery::Exit(exit.into())
            }
            Delivery::Down(down) => {
                self.take_up_signal();
                self.monitors.remove(&down.monitor.raw());
                types::Delivery::Down(down.into())
            }
            Delivery::Stop(reason) => return Err(Stopped(reason)),
        }))
    }
}

impl events::Host for State {
    fn start_timer(&mut self, timer: u32, after: u64) -> wasmtime::Result<()> {
        let sleep = tokio::time::sleep(Duration::from_nanos(after));
        let event = async move {
            sleep.await;
            Event::Timer(timer)
        };
        Ok(self.waiting.start(Kind::Timer, timer, event)?)
    }

    fn cancel_timer(&mut self, timer: u32) -> wasmtime::Result<()> {
        self.waiting.cancel(Kind::Timer, timer);
        Ok(())
    }

    async fn next(&mut self, deliveries: bool) -> wasmtime::Result<Option<Event>> {
        if !deliveries {
            if self.waiting.is_empty() {
                return Ok(None);
            }
            return Ok(Some(poll_fn(|cx| self.waiting.poll(cx)).await));
        }
        loop {
            match self.first().await {
                First::Waited(event) => {
                    self.mailbox_first = true;
                    return Ok(Some(event));
                }
                First::Delivered(delivery) => {
                    self.mailbox_first = false;
                    match self.receive(delivery) {
                        Ok(Some(delivery)) => return Ok(Some(Event::Delivery(delivery))),
                        Ok(None) => {}
                        Err(Stopped(reason)) => {
                            self.take_up_signal();
                            return Ok(Some(Event::Delivery(types::Delivery::Stop(reason.into()))));
                        }
                    }
                }
            }
        }
    }
}

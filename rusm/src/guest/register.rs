//! Entering actors and handlers into the component's entry table, and driving them from there.

use super::{Actor, Cx, Inbox, Incoming, Level, Message, RawProcess, log};
use crate::http::{Exchange, Handlers};
use crate::wire::{decode, encode};
use rusm_guest::types::{Answer, Delivery, ExitReason};
use rusm_guest::{Process, block_on};

/// Puts an entry's schema into the component.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_publish {
    ($entry:expr) => {
        const _: () = {
            const ENTRY: &$crate::__private::Entry = $entry;
            #[unsafe(link_section = "rusm:schema")]
            #[used]
            static CHUNK: [u8; $crate::__private::chunk_len(ENTRY)] = $crate::__private::chunk(ENTRY);
        };
    };
}

/// Publishes an actor and makes it startable by its name.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_register_actor {
    ($actor:ty) => {
        $crate::__private::publish!(<$actor as $crate::__private::Actor>::ENTRY);
        $crate::guest::inventory::submit! {
            $crate::guest::Entry {
                name: <$actor as $crate::__private::Actor>::ENTRY.name,
                package: <$actor as $crate::__private::Actor>::ENTRY.package,
                constructor: $crate::guest::Constructor::Push($crate::guest::start::<$actor>),
            }
        }
    };
}

/// A machine's timeouts outlast the message that set them, and an instance lives from message to message.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_state_machine {
    ($($machine:tt)*) => {
        ::core::compile_error!(
            "`#[actor(state = ..)]` runs natively only: in a component, keep the state in a field of the actor"
        );
    };
}

/// Publishes a function that is a process, and makes it startable by its name.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_register_process {
    ($process:ty) => {
        #[automatically_derived]
        impl $crate::__private::Spawn for $process {
            type Args = <$process as $crate::__private::RawProcess>::Args;
            type Message = $crate::__private::Letter<<$process as $crate::__private::RawProcess>::Message>;
            type Client = <$process as $crate::__private::RawProcess>::Client;
            const ENTRY: &'static $crate::__private::Entry = <$process as $crate::__private::RawProcess>::ENTRY;
        }
        $crate::__private::publish!(<$process as $crate::__private::RawProcess>::ENTRY);
        $crate::guest::inventory::submit! {
            $crate::guest::Entry {
                name: <$process as $crate::__private::RawProcess>::ENTRY.name,
                package: <$process as $crate::__private::RawProcess>::ENTRY.package,
                constructor: $crate::guest::Constructor::Pull($crate::guest::run::<$process>),
            }
        }
    };
}

/// Publishes a module of handlers and makes them callable by their numbers.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_register_handlers {
    ($handlers:expr) => {
        const _: () = {
            static HANDLERS: $crate::__private::Handlers = $handlers;
            const HANDLERS_ENTRY: &$crate::__private::Entry = HANDLERS.entry;
            $crate::__private::publish!(HANDLERS_ENTRY);
            $crate::guest::inventory::submit! {
                $crate::guest::HandlerEntry {
                    answer: |action, request| $crate::guest::answer(&HANDLERS, action, request),
                }
            }
        };
    };
}

/// An actor between two deliveries.
struct Server<A: Actor> {
    actor: A,
    cx: Cx<A>,
}

/// Starts an actor from its arguments' bytes.
pub fn start<A: Actor>(args: Vec<u8>) -> Result<Box<dyn Process>, ExitReason> {
    let args = decode(&args).map_err(|error| malformed(A::ENTRY.name, &error))?;
    let mut cx = Cx::new();
    let actor = block_on(A::init(args, &mut cx)).map_err(|exit| exit.into_reason())?;
    let mut server = Server { actor, cx };
    server.stopped()?;
    Ok(Box::new(server))
}

/// Runs a process to its end, from its arguments' bytes.
pub fn run<P: RawProcess>(args: Vec<u8>) -> ExitReason {
    match decode(&args) {
        Ok(args) => block_on(P::run(Inbox::new(), args)).into_reason().into(),
        Err(error) => malformed(P::ENTRY.name, &error),
    }
}

impl<A: Actor> Server<A> {
    /// Whether the actor has asked for its end; then these were its last words.
    fn stopped(&mut self) -> Result<(), ExitReason> {
        let Some(exit) = self.cx.take_stop() else { return Ok(()) };
        let reason = exit.into_reason();
        self.last_words(&reason);
        Err(reason.into())
    }

    fn last_words(&mut self, reason: &crate::wire::ExitReason) {
        if A::ENTRY.on_terminate {
            block_on(self.actor.on_terminate(reason, &mut self.cx));
        }
    }
}

impl<A: Actor> Process for Server<A> {
    fn handle(&mut self, delivery: Delivery) -> Result<(), ExitReason> {
        let Self { actor, cx } = self;
        match delivery {
            Delivery::Message(message) => match A::Message::from_wire(Incoming::from(message)) {
                Ok(message) => block_on(actor.handle(message, cx)),
                Err(rejected) => log(Level::Warn, rejected.text()),
            },
            Delivery::Exit(signal) => block_on(actor.on_exit(signal.into(), cx)),
            Delivery::Down(down) => block_on(actor.on_down(down.into(), cx)),
            // For what is pushed to, the request to end is the export `terminate`.
            Delivery::Stop(reason) => return Err(reason),
        }
        self.stopped()
    }

    fn terminate(&mut self, reason: ExitReason) {
        self.last_words(&reason.into());
    }
}

/// Runs the handler of this number, if the module has it.
pub fn answer(handlers: &Handlers, action: u32, request: &[u8]) -> Option<Answer> {
    let action = handlers.actions.iter().find(|known| known.method.id() == action)?;
    let response = match decode::<Exchange>(request) {
        Ok(exchange) => encode(&block_on((action.run)(exchange))),
        Err(error) => Err(error),
    };
    Some(match response {
        Ok(response) => Answer::Value(response),
        Err(error) => Answer::Malformed(format!("exchange of {}: {error}", action.method.name)),
    })
}

fn malformed(name: &str, error: &dyn std::fmt::Display) -> ExitReason {
    ExitReason::Error(format!("arguments of {name}: {error}"))
}

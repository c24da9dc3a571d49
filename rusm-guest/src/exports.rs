//! The component's exports: find the entry, hold its process, hand over what comes.

use crate::bindings::{self, exports::rusm::process::guest::Guest};
use crate::entry::{Constructor, Entry, HandlerEntry, Process, refused};
use crate::types::{Answer, Delivery, ExitReason, Incoming};
use crate::{log, messages, panic};
use std::sync::{Mutex, PoisonError};

/// The one process of this instance. The host never enters an instance twice at a time, so the lock
/// is always free.
static PROCESS: Mutex<Option<Box<dyn Process>>> = Mutex::new(None);

struct Component;

bindings::export_component!(Component with_types_in bindings);

impl Guest for Component {
    fn start(entry: String, args: Vec<u8>) -> Result<(), ExitReason> {
        panic::install_hook();
        match Entry::find(&entry)?.constructor {
            Constructor::Push(start) => {
                let process = start(args)?;
                *PROCESS.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
                Ok(())
            }
            Constructor::Pull(_) => Err(refused("an entry that pulls its messages has no start, only run: ", &entry)),
        }
    }

    fn handle(delivery: Delivery) -> Result<(), ExitReason> {
        panic::install_hook();
        match (PROCESS.lock().unwrap_or_else(PoisonError::into_inner).as_mut(), delivery) {
            (Some(process), delivery) => process.handle(delivery),
            (None, Delivery::Message(request)) => {
                respond(request);
                Ok(())
            }
            // Without a process there is nothing that ends could matter to.
            (None, Delivery::Exit(_) | Delivery::Down(_) | Delivery::Stop(_)) => Ok(()),
        }
    }

    fn terminate(reason: ExitReason) {
        panic::install_hook();
        if let Some(process) = PROCESS.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            process.terminate(reason);
        }
    }

    fn run(entry: String, args: Vec<u8>) -> ExitReason {
        panic::install_hook();
        match Entry::find(&entry).map(|entry| entry.constructor) {
            Ok(Constructor::Pull(run)) => run(args),
            Ok(Constructor::Push(_)) => refused("an entry that is pushed to has no run, only start: ", &entry),
            Err(reason) => reason,
        }
    }
}

/// Answers a request with the action that it names.
fn respond(request: Incoming) {
    let mut handlers = inventory::iter::<HandlerEntry>();
    let answer = handlers.find_map(|entry| (entry.answer)(request.method, &request.body));
    match request.call {
        Some(call) => messages::reply(call, &answer.unwrap_or(Answer::UnknownMethod)),
        None => log::write(log::Level::Warn, "a request that nobody waits for was answered"),
    }
}

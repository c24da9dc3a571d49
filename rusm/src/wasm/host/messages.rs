//! `rusm:process/messages`: messages out, and answers to those that came in.

use crate::otp::DEFAULT_CALL_TIMEOUT;
use crate::wasm::bindings::rusm::process::events::Event;
use crate::wasm::bindings::rusm::process::{messages, types};
use crate::wasm::convert::{call_error, send_error};
use crate::wasm::host::cut;
use crate::wasm::run::MAX_TEXT;
use crate::wasm::store::State;
use crate::wasm::waiting::Kind;
use crate::wire::CallError;
use std::time::Duration;

impl messages::Host for State {
    fn cast(&mut self, to: types::Target, message: types::Message) -> wasmtime::Result<Result<(), types::CallError>> {
        let method = message.method;
        let sent = self.process.cast_wire(&to.into(), message.into());
        Ok(sent.map_err(|error| send_error(error, method)))
    }

    fn start_call(
        &mut self,
        call: u32,
        to: types::Target,
        message: types::Message,
        timeout: Option<u64>,
    ) -> wasmtime::Result<()> {
        let method = message.method;
        let limit = timeout.map_or(DEFAULT_CALL_TIMEOUT, Duration::from_nanos);
        let answer = self.process.call_wire(&to.into(), message.into(), limit, self.deadline);
        let event = async move { Event::Answered((call, answer.await.map_err(|error| call_error(error, method)))) };
        Ok(self.waiting.start(Kind::Call, call, event)?)
    }

    fn cancel_call(&mut self, call: u32) -> wasmtime::Result<()> {
        self.waiting.cancel(Kind::Call, call);
        Ok(())
    }

    fn reply(&mut self, call: u64, answer: types::Answer) -> wasmtime::Result<()> {
        let Some(reply) = self.replies.take(call) else { return Ok(()) };
        match answer {
            types::Answer::Value(body) => reply.send(body),
            types::Answer::UnknownMethod => reply.reject(CallError::UnknownMethod("of this number".into())),
            types::Answer::Malformed(what) => reply.reject(CallError::Malformed(cut(what, MAX_TEXT))),
            types::Answer::Nobody => reply.reject(CallError::NoReply),
        }
        Ok(())
    }
}

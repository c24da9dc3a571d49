//! What the macros accept compiles without a warning and works; what they refuse is refused in the words that are checked
//! in beside it.
//!
//! `TRYBUILD=overwrite cargo test -p rusm-tests --test ui` renews the words.

#[path = "../ui/pass/actor.rs"]
mod actor;
#[path = "../ui/pass/handlers.rs"]
mod handlers;
#[path = "../ui/pass/process.rs"]
mod process;
#[path = "../ui/pass/service.rs"]
mod service;
#[path = "../ui/pass/supervisor.rs"]
mod supervisor;
#[path = "../ui/pass/test.rs"]
mod test;
#[path = "../ui/pass/wire.rs"]
mod wire;

#[test]
fn refused() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/actor/*.rs");
    cases.compile_fail("ui/process/*.rs");
    cases.compile_fail("ui/service/*.rs");
    cases.compile_fail("ui/supervisor/*.rs");
    cases.compile_fail("ui/handlers/*.rs");
    cases.compile_fail("ui/test/*.rs");
    cases.compile_fail("ui/wire/*.rs");
}

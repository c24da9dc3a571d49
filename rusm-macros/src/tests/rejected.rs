//! What the macros refuse, and what they say.

use proc_macro2::TokenStream;

use super::errors;

type Expand = fn(TokenStream, TokenStream) -> TokenStream;

const ACTOR: Expand = crate::actor::expand;
const SERVICE: Expand = crate::service::expand;
const HANDLERS: Expand = crate::handlers::expand;
const WIRE: Expand = crate::wire::expand;
const SUPERVISOR: Expand = crate::supervisor::expand;
const TEST: Expand = crate::test::expand;

fn tokens(source: &str) -> TokenStream {
    source.parse().expect("a test's source is made of Rust's tokens")
}

/// Each expected text is the beginning of the message at its place; there are no others.
#[track_caller]
fn check(expand: Expand, item: &str, expected: &[&str]) -> TokenStream {
    let expanded = expand(TokenStream::new(), tokens(item));
    let found = errors(expanded.clone());
    let fits = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
    assert!(fits, "{item}\nexpected {expected:#?}\nfound {found:#?}");
    if let Err(error) = syn::parse2::<syn::File>(expanded.clone()) {
        panic!("{item}\nexpands to what is no Rust: {error}\n{expanded}");
    }
    expanded
}

/// An actor with these members beside its `#[init]`.
#[track_caller]
fn check_actor(members: &str, expected: &[&str]) -> TokenStream {
    check(ACTOR, &format!("impl A {{ #[init] fn new() -> Self {{ A }} {members} }}"), expected)
}

#[track_caller]
fn check_contract(members: &str, expected: &[&str]) -> TokenStream {
    check(SERVICE, &format!("pub trait C {{ {members} }}"), expected)
}

const OWNED: &str = "a message owns its data: take this by value";

#[test]
fn arguments_of_the_attributes() {
    let items: [(Expand, &str, &str); 5] = [
        (ACTOR, "impl A { #[init] fn new() -> Self { A } }", "there is one argument: `state = ..`"),
        (ACTOR, "async fn f(inbox: Inbox<u8>) {}", "`#[actor]` takes no arguments"),
        (SERVICE, "trait C { fn f(&self); }", "`#[service]` takes no arguments"),
        (HANDLERS, "mod m { pub fn f() {} }", "`#[handlers]` takes no arguments"),
        (WIRE, "struct S;", "`#[wire]` takes no arguments"),
    ];
    for (expand, item, expected) in items {
        let found = errors(expand(tokens("name"), tokens(item)));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{item}: {found:?}");
    }
}

/// A state machine with these members beside its `#[init]`.
#[track_caller]
fn check_machine(members: &str, expected: &[&str]) {
    let item = format!("impl A {{ #[init] fn new() -> Self {{ A }} {members} }}");
    let found = errors(ACTOR(tokens("state = Phase"), tokens(&item)));
    let fits = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
    assert!(fits, "{item}\nexpected {expected:#?}\nfound {found:#?}");
}

#[test]
fn machines() {
    check_machine("#[postpone(Phase::A)] #[postpone(Phase::B)] pub fn f(&self) {}", &["write one `#[postpone(..)]`"]);
    for empty in ["#[postpone]", "#[postpone()]", "#[postpone = 1]"] {
        check_machine(&format!("{empty} pub fn f(&self) {{}}"), &["`#[postpone(..)]` says in which states"]);
    }
    check_machine("#[postpone(Phase::A)] fn f(&self) {}", &["`#[postpone(..)]` is for messages"]);
    check_machine("#[postpone(Phase::A)] #[on(down)] fn f(&mut self) {}", &["`#[postpone(..)]` is for messages"]);
    check_machine("#[postpone(1 +)] pub fn f(&self) {}", &["unexpected token"]);
    check_machine("#[postpone(A if )] pub fn f(&self) {}", &["unexpected end of input"]);
    check_machine(
        "#[on(enter)] fn f(&mut self, from: Option<Phase>, to: Phase) {}",
        &["`#[on(enter)]` takes one argument"],
    );
    check_machine(
        "#[on(timeout)] fn f(&mut self, timeout: &Timeout) {}",
        &["`#[on(timeout)]` takes `timeout: Timeout`"],
    );
    check_machine(
        "#[on(enter)] fn f(&mut self) {} #[on(enter)] fn g(&mut self) {}",
        &["there is one function for each event"],
    );
    check_actor("#[postpone(Phase::A)] pub fn f(&self) {}", &["only a state machine postpones"]);
    check_actor("#[on(enter)] fn f(&mut self) {}", &["only a state machine has `enter`"]);
    check_actor("#[on(timeout)] fn f(&mut self) {}", &["only a state machine has `timeout`"]);
    for (arguments, expected) in [
        ("state", "expected `=`"),
        ("state = ", "unexpected end of input"),
        ("state = A, more", "unexpected token"),
        ("states = A", "there is one argument"),
    ] {
        let found = errors(ACTOR(tokens(arguments), tokens("impl A { #[init] fn new() -> Self { A } }")));
        assert!(found.len() == 1 && found[0].contains(expected), "{arguments}: {found:?}");
    }
}

#[test]
fn states() {
    const STATE: Expand = |_, item| crate::state::expand(item);
    for (item, expected) in [
        ("enum S {}", "a machine is always in a state"),
        ("union S { a: u8 }", "the states of a machine are an enum"),
        ("enum S<T> { A(T) }", "the states of a machine are one type"),
    ] {
        let found = errors(STATE(TokenStream::new(), tokens(item)));
        assert!(found.len() == 1 && found[0].starts_with(expected), "{item}: {found:?}");
    }
}

#[test]
fn wrong_items() {
    check(ACTOR, "struct A;", &["`#[actor]` takes the `impl` block that holds"]);
    check(ACTOR, "trait T {}", &["`#[actor]` takes an `impl` block: a trait is a contract"]);
    check(ACTOR, "mod m {}", &["`#[actor]` takes an `impl` block"]);
    check(
        ACTOR,
        "impl T for A { #[init] fn new() -> Self { A } }",
        &["`#[actor]` takes an `impl` block without a trait"],
    );
    check(ACTOR, "impl [u8] { #[init] fn new() -> Self { A } }", &["`#[actor]` takes the `impl` block of a struct"]);
    check(SERVICE, "struct S;", &["`#[service]` takes a `trait`"]);
    check(SERVICE, "impl S { #[init] fn new() -> Self { S } }", &["`#[service]` takes `impl Contract for Type`"]);
    check(HANDLERS, "fn f() {}", &["`#[handlers]` takes a module"]);
    check(HANDLERS, "mod items;", &["the macro can't see into another file: write `#[handlers] pub mod items"]);
    check(WIRE, "fn f() {}", &["`#[wire]` takes a struct or an enum"]);
    check(WIRE, "union U { a: u8 }", &["which field of a union is meant"]);
}

#[test]
fn processes() {
    const INBOX: &str = "a process takes its messages from its inbox: write `mut inbox: Inbox<Message>`";
    let table: [(&str, &[&str]); 23] = [
        ("async fn f(mut inbox: Inbox<u8>) {}", &[]),
        ("async fn f(inbox: rusm::Inbox<Job>, (a, _): (u8, u8), b: &'static u8) {}", &[OWNED]),
        ("async fn f() {}", &[INBOX]),
        ("async fn f(args: u8) -> Exit { todo!() }", &[INBOX]),
        ("async fn f(inbox: Inbox) {}", &["name the type of the messages"]),
        ("async fn f(inbox: &mut Inbox<u8>) {}", &["the inbox is the process's own: take it by value"]),
        ("async fn f(args: u8, inbox: Inbox<u8>) {}", &["the inbox comes first"]),
        ("async fn f(inbox: Inbox<u8>, other: Inbox<u8>) {}", &["a process has one inbox"]),
        ("async fn f(inbox: Inbox<&str>) {}", &[OWNED]),
        ("async fn f(inbox: Inbox<u8>, text: &str) {}", &[OWNED]),
        ("async fn f(inbox: Inbox<u8>, cx: &mut Cx<Self>) {}", &["a process that is a function has no context"]),
        ("fn f(inbox: Inbox<u8>) {}", &["a process waits for its messages: write `async fn`"]),
        ("async fn f<M: Wire>(inbox: Inbox<M>) {}", &["a process has one form on the wire: generics"]),
        ("async fn f(inbox: Inbox<u8>) where u8: Copy {}", &["a process has one form on the wire: remove"]),
        ("async fn f(&mut self, inbox: Inbox<u8>) {}", &["a process that is a function has no `self`"]),
        ("async unsafe fn f(inbox: Inbox<u8>) {}", &["a process can't be `unsafe`"]),
        ("async extern \"C\" fn f(inbox: Inbox<u8>) {}", &["a process is a plain Rust function"]),
        ("const fn f(inbox: Inbox<u8>) {}", &["a process can't be a `const fn`", "a process waits for"]),
        ("#[init] async fn f(inbox: Inbox<u8>) {}", &["this belongs to the functions of an `impl` block"]),
        ("#[cfg(test)] async fn f(inbox: Inbox<u8>) {}", &["put `#[cfg]` above"]),
        ("async fn f(#[cfg(test)] inbox: Inbox<u8>) {}", &["a process always has an inbox"]),
        ("async fn f(inbox: Inbox<u8>, #[cfg(test)] a: u8) {}", &["the arguments of a process must not"]),
        ("fn f(text: &str) {}", &["a process waits for", INBOX]),
    ];
    for (item, expected) in table {
        let expanded = check(ACTOR, item, expected).to_string();
        assert!(expanded.contains("enum f") && expanded.contains("struct FClient"), "{item}: {expanded}");
        assert_eq!(expanded.contains("RawProcess for f"), expected.is_empty(), "{item}");
    }
    let many: String = (0..13).map(|i| format!(", a{i}: u8")).collect();
    check(ACTOR, &format!("async fn f(inbox: Inbox<u8>{many}) {{}}"), &["a process has at most 12 arguments"]);
}

#[test]
fn conditions_below_the_macro() {
    let text = "put `#[cfg]` above";
    check(ACTOR, "#[cfg(test)] impl A { #[init] fn new() -> Self { A } }", &[text]);
    check(SERVICE, "#[cfg(test)] trait C {}", &[text]);
    check(SERVICE, "#[cfg(test)] impl C for A { #[init] fn new() -> Self { A } }", &[text]);
    check(HANDLERS, "#[cfg(test)] mod m { pub fn f() {} }", &[text]);
    check(WIRE, "#[cfg(test)] struct S;", &[text]);
}

#[test]
fn generics() {
    let text = "an actor has one form on the wire";
    check(ACTOR, "impl<T> A<T> { #[init] fn new() -> Self { A } pub fn f(&self, t: T) {} }", &[text]);
    check(ACTOR, "impl A<u8> { #[init] fn new() -> Self { A } }", &["an actor is a type of its own"]);
    check(SERVICE, "trait C<T> { fn f(&self, t: T); }", &["a contract has one form on the wire"]);
    check(SERVICE, "impl<T> C for A<T> { #[init] fn new() -> Self { A } }", &[text]);
    check(SERVICE, "impl C<u8> for A { #[init] fn new() -> Self { A } }", &["a contract has no generics"]);
    check_actor("pub fn f<T>(&self, t: T) {}", &["a message has one form on the wire: generics"]);
    check_actor("pub fn f(&self) where Self: Sized, { }", &["a message has one form on the wire: remove the `where`"]);
}

#[test]
fn receivers() {
    check_actor("pub fn f() {}", &["make it private if it is not a message, or mark it #[init]"]);
    check_actor("pub fn f(self) {}", &["a message is handled by an actor that goes on living"]);
    check_actor("pub fn f(self: Box<Self>) {}", &["write the receiver as"]);
    check_actor("pub fn f<'a>(&'a self) {}", &["a message has one form", "a message outlives its call"]);
    check_contract("fn f();", &["a contract's methods take `&self` or `&mut self`"]);
}

#[test]
fn signatures() {
    check_actor("pub const fn f(&self) {}", &["a message can't be a `const fn`"]);
    check_actor("pub unsafe fn f(&self) {}", &["a message can't be `unsafe`"]);
    check_actor(r#"pub extern "C" fn f(&self) {}"#, &["a message is a plain Rust function"]);
    check_actor(
        r#"pub unsafe extern "C" fn f(&self, args: ...) {}"#,
        &["a message can't be `unsafe`", "a message is a plain", "a message has a fixed"],
    );
}

#[test]
fn arguments() {
    check_actor("pub fn f(&self, s: &str) {}", &[OWNED]);
    check_actor("pub fn f(&self, s: Vec<&str>, t: &mut u8) -> &u8 {}", &[OWNED, OWNED, OWNED]);
    check_actor("pub fn f(&self, s: impl Into<String>) {}", &["a message has one form on the wire: name the type"]);
    check_actor("pub fn f(&self, s: Box<dyn Any>) {}", &["a message is plain data: a trait object"]);
    check_actor("pub fn f(&self, s: fn(u8)) {}", &["a message is plain data: a function"]);
    check_actor("pub fn f(&self) -> ! {}", &["a message carries a value"]);
    check_actor("pub fn f(&self, Point { x, y }: Point) {}", &["an argument needs a plain name"]);
    check_actor("pub fn f(&self, ref x: Point) {}", &["an argument needs a plain name"]);
    check_actor("pub fn f(&self, _: u8) {}", &["an argument needs a name"]);
    check_actor("pub fn f(&self, #[cfg(test)] a: u8) {}", &["the form of a message must not depend on `cfg`"]);
    let many: String = (0..13).map(|i| format!("a{i}: u8, ")).collect();
    check_actor(&format!("pub fn f(&self, {many}) {{}}"), &["a message has at most 12 arguments"]);
}

#[test]
fn contexts() {
    check_actor("pub fn f(&self, cx: &Cx<Self>) {}", &["take the context as `&mut Cx<Self>`"]);
    check_actor("pub fn f(&self, cx: Cx<Self>) {}", &["take the context as `&mut Cx<Self>`"]);
    check_actor("pub fn f(&self, a: &mut Cx<Self>, b: &mut Cx<Self>) {}", &["the context is taken once"]);
    check_contract("fn f(&self, cx: &mut Cx<Self>);", &["a contract knows no context"]);
    check(
        SERVICE,
        "impl C for A { #[init] fn new(cx: &mut Cx<Self>) -> Self { A } fn f(&self, cx: &mut Cx<Self>) {} }",
        &["a contract knows no context"],
    );
}

#[test]
fn replies() {
    check_actor("pub fn f(&self, a: Reply<u8>, b: Reply<u8>) {}", &["a call has one answer"]);
    check_actor("pub fn f(&self, a: Reply<u8>) -> u8 { 0 }", &["this call is answered through its `Reply`"]);
    check_actor(
        "#[cast] pub fn f(&self, a: Reply<u8>) {}",
        &["nobody waits for a cast: remove `#[cast]`, or this reply"],
    );
    check_actor("#[cast] pub fn f(&self) -> u8 { 0 }", &["nobody waits for a cast: return nothing"]);
    check_actor("pub fn f(&self, a: Reply<&u8>) {}", &[OWNED]);
}

#[test]
fn roles() {
    check_actor("#[cast] fn f(&self) {}", &["`#[cast]` is for messages"]);
    check_actor("#[cast] #[on(exit)] fn f(&self) {}", &["a function has one role"]);
    check_actor("#[cast(now)] pub fn f(&self) {}", &["`#[cast]` takes no arguments"]);
    check_actor("#[stream] fn f(&self) -> impl Stream<Item = u8> {}", &["`#[stream]` is for messages"]);
    check_contract("#[init] fn f() -> Self;", &["a contract says what can be asked"]);
    check(
        SERVICE,
        "impl C for A { #[init] fn new() -> Self { A } #[cast] fn f(&self) {} }",
        &["the contract says what a method is: put `#[cast]` there"],
    );
    check(HANDLERS, "mod m { #[cast] pub fn f() {} }", &["this belongs to actors"]);
}

#[test]
fn streams() {
    const FORM: &str = "a stream's method returns `impl Stream<Item = T>`";
    for wrong in
        ["", "-> u64", "-> impl Stream", "-> impl Iterator<Item = u8>", "-> Result<impl Stream<Item = u8>, u8>"]
    {
        check_actor(&format!("#[stream] pub fn f(&self) {wrong} {{}}"), &[FORM]);
        check_contract(&format!("#[stream] async fn f(&self) {wrong};"), &[FORM]);
    }
    check_actor("#[stream] pub fn f(&self) -> impl Stream<Item = &u8> {}", &[OWNED]);
    check_actor(
        "#[stream] pub fn f(&self, reply: Reply<u8>) -> impl Stream<Item = u8> {}",
        &["a stream is answered with its items"],
    );
    check_actor("pub fn f(&self) -> impl Stream<Item = u8> {}", &["a call has one answer: mark it `#[stream]`"]);
    check(
        SERVICE,
        "impl C for A { #[init] fn new() -> Self { A } #[stream] fn f(&self) -> impl Stream<Item = u8> {} }",
        &["the contract says what a method is: put `#[stream]` there"],
    );
}

#[test]
fn names() {
    for name in ["named", "connect", "on", "address", "from_address", "pid", "clone"] {
        check_actor(&format!("pub fn {name}(&self) {{}}"), &[&format!("`{name}` is a function of every client")]);
    }
    let case = "`add_one` and `addOne` differ only in case and underscores";
    check_actor("pub fn add_one(&self) {} pub fn addOne(&self) {}", &[case, case]);
    // Two words with the same FNV-1a hash.
    let id = "`costarring` and `liquid` have the same id on the wire";
    check_actor("pub fn costarring(&self) {} pub fn liquid(&self) {}", &[id, id]);
    // Twice the same name is rustc's to report, and not five times.
    let expanded = check_actor("pub fn f(&self) {} pub fn f(&self) {}", &[]).to_string();
    assert_eq!(expanded.matches("const METHOD_F").count(), 1);
}

#[test]
fn inits() {
    check(ACTOR, "impl A {}", &["this actor has no `#[init]` function"]);
    check(SERVICE, "impl C for A {}", &["this actor has no `#[init]` function"]);
    check_actor("#[init] fn again() -> Self { A }", &["an actor has one `#[init]` function"]);
    let returns = "`#[init]` returns the actor";
    check(ACTOR, "impl A { #[init] fn new() {} }", &[returns]);
    check(ACTOR, "impl A { #[init] fn new() -> B { B } }", &[returns]);
    check(ACTOR, "impl A { #[init] fn new() -> Option<Self> { None } }", &[returns]);
    check(ACTOR, "impl A { #[init] fn new() -> Result<B, Exit> { B } }", &[returns]);
    check(
        ACTOR,
        "impl A { #[init] fn new(&self) -> Self { A } }",
        &["`#[init]` makes the actor, so there is no `self`"],
    );
    check(ACTOR, "impl A { #[init] fn new(s: &str) -> Self { A } }", &[OWNED]);
    check(ACTOR, "impl A { #[init] fn new<T>(t: T) -> Self { A } }", &["`#[init]` has one form on the wire"]);
    check(ACTOR, "impl A { #[cfg(test)] #[init] fn new() -> Self { A } }", &["an actor always starts the same way"]);
    check(ACTOR, "impl A { #[init(now)] fn new() -> Self { A } }", &["`#[init]` takes no arguments"]);
}

#[test]
fn hooks() {
    check_actor("#[on(exti)] fn f(&mut self) {}", &["unknown event `exti`: did you mean `exit`?"]);
    check_actor("#[on(message)] fn f(&mut self) {}", &["unknown event `message`: there are"]);
    check_actor("#[on] fn f(&mut self) {}", &["`#[on(..)]` names an event"]);
    check_actor("#[on()] fn f(&mut self) {}", &["`#[on(..)]` names an event"]);
    check_actor("#[on(exit, down)] fn f(&mut self) {}", &["`#[on(..)]` takes the name of one event"]);
    check_actor(
        "#[on(exit)] fn f(&mut self) {} #[on(exit)] fn g(&mut self) {}",
        &["there is one function for each event: `exit`"],
    );
    check_actor("#[on(exit)] fn f() {}", &["`#[on(exit)]` takes `&mut self` or `&self`"]);
    check_actor("#[on(exit)] fn f(&mut self) -> u8 { 0 }", &["`#[on(exit)]` returns nothing"]);
    check_actor("#[on(exit)] fn f(&mut self, exit: &ExitSignal) {}", &["`#[on(exit)]` takes `exit: ExitSignal`"]);
    check_actor("#[on(down)] fn f(&mut self, down: Down, more: u8) {}", &["`#[on(down)]` takes one argument"]);
    check_actor(
        "#[on(terminate)] fn f(&mut self, reason: ExitReason) {}",
        &["`#[on(terminate)]` takes `reason: &ExitReason`"],
    );
    check_actor("#[on(terminate)] fn f(&mut self, cx: Cx<Self>) {}", &["take the context as `&mut Cx<Self>`"]);
    check_actor("#[on(report)] fn f(&self) -> String { String::new() }", &[]);
    check_actor(
        "#[on(report)] async fn f(&mut self, cx: &mut Cx<Self>) {}",
        &[
            "`#[on(report)]` can't wait",
            "`#[on(report)]` only looks: take `&self`",
            "`#[on(report)]` takes `&self` alone",
            "`#[on(report)]` returns the state in a few words",
        ],
    );
    check_actor("#[on(report)] fn f() -> String { String::new() }", &["`#[on(report)]` takes `&self`"]);
}

#[test]
fn contracts() {
    check(SERVICE, "trait C: Clone { fn f(&self); }", &["a contract stands for itself"]);
    check(SERVICE, "trait C: Send + 'static { fn f(&self); }", &[]);
    check_contract("async fn f(&self) -> u8 { 0 }", &["a contract has no bodies"]);
    check_contract("type Item; const N: u8;", &["a contract holds methods alone", "a contract holds methods alone"]);
    check_contract("fn f(&self, other: Vec<Self>);", &["whoever calls a contract doesn't know"]);
}

#[test]
fn actions() {
    check(HANDLERS, "mod m { fn f() {} pub(crate) fn g() {} }", &["this module has no actions"]);
    check(HANDLERS, "mod m { pub fn f(self) {} }", &["an action is a plain function: it has no `self`"]);
    check(HANDLERS, "mod m { pub fn f<T>(t: T) {} }", &["an action has one form on the wire"]);
    check(HANDLERS, "mod m { pub fn f(req: &Request) {} }", &["an action owns its arguments"]);
    check(HANDLERS, "mod m { pub fn f(req: impl FromRequest) {} }", &["name the type: it decides"]);
    check(HANDLERS, "mod m { pub unsafe fn f() {} }", &["an action can't be `unsafe`"]);
    check(
        HANDLERS,
        "mod m { pub fn handlers() {} pub fn f() {} }",
        &["`handlers` is what lists this module's actions"],
    );
}

#[test]
fn wire_types() {
    check(WIRE, "struct S<'a> { s: &'a str, }", &["a wire type owns its data: remove the lifetime"]);
    check(WIRE, "struct S { s: &'static str, }", &[OWNED]);
    check(WIRE, "struct S<const N: usize>([u8; N]);", &["serde knows no arrays of any length"]);
    check(WIRE, "enum E {}", &["an enum without variants has no values"]);
    check(WIRE, "struct Tree { children: Vec<Tree>, }", &["a schema has an end"]);
    check(WIRE, "enum List { End, More(Box<Self>), }", &["a schema has an end"]);
    check(
        WIRE,
        "#[derive(Debug, Serialize, serde::Deserialize)] struct S;",
        &["`#[wire]` derives this already", "`#[wire]` derives this already"],
    );
    check(WIRE, "struct S { #[cfg(test)] a: u8, }", &["the form on the wire must not depend on `cfg`"]);
    check(WIRE, "enum E { A, #[cfg(test)] B, }", &["the form on the wire must not depend on `cfg`"]);
}

#[test]
fn serde_attributes() {
    let table = [
        ("skip", "a skipped one shifts all that follow"),
        (r#"skip_serializing_if = "Option::is_none""#, "a skipped one shifts all that follow"),
        ("default", "no default is ever used"),
        ("flatten", "a form that describes itself"),
        (r#"rename = "b""#, "rename it there"),
        (r#"with = "module""#, "no longer be what the schema says"),
        (r#"rename(serialize = "a", deserialize = "b")"#, "rename it there"),
        ("unheard_of", "the type as it is written"),
    ];
    for (attribute, reason) in table {
        let found = errors(WIRE(TokenStream::new(), tokens(&format!("struct S {{ #[serde({attribute})] a: u8 }}"))));
        assert_eq!(found.len(), 1, "{attribute}: {found:?}");
        assert!(found[0].contains(reason), "{attribute}: {found:?}");
    }
    check(
        WIRE,
        r#"#[serde(untagged)] enum E { #[serde(rename = "a", skip)] A(#[serde(default)] u8), }"#,
        &["`#[wire]` takes no serde attributes"; 4],
    );
}

/// Everything that is wrong is said at once, and what remains is whole.
#[test]
fn all_at_once() {
    let expanded = check_actor(
        "pub fn right(&self, a: u8) -> u8 { a }
        pub fn wrong(&self, a: &str) -> Result<u8, &str> { Ok(0) }
        #[on(dawn)] fn hook(&mut self) {}
        pub fn clone(&self) {}
        #[cast] pub fn late(self) -> u8 { 0 }",
        &[
            OWNED,
            OWNED,
            "unknown event `dawn`: did you mean `down`?",
            "`clone` is a function of every client",
            "a message is handled by an actor",
            "nobody waits for a cast",
        ],
    );
    let file: syn::File = syn::parse2(expanded).expect("it is Rust");
    let text = prettyplease::unparse(&file);
    for kept in [
        "pub enum AMessage",
        "pub struct AClient",
        "Right {",
        "pub fn right",
        "pub fn wrong<T0>",
        "impl ::rusm::__private::Actor for A",
    ] {
        assert!(text.contains(kept), "{kept} in\n{text}");
    }
    let (items, _) = text.split_once("::core::compile_error!").expect("the mistakes are reported");
    for stripped in ["#[init]", "#[on(", "#[cast]", "Wrong {"] {
        assert!(!items.contains(stripped), "{stripped} in\n{items}");
    }
}

#[test]
fn supervisors() {
    const SELF: &str = "a child's method takes `&self`: it is called again at each restart";
    let table: [(&str, &[&str]); 23] = [
        ("fn a(&self) -> Child<A> {} fn helper() -> Vec<Child<A>> {} fn other(&mut self, x: u8) {}", &[]),
        ("fn a(&self) -> Child {}", &["name the type of the child: `Child<T>`"]),
        ("fn a(&self) -> Child<Shop> {}", &["a supervisor can't be its own child"]),
        ("fn a(&self) -> Child<Self> {}", &["a supervisor can't be its own child"]),
        ("fn a() -> Child<A> {}", &[SELF]),
        ("fn a(self) -> Child<A> {}", &[SELF]),
        ("fn a(&mut self) -> Child<A> {}", &[SELF]),
        ("fn a<'a>(&'a self) -> Child<A> {}", &["a child is of one type: generics", SELF]),
        ("fn a(self: Arc<Self>) -> Child<A> {}", &[SELF]),
        ("fn a(&self, x: u8, y: u8) -> Child<A> {}", &["nobody could give this argument"]),
        ("async fn a(&self) -> Child<A> {}", &["a child is described, not awaited: remove `async`"]),
        (
            "unsafe extern \"C\" fn a(&self) -> Child<A> {}",
            &["a child's method can't be `unsafe`", "a child's method is a plain"],
        ),
        ("fn a<T>(&self) -> Child<T> {}", &["a child is of one type: generics"]),
        ("fn a(&self) -> Child<A> where A: B {}", &["a child is of one type: remove the `where`"]),
        ("#[child(restart = x)] fn a(&self) -> A {}", &["`#[child]` is for the methods that make children"]),
        ("#[child(restart = x)] fn a(&self) {}", &["`#[child]` is for the methods that make children"]),
        (
            "#[child] fn a(&self) -> Child<A> {}",
            &["`#[child(..)]` says how a child is treated: it takes `restart`, `shutdown`"],
        ),
        ("#[child = 1] fn a(&self) -> Child<A> {}", &["`#[child(..)]` says how a child is treated"]),
        ("#[child(restart)] fn a(&self) -> Child<A> {}", &["expected `=`"]),
        (
            "#[child(restrat = 1, strategy = 2)] fn a(&self) -> Child<A> {}",
            &["unknown setting `restrat`: did you mean `restart`?", "unknown setting `strategy`"],
        ),
        ("#[child(restart = 1, restart = 2)] fn a(&self) -> Child<A> {}", &["`restart` is said twice"]),
        ("#[child(restart = 1)] #[child(shutdown = 2)] fn a(&self) -> Child<A> {}", &["`#[child]` is there once"]),
        ("#[cast] fn a(&self) -> Child<A> {} #[init] fn b() {}", &["this belongs to actors", "this belongs to actors"]),
    ];
    for (members, expected) in table {
        let expanded = check(SUPERVISOR, &format!("impl Shop {{ {members} }}"), expected).to_string();
        assert!(expanded.contains("struct ShopRef") && expanded.contains("Tree for Shop"), "{members}: {expanded}");
        assert!(!expanded.contains("# [child") && !expanded.contains("# [cast"), "{members}: {expanded}");
    }
    for (item, expected) in [
        ("struct Shop;", "`#[supervisor]` takes the `impl` block that holds"),
        ("fn shop() {}", "`#[supervisor]` takes an `impl` block"),
        ("impl Tree for Shop {}", "`#[supervisor]` takes an `impl` block without a trait"),
        ("impl<T> Shop<T> { fn a(&self) -> Child<T> {} }", "a supervisor has one ref type: generics"),
        ("impl [Shop] {}", "`#[supervisor]` takes the `impl` block of a struct"),
        ("#[cfg(test)] impl Shop {}", "put `#[cfg]` above"),
    ] {
        let found = errors(SUPERVISOR(TokenStream::new(), tokens(item)));
        assert!(found[0].starts_with(expected), "{item}: {found:?}");
    }
    for (arguments, expected) in [
        ("name", "expected `=`"),
        ("strateg = 1", "unknown setting `strateg`: did you mean `strategy`?"),
        (
            "children = 1",
            "unknown setting `children`: `#[supervisor(..)]` takes `strategy`, `intensity`, `auto_shutdown` and `backoff`",
        ),
        ("backoff = 1, backoff = 2", "`backoff` is said twice"),
    ] {
        let found = errors(SUPERVISOR(tokens(arguments), tokens("impl Shop {}")));
        assert!(matches!(found.as_slice(), [only] if only.starts_with(expected)), "{arguments}: {found:?}");
    }
}

#[test]
fn tests() {
    let table: [(&str, &[&str]); 15] = [
        ("struct S;", &["`#[rusm::test]` takes an `async fn`"]),
        ("mod m {}", &["`#[rusm::test]` takes an `async fn`"]),
        ("fn f() {}", &["a test runs beside its node: write `async fn`"]),
        ("async fn f(&self) {}", &["a test is a plain function, it has no `self`"]),
        ("async fn f<T>() {}", &["nobody names the types for a test"]),
        ("async unsafe fn f() {}", &["a test can't be `unsafe`"]),
        ("async fn f(node: &Node) {}", &["a test owns what it is given: take it by value"]),
        ("async fn f(a: Node, b: Node) {}", &["a test is given this once"]),
        ("#[test] async fn f() {}", &["`#[rusm::test]` makes the function a test: remove the other attribute"]),
        ("#[tokio::test] async fn f() {}", &["`#[rusm::test]` makes the function a test: remove the other attribute"]),
        ("async fn f(#[cfg(unix)] node: Node) {}", &["the arguments of a test must not depend on `cfg`"]),
        ("fn f(a: &Node, b: &Node) {}", &["a test runs beside", "a test owns", "a test owns"]),
        ("async fn f() {}", &[]),
        ("#[ignore] #[should_panic] pub async fn f(test: Test, node: Node) -> Result<(), E> { Ok(()) }", &[]),
        ("async fn f(mut test: rusm::testing::Test) {}", &[]),
    ];
    for (item, expected) in table {
        check(TEST, item, expected);
    }
}

#[test]
fn arguments_of_tests() {
    let table: [(&str, &[&str]); 17] = [
        ("", &[]),
        ("seeds = 1000", &[]),
        ("seed = 0x5eed", &[]),
        ("seed = 0", &[]),
        ("seeds = 10, turns = 5_000u64,", &[]),
        ("seeds", &["`seeds` takes a number: write `seeds = 1000`"]),
        ("seedz = 3", &["unknown argument `seedz`: did you mean `seed`?"]),
        ("workers = 3", &["unknown argument `workers`: there are `seeds`, `seed` and `turns`"]),
        ("seed = 1, seeds = 2", &["one seed is one run"]),
        ("seed = 1, seed = 2", &["`seed` stands here twice"]),
        ("seeds = 0", &["none of them is no test"]),
        ("turns = 0", &["none of them is no test"]),
        ("seed = \"1\"", &["`seed` takes a number that stands here"]),
        ("seed = -1", &["`seed` takes a number that stands here"]),
        ("seed = 5i32", &["`seed` is a `u64`"]),
        ("seed = 0x1_0000_0000_0000_0000", &["`seed` is a `u64`: "]),
        ("1000", &["`#[rusm::test(..)]` takes `seeds = 1000`"]),
    ];
    for (arguments, expected) in table {
        let found = errors(TEST(tokens(arguments), tokens("async fn f() {}")));
        let fits = found.len() == expected.len()
            && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
        assert!(fits, "{arguments}\nexpected {expected:#?}\nfound {found:#?}");
    }
}

//! How an actor starts and what it does at the events of its life: `#[init]` and `#[on(..)]`.
//!
//! Shared by actors and implementations of a contract, which differ only in where their messages come from.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Path, ReceiverKind, ReturnType, Signature, Type};

use crate::attrs::{self, Event};
use crate::ctxt::Ctxt;
use crate::machine;
use crate::method::{MAX_ARGUMENTS, awaited, check_plain, require_reference_receiver, typed};
use crate::types::{self, Context};

/// One parameter of `#[init]` or of a hook, in the user's order.
enum Param {
    Context,
    /// The index of the argument.
    Arg(usize),
}

struct Init {
    ident: Ident,
    is_async: bool,
    params: Vec<Param>,
    args: Vec<Type>,
    /// Where the parameters are.
    list: Span,
    /// The span of the return type if that is a `Result`.
    fallible: Option<Span>,
}

struct Hook {
    event: Event,
    ident: Ident,
    is_async: bool,
    params: Vec<Param>,
    /// Where the event's argument is declared; of a report, what it returns.
    arg: Option<Span>,
}

/// What was found of an actor's life.
#[derive(Default)]
pub(crate) struct Lifecycle {
    init: Option<Init>,
    hooks: Vec<Hook>,
    /// The attributes of `#[init]` functions, for errors about their number.
    inits: Vec<Attribute>,
    /// The type of its states, if it is a state machine.
    pub(crate) state: Option<Type>,
}

impl Lifecycle {
    pub(crate) fn of_states(state: Option<Type>) -> Self {
        Self { state, ..Self::default() }
    }

    pub(crate) fn init(&mut self, cx: &Ctxt, own: &Path, role: Attribute, attrs: &[Attribute], sig: &Signature) {
        attrs::no_cfg(cx, attrs, "an actor always starts the same way: put the condition inside the function");
        self.inits.push(role);
        let (init, sound) = cx.sound(|| lower_init(cx, own, sig));
        if sound && self.init.is_none() {
            self.init = Some(init);
        }
    }

    pub(crate) fn hook(&mut self, cx: &Ctxt, event: Event, role: &Attribute, attrs: &[Attribute], sig: &Signature) {
        attrs::no_cfg(cx, attrs, "an actor always has the same hooks: put the condition inside the function");
        if self.hooks.iter().any(|hook| hook.event == event) {
            cx.error(role, format_args!("there is one function for each event: `{}` has one already", event.name()));
            return;
        }
        if event.is_of_machines() && self.state.is_none() {
            cx.error(
                role,
                format_args!(
                    "only a state machine has `{}`: name the type of its states, `#[actor(state = Phase)]`",
                    event.name()
                ),
            );
            return;
        }
        let (hook, sound) = cx.sound(|| lower_hook(cx, event, sig));
        if sound {
            self.hooks.push(hook);
        }
    }

    /// Checks what only the whole block can tell.
    pub(crate) fn finish(&self, cx: &Ctxt, own: &Path) {
        match self.inits.as_slice() {
            [] => cx.error(
                own,
                "this actor has no `#[init]` function: add `#[init] fn start() -> Self`, with the arguments it needs",
            ),
            [_] => {}
            [_, more @ ..] => {
                for extra in more {
                    cx.error(extra, "an actor has one `#[init]` function");
                }
            }
        }
    }

    /// `impl Actor`, given the types of the messages and the body of `handle`.
    pub(crate) fn expand(&self, own: &Path, name: &str, messages: &Messages) -> TokenStream {
        let Messages { message, client, handle, handle_uses_context } = messages;
        let package = package();
        let (args, init) = match &self.init {
            Some(init) => (args_type(init), init.expand(own)),
            None => (quote!(()), stand_in_init()),
        };
        let (on_exit, on_terminate) = (self.has(Event::Exit), self.has(Event::Terminate));
        let hooks = self.hooks.iter().filter(|hook| !hook.event.is_of_machines()).map(|hook| hook.expand(self, own));
        let machine = machine::machine_type(self.state.as_ref(), message);
        let context = context_name(*handle_uses_context);
        let received = Ident::new("message", Span::mixed_site());
        quote_spanned! {Span::mixed_site()=>
            #[allow(deprecated, non_snake_case)]
            #[automatically_derived]
            impl ::rusm::__private::Actor for #own {
                type Args = #args;
                type Message = #message;
                type Client = #client;
                type Machine = #machine;
                const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
                    kind: ::rusm::__private::EntryKind::Actor,
                    name: #name,
                    package: #package,
                    init: ::core::option::Option::Some({
                        // `Args` was checked where it is named; seen through `Actor`, it is not checked again.
                        const fn schema<A: ::rusm::__private::Actor>() -> &'static ::rusm::__private::Type {
                            <A::Args as ::rusm::__private::Wire>::SCHEMA
                        }
                        schema::<Self>()
                    }),
                    methods: <#message as ::rusm::__private::Message>::METHODS,
                    on_exit: #on_exit,
                    on_terminate: #on_terminate,
                };
                #init
                async fn handle(
                    &mut self,
                    #received: <Self as ::rusm::__private::Actor>::Message,
                    #context: &mut ::rusm::__private::Cx<Self>,
                ) {
                    #handle
                }
                #(#hooks)*
            }
            ::rusm::__private::register_actor!(#own);
        }
    }

    /// The hooks that only a state machine has.
    pub(crate) fn machine_hooks(&self, own: &Path) -> Vec<TokenStream> {
        self.hooks.iter().filter(|hook| hook.event.is_of_machines()).map(|hook| hook.expand(self, own)).collect()
    }

    fn has(&self, event: Event) -> bool {
        self.hooks.iter().any(|hook| hook.event == event)
    }
}

/// What the messages of an actor contribute to `impl Actor`.
pub(crate) struct Messages {
    pub message: TokenStream,
    pub client: TokenStream,
    /// The body of `handle`, over the names `message` and `cx` at mixed-site hygiene.
    pub handle: TokenStream,
    pub handle_uses_context: bool,
}

/// The package that a component belongs to is the one that is being compiled.
pub(crate) fn package() -> TokenStream {
    quote!(::core::env!("CARGO_PKG_NAME"))
}

pub(crate) fn context_name(used: bool) -> Ident {
    Ident::new(if used { "cx" } else { "_cx" }, Span::mixed_site())
}

fn lower_init(cx: &Ctxt, own: &Path, sig: &Signature) -> Init {
    check_plain(cx, sig, "`#[init]`");
    if let Some(receiver) = sig.receiver() {
        cx.error(
            receiver,
            "`#[init]` makes the actor, so there is no `self` yet: take its arguments and return `Self`",
        );
    }
    let (params, args) = lower_params(cx, sig, "`#[init]`");
    let mut types = Vec::with_capacity(args.len());
    for arg in args {
        types::check_owned(cx, arg);
        types.push(types::without_self(arg, own));
    }
    if let Some(extra) = typed(sig).nth(MAX_ARGUMENTS).filter(|_| types.len() > MAX_ARGUMENTS) {
        cx.error(
            extra,
            format_args!("`#[init]` has at most {MAX_ARGUMENTS} arguments: put them into a `#[wire]` struct"),
        );
    }
    let fallible = lower_made(cx, own, sig);
    Init {
        ident: sig.ident.clone(),
        is_async: sig.asyncness.is_some(),
        params,
        args: types,
        list: sig.paren_token.span.join(),
        fallible,
    }
}

/// What `#[init]` returns, by its syntax.
fn lower_made(cx: &Ctxt, own: &Path, sig: &Signature) -> Option<Span> {
    const WANTED: &str = "`#[init]` returns the actor: `Self`, or `Result<Self, E>` with `E: Into<Exit>`";
    let ReturnType::Type(_, ty) = &sig.output else {
        cx.error(&sig.ident, WANTED);
        return None;
    };
    if types::is_self(ty, own) {
        return None;
    }
    match types::named(ty, "Result").as_deref() {
        Some([made, ..]) if types::is_self(made, own) => Some(ty.span()),
        Some([made, ..]) => {
            cx.error(made, WANTED);
            None
        }
        Some([]) | None => {
            cx.error(ty, WANTED);
            None
        }
    }
}

/// It is asked in the middle of an end, so it can neither wait nor change anything.
fn lower_report(cx: &Ctxt, sig: &Signature) -> Hook {
    const WHAT: &str = "`#[on(report)]`";
    check_plain(cx, sig, WHAT);
    if let Some(token) = &sig.asyncness {
        cx.error(token, format_args!("{WHAT} can't wait: remove `async`"));
    }
    match sig.receiver() {
        Some(receiver) if matches!(&receiver.kind, ReceiverKind::Reference(_, None, None)) => {}
        Some(receiver) => cx.error(receiver, format_args!("{WHAT} only looks: take `&self`")),
        None => cx.error(&sig.ident, format_args!("{WHAT} takes `&self`")),
    }
    if let Some(extra) = typed(sig).next() {
        cx.error(extra, format_args!("{WHAT} takes `&self` alone"));
    }
    if types::returns_nothing(&sig.output) {
        cx.error(&sig.ident, format_args!("{WHAT} returns the state in a few words: `-> String`"));
    }
    let (ident, params) = (sig.ident.clone(), Vec::new());
    let arg = match &sig.output {
        ReturnType::Type(_, ty) => Some(ty.span()),
        ReturnType::Default => None,
    };
    Hook { event: Event::Report, ident, is_async: false, params, arg }
}

fn lower_hook(cx: &Ctxt, event: Event, sig: &Signature) -> Hook {
    if event == Event::Report {
        return lower_report(cx, sig);
    }
    let what = format!("`#[on({})]`", event.name());
    check_plain(cx, sig, &what);
    require_reference_receiver(cx, sig, &what);
    if !types::returns_nothing(&sig.output) {
        cx.error(&sig.output, format_args!("{what} returns nothing: nobody waits for it"));
    }
    let (params, args) = lower_params(cx, sig, &what);
    if let Some(extra) = args.get(1) {
        cx.error(extra, format_args!("{what} takes one argument beside the context: {}", wanted(event)));
    }
    let arg = args.first().map(|ty| {
        let reference = matches!(types::bare(ty), Type::Reference(reference) if reference.mutability.is_none());
        let any_reference = matches!(types::bare(ty), Type::Reference(_));
        let fits = if event == Event::Terminate { reference } else { !any_reference };
        if !fits {
            cx.error(ty, format_args!("{what} takes {}", wanted(event)));
        }
        ty.span()
    });
    Hook { event, ident: sig.ident.clone(), is_async: sig.asyncness.is_some(), params, arg }
}

fn wanted(event: Event) -> &'static str {
    match event {
        Event::Exit => "`exit: ExitSignal`",
        Event::Down => "`down: Down`",
        Event::Terminate => "`reason: &ExitReason`",
        Event::Report => "nothing",
        Event::Enter => "`from: Option<Phase>`, where `Phase` is the type of the states",
        Event::Timeout => "`timeout: Timeout`",
    }
}

/// Sorts the context from the other parameters; patterns are allowed, since nothing is named after these.
fn lower_params<'a>(cx: &Ctxt, sig: &'a Signature, what: &str) -> (Vec<Param>, Vec<&'a Type>) {
    let (mut params, mut args) = (Vec::new(), Vec::new());
    let mut context = false;
    for typed in typed(sig) {
        attrs::no_cfg(cx, &typed.attrs, &format!("the arguments of {what} must not depend on `cfg`"));
        match types::context(&typed.ty) {
            Some(Context::Mutable) if context => cx.error(typed, "the context is taken once"),
            Some(Context::Mutable) => {
                context = true;
                params.push(Param::Context);
            }
            Some(Context::Wrong) => cx.error(&typed.ty, "take the context as `&mut Cx<Self>`"),
            None => {
                params.push(Param::Arg(args.len()));
                args.push(&*typed.ty);
            }
        }
    }
    (params, args)
}

/// No argument is `()`, one is itself, more are a tuple. If it is no `Wire`, that is reported under the arguments.
fn args_type(init: &Init) -> TokenStream {
    match init.args.as_slice() {
        [one] => quote!(#one),
        several => quote_spanned!(Span::mixed_site().located_at(init.list)=> (#(#several),*)),
    }
}

impl Init {
    fn expand(&self, own: &Path) -> TokenStream {
        let at = Span::mixed_site();
        let Self { ident, is_async, params, args, fallible, .. } = self;
        let awaited = awaited(*is_async);
        let names: Vec<Ident> = (0..args.len()).map(|i| format_ident!("argument_{i}", span = at)).collect();
        let pattern = match names.as_slice() {
            [] => quote!(()),
            [one] => quote!(#one),
            several => quote!((#(#several),*)),
        };
        let uses_context = params.iter().any(|param| matches!(param, Param::Context));
        let cx = context_name(uses_context);
        let passed = params.iter().map(|param| match param {
            Param::Context => &cx,
            Param::Arg(i) => &names[*i],
        });
        let made = quote_spanned!(at=> #own::#ident(#(#passed),*) #awaited);
        let body = match fallible {
            Some(span) => {
                let into = quote_spanned! {at.located_at(*span)=>
                    |error| ::core::convert::Into::<::rusm::__private::Exit>::into(error)
                };
                quote_spanned!(at=> ::core::result::Result::map_err(#made, #into))
            }
            None => quote_spanned!(at=> ::core::result::Result::Ok(#made)),
        };
        quote_spanned! {at=>
            async fn init(
                #pattern: <Self as ::rusm::__private::Actor>::Args,
                #cx: &mut ::rusm::__private::Cx<Self>,
            ) -> ::core::result::Result<Self, ::rusm::__private::Exit> {
                #body
            }
        }
    }
}

/// Compiles whatever the actor is; never runs, because a mistake was reported.
fn stand_in_init() -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        async fn init(
            (): <Self as ::rusm::__private::Actor>::Args,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) -> ::core::result::Result<Self, ::rusm::__private::Exit> {
            ::core::unreachable!()
        }
    }
}

impl Hook {
    fn expand(&self, life: &Lifecycle, own: &Path) -> TokenStream {
        let at = Span::mixed_site();
        let Self { event, ident, is_async, params, arg } = self;
        let awaited = awaited(*is_async);
        let cx = context_name(params.iter().any(|param| matches!(param, Param::Context)));
        let (name, unused, given, ty) = match event {
            Event::Exit => ("on_exit", "_exit", "exit", quote!(::rusm::__private::ExitSignal)),
            Event::Down => ("on_down", "_down", "down", quote!(::rusm::__private::Down)),
            Event::Terminate => ("on_terminate", "_reason", "reason", quote!(&::rusm::__private::ExitReason)),
            Event::Report => {
                // At the span of what it returns: if that is no text, that is where rustc says so.
                let text = quote_spanned!(arg.map_or(at, |span| at.located_at(span))=> #own::#ident(self));
                return quote_spanned! {at=>
                    fn on_report(&self) -> ::core::option::Option<::std::string::String> {
                        ::core::option::Option::Some(#text)
                    }
                };
            }
            Event::Enter => {
                let state = &life.state;
                ("on_enter", "_from", "from", quote!(::core::option::Option<#state>))
            }
            Event::Timeout => ("on_timeout", "_timeout", "timeout", quote!(::rusm::__private::Timeout)),
        };
        let name = Ident::new(name, at);
        // At the span of the argument's type: if it is another one, that is where rustc says so.
        let given = Ident::new(if arg.is_some() { given } else { unused }, arg.map_or(at, |span| at.located_at(span)));
        let passed = params.iter().map(|param| match param {
            Param::Context => &cx,
            Param::Arg(_) => &given,
        });
        quote_spanned! {at=>
            async fn #name(&mut self, #given: #ty, #cx: &mut ::rusm::__private::Cx<Self>) {
                #own::#ident(self, #(#passed),*) #awaited;
            }
        }
    }
}

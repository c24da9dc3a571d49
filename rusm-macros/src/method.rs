//! One method as a message: its representation, and the way from a signature to it.
//!
//! Actors and contracts share it. What can't be a message is reported where it stands; a method with a mistake is kept as
//! [`Method::broken`], so that the client still has it and its callers are not told that it doesn't exist.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{
    Attribute, FnArg, Pat, PatType, Path, ReceiverKind, ReturnType, Safety, Signature, Type, TypeParamBound,
    Visibility, parse_quote, parse_quote_spanned,
};

use crate::attrs::{self, Inherited};
use crate::ctxt::Ctxt;
use crate::machine::Postpone;
use crate::naming;
use crate::types::{self, Context};

/// As many as serde implements its traits for tuples of, with room for the library to count lower.
pub(crate) const MAX_ARGUMENTS: usize = 12;

/// Inherent functions of every client, and those of a client's handle.
const RESERVED: [&str; 7] = ["named", "connect", "on", "address", "from_address", "pid", "clone"];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The method returns the answer.
    Call,
    /// Nobody waits for an answer.
    Cast,
    /// The method is given a `Reply` and answers with it.
    Deferred,
    /// The method returns a stream of answers.
    Stream,
}

/// What the attributes make of a method.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Call,
    Cast,
    Stream,
}

/// One field of the message.
pub(crate) struct Arg {
    pub ident: Ident,
    pub ty: Type,
}

/// One parameter of the user's function, in the order in which it wants them.
pub(crate) enum Param {
    Context,
    Reply,
    /// An index into [`Method::args`].
    Arg(usize),
}

pub(crate) struct Method {
    pub ident: Ident,
    pub vis: Visibility,
    pub kind: Kind,
    pub is_async: bool,
    pub params: Vec<Param>,
    pub args: Vec<Arg>,
    /// What the caller gets, of a stream one item; `()` for a cast.
    pub output: Type,
    pub inherited: Inherited,
    /// In which states of its machine it waits.
    pub postpone: Option<Postpone>,
    /// Something was reported; nothing but the client's stand-in can be generated.
    pub broken: bool,
}

/// Where a method stands, as far as the rules differ.
pub(crate) enum Place<'a> {
    /// In the `impl` block of this type.
    Actor(&'a Path),
    Contract,
}

impl Method {
    pub(crate) fn lower(
        cx: &Ctxt,
        place: &Place<'_>,
        vis: &Visibility,
        attrs: &[Attribute],
        sig: &Signature,
        form: Form,
    ) -> Self {
        let (mut method, sound) = cx.sound(|| Self::lower_unsound(cx, place, vis, attrs, sig, form));
        method.broken = !sound;
        method
    }

    fn lower_unsound(
        cx: &Ctxt,
        place: &Place<'_>,
        vis: &Visibility,
        attrs: &[Attribute],
        sig: &Signature,
        form: Form,
    ) -> Self {
        check_plain(cx, sig, "a message");
        check_receiver(cx, place, sig);
        check_name(cx, &sig.ident);
        let Inputs { params, args, answer } = Inputs::lower(cx, place, sig);
        let output = match (&answer, form) {
            (None, Form::Call) => output(cx, place, &sig.output),
            (None, Form::Stream) => item(cx, place, sig),
            (None, Form::Cast) => {
                if let ReturnType::Type(_, ty) = &sig.output
                    && !types::is_unit(ty)
                {
                    cx.error(ty, "nobody waits for a cast: return nothing, or make it a call by removing `#[cast]`");
                }
                parse_quote!(())
            }
            (Some((argument, _)), Form::Stream) => {
                cx.error(argument, "a stream is answered with its items: remove this reply, or `#[stream]`");
                item(cx, place, sig)
            }
            (Some((argument, answer)), form) => {
                if form == Form::Cast {
                    cx.error(argument, "nobody waits for a cast: remove `#[cast]`, or this reply");
                }
                if let ReturnType::Type(_, ty) = &sig.output
                    && !types::is_unit(ty)
                {
                    cx.error(ty, "this call is answered through its `Reply`: return nothing");
                }
                answer.clone()
            }
        };
        let kind = match answer {
            _ if form == Form::Cast => Kind::Cast,
            _ if form == Form::Stream => Kind::Stream,
            Some(_) => Kind::Deferred,
            None => Kind::Call,
        };
        Self {
            ident: sig.ident.clone(),
            vis: vis.clone(),
            kind,
            is_async: sig.asyncness.is_some(),
            params,
            args,
            output,
            inherited: Inherited::from(attrs),
            postpone: None,
            broken: false,
        }
    }

    pub(crate) fn has_reply(&self) -> bool {
        self.kind != Kind::Cast
    }

    pub(crate) fn takes_context(&self) -> bool {
        self.params.iter().any(|param| matches!(param, Param::Context))
    }

    /// The name of the message's field that holds the reply.
    pub(crate) fn reply_field(&self) -> Ident {
        let taken = self.args.iter().any(|arg| arg.ident == "reply");
        Ident::new(if taken { "__reply" } else { "reply" }, proc_macro2::Span::mixed_site())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Ident> {
        self.args.iter().map(|arg| &arg.ident)
    }

    pub(crate) fn types(&self) -> impl Iterator<Item = &Type> {
        self.args.iter().map(|arg| &arg.ty)
    }
}

/// The parameters of a message, sorted out.
struct Inputs {
    params: Vec<Param>,
    args: Vec<Arg>,
    /// The `Reply<T>` parameter, for errors about it, and its `T`.
    answer: Option<(PatType, Type)>,
}

impl Inputs {
    fn lower(cx: &Ctxt, place: &Place<'_>, sig: &Signature) -> Self {
        let mut inputs = Self { params: Vec::new(), args: Vec::new(), answer: None };
        let mut context = false;
        for typed in typed(sig) {
            attrs::no_cfg(cx, &typed.attrs, "the form of a message must not depend on `cfg`: use two methods instead");
            if let Some(form) = types::context(&typed.ty) {
                match (place, form) {
                    (Place::Contract, _) => {
                        cx.error(
                            typed,
                            "a contract knows no context: what implements it may keep what it needs from `#[init]`",
                        );
                    }
                    (Place::Actor(_), Context::Wrong) => cx.error(&typed.ty, "take the context as `&mut Cx<Self>`"),
                    (Place::Actor(_), Context::Mutable) if context => cx.error(typed, "the context is taken once"),
                    (Place::Actor(_), Context::Mutable) => {
                        context = true;
                        inputs.params.push(Param::Context);
                    }
                }
                continue;
            }
            if let Some(answer) = types::reply(&typed.ty) {
                if inputs.answer.is_some() {
                    cx.error(typed, "a call has one answer: keep one `Reply`");
                    continue;
                }
                inputs.params.push(Param::Reply);
                inputs.answer = Some((typed.clone(), data(cx, place, answer)));
                continue;
            }
            let ty = data(cx, place, &typed.ty);
            if let Some(ident) = argument_name(cx, &typed.pat) {
                inputs.params.push(Param::Arg(inputs.args.len()));
                inputs.args.push(Arg { ident, ty });
            }
        }
        if let Some(extra) = typed(sig).nth(MAX_ARGUMENTS).filter(|_| inputs.args.len() > MAX_ARGUMENTS) {
            cx.error(
                extra,
                format_args!("a message has at most {MAX_ARGUMENTS} arguments: put them into a `#[wire]` struct"),
            );
        }
        inputs
    }
}

/// Every parameter but the receiver.
pub(crate) fn typed(sig: &Signature) -> impl Iterator<Item = &PatType> {
    sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    })
}

/// Checks the type of an argument or an answer, and spells `Self` out.
fn data(cx: &Ctxt, place: &Place<'_>, ty: &Type) -> Type {
    types::check_owned(cx, ty);
    match place {
        Place::Actor(own) => types::without_self(ty, own),
        Place::Contract => {
            if let Some(at) = types::mentions_self(ty) {
                cx.error(
                    at,
                    "whoever calls a contract doesn't know which type implements it: name a type instead of `Self`",
                );
            }
            ty.clone()
        }
    }
}

fn output(cx: &Ctxt, place: &Place<'_>, output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) if types::stream_item(ty).is_some() => {
            cx.error(ty, "a call has one answer: mark it `#[stream]` to answer with many");
            parse_quote!(())
        }
        ReturnType::Type(_, ty) => data(cx, place, ty),
    }
}

/// The type of a stream's items.
fn item(cx: &Ctxt, place: &Place<'_>, sig: &Signature) -> Type {
    const FORM: &str = "a stream's method returns `impl Stream<Item = T>`";
    let returned = match &sig.output {
        ReturnType::Default => {
            cx.error(&sig.ident, FORM);
            return parse_quote!(());
        }
        ReturnType::Type(_, ty) => ty,
    };
    match types::stream_item(returned) {
        Some(item) => data(cx, place, item),
        None => {
            cx.error(returned, FORM);
            parse_quote!(())
        }
    }
}

/// Has the stream that a function returns own what it needs: it lives on when the message is done. `captured` is what its type may
/// depend on.
pub(crate) fn own_stream(sig: &mut Signature, captured: &TokenStream) {
    if let ReturnType::Type(_, ty) = &mut sig.output {
        let (plain, at) = (Span::mixed_site(), Span::mixed_site().located_at(ty.span()));
        let Some(bounds) = types::stream_bounds(ty) else { return };
        if !bounds.iter().any(|bound| matches!(bound, TypeParamBound::PreciseCapture(_))) {
            bounds.push(parse_quote_spanned!(plain=> use<#captured>));
        }
        bounds.push(parse_quote_spanned!(at=> ::core::marker::Send));
    }
}

/// The name of an argument; a message's fields are named after them.
pub(crate) fn argument_name(cx: &Ctxt, pat: &Pat) -> Option<Ident> {
    match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => Some(pat.ident.clone()),
        Pat::Wild(_) => {
            cx.error(
                pat,
                "an argument needs a name, it becomes a field of the message: write `_name` if you don't use it",
            );
            None
        }
        _ => {
            cx.error(
                pat,
                "an argument needs a plain name, it becomes a field of the message: take it apart inside the function",
            );
            None
        }
    }
}

/// What no function that is called for a process may be. `what` is the subject of the messages.
pub(crate) fn check_plain(cx: &Ctxt, sig: &Signature, what: &str) {
    if let Some(token) = &sig.constness {
        cx.error(token, format_args!("{what} can't be a `const fn`: remove `const`"));
    }
    if let Safety::Unsafe(token) = &sig.safety {
        cx.error(token, format_args!("{what} can't be `unsafe`: no caller could keep its promise"));
    }
    if let Some(abi) = &sig.abi {
        cx.error(abi, format_args!("{what} is a plain Rust function: remove `extern`"));
    }
    if let Some(variadic) = &sig.variadic {
        cx.error(variadic, format_args!("{what} has a fixed number of arguments"));
    }
    if !sig.generics.params.is_empty() {
        cx.error(
            &sig.generics,
            format_args!("{what} has one form on the wire: generics are not possible, name the types"),
        );
    } else if let Some(clause) = &sig.generics.where_clause {
        cx.error(clause, format_args!("{what} has one form on the wire: remove the `where` clause"));
    }
}

fn check_receiver(cx: &Ctxt, place: &Place<'_>, sig: &Signature) {
    let Some(receiver) = sig.receiver() else {
        let name = &sig.ident;
        match place {
            Place::Actor(_) => cx.error(name, "make it private if it is not a message, or mark it #[init]"),
            Place::Contract => cx.error(name, "a contract's methods take `&self` or `&mut self`"),
        }
        return;
    };
    match &receiver.kind {
        ReceiverKind::Reference(_, None, _) => {}
        ReceiverKind::Reference(_, Some(lifetime), _) => {
            cx.error(lifetime, "a message outlives its call: remove the lifetime")
        }
        ReceiverKind::Value => {
            cx.error(receiver, "a message is handled by an actor that goes on living: take `&mut self` or `&self`")
        }
        ReceiverKind::Typed(..) => cx.error(receiver, "write the receiver as `&mut self` or `&self`"),
        _ => cx.error(receiver, "take `&mut self` or `&self`"),
    }
}

fn check_name(cx: &Ctxt, ident: &Ident) {
    let name = naming::plain(ident);
    if RESERVED.contains(&name.as_str()) {
        cx.error(ident, format_args!("`{name}` is a function of every client: call this message something else"));
    }
}

/// The receiver of what runs while the actor lives, without being a message.
pub(crate) fn require_reference_receiver(cx: &Ctxt, sig: &Signature, what: &str) {
    match sig.receiver() {
        None => cx.error(&sig.ident, format_args!("{what} takes `&mut self` or `&self`")),
        Some(receiver) if !matches!(receiver.kind, ReceiverKind::Reference(_, None, _)) => {
            cx.error(receiver, format_args!("{what} takes `&mut self` or `&self`"));
        }
        Some(_) => {}
    }
}

/// `.await`, if there is something to wait for.
pub(crate) fn awaited(is_async: bool) -> TokenStream {
    if is_async { quote!(.await) } else { TokenStream::new() }
}

/// Reports names that can't live side by side, under both of them, and drops repeated ones.
///
/// `named` gives the identifier, the name on the wire and the conditions. The indices of the later ones of each clash come
/// back: generating them too would only be reported again.
pub(crate) fn check_clashes<T>(
    cx: &Ctxt,
    all: &mut Vec<T>,
    named: impl Fn(&T) -> (Ident, String, &[Attribute]),
) -> Vec<usize> {
    // A name that is defined twice is rustc's to report, unless the two are there under different conditions.
    let mut seen: Vec<(Ident, bool)> = Vec::new();
    all.retain(|item| {
        let (ident, _, cfg) = named(item);
        let conditional = !cfg.is_empty();
        let repeated = seen.iter().any(|(name, other)| *name == ident && !(conditional && *other));
        seen.push((ident, conditional));
        !repeated
    });
    let mut clashing = Vec::new();
    for (i, later) in all.iter().enumerate() {
        for earlier in &all[..i] {
            let ((first, one, _), (second, two, _)) = (named(earlier), named(later));
            if one == two {
                continue;
            }
            let message = if naming::folded(&first) == naming::folded(&second) {
                format!("`{one}` and `{two}` differ only in case and underscores: rename one of them")
            } else if naming::method_id(&one) == naming::method_id(&two) {
                format!("`{one}` and `{two}` have the same id on the wire, a hash of the name: rename one of them")
            } else {
                continue;
            };
            cx.error(&first, &message);
            cx.error(&second, &message);
            clashing.push(i);
        }
    }
    clashing
}

/// [`check_clashes`] among the methods of one actor or contract.
pub(crate) fn check_methods(cx: &Ctxt, methods: &mut Vec<Method>) {
    let clashing = check_clashes(cx, methods, |method| {
        (method.ident.clone(), naming::plain(&method.ident), &method.inherited.cfg)
    });
    for later in clashing {
        methods[later].broken = true;
    }
}

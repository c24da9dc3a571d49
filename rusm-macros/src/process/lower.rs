//! From a function to a process, checking it.

use syn::spanned::Spanned;
use syn::{ItemFn, PatType, Signature, Type};

use super::{Process, Sound};
use crate::attrs::{self, Taken};
use crate::ctxt::{Ctxt, no_condition};
use crate::method::{MAX_ARGUMENTS, check_plain, typed};
use crate::types;

const INBOX: &str =
    "a process takes its messages from its inbox: write `mut inbox: Inbox<Message>` as the first argument";

pub(super) fn lower(cx: &Ctxt, mut item: ItemFn) -> Process {
    let (lowered, sound) = cx.sound(|| lower_unsound(cx, &mut item));
    Process { item, sound: lowered.filter(|_| sound) }
}

fn lower_unsound(cx: &Ctxt, item: &mut ItemFn) -> Option<Sound> {
    no_condition(cx, "actor", &item.attrs);
    if let Taken::Role(_, role) = attrs::take_role(cx, &mut item.attrs) {
        cx.error(&role, "this belongs to the functions of an `impl` block: a process that is a function has no roles");
    }
    let sig = &item.sig;
    check_plain(cx, sig, "a process");
    if sig.asyncness.is_none() {
        cx.error(sig.fn_token, "a process waits for its messages: write `async fn`");
    }
    if let Some(receiver) = sig.receiver() {
        cx.error(
            receiver,
            "a process that is a function has no `self`: put the function into an `impl` block and `#[actor]` above that, or \
             keep its state in variables",
        );
        return None;
    }
    let message = lower_inbox(cx, sig);
    let args = lower_args(cx, sig);
    let list = sig.paren_token.span.join();
    let output = match &sig.output {
        syn::ReturnType::Default => sig.ident.span(),
        syn::ReturnType::Type(_, ty) => ty.span(),
    };
    Some(Sound { message: message?, args, list, output })
}

/// What the inbox holds.
fn lower_inbox(cx: &Ctxt, sig: &Signature) -> Option<Type> {
    let Some(first) = typed(sig).next() else {
        cx.error(&sig.ident, INBOX);
        return None;
    };
    attrs::no_cfg(cx, &first.attrs, "a process always has an inbox");
    match inbox(&first.ty) {
        Some(Inbox::Of(message)) => {
            types::check_owned(cx, message);
            Some(message.clone())
        }
        Some(Inbox::Untyped) => {
            cx.error(&first.ty, "name the type of the messages: `Inbox<Message>`");
            None
        }
        Some(Inbox::Reference) => {
            cx.error(&first.ty, "the inbox is the process's own: take it by value, `mut inbox: Inbox<Message>`");
            None
        }
        None => {
            // One that stands elsewhere is reported there.
            if !typed(sig).any(|typed| inbox(&typed.ty).is_some()) {
                cx.error(&first.ty, INBOX);
            }
            None
        }
    }
}

fn lower_args(cx: &Ctxt, sig: &Signature) -> Vec<Type> {
    let mut args = Vec::new();
    let first_is_inbox = typed(sig).next().is_some_and(|first| inbox(&first.ty).is_some());
    for typed in typed(sig).skip(1) {
        attrs::no_cfg(cx, &typed.attrs, "the arguments of a process must not depend on `cfg`");
        if inbox(&typed.ty).is_some() {
            let message = if first_is_inbox { "a process has one inbox" } else { "the inbox comes first" };
            cx.error(typed, message);
        } else if types::context(&typed.ty).is_some() {
            cx.error(typed, "a process that is a function has no context: its inbox does what a context does");
        } else {
            types::check_owned(cx, &typed.ty);
        }
        args.push((*typed.ty).clone());
    }
    if let Some(extra) = extra(sig) {
        cx.error(
            extra,
            format_args!("a process has at most {MAX_ARGUMENTS} arguments: put them into a `#[wire]` struct"),
        );
    }
    args
}

/// The first argument that is too many.
fn extra(sig: &Signature) -> Option<&PatType> {
    typed(sig).nth(MAX_ARGUMENTS + 1)
}

enum Inbox<'a> {
    Of(&'a Type),
    Untyped,
    Reference,
}

fn inbox(ty: &Type) -> Option<Inbox<'_>> {
    if let Type::Reference(reference) = types::bare(ty) {
        return inbox(&reference.elem).map(|_| Inbox::Reference);
    }
    Some(match types::named(ty, "Inbox")?.as_slice() {
        [message] => Inbox::Of(message),
        _ => Inbox::Untyped,
    })
}

//! From an `impl` block to a supervisor, checking it.

use proc_macro2::TokenStream;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, ImplItem, ImplItemFn, ItemImpl, Meta, Path, PathArguments, ReceiverKind, ReturnType, Safety, Signature,
    Type,
};

use super::settings::{self, CHILD, SUPERVISOR, Setting};
use super::{Child, Supervisor};
use crate::attrs::{self, Inherited, Taken};
use crate::ctxt::{Ctxt, no_condition};
use crate::method::typed;
use crate::types;

/// The block itself comes back if nothing can be made of it.
pub(super) fn lower(cx: &Ctxt, arguments: TokenStream, mut item: ItemImpl) -> Result<Supervisor, Box<ItemImpl>> {
    let settings = settings::lower(cx, "supervisor", &SUPERVISOR, arguments);
    let (own, possible) = cx.sound(|| lower_header(cx, &item));
    let own = own.filter(|_| possible);
    let mut children = Vec::new();
    for member in &mut item.items {
        let ImplItem::Fn(function) = member else { continue };
        let (child, sound) = cx.sound(|| lower_function(cx, own.as_ref(), function));
        children.extend(child.filter(|_| sound));
    }
    match own {
        Some(own) => Ok(Supervisor { item, own, settings, children }),
        None => Err(Box::new(item)),
    }
}

fn lower_header(cx: &Ctxt, item: &ItemImpl) -> Option<Path> {
    no_condition(cx, "supervisor", &item.attrs);
    if let Some((implemented, _)) = &item.trait_ {
        cx.error(implemented, "`#[supervisor]` takes an `impl` block without a trait");
    }
    if let Some(token) = &item.unsafety {
        cx.error(token, "a supervisor's block can't be `unsafe`");
    }
    let Type::Path(ty) = types::bare(&item.self_ty) else {
        cx.error(&item.self_ty, "`#[supervisor]` takes the `impl` block of a struct or an enum");
        return None;
    };
    if !item.generics.params.is_empty() {
        cx.error(&item.generics, "a supervisor has one ref type: generics are not possible, name the types");
    }
    for segment in ty.path.segments.iter().filter(|segment| !matches!(segment.arguments, PathArguments::None)) {
        cx.error(&segment.arguments, "a supervisor is a type of its own: wrap this in a struct without generics");
    }
    Some(ty.path.clone())
}

/// A child, if the function is one; all else is a helper and stays as it is.
fn lower_function(cx: &Ctxt, own: Option<&Path>, function: &mut ImplItemFn) -> Option<Child> {
    if let Taken::Role(_, attr) = attrs::take_role(cx, &mut function.attrs) {
        cx.error(attr, "this belongs to actors: a supervisor has children, marked by `#[child]` where they need it");
    }
    let said = take_child(&mut function.attrs);
    let ImplItemFn { attrs, sig, .. } = function;
    let returned = match &sig.output {
        ReturnType::Type(_, ty) => types::named(ty, "Child"),
        ReturnType::Default => None,
    };
    let Some(returned) = returned else {
        for attr in &said {
            cx.error(attr, "`#[child]` is for the methods that make children: return `Child<T>`, or remove `#[child]`");
        }
        return None;
    };
    let settings = lower_child(cx, &said);
    check_signature(cx, sig);
    let [ty] = returned.as_slice() else {
        cx.error(&sig.output, "name the type of the child: `Child<T>`");
        return None;
    };
    let ty = own.map_or_else(|| (*ty).clone(), |own| types::without_self(ty, own));
    if own.is_some_and(|own| types::is_self(&ty, own)) {
        cx.error(&sig.output, "a supervisor can't be its own child: it would never have started");
    }
    Some(Child { ident: sig.ident.clone(), ty, settings, inherited: Inherited::from(attrs) })
}

fn take_child(attrs: &mut Vec<Attribute>) -> Vec<Attribute> {
    let (ours, others) = std::mem::take(attrs).into_iter().partition(|attr| attr.path().is_ident("child"));
    *attrs = others;
    ours
}

fn lower_child(cx: &Ctxt, said: &[Attribute]) -> Vec<Setting> {
    if let [_, more @ ..] = said {
        more.iter().for_each(|attr| cx.error(attr, "`#[child]` is there once: put all settings into one"));
    }
    match said.first().map(|attr| (attr, &attr.meta)) {
        None => Vec::new(),
        Some((_, Meta::List(list))) if !list.tokens.is_empty() => {
            settings::lower(cx, "child", &CHILD, list.tokens.clone())
        }
        Some((attr, _)) => {
            cx.error(
                attr,
                format_args!("`#[child(..)]` says how a child is treated: it takes {}", settings::list(&CHILD)),
            );
            Vec::new()
        }
    }
}

fn check_signature(cx: &Ctxt, sig: &Signature) {
    if let Some(token) = &sig.asyncness {
        cx.error(token, "a child is described, not awaited: remove `async`, and wait in the child's `#[init]`");
    }
    if let Safety::Unsafe(token) = &sig.safety {
        cx.error(token, "a child's method can't be `unsafe`: its supervisor calls it");
    }
    if let Some(abi) = &sig.abi {
        cx.error(abi, "a child's method is a plain Rust function: remove `extern`");
    }
    if !sig.generics.params.is_empty() {
        cx.error(&sig.generics, "a child is of one type: generics are not possible, name the types");
    } else if let Some(clause) = &sig.generics.where_clause {
        cx.error(clause, "a child is of one type: remove the `where` clause");
    }
    match sig.receiver() {
        None => cx.error(&sig.ident, "a child's method takes `&self`: it is called again at each restart"),
        Some(receiver) if !matches!(&receiver.kind, ReceiverKind::Reference(_, None, None)) => {
            cx.error(receiver, "a child's method takes `&self`: it is called again at each restart");
        }
        Some(_) => {}
    }
    let extra: Punctuated<_, syn::Token![,]> = typed(sig).cloned().collect();
    if !extra.is_empty() {
        cx.error(extra, "nobody could give this argument: what a child needs is in `self`");
    }
}

//! `impl Contract for Type` as an actor.
//!
//! Functions with a role go into an inherent block, everything else stays in the trait's.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ImplItem, ImplItemFn, ItemImpl, Path, Type};

use crate::attrs::{self, Role, Taken};
use crate::ctxt::{Ctxt, give_back, no_condition};
use crate::lifecycle::{Lifecycle, Messages};
use crate::method::{own_stream, typed};
use crate::{naming, types};

pub(super) fn expand(cx: Ctxt, mut item: ItemImpl) -> TokenStream {
    let header = header(&cx, &item);
    let mut life = Lifecycle::default();
    let mut inherent = Vec::new();
    let own = header.as_ref().map(|(_, own)| own);
    let members = std::mem::take(&mut item.items);
    for member in members {
        match member {
            ImplItem::Fn(mut function) => match lower_function(&cx, own, &mut function, &mut life) {
                Side::Inherent => inherent.push(function),
                Side::Contract => item.items.push(ImplItem::Fn(function)),
            },
            other => item.items.push(other),
        }
    }
    let self_ty = &item.self_ty;
    let generics = &item.generics;
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let inherent = (!inherent.is_empty()).then(|| quote!(impl #impl_generics #self_ty #where_clause { #(#inherent)* }));
    let Some((contract, own)) = header else {
        return give_back(cx, quote!(#inherent #item));
    };
    life.finish(&cx, &own);
    let name = own.segments.last().map(|last| naming::plain(&last.ident)).unwrap_or_default();
    let actor = life.expand(&own, &name, &messages(&contract, &own));
    let errors = cx.finish();
    quote! {
        #inherent
        #item
        const _: () = { #actor };
        #errors
    }
}

/// The contract and the type, if both are such that an actor can be made.
fn header(cx: &Ctxt, item: &ItemImpl) -> Option<(Path, Path)> {
    let Some((contract, _)) = &item.trait_ else {
        cx.error(&item.self_ty, "`#[service]` takes `impl Contract for Type`: without a contract, use `#[actor]`");
        return None;
    };
    if let Some(polarity) = &item.modifiers.polarity {
        cx.error(polarity, "a contract is implemented, not refused");
        return None;
    }
    let ((), possible) = cx.sound(|| {
        no_condition(cx, "service", &item.attrs);
        if let Some(token) = &item.unsafety {
            cx.error(token, "a contract's implementation can't be `unsafe`");
        }
        if !item.generics.params.is_empty() {
            cx.error(&item.generics, "an actor has one form on the wire: generics are not possible, name the types");
        } else {
            for segment in contract.segments.iter().filter(|segment| !segment.arguments.is_none()) {
                cx.error(&segment.arguments, "a contract has no generics");
            }
        }
    });
    let own = match types::bare(&item.self_ty) {
        Type::Path(ty) if ty.qself.is_none() => ty.path.clone(),
        other => {
            cx.error(other, "a struct or an enum serves a contract");
            return None;
        }
    };
    if item.generics.params.is_empty()
        && let Some(segment) = own.segments.iter().find(|segment| !segment.arguments.is_none())
    {
        cx.error(&segment.arguments, "an actor is a type of its own: wrap this in a struct without generics");
        return None;
    }
    possible.then(|| (contract.clone(), own))
}

enum Side {
    Contract,
    Inherent,
}

fn lower_function(cx: &Ctxt, own: Option<&Path>, function: &mut ImplItemFn, life: &mut Lifecycle) -> Side {
    let role = attrs::take_role(cx, &mut function.attrs);
    let ImplItemFn { attrs, sig, .. } = function;
    match role {
        Taken::Role(Role::Init, role) => {
            if let Some(own) = own {
                life.init(cx, own, *role, attrs, sig);
            }
            Side::Inherent
        }
        Taken::Role(Role::On(event), role) => {
            if own.is_some() {
                life.hook(cx, event, &role, attrs, sig);
            }
            Side::Inherent
        }
        Taken::Role(role @ (Role::Cast | Role::Stream), attr) => {
            let name = if role == Role::Cast { "cast" } else { "stream" };
            cx.error(&attr, format_args!("the contract says what a method is: put `#[{name}]` there"));
            Side::Contract
        }
        Taken::None => {
            for typed in typed(sig).filter(|typed| types::context(&typed.ty).is_some()) {
                let message = "a contract knows no context: `#[init]` and `#[on(..)]` may take it and keep what is needed, or use \
                               `#[actor]`";
                cx.error(typed, message);
            }
            own_stream(sig, &TokenStream::new());
            Side::Contract
        }
        // An `#[on(..)]` that was reported; the trait has no such function.
        Taken::Broken => Side::Inherent,
    }
}

/// Messages come from the contract, found through `dyn Contract`.
fn messages(contract: &Path, own: &Path) -> Messages {
    let received = Ident::new("message", Span::mixed_site());
    // A trait that is no contract is reported where it is named.
    let at = Span::mixed_site().located_at(contract.span());
    Messages {
        message: quote_spanned!(at=> <dyn #contract as ::rusm::__private::Contract>::Message),
        client: quote_spanned!(at=> <dyn #contract as ::rusm::__private::Contract>::Client),
        handle: quote_spanned!(at=> <#own as #contract>::__dispatch(self, #received).await),
        handle_uses_context: false,
    }
}

//! A trait as a contract.
//!
//! The trait's methods become functions that return futures which are `Send`, for sized types only. So the trait itself
//! stays fit for `dyn`, and `dyn Contract` is where the generated types are found by whoever implements the trait: they
//! need to name the trait alone.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ItemTrait, ReturnType, TraitItem, TraitItemFn, TypeParamBound, Visibility, parse_quote_spanned};

use crate::actor::stand_in;
use crate::attrs::{self, Role, Taken};
use crate::ctxt::{Ctxt, no_condition};
use crate::lifecycle::package;
use crate::messages::MessageSet;
use crate::method::{Form, Method, Place, check_methods, own_stream};
use crate::naming;

pub(super) fn expand(cx: Ctxt, mut item: ItemTrait) -> TokenStream {
    let ((), possible) = cx.sound(|| check_header(&cx, &item));
    let mut methods = Vec::new();
    for member in &mut item.items {
        match member {
            TraitItem::Fn(function) => lower_function(&cx, function, &mut methods),
            other => cx.error(&*other, "a contract holds methods alone: this belongs to the type that implements it"),
        }
    }
    check_methods(&cx, &mut methods);
    if !possible {
        methods.iter_mut().for_each(|method| method.broken = true);
    }
    let sound = cx.count() == 0;
    let messages = MessageSet { name: item.ident.clone(), vis: item.vis.clone(), methods };
    rewrite(&mut item, &messages);
    let types = messages.types();
    let implementations = messages.implementations();
    // Items other than methods may keep the trait from being fit for `dyn`.
    let contract = (possible && item.items.iter().all(|member| matches!(member, TraitItem::Fn(_))))
        .then(|| contract_impl(&item.ident, &messages, sound));
    let errors = cx.finish();
    quote! {
        #item
        #types
        const _: () = {
            #implementations
            #contract
        };
        #errors
    }
}

fn check_header(cx: &Ctxt, item: &ItemTrait) {
    no_condition(cx, "service", &item.attrs);
    if let Some(token) = &item.unsafety {
        cx.error(token, "a contract can't be `unsafe`: no caller could keep its promise");
    }
    if !item.generics.params.is_empty() {
        cx.error(&item.generics, "a contract has one form on the wire: generics are not possible, name the types");
    } else if let Some(clause) = &item.generics.where_clause {
        cx.error(clause, "a contract has no conditions: remove the `where` clause");
    }
    for bound in &item.supertraits {
        let implied = match bound {
            TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
            TypeParamBound::Trait(bound) => {
                bound.path.segments.last().is_some_and(|last| last.ident == "Send" || last.ident == "Sync")
            }
            _ => false,
        };
        if !implied {
            cx.error(bound, "a contract stands for itself: it has no supertraits, `Send + 'static` is implied");
        }
    }
}

fn lower_function(cx: &Ctxt, function: &mut TraitItemFn, methods: &mut Vec<Method>) {
    let role = attrs::take_role(cx, &mut function.attrs);
    let TraitItemFn { attrs, sig, default, .. } = function;
    if let Some(body) = default {
        let message = "a contract has no bodies: write a function that takes the client, or a method of the type that implements it";
        cx.push(syn::Error::new(body.brace_token.span.open(), message));
    }
    let broken = default.is_some();
    let public = Visibility::Public(syn::token::Pub(Span::mixed_site()));
    let form = match role {
        Taken::None => Some(Form::Call),
        Taken::Broken => None,
        Taken::Role(Role::Cast, _) => Some(Form::Cast),
        Taken::Role(Role::Stream, _) => Some(Form::Stream),
        Taken::Role(Role::Init | Role::On(_), attr) => {
            cx.error(&attr, "a contract says what can be asked: this belongs to the `impl` for a type");
            None
        }
    };
    let Some(form) = form else {
        // Its other rules are those of another kind of function.
        methods.push(stand_in(&Place::Contract, &public, attrs, sig));
        return;
    };
    let mut method = Method::lower(cx, &Place::Contract, &public, attrs, sig, form);
    if form == Form::Stream {
        own_stream(sig, &quote!(Self));
    }
    method.broken |= broken;
    methods.push(method);
}

/// Turns the trait into the one that types implement.
fn rewrite(item: &mut ItemTrait, messages: &MessageSet) {
    let at = Span::mixed_site();
    item.colon_token.get_or_insert_with(Default::default);
    item.supertraits.push(parse_quote_spanned!(at=> ::core::marker::Send));
    item.supertraits.push(parse_quote_spanned!(at=> 'static));
    for member in &mut item.items {
        if let TraitItem::Fn(function) = member {
            rewrite_function(function);
        }
    }
    let (message, received) = (messages.message(), Ident::new("message", at));
    let body = messages.dispatch(&quote!(Self));
    item.items.push(parse_quote_spanned! {at=>
        #[allow(deprecated, non_snake_case)]
        #[doc(hidden)]
        fn __dispatch(
            &mut self,
            #received: #message,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send
        where
            Self: ::core::marker::Sized,
        {
            async move { #body }
        }
    });
}

fn rewrite_function(function: &mut TraitItemFn) {
    let at = Span::mixed_site();
    let TraitItemFn { sig, default, .. } = function;
    if let Some(body) = default {
        // Reported already; the body is kept as it is, for whoever is editing it.
        if sig.asyncness.is_some() {
            let statements = &body.stmts;
            let inner = quote!(#(#statements)*);
            *body = parse_quote_spanned!(at=> { async move { #inner } });
        }
    }
    if sig.asyncness.take().is_some() {
        let output = match &sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => quote!(#ty),
        };
        sig.output = parse_quote_spanned! {at=>
            -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
        };
    }
    sig.generics.make_where_clause().predicates.push(parse_quote_spanned!(at=> Self: ::core::marker::Sized));
}

fn contract_impl(contract: &Ident, messages: &MessageSet, sound: bool) -> TokenStream {
    let (message, client) = (messages.message(), messages.client());
    let name = naming::plain(contract);
    let package = package();
    let publish =
        sound.then(|| quote!(::rusm::__private::publish!(<dyn #contract as ::rusm::__private::Contract>::ENTRY);));
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        impl ::rusm::__private::Contract for dyn #contract {
            type Message = #message;
            type Client = #client;
            const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
                kind: ::rusm::__private::EntryKind::Contract,
                name: #name,
                package: #package,
                init: ::core::option::Option::None,
                methods: <#message as ::rusm::__private::Message>::METHODS,
                on_exit: false,
                on_terminate: false,
            };
        }
        #publish
    }
}

//! `#[rusm::test] async fn`: a test in virtual time, over explored schedules.

mod arguments;
mod expand;

use proc_macro2::TokenStream;
use syn::{FnArg, ItemFn};

use crate::actor::error_at_start;
use crate::attrs;
use crate::ctxt::{Ctxt, give_back};
use arguments::Arguments;

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let cx = Ctxt::default();
    let arguments = Arguments::parse(&cx, arguments);
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            cx.push(error_at_start(&item, "`#[rusm::test]` takes an `async fn`"));
            return give_back(cx, item);
        }
    };
    check(&cx, &function);
    if cx.count() > 0 {
        return expand::stand_in(&function, cx);
    }
    expand::expand(&function, &arguments)
}

fn check(cx: &Ctxt, function: &ItemFn) {
    let sig = &function.sig;
    if let syn::Safety::Unsafe(token) = &sig.safety {
        cx.error(token, "a test can't be `unsafe`: who runs it keeps no promise");
    }
    if let Some(token) = &sig.constness {
        cx.error(token, "a test can't be a `const fn`: remove `const`");
    }
    if let Some(abi) = &sig.abi {
        cx.error(abi, "a test is a plain Rust function: remove `extern`");
    }
    if !sig.generics.params.is_empty() {
        cx.error(&sig.generics, "nobody names the types for a test: generics are not possible");
    } else if let Some(clause) = &sig.generics.where_clause {
        cx.error(clause, "a test has no generics: remove the `where` clause");
    }
    if sig.asyncness.is_none() {
        cx.error(sig.fn_token, "a test runs beside its node: write `async fn`");
    }
    for attr in &function.attrs {
        let name = attr.path().segments.last().map(|last| last.ident.to_string());
        if name.as_deref() == Some("test") {
            cx.error(
                attr,
                "`#[rusm::test]` makes the function a test: remove the other attribute, which would run it twice",
            );
        }
    }
    let mut known = Vec::new();
    for argument in &sig.inputs {
        match argument {
            FnArg::Receiver(receiver) => cx.error(receiver, "a test is a plain function, it has no `self`"),
            FnArg::Typed(typed) => {
                attrs::no_cfg(cx, &typed.attrs, "the arguments of a test must not depend on `cfg`");
                let ty = &typed.ty;
                if let syn::Type::Reference(_) = &**ty {
                    cx.error(ty, "a test owns what it is given: take it by value");
                } else if known.contains(ty) {
                    cx.error(ty, "a test is given this once: remove the second one");
                }
                known.push(ty.clone());
            }
        }
    }
}

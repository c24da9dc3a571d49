//! `#[actor] impl Type`; a function goes to [`process`].

mod expand;
mod lower;

pub(crate) use lower::stand_in;

use proc_macro2::TokenStream;
use syn::{Item, ItemImpl};

use crate::ctxt::{Ctxt, give_back, no_arguments};
use crate::lifecycle::Lifecycle;
use crate::machine;
use crate::messages::MessageSet;
use crate::process;

/// An `impl` block as an actor.
pub(crate) struct Actor {
    /// The block, without our attributes.
    item: ItemImpl,
    /// The type.
    own: syn::Path,
    messages: MessageSet,
    life: Lifecycle,
    /// The type can be an actor at all; if not, only the client can stand in.
    possible: bool,
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let cx = Ctxt::default();
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(block)) => match lower::lower(&cx, block, machine::states(&cx, arguments)) {
            Ok(actor) => actor.expand(cx),
            Err(block) => give_back(cx, quote::quote!(#block)),
        },
        Ok(Item::Fn(function)) => {
            no_arguments(&cx, "actor", &arguments);
            process::expand(cx, function)
        }
        Ok(Item::Struct(_) | Item::Enum(_) | Item::Union(_)) => {
            cx.push(error_at_start(
                &item,
                "`#[actor]` takes the `impl` block that holds the actor's methods: put it there",
            ));
            give_back(cx, item)
        }
        Ok(Item::Trait(_)) => {
            cx.push(error_at_start(&item, "`#[actor]` takes an `impl` block: a trait is a contract, use `#[service]`"));
            give_back(cx, item)
        }
        Ok(_) => {
            cx.push(error_at_start(&item, "`#[actor]` takes an `impl` block"));
            give_back(cx, item)
        }
        Err(error) => {
            cx.push(error);
            give_back(cx, item)
        }
    }
}

/// Under the first token, for items of the wrong kind: underlining all of them would hide what follows.
pub(crate) fn error_at_start(item: &TokenStream, message: &str) -> syn::Error {
    let span = item.clone().into_iter().next().map_or_else(proc_macro2::Span::call_site, |token| token.span());
    syn::Error::new(span, message)
}

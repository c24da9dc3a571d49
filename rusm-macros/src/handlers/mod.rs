//! `#[handlers] mod name { … }`.

mod expand;
mod lower;

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, Item, ItemMod, Type};

use crate::actor::error_at_start;
use crate::ctxt::{Ctxt, give_back, no_arguments};

/// A module of HTTP actions.
pub(crate) struct Handlers {
    item: ItemMod,
    actions: Vec<Action>,
    /// The user has a `handlers` already; it was reported, and ours would only repeat that.
    taken: bool,
}

/// One function as an action.
struct Action {
    ident: Ident,
    is_async: bool,
    args: Vec<Type>,
    /// Where the response's type is written.
    returned: Span,
    cfg: Vec<Attribute>,
    docs: Vec<Attribute>,
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let cx = Ctxt::default();
    no_arguments(&cx, "handlers", &arguments);
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Mod(module)) => match lower::lower(&cx, module) {
            Ok(handlers) => handlers.expand(cx),
            Err(module) => give_back(cx, quote::quote!(#module)),
        },
        Ok(_) => {
            cx.push(error_at_start(&item, "`#[handlers]` takes a module: write `#[handlers] pub mod name { .. }`"));
            give_back(cx, item)
        }
        Err(error) => {
            cx.push(error);
            give_back(cx, item)
        }
    }
}

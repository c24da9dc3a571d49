//! `#[service] trait Contract` and `#[service] impl Contract for Type`.

mod contract;
mod implementation;

use proc_macro2::TokenStream;
use syn::Item;

use crate::actor::error_at_start;
use crate::ctxt::{Ctxt, give_back, no_arguments};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let cx = Ctxt::default();
    no_arguments(&cx, "service", &arguments);
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Trait(contract)) => contract::expand(cx, contract),
        Ok(Item::Impl(block)) => implementation::expand(cx, block),
        Ok(_) => {
            let message = "`#[service]` takes a `trait`, the contract, or an `impl` of one for the type that serves it";
            cx.push(error_at_start(&item, message));
            give_back(cx, item)
        }
        Err(error) => {
            cx.push(error);
            give_back(cx, item)
        }
    }
}

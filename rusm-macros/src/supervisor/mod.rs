//! `#[supervisor] impl Type`: methods that return `Child<T>` are the children, in the order in which they start.

mod expand;
mod lower;
mod settings;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Item, ItemImpl, Path, Type};

use crate::actor::error_at_start;
use crate::attrs::Inherited;
use crate::ctxt::{Ctxt, give_back};
use settings::Setting;

/// An `impl` block as a supervisor.
struct Supervisor {
    /// The block, without our attributes.
    item: ItemImpl,
    /// The type.
    own: Path,
    settings: Vec<Setting>,
    children: Vec<Child>,
}

/// A method that makes a child.
struct Child {
    ident: Ident,
    /// The `T` of `Child<T>`.
    ty: Type,
    settings: Vec<Setting>,
    inherited: Inherited,
}

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let cx = Ctxt::default();
    match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Impl(block)) => match lower::lower(&cx, arguments, block) {
            Ok(supervisor) => supervisor.expand(cx),
            Err(block) => give_back(cx, quote!(#block)),
        },
        Ok(Item::Struct(_) | Item::Enum(_) | Item::Union(_)) => {
            cx.push(error_at_start(
                &item,
                "`#[supervisor]` takes the `impl` block that holds the children's methods: put it there",
            ));
            give_back(cx, item)
        }
        Ok(_) => {
            cx.push(error_at_start(&item, "`#[supervisor]` takes an `impl` block"));
            give_back(cx, item)
        }
        Err(error) => {
            cx.push(error);
            give_back(cx, item)
        }
    }
}

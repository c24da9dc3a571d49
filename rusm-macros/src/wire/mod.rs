//! `#[wire] struct` and `#[wire] enum`.

mod check;
mod expand;

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Item};

use crate::actor::error_at_start;
use crate::ctxt::{Ctxt, give_back, no_arguments};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let cx = Ctxt::default();
    no_arguments(&cx, "wire", &arguments);
    let mut input = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => DeriveInput::from(item),
        Ok(Item::Enum(item)) => DeriveInput::from(item),
        Ok(Item::Union(item)) => {
            cx.error(item.union_token, "which field of a union is meant can't be known on the wire: use an enum");
            return give_back(cx, quote::quote!(#item));
        }
        Ok(_) => {
            cx.push(error_at_start(&item, "`#[wire]` takes a struct or an enum"));
            return give_back(cx, item);
        }
        Err(error) => {
            cx.push(error);
            return give_back(cx, item);
        }
    };
    check::check(&cx, &mut input);
    let sound = cx.count() == 0;
    if sound {
        return expand::expand(&input);
    }
    let stand_in = expand::stand_in(&input);
    give_back(cx, quote::quote!(#input #stand_in))
}

/// The fields of a struct, or of all the variants of an enum.
fn fields(data: &Data) -> impl Iterator<Item = &syn::Field> {
    let (own, variants) = match data {
        Data::Struct(data) => (Some(data.fields.iter()), None),
        Data::Enum(data) => (None, Some(data.variants.iter().flat_map(|variant| variant.fields.iter()))),
        Data::Union(_) => (None, None),
    };
    own.into_iter().flatten().chain(variants.into_iter().flatten())
}

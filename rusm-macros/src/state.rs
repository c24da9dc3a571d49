//! `#[derive(State)]`: what the states of a machine are called.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Data, DeriveInput};

use crate::ctxt::Ctxt;
use crate::naming;

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let cx = Ctxt::default();
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => {
            cx.push(error);
            return cx.finish();
        }
    };
    let own = &input.ident;
    let name = match &input.data {
        Data::Enum(data) if !data.variants.is_empty() => {
            let arms = data.variants.iter().map(|variant| {
                let (ident, name) = (&variant.ident, naming::plain(&variant.ident));
                let cfg = variant.attrs.iter().filter(|attr| attr.path().is_ident("cfg"));
                quote!(#(#cfg)* #own::#ident { .. } => #name)
            });
            quote_spanned!(Span::mixed_site()=> match self { #(#arms),* })
        }
        Data::Struct(_) => {
            let name = naming::plain(own);
            quote!(#name)
        }
        Data::Enum(_) => {
            cx.error(own, "a machine is always in a state: this type has none");
            return cx.finish();
        }
        Data::Union(data) => {
            cx.error(data.union_token, "the states of a machine are an enum");
            return cx.finish();
        }
    };
    if !input.generics.params.is_empty() {
        cx.error(&input.generics, "the states of a machine are one type: generics are not possible, name the types");
        return cx.finish();
    }
    quote_spanned! {Span::mixed_site()=>
        const _: () = {
            #[automatically_derived]
            impl ::rusm::__private::State for #own {
                fn name(&self) -> &'static str {
                    #name
                }
            }
        };
    }
}

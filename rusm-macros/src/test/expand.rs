//! What is generated for a test.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, ItemFn, ReturnType, Visibility};

use super::Arguments;
use crate::ctxt::Ctxt;
use crate::naming;

pub(super) fn expand(function: &ItemFn, arguments: &Arguments) -> TokenStream {
    let at = Span::mixed_site();
    let (attrs, name) = (&function.attrs, &function.sig.ident);
    let body = body(function);
    let path = format!("::{}", naming::plain(name));
    let options = options(arguments);
    let test = Ident::new("test", at);
    let taken = if function.sig.inputs.is_empty() { quote!(_) } else { quote!(#test) };
    let given = function.sig.inputs.iter().map(|argument| match argument {
        FnArg::Typed(typed) => {
            // Where the type is named, so that one that tests are not given is reported there.
            let ty = &typed.ty;
            let taken =
                quote_spanned!(at.located_at(ty.span())=> ::rusm::__private::testing::FromTest::from_test(&#test));
            quote!(#taken)
        }
        FnArg::Receiver(_) => TokenStream::new(),
    });
    let output = match &function.sig.output {
        ReturnType::Default => name.span(),
        ReturnType::Type(_, ty) => ty.span(),
    };
    let run = quote_spanned!(at.located_at(output)=> run);
    let vis = &function.vis;
    quote_spanned! {at=>
        #[::core::prelude::v1::test]
        #(#attrs)*
        #vis fn #name() {
            #body
            ::rusm::__private::testing::Plan::new(::core::concat!(::core::module_path!(), #path))
                #options
                .#run(|#taken| #name(#(#given),*));
        }
    }
}

/// The function as it was written, inside of the test.
fn body(function: &ItemFn) -> TokenStream {
    let inner = ItemFn { attrs: Vec::new(), vis: Visibility::Inherited, ..function.clone() };
    // A test is `async` whether or not it awaits.
    quote!(#[allow(clippy::unused_async)] #inner)
}

fn options(arguments: &Arguments) -> TokenStream {
    let Arguments { seed, seeds, turns } = arguments;
    let options = [("seed", seed), ("seeds", seeds), ("turns", turns)].into_iter();
    let options = options.filter_map(|(name, value)| {
        let (name, value) = (format_ident!("{name}"), value.as_ref()?);
        Some(quote!(.#name(#value)))
    });
    options.collect()
}

/// For a test whose mistakes are reported: the function, so that its own mistakes are seen, and what it names is used.
pub(super) fn stand_in(function: &ItemFn, cx: Ctxt) -> TokenStream {
    let inner = ItemFn {
        attrs: function
            .attrs
            .iter()
            .filter(|attr| attr.path().segments.last().is_none_or(|last| last.ident != "test"))
            .cloned()
            .collect(),
        ..function.clone()
    };
    let errors = cx.finish();
    quote! {
        #[allow(dead_code)]
        #inner
        #errors
    }
}

//! The macros on the level of tokens.

mod expanded;
mod rejected;

use proc_macro2::{TokenStream, TokenTree};

/// The messages of all `compile_error!` invocations in `tokens`, in order.
fn errors(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    collect(tokens, &mut found);
    found
}

fn collect(tokens: TokenStream, found: &mut Vec<String>) {
    let mut reports = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if ident == "compile_error" => reports = true,
            TokenTree::Group(group) if reports => {
                let text: syn::LitStr = syn::parse2(group.stream()).expect("compile_error! holds a text");
                found.push(text.value());
                reports = false;
            }
            TokenTree::Group(group) => collect(group.stream(), found),
            _ => {}
        }
    }
}

//! Expansions that are checked in, to be reviewed like code.
//!
//! `expanded/*.in.rs` is what a user writes, the file beside it what becomes of it. `RUSM_BLESS=1` renews them.

use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, File, Item, Meta};

/// What one of the macros makes of an item; the first stream is the attribute's arguments.
type Expand = fn(TokenStream, TokenStream) -> TokenStream;

#[test]
fn expansions_are_as_checked_in() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("expanded");
    let mut inputs: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder `expanded` is there")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.to_string_lossy().ends_with(".in.rs"))
        .collect();
    inputs.sort();
    assert!(inputs.len() >= 6, "the inputs are there");
    let bless = env::var_os("RUSM_BLESS").is_some();
    let mut stale = Vec::new();
    for input in inputs {
        let expanded = expand_file(&fs::read_to_string(&input).expect("an input can be read"));
        let output = PathBuf::from(input.to_string_lossy().replace(".in.rs", ".rs"));
        if bless {
            fs::write(&output, &expanded).expect("an expansion can be written");
        } else if fs::read_to_string(&output).unwrap_or_default() != expanded {
            stale.push(output);
        }
    }
    assert!(stale.is_empty(), "renew with RUSM_BLESS=1 and review the difference: {stale:?}");
}

fn expand_file(source: &str) -> String {
    let file: File = syn::parse_str(source).expect("an input is Rust");
    let tokens: TokenStream = file.items.into_iter().map(expand_item).collect();
    let reported = super::errors(tokens.clone());
    assert!(reported.is_empty(), "an input is right: {reported:?}");
    prettyplease::unparse(&syn::parse2(tokens).expect("an expansion is Rust"))
}

fn expand_item(mut item: Item) -> TokenStream {
    let attrs = match &mut item {
        Item::Impl(item) => &mut item.attrs,
        Item::Fn(item) => &mut item.attrs,
        Item::Trait(item) => &mut item.attrs,
        Item::Mod(item) => &mut item.attrs,
        Item::Struct(item) => &mut item.attrs,
        Item::Enum(item) => &mut item.attrs,
        _ => return item.into_token_stream(),
    };
    match take_macro(attrs) {
        Some((expand, arguments)) => expand(arguments, item.into_token_stream()),
        None => item.into_token_stream(),
    }
}

/// The macro above an item, and its arguments.
fn take_macro(attrs: &mut Vec<Attribute>) -> Option<(Expand, TokenStream)> {
    let ours: [(&str, Expand); 7] = [
        ("state", |_, item| [item.clone(), crate::state::expand(item)].into_iter().collect()),
        ("actor", crate::actor::expand),
        ("service", crate::service::expand),
        ("handlers", crate::handlers::expand),
        ("wire", crate::wire::expand),
        ("supervisor", crate::supervisor::expand),
        ("test", crate::test::expand),
    ];
    let (at, expand) = attrs.iter().enumerate().find_map(|(at, attr)| {
        let (_, expand) = ours.iter().find(|(name, _)| attr.path().is_ident(name))?;
        Some((at, *expand))
    })?;
    let arguments = match attrs.remove(at).meta {
        Meta::List(list) => list.tokens,
        Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
    };
    Some((expand, arguments))
}

//! What stands in the brackets of `#[rusm::test(..)]`.

use proc_macro2::{Ident, TokenStream};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Lit, LitInt, Token};

use crate::ctxt::Ctxt;
use crate::naming;

const KNOWN: [&str; 3] = ["seed", "seeds", "turns"];

#[derive(Default)]
pub(super) struct Arguments {
    pub(super) seed: Option<LitInt>,
    pub(super) seeds: Option<LitInt>,
    pub(super) turns: Option<LitInt>,
}

/// `name = value`, or a name alone.
struct Argument {
    name: Ident,
    value: Option<Expr>,
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.parse()?;
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Self { name, value })
    }
}

struct List(Punctuated<Argument, Token![,]>);

impl Parse for List {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Punctuated::parse_terminated(input).map(Self)
    }
}

impl Arguments {
    pub(super) fn parse(cx: &Ctxt, tokens: TokenStream) -> Self {
        let mut this = Self::default();
        let list = match syn::parse2::<List>(tokens) {
            Ok(list) => list.0,
            Err(error) => {
                let text = format!(
                    "`#[rusm::test(..)]` takes `seeds = 1000`, `seed = 0x5eed` and `turns = 50_000_000`: {error}"
                );
                cx.push(syn::Error::new(error.span(), text));
                return this;
            }
        };
        for argument in list {
            this.take(cx, argument);
        }
        if let (Some(seed), Some(_)) = (&this.seed, &this.seeds) {
            cx.error(seed, "one seed is one run: remove `seed` or `seeds`");
        }
        this
    }

    fn take(&mut self, cx: &Ctxt, Argument { name, value }: Argument) {
        let word = name.to_string();
        let place = match word.as_str() {
            "seed" => &mut self.seed,
            "seeds" => &mut self.seeds,
            "turns" => &mut self.turns,
            _ => {
                return match naming::suggestion(&word, &KNOWN) {
                    Some(likely) => {
                        cx.error(&name, format_args!("unknown argument `{word}`: did you mean `{likely}`?"))
                    }
                    None => cx
                        .error(&name, format_args!("unknown argument `{word}`: there are `seeds`, `seed` and `turns`")),
                };
            }
        };
        if place.is_some() {
            return cx.error(&name, format_args!("`{word}` stands here twice"));
        }
        let Some(value) = value else {
            return cx.error(&name, format_args!("`{word}` takes a number: write `{word} = 1000`"));
        };
        let Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) = &value else {
            return cx
                .error(&value, format_args!("`{word}` takes a number that stands here, such as `1000` or `0x5eed`"));
        };
        match number.base10_parse::<u64>() {
            Ok(0) if word != "seed" => {
                cx.error(number, format_args!("none of them is no test: `{word}` is at least 1"))
            }
            Ok(_) if !matches!(number.suffix(), "" | "u64") => cx.error(number, format_args!("`{word}` is a `u64`")),
            Ok(_) => *place = Some(number.clone()),
            Err(error) => cx.error(number, format_args!("`{word}` is a `u64`: {error}")),
        }
    }
}

//! `name = value, …`: what `#[supervisor(..)]` and `#[child(..)]` say.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Token};

use crate::ctxt::Ctxt;
use crate::naming;

/// What can be said of a supervisor.
pub(super) const SUPERVISOR: [&str; 4] = ["strategy", "intensity", "auto_shutdown", "backoff"];
/// What can be said of a child.
pub(super) const CHILD: [&str; 4] = ["restart", "shutdown", "significant", "backoff"];

/// One of them; its name is that of the builder's method.
pub(super) struct Setting {
    pub(super) name: Ident,
    pub(super) value: Expr,
}

impl Parse for Setting {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let name = input.parse()?;
        input.parse::<Token![=]>()?;
        Ok(Self { name, value: input.parse()? })
    }
}

/// Those that are sound; the others are reported.
pub(super) fn lower(cx: &Ctxt, attribute: &str, known: &[&str], tokens: TokenStream) -> Vec<Setting> {
    let parsed = match Punctuated::<Setting, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(parsed) => parsed,
        Err(error) => {
            cx.push(error);
            return Vec::new();
        }
    };
    let mut settings: Vec<Setting> = Vec::new();
    for setting in parsed {
        let name = setting.name.to_string();
        if !known.contains(&name.as_str()) {
            match naming::suggestion(&name, known) {
                Some(likely) => {
                    cx.error(&setting.name, format_args!("unknown setting `{name}`: did you mean `{likely}`?"))
                }
                None => cx.error(
                    &setting.name,
                    format_args!("unknown setting `{name}`: `#[{attribute}(..)]` takes {}", list(known)),
                ),
            }
        } else if settings.iter().any(|other| other.name == setting.name) {
            cx.error(&setting.name, format_args!("`{name}` is said twice"));
        } else {
            settings.push(setting);
        }
    }
    settings
}

/// "`a`, `b` and `c`"
pub(super) fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

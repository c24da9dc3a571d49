//! Doc comments: which attributes they are, and the text they hold.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

pub(crate) fn is_doc(attr: &Attribute) -> bool {
    attr.path().is_ident("doc")
}

/// The text of the doc comments, one line each, as rustdoc would show it.
///
/// `#[doc = include_str!(..)]` and `#[doc(..)]` hold no text that is known here.
pub(crate) fn text<'a>(attrs: impl IntoIterator<Item = &'a Attribute>) -> String {
    let mut lines = Vec::new();
    for attr in attrs {
        let Meta::NameValue(pair) = &attr.meta else { continue };
        if !pair.path.is_ident("doc") {
            continue;
        }
        if let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value {
            let text = text.value();
            lines.extend(text.split('\n').map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()));
        }
    }
    lines.join("\n").trim().to_owned()
}

/// The first paragraph, on one line: what a schema carries.
pub(crate) fn summary<'a>(attrs: impl IntoIterator<Item = &'a Attribute>) -> String {
    let text = text(attrs);
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn lines_are_joined_and_unindented() {
        let attrs: [Attribute; 5] = [
            parse_quote!(#[doc = " Adds an item."]),
            parse_quote!(#[cfg(test)]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc = include_str!("more.md")]),
            parse_quote!(#[doc = "     indented\n second"]),
        ];
        assert_eq!(text(&attrs), "Adds an item.\n\n    indented\nsecond");
        assert_eq!(summary(&attrs), "Adds an item.");
    }

    #[test]
    fn no_comment_is_no_text() {
        assert_eq!(text(&[parse_quote!(#[doc(hidden)])]), "");
    }
}

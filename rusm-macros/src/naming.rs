//! Names: from methods to variants and constants, method ids, and suggestions for misspelt words.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;

/// The name as it is on the wire: without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// `add_item` to `AddItem`, at the span of the method.
pub(crate) fn camel(ident: &Ident) -> Ident {
    let name = plain(ident);
    let mut camel = String::with_capacity(name.len());
    for word in name.split('_') {
        let mut letters = word.chars();
        camel.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        camel.push_str(letters.as_str());
    }
    // `self_` and `_1` are method names whose camel case is no identifier.
    let fits = camel != "Self" && camel.chars().next().is_some_and(|first| !first.is_ascii_digit());
    Ident::new(if fits { &camel } else { &name }, ident.span())
}

/// `add_item` to `METHOD_ADD_ITEM`. The underscore keeps it apart from every camel-cased variant.
pub(crate) fn constant(ident: &Ident) -> Ident {
    Ident::new(&format!("METHOD_{}", plain(ident).to_uppercase()), Span::mixed_site())
}

/// What two methods of one actor must not share: variants, constants and the names of other languages are all derived
/// from the name by changing its case and dropping underscores.
pub(crate) fn folded(ident: &Ident) -> String {
    plain(ident).chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}

/// FNV-1a, 32 bits: the id of a method on the wire.
pub(crate) fn method_id(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The known word that `word` is most likely meant to be.
pub(crate) fn suggestion<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(2).min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, over characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ident(name: &str) -> Ident {
        syn::parse_str::<Ident>(name).unwrap_or_else(|_| Ident::new_raw(&name[2..], Span::call_site()))
    }

    #[test]
    fn camel_case() {
        let table = [
            ("add", "Add"),
            ("add_item", "AddItem"),
            ("add__item_", "AddItem"),
            ("r#move", "Move"),
            ("addItem", "AddItem"),
            ("self_", "self_"),
            ("_1", "_1"),
            ("__", "__"),
            ("été_à", "ÉtéÀ"),
        ];
        for (name, expected) in table {
            assert_eq!(camel(&ident(name)).to_string(), expected, "{name}");
        }
    }

    #[test]
    fn ids_are_fnv_1a() {
        // Reference values of the algorithm's authors.
        for (name, expected) in [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
            assert_eq!(method_id(name), expected, "{name}");
        }
    }

    #[test]
    fn distances() {
        for (left, right, expected) in
            [("", "", 0), ("exti", "exit", 2), ("down", "down", 0), ("", "abc", 3), ("dwn", "down", 1)]
        {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn suggestions() {
        let known = ["exit", "down", "terminate", "report"];
        for (word, expected) in [
            ("exti", Some("exit")),
            ("terminated", Some("terminate")),
            ("Down", Some("down")),
            ("message", None),
            ("x", None),
        ] {
            assert_eq!(suggestion(word, &known), expected, "{word}");
        }
    }

    #[test]
    fn folding() {
        assert_eq!(folded(&ident("add_one")), folded(&ident("addOne")));
        assert_ne!(folded(&ident("add")), folded(&ident("ads")));
    }
}

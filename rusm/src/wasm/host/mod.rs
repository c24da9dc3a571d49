//! What the world's imports do: one file per interface.
//!
//! A denial is an answer and not a trap. A guest that breaks the protocol itself, by a number that is in use or by more
//! than it may have under way, traps: nothing it could have been told would help it.

mod events;
mod log;
mod messages;
mod names;
mod process;
mod spawning;

use super::bindings;
use super::store::State;
use std::borrow::Cow;

impl bindings::rusm::process::types::Host for State {}

/// The longest name of a process, a component or an entry that is looked for: no name has so many bytes. What is longer
/// is nobody's, and is cut because it may be kept until its answer is read.
pub(super) const MAX_NAME: usize = 512;

/// A line of a guest, as it may be shown: no line breaks and control characters, with which it could write lines of
/// other processes or of the node.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    let text = text.trim_end_matches(['\r', '\n']);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let shown = text.chars().flat_map(|c| {
        let escaped = hidden(c).then(|| c.escape_default());
        let plain = escaped.is_none().then_some(c);
        escaped.into_iter().flatten().chain(plain)
    });
    Cow::Owned(shown.collect())
}

fn hidden(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}')
}

/// A text of a guest, cut where it gets too long.
pub(super) fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.push_str(" […]");
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{cut, line};

    #[test]
    fn a_line_is_one_line() {
        for (text, shown) in [
            ("plain é\t.", "plain é\t."),
            ("end\r\n", "end"),
            ("a\nERROR rusm: b", "a\\nERROR rusm: b"),
            ("a\r[other] b", "a\\r[other] b"),
            ("\u{1b}[2Jx", "\\u{1b}[2Jx"),
            ("a\u{2028}b", "a\\u{2028}b"),
            ("", ""),
        ] {
            assert_eq!(line(text), shown);
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, max, cut_to) in
            [("abc", 3, "abc"), ("abcd", 3, "abc […]"), ("aé", 2, "a […]"), ("", 0, ""), ("é", 0, " […]")]
        {
            assert_eq!(cut(text.into(), max), cut_to);
        }
    }
}

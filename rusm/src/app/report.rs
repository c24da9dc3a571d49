//! Mistakes in a file, told with the place, the line and what to write instead.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A value and the bytes of the file it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands in the file.
    pub span: Range<usize>,
}

impl<T> Located<T> {
    pub(crate) fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }
}

/// A file's path and text, kept to show its lines in errors.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) text: Arc<str>,
}

/// One mistake: what is wrong, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    title: String,
    place: Option<(Range<usize>, String)>,
    others: Vec<(Range<usize>, String)>,
    helps: Vec<String>,
}

impl Problem {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), place: None, others: Vec::new(), helps: Vec::new() }
    }

    /// The place the mistake is at, with a few words beside the marker.
    pub(crate) fn at(mut self, span: &Range<usize>, label: impl Into<String>) -> Self {
        self.place = Some((span.clone(), label.into()));
        self
    }

    /// Another place that matters.
    pub(crate) fn also(mut self, span: &Range<usize>, label: impl Into<String>) -> Self {
        self.others.push((span.clone(), label.into()));
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// Adds "did you mean" if one of the right words is near to the wrong one, and otherwise lists them.
    pub(crate) fn suggest<'a>(self, wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Self {
        let right: Vec<&str> = right.into_iter().collect();
        match nearest(wrong, right.iter().copied()) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None if right.is_empty() => self,
            None => self.help(format!("there {}", listed(&right))),
        }
    }

    /// What is wrong, in one line.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Where in the file, in bytes.
    pub fn span(&self) -> Option<Range<usize>> {
        self.place.as_ref().map(|(span, _)| span.clone())
    }

    fn group<'a>(&'a self, path: &'a str, text: &'a str) -> Group<'a> {
        let mut group = Group::with_title(Level::ERROR.primary_title(self.title.as_str()));
        if let Some((span, label)) = &self.place {
            let mut snippet = Snippet::source(text)
                .path(path)
                .annotation(AnnotationKind::Primary.span(clamp(span, text)).label(label.as_str()));
            for (span, label) in &self.others {
                snippet = snippet.annotation(AnnotationKind::Context.span(clamp(span, text)).label(label.as_str()));
            }
            group = group.element(snippet);
        }
        group.elements(self.helps.iter().map(|help| Level::HELP.message(help.as_str())))
    }
}

/// All the mistakes found in one file.
///
/// `Display` prints each with its line; [`Mistakes::styled`] does so with colours.
#[derive(Clone, Debug)]
pub struct Mistakes {
    file: SourceFile,
    problems: Vec<Problem>,
}

impl Mistakes {
    pub(crate) fn new(file: &SourceFile, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.span().map_or(0, |span| span.start));
        Self { file: file.clone(), problems }
    }

    /// `Ok` if nothing was found.
    pub(crate) fn check(file: &SourceFile, problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self::new(file, problems)) }
    }

    /// The file they are in.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The mistakes, in the order of the file.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Renders all of them with ANSI colours.
    pub fn styled(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let path = self.file.path.display().to_string();
        let renderer = renderer.clone().decor_style(DecorStyle::Ascii);
        let reports: Vec<String> =
            self.problems.iter().map(|problem| renderer.render(&[problem.group(&path, &self.file.text)])).collect();
        reports.join("\n\n")
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl std::error::Error for Mistakes {}

/// The renderer panics on spans outside of the text or inside of a character.
fn clamp(span: &Range<usize>, text: &str) -> Range<usize> {
    let floor = |at: usize| (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// The right word that is nearest to a wrong one, if it is near enough to be meant.
pub(crate) fn nearest<'a>(wrong: &str, right: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    right
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&wrong, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= (word.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// "is `a`", "are `a` and `b`", "are `a`, `b` and `c`".
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [] => "is none".into(),
        [only] => format!("is `{only}`"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(|word| format!("`{word}`")).collect();
            format!("are {} and `{last}`", first.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        for (wrong, right) in [
            ("inof", Some("info")),
            ("INFO", Some("info")),
            ("wran", Some("warn")),
            ("errro", Some("error")),
            ("verbose", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, levels), right, "{wrong}");
        }
    }

    #[test]
    fn words_are_listed() {
        assert_eq!(listed(&["a"]), "is `a`");
        assert_eq!(listed(&["a", "b"]), "are `a` and `b`");
        assert_eq!(listed(&["a", "b", "c"]), "are `a`, `b` and `c`");
    }

    #[test]
    fn a_span_outside_of_the_text_is_moved_into_it() {
        let text = "aé";
        assert_eq!(clamp(&(2..9), text), 1..3);
        assert_eq!(clamp(&(9..20), text), 3..3);
        assert_eq!(clamp(&(0..2), text), 0..1);
    }

    #[test]
    fn a_mistake_is_rendered_with_place_and_help() {
        let file = SourceFile { path: "rusm.toml".into(), text: "[log]\nlevel = \"inof\"\n".into() };
        let problem =
            Problem::new("unknown level `inof`").at(&(14..20), "not a level").suggest("inof", ["info", "warn"]);
        let text = Mistakes::new(&file, vec![problem]).to_string();
        assert!(text.starts_with("error: unknown level `inof`"), "{text}");
        assert!(text.contains("rusm.toml:2:9"), "{text}");
        assert!(text.contains("help: did you mean `info`?"), "{text}");
    }
}

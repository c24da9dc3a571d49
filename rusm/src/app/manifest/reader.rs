//! Reads tables key by key and collects every mistake on the way.
//!
//! A getter answers `None` both for an absent key and for a wrong value; the latter has been noted, and the file as a
//! whole is refused, so the default that takes its place is never used.

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::units;
use crate::app::report::{Located, Problem};

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(super) fn add(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }

    pub(super) fn into_inner(self) -> Vec<Problem> {
        self.0.into_inner()
    }
}

/// One table of the file.
pub(super) struct Section<'a> {
    table: &'a DeTable<'a>,
    /// As it is named in messages: "[node]", "[components.cart]".
    title: String,
    /// Where to point at when a key is missing.
    pub(super) span: Range<usize>,
    known: Vec<&'static str>,
    problems: &'a Problems,
}

impl<'a> Section<'a> {
    pub(super) fn new(title: String, span: Range<usize>, table: &'a DeTable<'a>, problems: &'a Problems) -> Self {
        Self { table, title, span, known: Vec::new(), problems }
    }

    fn get(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// A key's value, whatever its type.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.get(key)
    }

    /// Refuses a key that the design knows and this version doesn't implement.
    pub(super) fn later(&mut self, key: &'static str) {
        self.known.push(key);
        if let Some((key, _)) = self.table.get_key_value(key) {
            self.problems.add(
                Problem::new(format!("`{}` in {} is not supported yet", key.get_ref(), self.title))
                    .at(&key.span(), "not supported by this version of rusm")
                    .help("take it out: it would have no effect"),
            );
        }
    }

    /// Notes the keys that nobody asked for.
    pub(super) fn finish(self) {
        for key in self.table.keys() {
            let name = key.get_ref();
            if !self.known.iter().any(|known| known == name) {
                self.problems.add(
                    Problem::new(format!("unknown key `{name}` in {}", self.title))
                        .at(&key.span(), "not a key of this table")
                        .suggest(name, self.known.iter().copied()),
                );
            }
        }
    }

    pub(super) fn wrong(&self, value: &Spanned<DeValue<'_>>, key: &str, wanted: &str) {
        self.problems.add(
            Problem::new(format!("`{key}` in {} must be {wanted}", self.title))
                .at(&value.span(), format!("this is {}", kind(value.get_ref()))),
        );
    }

    pub(super) fn string(&mut self, key: &'static str) -> Option<Located<String>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(Located::new(text.clone().into_owned(), value.span())),
            _ => {
                self.wrong(value, key, "a string");
                None
            }
        }
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.wrong(value, key, "true or false");
                None
            }
        }
    }

    /// A whole number within a range.
    pub(super) fn count(&mut self, key: &'static str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let value = self.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number.and_then(|number| u64::try_from(number).ok()).filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                self.wrong(value, key, &format!("a whole number from {} to {}", range.start(), range.end()));
                None
            }
        }
    }

    pub(super) fn duration(&mut self, key: &'static str) -> Option<Duration> {
        self.unit(key, "a duration", units::duration)
    }

    /// A duration for which zero makes no sense.
    pub(super) fn some_duration(&mut self, key: &'static str) -> Option<Duration> {
        self.unit(key, "a duration above zero", |text| match units::duration(text)? {
            Duration::ZERO => Err("zero would let nothing through"),
            duration => Ok(duration),
        })
    }

    /// A size for which zero makes no sense.
    pub(super) fn some_size(&mut self, key: &'static str) -> Option<u64> {
        self.unit(key, "a size above zero", |text| match units::size(text)? {
            0 => Err("zero would let nothing through"),
            size => Ok(size),
        })
    }

    fn unit<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let problem = Problem::new(format!("`{key}` in {} must be {wanted}", self.title));
        let problem = match value.get_ref() {
            DeValue::String(text) => match read(text) {
                Ok(value) => return Some(value),
                Err(help) => problem.at(&value.span(), "not understood").help(help),
            },
            other => problem
                .at(&value.span(), format!("this is {}", kind(other)))
                .help(read("").err().unwrap_or("write a string")),
        };
        self.problems.add(problem);
        None
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let found = self.string(key)?;
        match words.iter().find(|(word, _)| *word == found.value) {
            Some((_, value)) => Some(*value),
            None => {
                self.problems.add(
                    Problem::new(format!("unknown {key} `{}` in {}", found.value, self.title))
                        .at(&found.span, format!("not a {key}"))
                        .suggest(&found.value, words.iter().map(|(word, _)| *word)),
                );
                None
            }
        }
    }

    pub(super) fn strings(&mut self, key: &'static str) -> Option<Vec<Located<String>>> {
        let value = self.get(key)?;
        self.strings_of(key, value, "a list of strings")
    }

    pub(super) fn strings_of(
        &self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        wanted: &str,
    ) -> Option<Vec<Located<String>>> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, key, wanted);
            return None;
        };
        let mut strings = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => strings.push(Located::new(text.clone().into_owned(), item.span())),
                _ => {
                    self.wrong(item, key, wanted);
                    return None;
                }
            }
        }
        Some(strings)
    }

    /// A table below this one.
    pub(super) fn section(&mut self, key: &'static str, title: &str) -> Option<Section<'a>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(title.to_owned(), value.span(), table, self.problems)),
            _ => {
                self.wrong(value, key, "a table");
                None
            }
        }
    }

    /// A value as a table of its own.
    pub(super) fn below(&self, value: &'a Spanned<DeValue<'a>>, title: &str) -> Option<Section<'a>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(title.to_owned(), value.span(), table, self.problems)),
            _ => None,
        }
    }

    /// Where a key stands, if it is there.
    pub(super) fn place(&self, key: &str) -> Option<Range<usize>> {
        self.table.get_key_value(key).map(|(key, _)| key.span())
    }

    pub(super) fn missing(&self, key: &str) -> bool {
        !self.table.contains_key(key)
    }

    /// The entries of this table, in the order of the file, each a table: `[components.NAME]`.
    pub(super) fn named_sections(self, prefix: &str) -> Vec<(Located<String>, Section<'a>)> {
        let mut sections = Vec::new();
        for (name, value) in self.entries() {
            let title = format!("[{prefix}.{}]", name.value);
            match value.get_ref() {
                DeValue::Table(table) => {
                    let span = name.span.clone();
                    sections.push((name, Section::new(title, span, table, self.problems)));
                }
                _ => self.wrong(value, &name.value, "a table"),
            }
        }
        sections
    }

    /// The entries of this table, in the order of the file.
    pub(super) fn entries(&self) -> Vec<(Located<String>, &'a Spanned<DeValue<'a>>)> {
        let mut entries: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| (Located::new(key.get_ref().clone().into_owned(), key.span()), value))
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }

    pub(super) fn problem(&self, problem: Problem) {
        self.problems.add(problem);
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

//! `rusm.toml`: what a node is made of.
//!
//! Reading is pure: text and environment in, a [`Manifest`] or all of the file's [`Mistakes`] out. A key that is not
//! understood, or that this version does not implement, is a mistake; nothing is ignored.

mod capability;
mod component;
mod gateway;
mod reader;
mod units;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

pub use self::capability::{Capability, Inherits};
pub use self::component::{Arguments, Component, Residence, Restart};
pub use self::gateway::{GatewaySettings, Route};
use self::reader::{Problems, Section};
use super::report::{Located, Mistakes, Problem, SourceFile};
use crate::wasm::Capabilities;

/// A `rusm.toml`, read and checked as far as it can be without the components it names.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// `[node]`.
    pub node: NodeSettings,
    /// `[log]`.
    pub log: LogSettings,
    /// `[capabilities.NAME]`, in the order of the file.
    pub capabilities: Vec<Capability>,
    /// `[components.NAME]`, in the order of the file: residents start in this order.
    pub components: Vec<Component>,
    /// `[[serve]]`, in the order of the file.
    pub gateways: Vec<GatewaySettings>,
    pub(crate) file: SourceFile,
}

/// A cargo package that a component could be built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Whether it has a library target.
    pub library: bool,
}

/// `[node]`: the node itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSettings {
    /// The node's name; `RUSM_NODE` goes before it. Default: the name of the folder that holds `rusm.toml`.
    pub name: Option<String>,
    /// Worker threads; 0, the default, is one per core. `RUSM_WORKERS` goes before it.
    pub workers: usize,
    /// How long work in flight may take to end at shutdown; default 10 s. `RUSM_DRAIN` goes before it.
    pub drain: Duration,
    /// The folder for what outlives a run (the cache of compiled code), from the folder of `rusm.toml`; default: none.
    /// `RUSM_DATA` goes before it.
    pub data: Option<PathBuf>,
}

/// `[log]`: what is written to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The least that is written; default `info`. `RUSM_LOG` goes before it.
    pub level: LogLevel,
    /// How lines look; default `pretty`.
    pub format: LogFormat,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    const WORDS: &[(&str, Self)] = &[
        ("off", Self::Off),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// Why there is no [`Manifest`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file could not be read.
    #[error("could not read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file has mistakes.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
}

impl Manifest {
    /// Reads a file, with the process's environment.
    ///
    /// # Errors
    /// If the file can't be read, or with all of its mistakes.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| ManifestError::Read { path: path.to_owned(), error })?;
        Ok(Self::parse(path, &text, &|name| std::env::var(name).ok())?)
    }

    /// Reads a text. `path` is for messages, and its folder is where relative paths start.
    ///
    /// # Errors
    /// With all of the text's mistakes.
    pub fn parse(path: &Path, text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, Mistakes> {
        let file = SourceFile { path: path.to_owned(), text: Arc::from(text) };
        let (root, errors) = DeTable::parse_recoverable(text);
        let problems = Problems::default();
        for error in &errors {
            let title = format!("{} is not valid TOML", path.display());
            problems.add(match error.span() {
                Some(span) => Problem::new(title).at(&span, error.message()),
                None => Problem::new(format!("{title}: {}", error.message())),
            });
        }
        // What a broken line leaves behind would be reported as mistakes that nobody made.
        Mistakes::check(&file, problems.into_inner())?;
        let problems = Problems::default();
        let mut root = Section::new("rusm.toml".into(), 0..0, root.get_ref(), &problems);

        let node = node(root.section("node", "[node]"), &problems, env);
        let log = log(root.section("log", "[log]"), &problems, env);
        let capabilities = match root.section("capabilities", "[capabilities]") {
            Some(section) => capability::capabilities(section, &problems),
            None => Vec::new(),
        };
        let components = match root.section("components", "[components]") {
            Some(section) => component::components(section, &capabilities, &problems),
            None => Vec::new(),
        };
        capability::check_spawned(&capabilities, &components, &problems);
        let gateways = gateway::gateways(&mut root, &components, &problems);
        root.later("admin");
        root.later("cluster");
        root.finish();

        Mistakes::check(&file, problems.into_inner())?;
        Ok(Self { node, log, capabilities, components, gateways, file })
    }

    /// Where it was read from.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The folder it is in: where `wasm/` is, and where relative paths start.
    pub fn folder(&self) -> &Path {
        match self.file.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    /// A component by its name.
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name.value == name)
    }

    /// Where a component's file is: `wasm/NAME.wasm` beside `rusm.toml`.
    pub fn artifact(&self, component: &str) -> PathBuf {
        self.folder().join("wasm").join(format!("{component}.wasm"))
    }

    /// Checks that the components' packages exist and can be built as components.
    ///
    /// # Errors
    /// With all that don't or can't.
    pub fn check_packages(&self, known: &[Package]) -> Result<(), Mistakes> {
        let mut problems = Vec::new();
        for component in &self.components {
            let wanted = &component.package;
            match known.iter().find(|package| package.name == wanted.value) {
                Some(package) if package.library => {}
                Some(_) => problems.push(
                    Problem::new(format!("the package `{}` is no library", wanted.value))
                        .at(&wanted.span, "a component is built from `src/lib.rs`")
                        .help("move its actors, services and handlers from `src/main.rs` to `src/lib.rs`"),
                ),
                None => {
                    let problem = Problem::new(format!("there is no package `{}`", wanted.value))
                        .at(&wanted.span, "not a package of this workspace");
                    problems.push(problem.suggest(&wanted.value, known.iter().map(|package| package.name.as_str())));
                }
            }
        }
        Mistakes::check(&self.file, problems)
    }

    /// What a capability or profile comes to, with all that it inherits; folders as they are written.
    pub fn capabilities(&self, name: &str) -> Capabilities {
        capability::resolve(&self.capabilities, name)
    }
}

const DATA_HELP: &str = "write a folder, like \"./data\", or take it out";

fn node(section: Option<Section<'_>>, problems: &Problems, env: &dyn Fn(&str) -> Option<String>) -> NodeSettings {
    let mut settings = NodeSettings { name: None, workers: 0, drain: Duration::from_secs(10), data: None };
    if let Some(mut section) = section {
        if let Some(name) = section.string("name") {
            if let Err(help) = node_name(&name.value) {
                problems
                    .add(Problem::new("`name` in [node] is not a node name").at(&name.span, "not a name").help(help));
            }
            settings.name = Some(name.value);
        }
        settings.workers = section.count("workers", 0..=1024).unwrap_or(0) as usize;
        settings.drain = section.duration("drain").unwrap_or(settings.drain);
        if let Some(data) = section.string("data") {
            if data.value.is_empty() {
                problems.add(Problem::new("`data` in [node] is empty").at(&data.span, "not a folder").help(DATA_HELP));
            }
            settings.data = Some(data.value.into());
        }
        section.finish();
    }
    let refuse = |name: &str, value: &str, help: &str| {
        problems.add(Problem::new(format!("the environment variable {name} is `{value}`")).help(help));
    };
    if let Some(name) = env("RUSM_NODE") {
        match node_name(&name) {
            Ok(()) => settings.name = Some(name),
            Err(help) => refuse("RUSM_NODE", &name, help),
        }
    }
    if let Some(workers) = env("RUSM_WORKERS") {
        match workers.parse() {
            Ok(number @ 0..=1024) => settings.workers = number,
            _ => refuse("RUSM_WORKERS", &workers, "write a whole number from 0 to 1024"),
        }
    }
    if let Some(drain) = env("RUSM_DRAIN") {
        match units::duration(&drain) {
            Ok(duration) => settings.drain = duration,
            Err(help) => refuse("RUSM_DRAIN", &drain, help),
        }
    }
    match env("RUSM_DATA") {
        Some(data) if data.is_empty() => refuse("RUSM_DATA", &data, DATA_HELP),
        Some(data) => settings.data = Some(data.into()),
        None => {}
    }
    settings
}

fn node_name(name: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(allowed) {
        Ok(())
    } else {
        Err("write 1 to 64 letters, digits, `-`, `_` or `.`")
    }
}

fn log(section: Option<Section<'_>>, problems: &Problems, env: &dyn Fn(&str) -> Option<String>) -> LogSettings {
    let mut settings = LogSettings { level: LogLevel::Info, format: LogFormat::Pretty };
    if let Some(mut section) = section {
        settings.level = section.word("level", LogLevel::WORDS).unwrap_or(settings.level);
        settings.format = section
            .word("format", &[("pretty", LogFormat::Pretty), ("json", LogFormat::Json)])
            .unwrap_or(settings.format);
        section.finish();
    }
    if let Some(level) = env("RUSM_LOG") {
        match LogLevel::WORDS.iter().find(|(word, _)| *word == level) {
            Some((_, found)) => settings.level = *found,
            None => problems.add(
                Problem::new(format!("the environment variable RUSM_LOG is `{level}`"))
                    .suggest(&level, LogLevel::WORDS.iter().map(|(word, _)| *word)),
            ),
        }
    }
    settings
}

/// Names of components and capabilities become file names, process names and table keys.
fn check_name(name: &Located<String>, what: &str, problems: &Problems) {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.value.is_empty() || name.value.len() > 64 || !name.value.chars().all(allowed) {
        problems.add(
            Problem::new(format!("`{}` can't name a {what}", name.value))
                .at(&name.span, "not a name")
                .help("write 1 to 64 letters, digits, `-` or `_`"),
        );
    }
}

/// The tables of `[[key]]`.
fn array_of_tables<'a>(root: &mut Section<'a>, key: &'static str, problems: &'a Problems) -> Vec<Section<'a>> {
    let Some(value) = root.value(key) else { return Vec::new() };
    let DeValue::Array(items) = value.get_ref() else {
        problems.add(
            Problem::new(format!("`{key}` must be a list of tables"))
                .at(&value.span(), "this is one table")
                .help(format!("write `[[{key}]]`")),
        );
        return Vec::new();
    };
    let mut sections = Vec::new();
    for item in items.iter() {
        match item.get_ref() {
            DeValue::Table(table) => sections.push(Section::new(format!("[[{key}]]"), item.span(), table, problems)),
            _ => root.wrong(item, key, "a list of tables"),
        }
    }
    sections
}

#[cfg(test)]
mod tests;

//! Why components could not be loaded.

use super::component::Source;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A component could not be loaded, so none was.
///
/// The text names the component and its file, says what is wrong with it, and what to do about it.
#[derive(Debug)]
pub struct LoadError {
    component: String,
    file: Option<PathBuf>,
    problem: Problem,
}

/// What was wrong with a component.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The file can't be read.
    Read(io::Error),
    /// There are no bytes.
    Empty,
    /// It does not begin as WebAssembly does.
    NotWasm,
    /// It is a core module and no component.
    CoreModule,
    /// It ends too early.
    Truncated,
    /// It is no valid WebAssembly: the parser's words.
    Malformed(String),
    /// It publishes no entries.
    NoSchema,
    /// Its schema can't be read.
    Schema(String),
    /// It does not import or export what this version of the world says.
    World(String),
    /// It could not be compiled: the compiler's words.
    Compile(String),
    /// Two components have this name.
    Twice,
    /// A directory that was granted to it can't be opened.
    Preopen(PathBuf, io::Error),
    /// The engine could not be made.
    Engine(String),
}

impl LoadError {
    pub(super) fn new(component: &str, source: &Source, problem: Problem) -> Self {
        let file = match source {
            Source::File(path) => Some(path.clone()),
            Source::Bytes(_) => None,
        };
        Self { component: component.to_owned(), file, problem }
    }

    pub(super) fn engine(problem: String) -> Self {
        Self { component: String::new(), file: None, problem: Problem::Engine(problem) }
    }

    /// The component's name; empty if it is no single component's fault.
    pub fn component(&self) -> &str {
        &self.component
    }

    /// The file it should have come from.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Problem::Engine(cause) = &self.problem {
            return write!(f, "the WebAssembly engine could not be started: {cause}");
        }
        write!(f, "component `{}`", self.component)?;
        if let Some(file) = &self.file {
            write!(f, " ({})", file.display())?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REBUILD: &str = "build it with `cargo rusm build`";
        match self {
            Self::Read(cause) if cause.kind() == io::ErrorKind::NotFound => {
                write!(f, "there is no such file; {REBUILD}")
            }
            Self::Read(cause) => write!(f, "it can't be read: {cause}"),
            Self::Empty => write!(f, "it is empty; {REBUILD}"),
            Self::NotWasm => write!(f, "it is not WebAssembly: it does not begin with `\\0asm`; {REBUILD}"),
            Self::CoreModule => {
                write!(f, "it is a core module and not a component; {REBUILD}, or build for the target `wasm32-wasip2`")
            }
            Self::Truncated => write!(f, "it is truncated: it ends in the middle; {REBUILD} again"),
            Self::Malformed(cause) => write!(f, "it is not valid WebAssembly: {cause}; {REBUILD} again"),
            Self::NoSchema => write!(
                f,
                "it publishes nothing to start: it has no section `rusm:schema`; annotate an item with `#[rusm::actor]`, `#[rusm::service]` or `#[rusm::handlers]`"
            ),
            Self::Schema(cause) => write!(f, "its schema can't be read: {cause}; build it with this version of rusm"),
            Self::World(cause) => {
                write!(f, "it does not fit the world `rusm:process`: {cause}; build it with this version of rusm")
            }
            Self::Compile(cause) => write!(f, "it can't be compiled: {cause}"),
            Self::Twice => f.write_str("there are two components of this name; rename one"),
            Self::Preopen(path, cause) => {
                write!(
                    f,
                    "its `preopen` directory {} can't be opened: {cause}; create it or remove the grant",
                    path.display()
                )
            }
            Self::Engine(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Read(cause) | Problem::Preopen(_, cause) => Some(cause),
            _ => None,
        }
    }
}

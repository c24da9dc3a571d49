//! Reading a component before it is compiled: is it one, what does it publish, what will an instance of it take.

use super::error::{LoadError, Problem};
use crate::wire::SECTION;
use crate::wire::schema::Schema;
use std::path::{Path, PathBuf};
use wasmparser::{Encoding, Parser, Payload};

/// What all its pieces may add up to.
const SECTION_MAX: usize = 4 << 20;

/// Where a component comes from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Source {
    /// A `.wasm` file.
    File(PathBuf),
    /// The bytes of one.
    Bytes(Vec<u8>),
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

/// What one instance takes from a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Needs {
    pub(super) core_instances: u32,
    pub(super) memories: u32,
    pub(super) tables: u32,
    pub(super) memories_per_module: u32,
    pub(super) tables_per_module: u32,
    pub(super) table_elements: u64,
}

impl Needs {
    /// The larger need of each kind.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            core_instances: self.core_instances.max(other.core_instances),
            memories: self.memories.max(other.memories),
            tables: self.tables.max(other.tables),
            memories_per_module: self.memories_per_module.max(other.memories_per_module),
            tables_per_module: self.tables_per_module.max(other.tables_per_module),
            table_elements: self.table_elements.max(other.table_elements),
        }
    }
}

/// A component that was read and not compiled yet.
#[derive(Debug)]
pub(super) struct Inspected {
    pub(super) bytes: Vec<u8>,
    pub(super) schema: Schema,
    pub(super) needs: Needs,
}

/// Reads a source and checks all that can be known without compiling it.
pub(super) fn read(name: &str, source: &Source) -> Result<Inspected, LoadError> {
    let error = |problem| LoadError::new(name, source, problem);
    let bytes = match source {
        Source::File(path) => std::fs::read(path).map_err(|cause| error(Problem::Read(cause)))?,
        Source::Bytes(bytes) => bytes.clone(),
    };
    let (section, needs) = inspect(&bytes).map_err(error)?;
    if section.is_empty() {
        return Err(error(Problem::NoSchema));
    }
    let schema = Schema::read(&section).map_err(|cause| error(Problem::Schema(cause.to_string())))?;
    Ok(Inspected { bytes, schema, needs })
}

/// The schema sections of all nested modules, one after the other, and what an instance takes.
fn inspect(bytes: &[u8]) -> Result<(Vec<u8>, Needs), Problem> {
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(if b"\0asm".starts_with(bytes) { Problem::Truncated } else { Problem::NotWasm });
    }
    let mut section = Vec::new();
    let mut needs = Needs::default();
    let (mut memories, mut tables) = (0, 0);
    let mut outermost = true;
    let mut ended = false;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload =
            payload.map_err(|cause| if cause_is_end(&cause) { Problem::Truncated } else { malformed(cause) })?;
        ended = false;
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if outermost => return Err(Problem::CoreModule),
            Payload::Version { encoding, .. } => {
                outermost = false;
                if encoding == Encoding::Module {
                    (memories, tables) = (0, 0);
                }
            }
            Payload::CustomSection(custom) if custom.name() == SECTION => {
                if section.len() + custom.data().len() > SECTION_MAX {
                    return Err(Problem::Schema(format!("the sections {SECTION} hold more than {SECTION_MAX} bytes")));
                }
                section.extend_from_slice(custom.data());
            }
            Payload::MemorySection(reader) => {
                memories += reader.count();
                needs.memories = needs.memories.saturating_add(reader.count());
                needs.memories_per_module = needs.memories_per_module.max(memories);
            }
            Payload::TableSection(reader) => {
                tables += reader.count();
                needs.tables = needs.tables.saturating_add(reader.count());
                needs.tables_per_module = needs.tables_per_module.max(tables);
                for table in reader {
                    needs.table_elements = needs.table_elements.max(table.map_err(malformed)?.ty.initial);
                }
            }
            Payload::InstanceSection(reader) => {
                for instance in reader {
                    if let wasmparser::Instance::Instantiate { .. } = instance.map_err(malformed)? {
                        needs.core_instances = needs.core_instances.saturating_add(1);
                    }
                }
            }
            Payload::UnknownSection { id, .. } => {
                return Err(Problem::Malformed(format!("there is no section of number {id}")));
            }
            Payload::End(_) => ended = true,
            _ => {}
        }
    }
    if !ended {
        return Err(Problem::Truncated);
    }
    Ok((section, needs))
}

fn cause_is_end(cause: &wasmparser::BinaryReaderError) -> bool {
    cause.message().contains("unexpected end") || cause.message().contains("unexpected EOF")
}

fn malformed(cause: wasmparser::BinaryReaderError) -> Problem {
    Problem::Malformed(cause.to_string())
}

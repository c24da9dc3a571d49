//! A component's entries as its custom section tells them: owned, checked, bounded.
//!
//! The bytes come from a file that anybody may have made: every count and length is checked against
//! what is left, and nesting ends at [`MAX_DEPTH`].

mod read;
mod show;

pub use read::SchemaError;

use std::sync::Arc;

use super::{EntryKind, Method, MethodKind, Payload, Type};

/// How deep types may nest.
pub const MAX_DEPTH: usize = 64;

/// Everything a component says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// Its entries, sorted by package and name.
    pub entries: Vec<Arc<EntrySchema>>,
}

/// An [`Entry`](super::Entry), read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntrySchema {
    /// What it is.
    pub kind: EntryKind,
    /// The type's, trait's or module's name.
    pub name: String,
    /// The package whose source holds it.
    pub package: String,
    /// The type of its arguments, if it can be started.
    pub init: Option<TypeSchema>,
    /// What it understands.
    pub methods: Vec<MethodSchema>,
    /// Whether it traps exits.
    pub on_exit: bool,
    /// Whether it wants to be told before it ends.
    pub on_terminate: bool,
}

/// A [`Method`], read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodSchema {
    /// Its name.
    pub name: String,
    /// What it is to its caller.
    pub kind: MethodKind,
    /// Its arguments in order.
    pub args: Vec<FieldSchema>,
    /// Its answer.
    pub output: TypeSchema,
    /// The first paragraph of its documentation.
    pub doc: String,
    /// See [`Method::id`]; computed from what was read, not believed.
    pub id: u32,
    /// See [`Method::fingerprint`]; computed from what was read, not believed.
    pub fingerprint: u64,
}

/// A [`Field`](super::Field), read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSchema {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: TypeSchema,
}

/// A [`Case`](super::Case), read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseSchema {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub payload: PayloadSchema,
}

/// A [`Payload`], read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadSchema {
    /// Nothing.
    Unit,
    /// Values by position.
    Tuple(Vec<TypeSchema>),
    /// Values by name.
    Record(Vec<FieldSchema>),
}

/// A [`Type`], read back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the cases are those of `Type`")]
pub enum TypeSchema {
    Unit,
    Bool,
    U8,
    U16,
    U32,
    U64,
    U128,
    I8,
    I16,
    I32,
    I64,
    I128,
    F32,
    F64,
    Char,
    String,
    Option(Box<TypeSchema>),
    List(Box<TypeSchema>),
    Map(Box<TypeSchema>, Box<TypeSchema>),
    Tuple(Vec<TypeSchema>),
    Result(Box<TypeSchema>, Box<TypeSchema>),
    Record { name: String, fields: Vec<FieldSchema> },
    Variant { name: String, cases: Vec<CaseSchema> },
}

impl Schema {
    /// Reads the section's bytes, those of all the component's modules one after the other.
    ///
    /// # Errors
    /// Bytes that this version of rusm did not write, and entries that contradict each other.
    pub fn read(section: &[u8]) -> Result<Self, SchemaError> {
        read::schema(section)
    }

    /// The entry of this name, of whatever kind.
    pub fn entry(&self, name: &str) -> Option<&Arc<EntrySchema>> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// The entries of one kind that this package's own source holds, not that of its dependencies.
    pub fn own<'a>(&'a self, package: &'a str, kind: EntryKind) -> impl Iterator<Item = &'a Arc<EntrySchema>> {
        self.entries.iter().filter(move |entry| entry.kind == kind && entry.package == package)
    }
}

impl EntrySchema {
    /// Whether this is what it is called: by its name, or by `package::name` where packages share one.
    pub fn is_called(&self, name: &str) -> bool {
        let qualified = || name.strip_suffix(self.name.as_str())?.strip_suffix("::");
        self.name == name || qualified() == Some(self.package.as_str())
    }

    /// The name that tells it from the entries of other packages.
    pub fn qualified(&self) -> String {
        format!("{}::{}", self.package, self.name)
    }

    /// The method of this number.
    pub fn method(&self, id: u32) -> Option<&MethodSchema> {
        self.methods.iter().find(|method| method.id == id)
    }
}

impl MethodSchema {
    /// The method as a person reads it.
    pub fn signature(&self) -> String {
        self.to_string()
    }
}

impl From<&Method> for MethodSchema {
    fn from(method: &Method) -> Self {
        Self {
            name: method.name.into(),
            kind: method.kind,
            args: fields(method.args),
            output: method.output.into(),
            doc: method.doc.into(),
            id: method.id(),
            fingerprint: method.fingerprint(),
        }
    }
}

impl From<&super::Entry> for EntrySchema {
    fn from(entry: &super::Entry) -> Self {
        Self {
            kind: entry.kind,
            name: entry.name.into(),
            package: entry.package.into(),
            init: entry.init.map(Into::into),
            methods: entry.methods.iter().map(|method| (*method).into()).collect(),
            on_exit: entry.on_exit,
            on_terminate: entry.on_terminate,
        }
    }
}

impl From<&Type> for TypeSchema {
    fn from(ty: &Type) -> Self {
        let boxed = |ty: &Type| Box::new(ty.into());
        match *ty {
            Type::Unit => Self::Unit,
            Type::Bool => Self::Bool,
            Type::U8 => Self::U8,
            Type::U16 => Self::U16,
            Type::U32 => Self::U32,
            Type::U64 => Self::U64,
            Type::U128 => Self::U128,
            Type::I8 => Self::I8,
            Type::I16 => Self::I16,
            Type::I32 => Self::I32,
            Type::I64 => Self::I64,
            Type::I128 => Self::I128,
            Type::F32 => Self::F32,
            Type::F64 => Self::F64,
            Type::Char => Self::Char,
            Type::String => Self::String,
            Type::Option(inner) => Self::Option(boxed(inner)),
            Type::List(inner) => Self::List(boxed(inner)),
            Type::Map(key, value) => Self::Map(boxed(key), boxed(value)),
            Type::Tuple(types) => Self::Tuple(types.iter().map(|ty| (*ty).into()).collect()),
            Type::Result(ok, err) => Self::Result(boxed(ok), boxed(err)),
            Type::Record { name, fields: inner } => Self::Record { name: name.into(), fields: fields(inner) },
            Type::Variant { name, cases } => Self::Variant {
                name: name.into(),
                cases: cases
                    .iter()
                    .map(|case| CaseSchema {
                        name: case.name.into(),
                        payload: match case.payload {
                            Payload::Unit => PayloadSchema::Unit,
                            Payload::Tuple(types) => {
                                PayloadSchema::Tuple(types.iter().map(|ty| (*ty).into()).collect())
                            }
                            Payload::Record(inner) => PayloadSchema::Record(fields(inner)),
                        },
                    })
                    .collect(),
            },
        }
    }
}

fn fields(fields: &[super::Field]) -> Vec<FieldSchema> {
    fields.iter().map(|field| FieldSchema { name: field.name.into(), ty: field.ty.into() }).collect()
}

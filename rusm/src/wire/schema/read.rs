//! The reader of the section; the writer is `wire::chunk`.

use super::{
    CaseSchema, EntryKind, EntrySchema, FieldSchema, MAX_DEPTH, MethodKind, MethodSchema, PayloadSchema, Schema,
    TypeSchema,
};
use crate::wire::chunk::VERSION;
use crate::wire::method_id;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt;
use std::sync::Arc;

/// Why a section is not a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaError {
    /// The bytes end before what they promise.
    Truncated,
    /// Written by another version of rusm: the layout's number.
    Version(u8),
    /// A byte that stands for nothing: what it was to tell, and the byte.
    Unknown(&'static str, u8),
    /// A text that is not UTF-8.
    Text,
    /// Types nest deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Bytes after the end of an entry.
    Trailing,
    /// Two different entries have one name.
    Clash(String),
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it ends too early"),
            Self::Version(version) => {
                write!(f, "its layout is number {version}, this version of rusm reads number {VERSION}; build it again")
            }
            Self::Unknown(what, byte) => write!(f, "{byte} is no {what}"),
            Self::Text => f.write_str("a text is not UTF-8"),
            Self::TooDeep => write!(f, "types nest deeper than {MAX_DEPTH}"),
            Self::Trailing => f.write_str("bytes after the end of an entry"),
            Self::Clash(name) => write!(f, "two different entries are named {name}; rename one"),
        }
    }
}

impl std::error::Error for SchemaError {}

type Result<T> = std::result::Result<T, SchemaError>;

pub(super) fn schema(section: &[u8]) -> Result<Schema> {
    let mut rest = Reader { bytes: section };
    let mut entries: HashMap<(u8, String, String), Arc<EntrySchema>> = HashMap::new();
    while !rest.bytes.is_empty() {
        let length = u32::from_le_bytes(rest.array()?);
        let mut chunk = Reader { bytes: rest.take(length as usize)? };
        let entry = chunk.entry()?;
        if !chunk.bytes.is_empty() {
            return Err(SchemaError::Trailing);
        }
        match entries.entry((entry.kind as u8, entry.package.clone(), entry.name.clone())) {
            Slot::Occupied(known) if **known.get() == entry => {}
            Slot::Occupied(_) => return Err(SchemaError::Clash(entry.name)),
            Slot::Vacant(free) => {
                free.insert(Arc::new(entry));
            }
        }
    }
    let mut entries: Vec<_> = entries.into_values().collect();
    entries.sort_by(|a, b| (&a.package, &a.name, a.kind as u8).cmp(&(&b.package, &b.name, b.kind as u8)));
    Ok(Schema { entries })
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(SchemaError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(SchemaError::Truncated)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn count(&mut self) -> Result<usize> {
        Ok(usize::from(u16::from_le_bytes(self.array()?)))
    }

    fn text(&mut self) -> Result<String> {
        let length = self.count()?;
        let bytes = self.take(length)?;
        Ok(std::str::from_utf8(bytes).map_err(|_| SchemaError::Text)?.to_owned())
    }

    /// The room grows with what is there, not with what the count promises: lists nest.
    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.count()?;
        let mut list = Vec::with_capacity(count.min(16));
        for _ in 0..count {
            list.push(read(self)?);
        }
        Ok(list)
    }

    fn entry(&mut self) -> Result<EntrySchema> {
        let version = self.byte()?;
        if version != VERSION {
            return Err(SchemaError::Version(version));
        }
        let kind = match self.byte()? {
            0 => EntryKind::Actor,
            1 => EntryKind::Contract,
            2 => EntryKind::Handlers,
            3 => EntryKind::Process,
            byte => return Err(SchemaError::Unknown("kind of entry", byte)),
        };
        let (name, package) = (self.text()?, self.text()?);
        let flags = self.byte()?;
        if flags > 3 {
            return Err(SchemaError::Unknown("set of flags", flags));
        }
        let init = match self.byte()? {
            0 => None,
            1 => Some(self.ty(0)?),
            byte => return Err(SchemaError::Unknown("presence of arguments", byte)),
        };
        let methods = self.list(Self::method)?;
        Ok(EntrySchema { kind, name, package, init, methods, on_exit: flags & 1 != 0, on_terminate: flags & 2 != 0 })
    }

    fn method(&mut self) -> Result<MethodSchema> {
        let contract = self.bytes;
        let kind = match self.byte()? {
            0 => MethodKind::Call,
            1 => MethodKind::Cast,
            2 => MethodKind::Request,
            3 => MethodKind::Stream,
            byte => return Err(SchemaError::Unknown("kind of method", byte)),
        };
        let name = self.text()?;
        let args = self.fields(0)?;
        let output = self.ty(0)?;
        let contract = &contract[..contract.len() - self.bytes.len()];
        let fingerprint = contract.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Ok(MethodSchema { id: method_id(&name), name, kind, args, output, doc: self.text()?, fingerprint })
    }

    fn fields(&mut self, depth: usize) -> Result<Vec<FieldSchema>> {
        self.list(|reader| Ok(FieldSchema { name: reader.text()?, ty: reader.ty(depth)? }))
    }

    fn types(&mut self, depth: usize) -> Result<Vec<TypeSchema>> {
        self.list(|reader| reader.ty(depth))
    }

    fn case(&mut self, depth: usize) -> Result<CaseSchema> {
        Ok(CaseSchema {
            name: self.text()?,
            payload: match self.byte()? {
                0 => PayloadSchema::Unit,
                1 => PayloadSchema::Tuple(self.types(depth)?),
                2 => PayloadSchema::Record(self.fields(depth)?),
                byte => return Err(SchemaError::Unknown("payload", byte)),
            },
        })
    }

    fn ty(&mut self, depth: usize) -> Result<TypeSchema> {
        if depth == MAX_DEPTH {
            return Err(SchemaError::TooDeep);
        }
        let depth = depth + 1;
        Ok(match self.byte()? {
            0 => TypeSchema::Unit,
            1 => TypeSchema::Bool,
            2 => TypeSchema::U8,
            3 => TypeSchema::U16,
            4 => TypeSchema::U32,
            5 => TypeSchema::U64,
            6 => TypeSchema::U128,
            7 => TypeSchema::I8,
            8 => TypeSchema::I16,
            9 => TypeSchema::I32,
            10 => TypeSchema::I64,
            11 => TypeSchema::I128,
            12 => TypeSchema::F32,
            13 => TypeSchema::F64,
            14 => TypeSchema::Char,
            15 => TypeSchema::String,
            16 => TypeSchema::Option(Box::new(self.ty(depth)?)),
            17 => TypeSchema::List(Box::new(self.ty(depth)?)),
            18 => TypeSchema::Map(Box::new(self.ty(depth)?), Box::new(self.ty(depth)?)),
            19 => TypeSchema::Tuple(self.types(depth)?),
            20 => TypeSchema::Result(Box::new(self.ty(depth)?), Box::new(self.ty(depth)?)),
            21 => TypeSchema::Record { name: self.text()?, fields: self.fields(depth)? },
            22 => TypeSchema::Variant { name: self.text()?, cases: self.list(|reader| reader.case(depth))? },
            byte => return Err(SchemaError::Unknown("type", byte)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Case, Entry, Field, Method, Payload, Type, chunk, chunk_len};
    use proptest::prelude::*;

    const ITEM: &Type = &Type::Record {
        name: "Item",
        fields: &[Field { name: "sku", ty: &Type::String }, Field { name: "tags", ty: &Type::List(&Type::U16) }],
    };
    const EVENT: &Type = &Type::Variant {
        name: "Event",
        cases: &[
            Case { name: "Cleared", payload: Payload::Unit },
            Case { name: "Added", payload: Payload::Tuple(&[ITEM, &Type::Option(&Type::Char)]) },
            Case { name: "Moved", payload: Payload::Record(&[Field { name: "to", ty: &Type::I128 }]) },
        ],
    };
    const ARGS: &[Field] =
        &[Field { name: "item", ty: ITEM }, Field { name: "pair", ty: &Type::Tuple(&[&Type::F32, &Type::Bool]) }];
    const OUTPUT: &Type = &Type::Result(EVENT, &Type::Map(&Type::String, &Type::Unit));
    const ADD: &Method = &Method::new(MethodKind::Call, "add", ARGS, OUTPUT, "Adds.");
    const CART: &Entry = &Entry {
        kind: EntryKind::Actor,
        name: "Cart",
        package: "shop",
        init: Some(&Type::U64),
        methods: &[ADD],
        on_exit: false,
        on_terminate: true,
    };
    const BYTES: [u8; chunk_len(CART)] = chunk(CART);

    #[test]
    fn what_was_written_while_compiling_is_read_back() {
        let read = schema(&[BYTES.as_slice(), BYTES.as_slice()].concat()).unwrap();
        assert_eq!(read.entries, [Arc::new(EntrySchema::from(CART))]);
        assert_eq!(read.entries[0].methods[0].fingerprint, ADD.fingerprint());
        assert_eq!(
            ADD.signature(),
            "add(item: Item { sku: string, tags: list<u16> }, pair: (f32, bool)) -> \
             result<Event [ Cleared, Added(Item { sku: string, tags: list<u16> }, option<char>), Moved { to: i128 } ], \
             map<string, ()>>"
        );
    }

    #[test]
    fn fingerprints_differ_when_a_contract_does_and_not_when_its_words_do() {
        let others = [
            Method::new(MethodKind::Cast, "add", ARGS, OUTPUT, "Adds."),
            Method::new(MethodKind::Stream, "add", ARGS, OUTPUT, "Adds."),
            Method::new(MethodKind::Call, "and", ARGS, OUTPUT, "Adds."),
            Method::new(MethodKind::Call, "add", &[], OUTPUT, "Adds."),
            Method::new(MethodKind::Call, "add", ARGS, &Type::Unit, "Adds."),
        ];
        assert!(others.iter().all(|other| other.fingerprint() != ADD.fingerprint()));
        let reworded = Method::new(MethodKind::Call, "add", ARGS, OUTPUT, "Adds more.");
        assert_eq!(reworded.fingerprint(), ADD.fingerprint());
    }

    #[test]
    fn every_truncation_is_an_error() {
        for end in 1..BYTES.len() {
            schema(&BYTES[..end]).unwrap_err();
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_the_stack_ends() {
        let mut body = vec![VERSION, 0, 0, 0, 0, 0, 0, 1];
        body.extend(std::iter::repeat_n(16, 1_000_000));
        let mut section = (body.len() as u32).to_le_bytes().to_vec();
        section.extend(body);
        assert_eq!(schema(&section), Err(SchemaError::TooDeep));
    }

    #[test]
    fn two_entries_of_one_name_must_be_the_same() {
        const OTHER: &Entry = &Entry { on_exit: true, ..*CART };
        const OTHER_BYTES: [u8; chunk_len(OTHER)] = chunk(OTHER);
        let both = [BYTES.as_slice(), OTHER_BYTES.as_slice()].concat();
        assert_eq!(schema(&both), Err(SchemaError::Clash("Cart".into())));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = schema(&bytes);
        }

        #[test]
        fn a_flipped_byte_is_read_or_refused(at in 0..BYTES.len(), value: u8) {
            let mut bytes = BYTES;
            bytes[at] = value;
            let _ = schema(&bytes);
        }
    }
}

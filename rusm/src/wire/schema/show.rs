//! Schemas as people read them.

use super::{FieldSchema, MethodKind, MethodSchema, PayloadSchema, TypeSchema};
use std::fmt::{Display, Formatter, Result};

impl Display for MethodSchema {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}(", self.name)?;
        fields(f, &self.args)?;
        f.write_str(")")?;
        match self.kind {
            MethodKind::Call => write!(f, " -> {}", self.output),
            MethodKind::Stream => write!(f, " -> stream<{}>", self.output),
            MethodKind::Cast | MethodKind::Request => Ok(()),
        }
    }
}

impl Display for TypeSchema {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Unit => f.write_str("()"),
            Self::Bool => f.write_str("bool"),
            Self::U8 => f.write_str("u8"),
            Self::U16 => f.write_str("u16"),
            Self::U32 => f.write_str("u32"),
            Self::U64 => f.write_str("u64"),
            Self::U128 => f.write_str("u128"),
            Self::I8 => f.write_str("i8"),
            Self::I16 => f.write_str("i16"),
            Self::I32 => f.write_str("i32"),
            Self::I64 => f.write_str("i64"),
            Self::I128 => f.write_str("i128"),
            Self::F32 => f.write_str("f32"),
            Self::F64 => f.write_str("f64"),
            Self::Char => f.write_str("char"),
            Self::String => f.write_str("string"),
            Self::Option(inner) => write!(f, "option<{inner}>"),
            Self::List(inner) => write!(f, "list<{inner}>"),
            Self::Map(key, value) => write!(f, "map<{key}, {value}>"),
            Self::Tuple(types) => {
                f.write_str("(")?;
                list(f, types, Display::fmt)?;
                f.write_str(")")
            }
            Self::Result(ok, err) => write!(f, "result<{ok}, {err}>"),
            Self::Record { name, fields: inner } => {
                write!(f, "{name} {{ ")?;
                fields(f, inner)?;
                f.write_str(" }")
            }
            Self::Variant { name, cases } => {
                write!(f, "{name} [ ")?;
                list(f, cases, |case, f| {
                    f.write_str(&case.name)?;
                    match &case.payload {
                        PayloadSchema::Unit => Ok(()),
                        PayloadSchema::Tuple(types) => {
                            f.write_str("(")?;
                            list(f, types, Display::fmt)?;
                            f.write_str(")")
                        }
                        PayloadSchema::Record(inner) => {
                            f.write_str(" { ")?;
                            fields(f, inner)?;
                            f.write_str(" }")
                        }
                    }
                })?;
                f.write_str(" ]")
            }
        }
    }
}

fn fields(f: &mut Formatter<'_>, fields: &[FieldSchema]) -> Result {
    list(f, fields, |field, f| write!(f, "{}: {}", field.name, field.ty))
}

fn list<T>(f: &mut Formatter<'_>, items: &[T], show: impl Fn(&T, &mut Formatter<'_>) -> Result) -> Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        show(item, f)?;
    }
    Ok(())
}

//! The shape of a type, known at compile time.

use serde::{Serialize, de::DeserializeOwned};

/// A type that may cross a process boundary.
///
/// Between native processes of one node values move and nothing is encoded; everywhere else they
/// travel as postcard bytes, whose meaning the schema tells. Put [`macro@crate::wire`] on your
/// structs and enums rather than implementing this by hand.
///
/// # Examples
/// ```
/// use rusm::prelude::*;
///
/// #[wire]
/// #[derive(Debug, Clone, PartialEq)]
/// pub struct Item { sku: String, cents: u64 }
///
/// assert_eq!(<Item as rusm::Wire>::SCHEMA.to_string(), "Item { sku: string, cents: u64 }");
/// ```
///
/// A list of values that take no bytes does not compile, because a few bytes could claim any number of them:
/// ```compile_fail,E0080
/// const REFUSED: &rusm::wire::Type = <Vec<()> as rusm::Wire>::SCHEMA;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't cross a process boundary",
    label = "not a wire type",
    note = "annotate it with #[rusm::wire]"
)]
pub trait Wire: Serialize + DeserializeOwned + Send + 'static {
    /// What the encoded bytes mean.
    const SCHEMA: &'static Type;
}

/// The shape of a [`Wire`] type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `()`
    Unit,
    /// `bool`
    Bool,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`, `usize`
    U64,
    /// `u128`
    U128,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`, `isize`
    I64,
    /// `i128`
    I128,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// `char`
    Char,
    /// Text.
    String,
    /// `Option<T>`
    Option(&'static Type),
    /// Any number of values of one type.
    List(&'static Type),
    /// Keys and values.
    Map(&'static Type, &'static Type),
    /// A fixed number of values.
    Tuple(&'static [&'static Type]),
    /// `Result<T, E>`
    Result(&'static Type, &'static Type),
    /// A struct.
    Record {
        /// Its name in Rust.
        name: &'static str,
        /// Its fields in order; those of a tuple struct are named by number.
        fields: &'static [Field],
    },
    /// An enum.
    Variant {
        /// Its name in Rust.
        name: &'static str,
        /// Its cases in order.
        cases: &'static [Case],
    },
}

/// A named value of a record or of a method's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in Rust.
    pub name: &'static str,
    /// Its type.
    pub ty: &'static Type,
}

/// One case of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Its name in Rust.
    pub name: &'static str,
    /// What it holds.
    pub payload: Payload,
}

/// What a case of an enum holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// Nothing.
    Unit,
    /// Values by position.
    Tuple(&'static [&'static Type]),
    /// Values by name.
    Record(&'static [Field]),
}

impl Type {
    /// Whether its values are encoded as no bytes at all.
    pub(super) const fn is_empty(&self) -> bool {
        match *self {
            Self::Unit => true,
            Self::Tuple(types) => {
                let mut i = 0;
                while i < types.len() {
                    if !types[i].is_empty() {
                        return false;
                    }
                    i += 1;
                }
                true
            }
            Self::Record { fields, .. } => {
                let mut i = 0;
                while i < fields.len() {
                    if !fields[i].ty.is_empty() {
                        return false;
                    }
                    i += 1;
                }
                true
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::schema::TypeSchema::from(self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_no_parts_is_empty() {
        const NOTHING: &Type = &Type::Record { name: "Nothing", fields: &[Field { name: "0", ty: &Type::Unit }] };
        assert!(NOTHING.is_empty() && Type::Tuple(&[NOTHING, &Type::Unit]).is_empty());
        for ty in [
            Type::Bool,
            Type::List(&Type::U8),
            Type::Tuple(&[NOTHING, &Type::U8]),
            Type::Option(NOTHING),
            Type::Variant { name: "One", cases: &[Case { name: "Only", payload: Payload::Unit }] },
        ] {
            assert!(!ty.is_empty(), "{ty}");
        }
    }
}

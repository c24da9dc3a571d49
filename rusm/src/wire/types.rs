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

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        super::schema::TypeSchema::from(self).fmt(f)
    }
}

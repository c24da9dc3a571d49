//! [`Wire`] for the types of the standard library.

use super::{Field, Payload, Pid, Type, Wire, types::Case};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};

macro_rules! plain {
    ($($t:ty => $schema:ident),* $(,)?) => { $(
        impl Wire for $t { const SCHEMA: &'static Type = &Type::$schema; }
    )* };
}

plain!(
    () => Unit, bool => Bool, char => Char, String => String, Box<str> => String,
    u8 => U8, u16 => U16, u32 => U32, u64 => U64, u128 => U128, usize => U64,
    i8 => I8, i16 => I16, i32 => I32, i64 => I64, i128 => I128, isize => I64,
    f32 => F32, f64 => F64,
);

/// The type of a list's elements. Each must take a byte at least: a reader believes a count only as far as there are
/// bytes, and a few of them that claim 2^60 elements of nothing would keep it busy for ever.
const fn element(ty: &'static Type) -> &'static Type {
    assert!(!ty.is_empty(), "a list of values that take no bytes can't cross a process boundary: send their number");
    ty
}

const fn map(key: &'static Type, value: &'static Type) -> Type {
    assert!(!(key.is_empty() && value.is_empty()), "a map of nothing to nothing can't cross a process boundary");
    Type::Map(key, value)
}

impl<T: Wire> Wire for Option<T> {
    const SCHEMA: &'static Type = &Type::Option(T::SCHEMA);
}
impl<T: Wire> Wire for Vec<T> {
    const SCHEMA: &'static Type = &Type::List(element(T::SCHEMA));
}
impl<T: Wire> Wire for VecDeque<T> {
    const SCHEMA: &'static Type = &Type::List(element(T::SCHEMA));
}
impl<T: Wire> Wire for Box<T> {
    const SCHEMA: &'static Type = T::SCHEMA;
}
impl<T: Wire, E: Wire> Wire for Result<T, E> {
    const SCHEMA: &'static Type = &Type::Result(T::SCHEMA, E::SCHEMA);
}
impl<T: Wire + Ord> Wire for BTreeSet<T> {
    const SCHEMA: &'static Type = &Type::List(element(T::SCHEMA));
}
impl<K: Wire + Ord, V: Wire> Wire for BTreeMap<K, V> {
    const SCHEMA: &'static Type = &map(K::SCHEMA, V::SCHEMA);
}
impl<T: Wire + Eq + Hash, S: BuildHasher + Default + Send + 'static> Wire for HashSet<T, S> {
    const SCHEMA: &'static Type = &Type::List(element(T::SCHEMA));
}
impl<K: Wire + Eq + Hash, V: Wire, S: BuildHasher + Default + Send + 'static> Wire for HashMap<K, V, S> {
    const SCHEMA: &'static Type = &map(K::SCHEMA, V::SCHEMA);
}

macro_rules! tuples {
    ($($($t:ident)+;)*) => { $(
        impl<$($t: Wire),+> Wire for ($($t,)+) {
            const SCHEMA: &'static Type = &Type::Tuple(&[$($t::SCHEMA),+]);
        }
    )* };
}

tuples! {
    A; A B; A B C; A B C D; A B C D E; A B C D E F; A B C D E F G; A B C D E F G H;
    A B C D E F G H I; A B C D E F G H I J; A B C D E F G H I J K; A B C D E F G H I J K L;
}

impl Wire for std::time::Duration {
    const SCHEMA: &'static Type = &Type::Record {
        name: "Duration",
        fields: &[Field { name: "secs", ty: &Type::U64 }, Field { name: "nanos", ty: &Type::U32 }],
    };
}

impl Wire for Pid {
    const SCHEMA: &'static Type = &Type::Record {
        name: "Pid",
        fields: &[
            Field { name: "node", ty: &Type::U32 },
            Field { name: "incarnation", ty: &Type::U32 },
            Field { name: "slot", ty: &Type::U32 },
            Field { name: "generation", ty: &Type::U64 },
        ],
    };
}

const TEXT: Payload = Payload::Tuple(&[&Type::String]);

impl Wire for super::ExitReason {
    const SCHEMA: &'static Type = &Type::Variant {
        name: "ExitReason",
        cases: &[
            Case { name: "Normal", payload: Payload::Unit },
            Case { name: "Shutdown", payload: Payload::Unit },
            Case { name: "Killed", payload: Payload::Unit },
            Case { name: "NoProcess", payload: Payload::Unit },
            Case { name: "NoConnection", payload: Payload::Unit },
            Case { name: "Error", payload: TEXT },
            Case { name: "Panicked", payload: TEXT },
            Case { name: "Trapped", payload: TEXT },
            Case { name: "Limit", payload: TEXT },
        ],
    };
}

//! The arguments of a resident component: a TOML value becomes the postcard bytes of the type that the component's
//! `#[init]` takes.
//!
//! The encoding follows the schema and not the value: `1` is one byte for a `u8`, a zigzag varint for an `i64` and
//! eight bytes for an `f64`. Tables are records and maps, lists are lists and tuples, an absent key is `None`, and a
//! case of an enum is its name or `{ name = payload }`, as serde writes it.

use toml::Spanned;
use toml::de::DeValue;

use super::report::{Located, Problem};
use crate::wire::schema::{CaseSchema, FieldSchema, PayloadSchema, TypeSchema};

/// A TOML value on its own.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    String(String),
    Integer(i128),
    /// An integer beyond those.
    Vast,
    Float(f64),
    Boolean(bool),
    Date,
    List(Vec<Located<Value>>),
    /// In the order of the file.
    Table(Vec<(Located<String>, Located<Value>)>),
}

impl Value {
    pub(crate) fn of(value: &Spanned<DeValue<'_>>) -> Located<Self> {
        let found = match value.get_ref() {
            DeValue::String(text) => Self::String(text.clone().into_owned()),
            DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Self::Integer(number),
                // No type has room for it either.
                Err(_) => Self::Vast,
            },
            DeValue::Float(number) => Self::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(value) => Self::Boolean(*value),
            DeValue::Datetime(_) => Self::Date,
            DeValue::Array(items) => Self::List(items.iter().map(Self::of).collect()),
            DeValue::Table(table) => {
                let mut entries: Vec<_> = table
                    .iter()
                    .map(|(key, value)| (Located::new(key.get_ref().clone().into_owned(), key.span()), Self::of(value)))
                    .collect();
                entries.sort_by_key(|(key, _)| key.span.start);
                Self::Table(entries)
            }
        };
        Located::new(found, value.span())
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) | Self::Vast => "a whole number",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Date => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// Encodes a value for a type.
///
/// # Errors
/// Every part of the value that doesn't fit, each with its path and place.
pub(crate) fn encode(value: &Located<Value>, ty: &TypeSchema) -> Result<Vec<u8>, Vec<Problem>> {
    let mut encoder = Encoder { bytes: Vec::new(), path: "args".into(), problems: Vec::new() };
    encoder.value(value, ty);
    if encoder.problems.is_empty() { Ok(encoder.bytes) } else { Err(encoder.problems) }
}

struct Encoder {
    bytes: Vec<u8>,
    path: String,
    problems: Vec<Problem>,
}

impl Encoder {
    fn value(&mut self, value: &Located<Value>, ty: &TypeSchema) {
        match (ty, &value.value) {
            (TypeSchema::Unit, Value::List(items)) if items.is_empty() => {}
            (TypeSchema::Unit, Value::Table(entries)) if entries.is_empty() => {}
            (TypeSchema::Bool, Value::Boolean(value)) => self.bytes.push(u8::from(*value)),
            (TypeSchema::U8, Value::Integer(number)) => match u8::try_from(*number) {
                Ok(number) => self.bytes.push(number),
                Err(_) => self.range(value, ty),
            },
            (TypeSchema::I8, Value::Integer(number)) => match i8::try_from(*number) {
                Ok(number) => self.bytes.push(number as u8),
                Err(_) => self.range(value, ty),
            },
            (TypeSchema::U16, Value::Integer(number)) => self.unsigned(value, ty, u16::try_from(*number)),
            (TypeSchema::U32, Value::Integer(number)) => self.unsigned(value, ty, u32::try_from(*number)),
            (TypeSchema::U64, Value::Integer(number)) => self.unsigned(value, ty, u64::try_from(*number)),
            (TypeSchema::U128, Value::Integer(number)) => self.unsigned(value, ty, u128::try_from(*number)),
            (TypeSchema::I16, Value::Integer(number)) => self.signed(value, ty, i16::try_from(*number)),
            (TypeSchema::I32, Value::Integer(number)) => self.signed(value, ty, i32::try_from(*number)),
            (TypeSchema::I64, Value::Integer(number)) => self.signed(value, ty, i64::try_from(*number)),
            (TypeSchema::I128, Value::Integer(number)) => self.signed(value, ty, Ok::<_, ()>(*number)),
            // A fraction is rounded, as everywhere; a number is not turned into infinity, nor a whole one into another.
            (TypeSchema::F32, Value::Float(number)) => match *number as f32 {
                narrow if narrow.is_infinite() && number.is_finite() => self.range(value, ty),
                narrow => self.bytes.extend(narrow.to_le_bytes()),
            },
            (TypeSchema::F32, Value::Integer(number)) => match *number as f32 {
                narrow if narrow as i128 != *number => self.range(value, ty),
                narrow => self.bytes.extend(narrow.to_le_bytes()),
            },
            (TypeSchema::F64, Value::Float(number)) => self.bytes.extend(number.to_le_bytes()),
            (TypeSchema::F64, Value::Integer(number)) => match *number as f64 {
                narrow if narrow as i128 != *number => self.range(value, ty),
                narrow => self.bytes.extend(narrow.to_le_bytes()),
            },
            (ty, Value::Vast) if is_number(ty) => self.range(value, ty),
            (TypeSchema::Char, Value::String(text)) if text.chars().count() == 1 => self.text(text),
            (TypeSchema::String, Value::String(text)) => self.text(text),
            (TypeSchema::Option(inner), _) => {
                self.bytes.push(1);
                self.value(value, inner);
            }
            (TypeSchema::List(inner), Value::List(items)) => {
                self.length(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.below(&format!("[{index}]"), |encoder| encoder.value(item, inner));
                }
            }
            (TypeSchema::Map(key, inner), Value::Table(entries)) => {
                self.length(entries.len());
                for (name, item) in entries {
                    self.below(&format!(".{}", name.value), |encoder| {
                        encoder.key(name, key);
                        encoder.value(item, inner);
                    });
                }
            }
            (TypeSchema::Tuple(types), Value::List(items)) => self.tuple(value, items, types),
            (TypeSchema::Tuple(types), _) if types.len() == 1 => self.value(value, &types[0]),
            (TypeSchema::Result(ok, err), Value::Table(entries)) => match entries.as_slice() {
                [(name, payload)] if name.value == "Ok" => self.case(0, payload, ok),
                [(name, payload)] if name.value == "Err" => self.case(1, payload, err),
                _ => self.unfit(value, ty),
            },
            (TypeSchema::Record { fields, .. }, Value::Table(entries)) => self.record(value, entries, fields),
            (TypeSchema::Record { fields, .. }, Value::List(items)) if by_number(fields) => {
                let types: Vec<TypeSchema> = fields.iter().map(|field| field.ty.clone()).collect();
                self.tuple(value, items, &types);
            }
            // serde writes a tuple struct of one as what it holds.
            (TypeSchema::Record { fields, .. }, _) if by_number(fields) && fields.len() == 1 => {
                self.value(value, &fields[0].ty);
            }
            (TypeSchema::Variant { name, cases }, Value::String(case)) => {
                let span = value.span.clone();
                self.variant(name, cases, &Located::new(case.clone(), span), None);
            }
            (TypeSchema::Variant { name, cases }, Value::Table(entries)) => match entries.as_slice() {
                [(case, payload)] => self.variant(name, cases, case, Some(payload)),
                _ => self.unfit(value, ty),
            },
            _ => self.unfit(value, ty),
        }
    }

    fn record(
        &mut self,
        value: &Located<Value>,
        entries: &[(Located<String>, Located<Value>)],
        fields: &[FieldSchema],
    ) {
        for field in fields {
            match entries.iter().find(|(name, _)| name.value == field.name) {
                Some((_, item)) => self.below(&format!(".{}", field.name), |encoder| encoder.value(item, &field.ty)),
                None if matches!(field.ty, TypeSchema::Option(_)) => self.bytes.push(0),
                None => {
                    let problem = Problem::new(format!("`{}.{}` is missing", self.path, field.name))
                        .at(&value.span, format!("needs `{}`, a {}", field.name, field.ty));
                    self.problems.push(problem);
                }
            }
        }
        for (name, _) in entries {
            if !fields.iter().any(|field| field.name == name.value) {
                let problem = Problem::new(format!("unknown field `{}` in `{}`", name.value, self.path))
                    .at(&name.span, "not a field of the type")
                    .suggest(&name.value, fields.iter().map(|field| field.name.as_str()));
                self.problems.push(problem);
            }
        }
    }

    fn tuple(&mut self, value: &Located<Value>, items: &[Located<Value>], types: &[TypeSchema]) {
        if items.len() != types.len() {
            let problem = Problem::new(format!("`{}` must hold {} values", self.path, types.len()))
                .at(&value.span, format!("holds {}", items.len()));
            self.problems.push(problem);
            return;
        }
        for (index, (item, ty)) in items.iter().zip(types).enumerate() {
            self.below(&format!("[{index}]"), |encoder| encoder.value(item, ty));
        }
    }

    fn variant(&mut self, name: &str, cases: &[CaseSchema], case: &Located<String>, payload: Option<&Located<Value>>) {
        let Some((number, found)) = cases.iter().enumerate().find(|(_, known)| known.name == case.value) else {
            let problem = Problem::new(format!("unknown case `{}` in `{}`", case.value, self.path))
                .at(&case.span, format!("not a case of {name}"))
                .suggest(&case.value, cases.iter().map(|known| known.name.as_str()));
            self.problems.push(problem);
            return;
        };
        self.length(number);
        match (&found.payload, payload) {
            (PayloadSchema::Unit, None) => {}
            (PayloadSchema::Tuple(types), Some(payload)) => {
                self.below(&format!(".{}", case.value), |encoder| match (types.as_slice(), &payload.value) {
                    ([only], _) => encoder.value(payload, only),
                    (types, Value::List(items)) => encoder.tuple(payload, items, types),
                    (types, _) => encoder.unfit(payload, &TypeSchema::Tuple(types.to_vec())),
                })
            }
            (PayloadSchema::Record(fields), Some(payload)) => {
                self.below(&format!(".{}", case.value), |encoder| match &payload.value {
                    Value::Table(entries) => encoder.record(payload, entries, fields),
                    _ => {
                        let ty = TypeSchema::Record { name: case.value.clone(), fields: fields.clone() };
                        encoder.unfit(payload, &ty);
                    }
                })
            }
            (PayloadSchema::Unit, Some(payload)) => {
                let problem = Problem::new(format!("`{}.{}` holds nothing", self.path, case.value))
                    .at(&payload.span, "one value too many")
                    .help(format!("write `\"{}\"`", case.value));
                self.problems.push(problem);
            }
            (_, None) => {
                let problem = Problem::new(format!("case `{}` of `{}` holds something", case.value, self.path))
                    .at(&case.span, "its content is missing")
                    .help(format!("write `{{ {} = … }}`", case.value));
                self.problems.push(problem);
            }
        }
    }

    fn case(&mut self, number: usize, payload: &Located<Value>, ty: &TypeSchema) {
        self.length(number);
        self.below(if number == 0 { ".Ok" } else { ".Err" }, |encoder| encoder.value(payload, ty));
    }

    /// A key of a map: always text in TOML, so a number is read from it.
    fn key(&mut self, name: &Located<String>, ty: &TypeSchema) {
        let value = match ty {
            TypeSchema::String | TypeSchema::Char | TypeSchema::Variant { .. } => Value::String(name.value.clone()),
            TypeSchema::Bool => match name.value.parse() {
                Ok(value) => Value::Boolean(value),
                Err(_) => Value::String(name.value.clone()),
            },
            _ => match name.value.parse() {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::String(name.value.clone()),
            },
        };
        self.value(&Located::new(value, name.span.clone()), ty);
    }

    fn below(&mut self, step: &str, encode: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push_str(step);
        encode(self);
        self.path.truncate(length);
    }

    fn unsigned<N: Into<u128>, E>(&mut self, value: &Located<Value>, ty: &TypeSchema, number: Result<N, E>) {
        match number {
            Ok(number) => self.varint(number.into()),
            Err(_) => self.range(value, ty),
        }
    }

    fn signed<N: Into<i128>, E>(&mut self, value: &Located<Value>, ty: &TypeSchema, number: Result<N, E>) {
        match number {
            // Zigzag of a narrow number is the same in 128 bits.
            Ok(number) => {
                let number: i128 = number.into();
                self.varint(((number << 1) ^ (number >> 127)) as u128);
            }
            Err(_) => self.range(value, ty),
        }
    }

    fn varint(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn length(&mut self, length: usize) {
        self.varint(length as u128);
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.bytes.extend(text.as_bytes());
    }

    fn range(&mut self, value: &Located<Value>, ty: &TypeSchema) {
        let problem = Problem::new(format!("`{}` is out of range", self.path)).at(&value.span, format!("not a {ty}"));
        self.problems.push(problem);
    }

    fn unfit(&mut self, value: &Located<Value>, ty: &TypeSchema) {
        let problem = Problem::new(format!("`{}` must be a {ty}", self.path))
            .at(&value.span, format!("this is {}", value.value.kind()));
        self.problems.push(problem);
    }
}

fn is_number(ty: &TypeSchema) -> bool {
    use TypeSchema::{F32, F64, I8, I16, I32, I64, I128, U8, U16, U32, U64, U128};
    matches!(ty, U8 | U16 | U32 | U64 | U128 | I8 | I16 | I32 | I64 | I128 | F32 | F64)
}

/// The fields of a tuple struct are named by number.
fn by_number(fields: &[FieldSchema]) -> bool {
    fields.first().is_some_and(|field| field.name == "0")
}

#[cfg(test)]
mod tests;

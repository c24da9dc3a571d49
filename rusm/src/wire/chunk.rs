//! An [`Entry`] as bytes, written while the crate is compiled.
//!
//! A component's entries are chunks in the custom section [`SECTION`], one after the other as the
//! linker found them: a `u32` length, then as many bytes. All numbers are little-endian, texts have
//! a `u16` length before them. One walk over the entry serves three ends: counting (a sink
//! without room), writing, and hashing.

use super::{Case, Entry, EntryKind, Field, Method, MethodKind, Payload, Type};

/// The custom section that holds a component's entries.
pub const SECTION: &str = "rusm:schema";

/// The first byte of each chunk; another layout gets another number.
pub(super) const VERSION: u8 = 1;

/// How many bytes [`chunk`] needs for this entry.
pub const fn chunk_len(entry: &Entry) -> usize {
    let mut sink = Sink::new(&mut []);
    sink.entry(entry);
    4 + sink.at
}

/// The entry as one chunk.
///
/// # Panics
/// If `N` is not [`chunk_len`] of the same entry; while compiling, where it is meant to be used.
pub const fn chunk<const N: usize>(entry: &Entry) -> [u8; N] {
    let mut out = [0; N];
    assert!(N == chunk_len(entry), "N is chunk_len(entry)");
    let (length, body) = out.split_at_mut(4);
    length.copy_from_slice(&((N - 4) as u32).to_le_bytes());
    Sink::new(body).entry(entry);
    out
}

/// FNV-1a 64 of the parts of a method that caller and callee must agree on.
pub(super) const fn hash(method: &Method) -> u64 {
    let mut sink = Sink::new(&mut []);
    sink.contract(method);
    sink.hash
}

struct Sink<'a> {
    out: &'a mut [u8],
    at: usize,
    hash: u64,
}

impl<'a> Sink<'a> {
    const fn new(out: &'a mut [u8]) -> Self {
        Self { out, at: 0, hash: 0xcbf2_9ce4_8422_2325 }
    }

    const fn byte(&mut self, byte: u8) {
        if self.at < self.out.len() {
            self.out[self.at] = byte;
        }
        self.at += 1;
        self.hash = (self.hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
    }

    const fn count(&mut self, count: usize) {
        assert!(count <= u16::MAX as usize, "a schema part has more than 65535 elements");
        let bytes = (count as u16).to_le_bytes();
        self.byte(bytes[0]);
        self.byte(bytes[1]);
    }

    const fn text(&mut self, text: &str) {
        self.count(text.len());
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.byte(bytes[i]);
            i += 1;
        }
    }

    const fn entry(&mut self, entry: &Entry) {
        self.byte(VERSION);
        self.byte(match entry.kind {
            EntryKind::Actor => 0,
            EntryKind::Contract => 1,
            EntryKind::Handlers => 2,
            EntryKind::Process => 3,
        });
        self.text(entry.name);
        self.text(entry.package);
        self.byte(entry.on_exit as u8 | (entry.on_terminate as u8) << 1);
        match entry.init {
            None => self.byte(0),
            Some(ty) => {
                self.byte(1);
                self.ty(ty);
            }
        }
        self.count(entry.methods.len());
        let mut i = 0;
        while i < entry.methods.len() {
            self.contract(entry.methods[i]);
            self.text(entry.methods[i].doc);
            i += 1;
        }
    }

    const fn contract(&mut self, method: &Method) {
        self.byte(match method.kind {
            MethodKind::Call => 0,
            MethodKind::Cast => 1,
            MethodKind::Request => 2,
            MethodKind::Stream => 3,
        });
        self.text(method.name);
        self.fields(method.args);
        self.ty(method.output);
    }

    const fn fields(&mut self, fields: &[Field]) {
        self.count(fields.len());
        let mut i = 0;
        while i < fields.len() {
            self.text(fields[i].name);
            self.ty(fields[i].ty);
            i += 1;
        }
    }

    const fn types(&mut self, types: &[&Type]) {
        self.count(types.len());
        let mut i = 0;
        while i < types.len() {
            self.ty(types[i]);
            i += 1;
        }
    }

    const fn case(&mut self, case: &Case) {
        self.text(case.name);
        match case.payload {
            Payload::Unit => self.byte(0),
            Payload::Tuple(types) => {
                self.byte(1);
                self.types(types);
            }
            Payload::Record(fields) => {
                self.byte(2);
                self.fields(fields);
            }
        }
    }

    const fn ty(&mut self, ty: &Type) {
        match *ty {
            Type::Unit => self.byte(0),
            Type::Bool => self.byte(1),
            Type::U8 => self.byte(2),
            Type::U16 => self.byte(3),
            Type::U32 => self.byte(4),
            Type::U64 => self.byte(5),
            Type::U128 => self.byte(6),
            Type::I8 => self.byte(7),
            Type::I16 => self.byte(8),
            Type::I32 => self.byte(9),
            Type::I64 => self.byte(10),
            Type::I128 => self.byte(11),
            Type::F32 => self.byte(12),
            Type::F64 => self.byte(13),
            Type::Char => self.byte(14),
            Type::String => self.byte(15),
            Type::Option(inner) => {
                self.byte(16);
                self.ty(inner);
            }
            Type::List(inner) => {
                self.byte(17);
                self.ty(inner);
            }
            Type::Map(key, value) => {
                self.byte(18);
                self.ty(key);
                self.ty(value);
            }
            Type::Tuple(types) => {
                self.byte(19);
                self.types(types);
            }
            Type::Result(ok, err) => {
                self.byte(20);
                self.ty(ok);
                self.ty(err);
            }
            Type::Record { name, fields } => {
                self.byte(21);
                self.text(name);
                self.fields(fields);
            }
            Type::Variant { name, cases } => {
                self.byte(22);
                self.text(name);
                self.count(cases.len());
                let mut i = 0;
                while i < cases.len() {
                    self.case(&cases[i]);
                    i += 1;
                }
            }
        }
    }
}

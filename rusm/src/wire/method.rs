//! Methods and entries: what a process understands, known at compile time.

use super::chunk::hash;
use super::{Field, Type};

/// What a method is to its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodKind {
    /// The caller waits for the answer.
    Call,
    /// Nobody waits.
    Cast,
    /// An action of `#[handlers]`: an HTTP request in, a response out.
    Request,
    /// The caller waits for a stream of answers.
    Stream,
}

/// One method of an actor, a service or a handlers module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// Its name; `module::name` for an action.
    pub name: &'static str,
    /// What it is to its caller.
    pub kind: MethodKind,
    /// Its arguments in order.
    pub args: &'static [Field],
    /// Its answer; of a stream, one of its items.
    pub output: &'static Type,
    /// The first paragraph of its documentation.
    pub doc: &'static str,
    /// Whether it is given a `Reply`, which may outlive the message; its caller need not know.
    pub is_deferred: bool,
    id: u32,
    fingerprint: u64,
}

impl Method {
    /// Describes a method; its numbers are computed here, while the crate is compiled.
    pub const fn new(
        kind: MethodKind,
        name: &'static str,
        args: &'static [Field],
        output: &'static Type,
        doc: &'static str,
    ) -> Self {
        let (is_deferred, id, fingerprint) = (false, method_id(name), 0);
        let mut method = Self { name, kind, args, output, doc, is_deferred, id, fingerprint };
        method.fingerprint = hash(&method);
        method
    }

    /// The same method, answered by whoever holds its `Reply`.
    pub const fn deferred(self) -> Self {
        Self { is_deferred: true, ..self }
    }

    /// The number that stands for the method on the wire: FNV-1a 32 of its name.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// FNV-1a 64 of everything that must be equal for caller and callee to understand each other.
    pub const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The method as a person reads it.
    pub fn signature(&self) -> String {
        super::schema::MethodSchema::from(self).signature()
    }
}

/// FNV-1a, 32 bits: the number of a method's name.
pub const fn method_id(name: &str) -> u32 {
    let bytes = name.as_bytes();
    let mut hash = 0x811c_9dc5_u32;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
        i += 1;
    }
    hash
}

/// What an entry of a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// An actor or a service's implementation: pushed to.
    Actor,
    /// A service's contract: the trait itself, nothing to start.
    Contract,
    /// A module of request handlers: a fresh instance per request.
    Handlers,
    /// A raw process: runs by itself and pulls its messages.
    Process,
}

/// Something a component holds: what it is called, how it starts, what it understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// The type's, trait's or module's name.
    pub name: &'static str,
    /// The package whose source holds it.
    pub package: &'static str,
    /// The type of its arguments, if it can be started.
    pub init: Option<&'static Type>,
    /// What it understands.
    pub methods: &'static [&'static Method],
    /// Whether it traps exits: it has `#[on(exit)]`.
    pub on_exit: bool,
    /// Whether it wants to be told before it ends: it has `#[on(terminate)]`.
    pub on_terminate: bool,
}

//! `#[actor] async fn`: a process that is a function over its inbox.
//!
//! A function lives among the values, so its name is free among the types: there it becomes the type that the process is
//! spawned by.

mod expand;
mod lower;

use proc_macro2::{Ident, Span, TokenStream};
use syn::{ItemFn, Type};

use crate::ctxt::Ctxt;

/// A function as a process.
pub(crate) struct Process {
    /// The function, without our attributes.
    item: ItemFn,
    /// Its description, unless something is wrong with it.
    sound: Option<Sound>,
}

struct Sound {
    /// What the inbox holds.
    message: Type,
    args: Vec<Type>,
    /// Where the arguments are.
    list: Span,
    /// Where the function says what it returns.
    output: Span,
}

impl Process {
    fn name(&self) -> &Ident {
        &self.item.sig.ident
    }
}

pub(crate) fn expand(cx: Ctxt, function: ItemFn) -> TokenStream {
    lower::lower(&cx, function).expand(cx)
}

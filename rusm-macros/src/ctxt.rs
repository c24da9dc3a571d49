//! The collector of everything that is wrong with one item.

use std::cell::RefCell;
use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// Mistakes of one item, in the order in which they were found.
///
/// Lowering goes on after a mistake, so that all of them are reported by one run of the compiler. Whoever needs to know
/// whether a part is sound compares [`Ctxt::count`] before and after.
#[derive(Default)]
pub(crate) struct Ctxt {
    errors: RefCell<Vec<syn::Error>>,
}

impl Ctxt {
    pub(crate) fn error(&self, at: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(at, message));
    }

    pub(crate) fn push(&self, error: syn::Error) {
        self.errors.borrow_mut().push(error);
    }

    pub(crate) fn count(&self) -> usize {
        self.errors.borrow().len()
    }

    /// Runs `lower` and tells whether it found no mistake.
    pub(crate) fn sound<T>(&self, lower: impl FnOnce() -> T) -> (T, bool) {
        let before = self.count();
        let lowered = lower();
        (lowered, self.count() == before)
    }

    /// The `compile_error!` invocations that report the mistakes; empty if there are none.
    pub(crate) fn finish(self) -> TokenStream {
        self.errors.into_inner().iter().map(syn::Error::to_compile_error).collect()
    }
}

/// What is emitted for an item that is no item of the expected kind at all: the error, and the item as it came.
pub(crate) fn give_back(cx: Ctxt, item: TokenStream) -> TokenStream {
    let errors = cx.finish();
    quote::quote!(#item #errors)
}

/// A condition below the macro would hold for the item alone.
pub(crate) fn no_condition(cx: &Ctxt, name: &str, attrs: &[syn::Attribute]) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
        cx.error(
            attr,
            format_args!("put `#[cfg]` above `#[{name}]`, so that what is generated has the same condition"),
        );
    }
}

/// None of the macros takes arguments.
pub(crate) fn no_arguments(cx: &Ctxt, name: &str, arguments: &TokenStream) {
    if !arguments.is_empty() {
        cx.error(arguments, format_args!("`#[{name}]` takes no arguments"));
    }
}

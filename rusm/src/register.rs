//! What the macros' expansions call to make themselves known, on the host: nothing but type checks.
//!
//! In a component the macros of the same names (in `guest`) enter the entry table and publish the schema.
#![cfg(not(target_family = "wasm"))]

/// Puts an entry's schema into the component; on the host there is none.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_publish {
    ($entry:expr) => {
        const _: &$crate::__private::Entry = $entry;
    };
}

/// Makes an actor startable by its name in a component.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_register_actor {
    ($actor:ty) => {
        const _: &$crate::__private::Entry = <$actor as $crate::__private::Actor>::ENTRY;
    };
}

/// Makes a module's handlers callable by their numbers in a component.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_register_handlers {
    ($handlers:expr) => {
        const _: $crate::__private::Handlers = $handlers;
    };
}

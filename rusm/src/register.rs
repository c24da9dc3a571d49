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

/// Passes on what makes an actor a state machine; in a component that is refused.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_state_machine {
    ($($machine:tt)*) => { $($machine)* };
}

/// Makes a function spawnable, and startable by its name in a component.
#[doc(hidden)]
#[macro_export]
macro_rules! __rusm_register_process {
    ($process:ty) => {
        #[automatically_derived]
        impl $crate::__private::Spawn for $process {
            type Args = <$process as $crate::__private::RawProcess>::Args;
            type Message = $crate::__private::Letter<<$process as $crate::__private::RawProcess>::Message>;
            type Client = <$process as $crate::__private::RawProcess>::Client;
            const ENTRY: &'static $crate::__private::Entry = <$process as $crate::__private::RawProcess>::ENTRY;

            fn live(
                args: Self::Args,
                birth: $crate::otp::Birth<Self::Message>,
            ) -> impl ::core::future::Future<Output = $crate::__private::ExitReason> + ::core::marker::Send {
                $crate::otp::live::<$process>(args, birth)
            }
        }
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

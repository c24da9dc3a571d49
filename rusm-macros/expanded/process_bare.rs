async fn r#loop(inbox: Inbox<()>) {}
/// The process [`loop`](fn@loop), as it is named to spawn it.
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
#[derive(Debug)]
enum r#loop {}
/** Sends messages to [`loop`](fn@loop), wherever that process is.

 Cloning it is cheap; the clones address the same process.*/
#[allow(dead_code, non_camel_case_types, private_interfaces, unreachable_pub)]
#[derive(Clone, Debug)]
struct LoopClient(::rusm::__private::Address<::rusm::__private::Letter<()>>);
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::Client for LoopClient {
        type Message = ::rusm::__private::Letter<()>;
        fn from_address(
            address: ::rusm::__private::Address<::rusm::__private::Letter<()>>,
        ) -> Self {
            Self(address)
        }
        fn address(&self) -> &::rusm::__private::Address<::rusm::__private::Letter<()>> {
            &self.0
        }
    }
    #[allow(
        dead_code,
        non_snake_case,
        private_interfaces,
        unreachable_pub,
        clippy::too_many_arguments,
        clippy::type_complexity
    )]
    #[automatically_derived]
    impl LoopClient {
        /** The process that is registered as `name` on `node`, looked up again at each call.

 # Errors
 The name is not a valid one.*/
        fn named(
            node: &::rusm::__private::Node,
            name: &str,
        ) -> ::core::result::Result<Self, ::rusm::__private::NameError> {
            ::core::result::Result::map(
                ::rusm::__private::Address::named(node, name),
                Self,
            )
        }
        /// Whatever process is registered as `name` on the node of the caller, looked up again at each call.
        fn connect(name: &str) -> Self {
            Self(::rusm::__private::Address::connect(name))
        }
        /// Sends a message to [`loop`](fn@loop).
        fn send(
            &self,
            message: (),
        ) -> ::rusm::__private::Cast<'_, ::rusm::__private::Letter<()>, ((),)> {
            ::rusm::__private::Cast::new(
                &self.0,
                <::rusm::__private::Letter<()>>::METHOD,
                (message,),
                |(message,)| ::rusm::__private::Letter(message),
            )
        }
    }
    #[allow(deprecated)]
    #[automatically_derived]
    impl ::rusm::__private::RawProcess for r#loop {
        type Args = ();
        type Message = ();
        type Client = LoopClient;
        const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
            kind: ::rusm::__private::EntryKind::Process,
            name: "loop",
            package: ::core::env!("CARGO_PKG_NAME"),
            init: ::core::option::Option::Some({
                const fn schema<P: ::rusm::__private::RawProcess>() -> &'static ::rusm::__private::Type {
                    <P::Args as ::rusm::__private::Wire>::SCHEMA
                }
                schema::<Self>()
            }),
            methods: <::rusm::__private::Letter<
                (),
            > as ::rusm::__private::Message>::METHODS,
            on_exit: false,
            on_terminate: false,
        };
        fn run(
            inbox: ::rusm::__private::Inbox<()>,
            (): <Self as ::rusm::__private::RawProcess>::Args,
        ) -> impl ::core::future::Future<
            Output = ::rusm::__private::Exit,
        > + ::core::marker::Send {
            ::rusm::__private::ended(r#loop(inbox))
        }
    }
    ::rusm::__private::register_process!(r#loop);
};

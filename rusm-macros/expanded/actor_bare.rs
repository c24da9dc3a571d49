struct Idle;
impl Idle {
    fn start(left: u8, right: Option<Box<str>>) -> Idle {
        Idle
    }
}
/// The messages of [`Idle`]: one for each of its methods.
#[allow(
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    private_interfaces,
    unreachable_pub,
    clippy::enum_variant_names,
    clippy::large_enum_variant
)]
pub enum IdleMessage {}
/** Sends the messages of [`Idle`], wherever the process that handles them is.

 Cloning it is cheap; the clones address the same process.*/
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
#[derive(Clone, Debug)]
pub struct IdleClient(::rusm::__private::Address<IdleMessage>);
const _: () = {
    #[allow(dead_code)]
    #[automatically_derived]
    impl IdleMessage {}
    #[allow(non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Message for IdleMessage {
        const METHODS: &'static [&'static ::rusm::__private::Method] = &[];
        fn method(&self) -> &'static ::rusm::__private::Method {
            match *self {}
        }
        fn from_wire(
            incoming: ::rusm::__private::Incoming,
        ) -> ::core::result::Result<Self, ::rusm::__private::Rejected> {
            ::core::result::Result::Err(incoming.unknown())
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for IdleMessage {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            let method = ::rusm::__private::Message::method(self);
            f.debug_tuple("IdleMessage").field(&method.name).finish()
        }
    }
    #[automatically_derived]
    impl ::rusm::__private::Client for IdleClient {
        type Message = IdleMessage;
        fn from_address(address: ::rusm::__private::Address<IdleMessage>) -> Self {
            Self(address)
        }
        fn address(&self) -> &::rusm::__private::Address<IdleMessage> {
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
    impl IdleClient {
        /** The process that is registered as `name` on `node`, looked up again at each call.

 # Errors
 The name is not a valid one.*/
        pub fn named(
            node: &::rusm::__private::Node,
            name: &str,
        ) -> ::core::result::Result<Self, ::rusm::__private::NameError> {
            ::core::result::Result::map(
                ::rusm::__private::Address::named(node, name),
                Self,
            )
        }
        /// Whatever process is registered as `name` on the node of the caller, looked up again at each call.
        pub fn connect(name: &str) -> Self {
            Self(::rusm::__private::Address::connect(name))
        }
    }
    #[allow(deprecated, non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Actor for Idle {
        type Args = (u8, Option<Box<str>>);
        type Message = IdleMessage;
        type Client = IdleClient;
        type Machine = ();
        const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
            kind: ::rusm::__private::EntryKind::Actor,
            name: "Idle",
            package: ::core::env!("CARGO_PKG_NAME"),
            init: ::core::option::Option::Some({
                const fn schema<A: ::rusm::__private::Actor>() -> &'static ::rusm::__private::Type {
                    <A::Args as ::rusm::__private::Wire>::SCHEMA
                }
                schema::<Self>()
            }),
            methods: <IdleMessage as ::rusm::__private::Message>::METHODS,
            on_exit: false,
            on_terminate: false,
        };
        async fn init(
            (argument_0, argument_1): <Self as ::rusm::__private::Actor>::Args,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) -> ::core::result::Result<Self, ::rusm::__private::Exit> {
            ::core::result::Result::Ok(Idle::start(argument_0, argument_1))
        }
        async fn handle(
            &mut self,
            message: <Self as ::rusm::__private::Actor>::Message,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            match message {}
        }
    }
    ::rusm::__private::register_actor!(Idle);
};

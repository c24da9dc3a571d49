/// A shopping cart.
pub trait Cart: ::core::marker::Send + 'static {
    /// Adds an item and returns how many there are.
    fn add(
        &mut self,
        item: Item,
    ) -> impl ::core::future::Future<Output = u64> + ::core::marker::Send
    where
        Self: ::core::marker::Sized;
    fn checkout(
        &mut self,
    ) -> impl ::core::future::Future<
        Output = Result<Receipt, CartError>,
    > + ::core::marker::Send
    where
        Self: ::core::marker::Sized;
    fn total(&self) -> u64
    where
        Self: ::core::marker::Sized;
    fn clear(
        &mut self,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send
    where
        Self: ::core::marker::Sized;
    fn later(&mut self, reply: Reply<()>)
    where
        Self: ::core::marker::Sized;
    #[allow(deprecated, non_snake_case)]
    #[doc(hidden)]
    fn __dispatch(
        &mut self,
        message: CartMessage,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send
    where
        Self: ::core::marker::Sized,
    {
        async move {
            match message {
                CartMessage::Add { item, reply } => {
                    ::rusm::__private::Reply::send(reply, Self::add(self, item).await)
                }
                CartMessage::Checkout { reply } => {
                    ::rusm::__private::Reply::send(reply, Self::checkout(self).await)
                }
                CartMessage::Total { reply } => {
                    ::rusm::__private::Reply::send(reply, Self::total(self))
                }
                CartMessage::Clear => Self::clear(self).await,
                CartMessage::Later { reply } => Self::later(self, reply),
            }
        }
    }
}
/// The messages of [`Cart`]: one for each of its methods.
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
pub enum CartMessage {
    /// `add`
    Add { item: Item, reply: ::rusm::__private::Reply<u64> },
    /// `checkout`
    Checkout { reply: ::rusm::__private::Reply<Result<Receipt, CartError>> },
    /// `total`
    Total { reply: ::rusm::__private::Reply<u64> },
    /// `clear`
    Clear,
    /// `later`
    Later { reply: ::rusm::__private::Reply<()> },
}
/** Sends the messages of [`Cart`], wherever the process that handles them is.

 Cloning it is cheap; the clones address the same process.*/
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
#[derive(Clone, Debug)]
pub struct CartClient(::rusm::__private::Address<CartMessage>);
const _: () = {
    #[allow(dead_code)]
    #[automatically_derived]
    impl CartMessage {
        const METHOD_ADD: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Call,
            "add",
            &[
                ::rusm::__private::Field {
                    name: "item",
                    ty: <Item as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
            <u64 as ::rusm::__private::Wire>::SCHEMA,
            "Adds an item and returns how many there are.",
        );
        const METHOD_CHECKOUT: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Call,
            "checkout",
            &[],
            <Result<Receipt, CartError> as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
        const METHOD_TOTAL: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Call,
            "total",
            &[],
            <u64 as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
        const METHOD_CLEAR: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Cast,
            "clear",
            &[],
            <() as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
        const METHOD_LATER: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
                ::rusm::__private::MethodKind::Call,
                "later",
                &[],
                <() as ::rusm::__private::Wire>::SCHEMA,
                "",
            )
            .deferred();
    }
    #[allow(non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Message for CartMessage {
        const METHODS: &'static [&'static ::rusm::__private::Method] = &[
            Self::METHOD_ADD,
            Self::METHOD_CHECKOUT,
            Self::METHOD_TOTAL,
            Self::METHOD_CLEAR,
            Self::METHOD_LATER,
        ];
        fn method(&self) -> &'static ::rusm::__private::Method {
            match self {
                Self::Add { .. } => Self::METHOD_ADD,
                Self::Checkout { .. } => Self::METHOD_CHECKOUT,
                Self::Total { .. } => Self::METHOD_TOTAL,
                Self::Clear { .. } => Self::METHOD_CLEAR,
                Self::Later { .. } => Self::METHOD_LATER,
            }
        }
        fn from_wire(
            incoming: ::rusm::__private::Incoming,
        ) -> ::core::result::Result<Self, ::rusm::__private::Rejected> {
            if incoming.method() == const { Self::METHOD_ADD.id() } {
                let ((item,), to) = incoming.arguments(Self::METHOD_ADD)?;
                return ::core::result::Result::Ok(Self::Add {
                    item,
                    reply: to.reply(),
                });
            }
            if incoming.method() == const { Self::METHOD_CHECKOUT.id() } {
                let ((), to) = incoming.arguments(Self::METHOD_CHECKOUT)?;
                return ::core::result::Result::Ok(Self::Checkout {
                    reply: to.reply(),
                });
            }
            if incoming.method() == const { Self::METHOD_TOTAL.id() } {
                let ((), to) = incoming.arguments(Self::METHOD_TOTAL)?;
                return ::core::result::Result::Ok(Self::Total { reply: to.reply() });
            }
            if incoming.method() == const { Self::METHOD_CLEAR.id() } {
                let ((), _to) = incoming.arguments(Self::METHOD_CLEAR)?;
                return ::core::result::Result::Ok(Self::Clear {});
            }
            if incoming.method() == const { Self::METHOD_LATER.id() } {
                let ((), to) = incoming.arguments(Self::METHOD_LATER)?;
                return ::core::result::Result::Ok(Self::Later { reply: to.reply() });
            }
            ::core::result::Result::Err(incoming.unknown())
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for CartMessage {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            let method = ::rusm::__private::Message::method(self);
            f.debug_tuple("CartMessage").field(&method.name).finish()
        }
    }
    #[automatically_derived]
    impl ::rusm::__private::Client for CartClient {
        type Message = CartMessage;
        fn from_address(address: ::rusm::__private::Address<CartMessage>) -> Self {
            Self(address)
        }
        fn address(&self) -> &::rusm::__private::Address<CartMessage> {
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
    impl CartClient {
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
        /// Adds an item and returns how many there are.
        pub fn add(
            &self,
            item: Item,
        ) -> ::rusm::__private::Call<'_, CartMessage, (Item,), u64> {
            ::rusm::__private::Call::new(
                &self.0,
                CartMessage::METHOD_ADD,
                (item,),
                |(item,), reply| CartMessage::Add { item, reply },
            )
        }
        /// Calls `checkout` of [`Cart`].
        pub fn checkout(
            &self,
        ) -> ::rusm::__private::Call<'_, CartMessage, (), Result<Receipt, CartError>> {
            ::rusm::__private::Call::new(
                &self.0,
                CartMessage::METHOD_CHECKOUT,
                (),
                |(), reply| CartMessage::Checkout { reply },
            )
        }
        /// Calls `total` of [`Cart`].
        pub fn total(&self) -> ::rusm::__private::Call<'_, CartMessage, (), u64> {
            ::rusm::__private::Call::new(
                &self.0,
                CartMessage::METHOD_TOTAL,
                (),
                |(), reply| CartMessage::Total { reply },
            )
        }
        /// Sends `clear` of [`Cart`].
        pub fn clear(&self) -> ::rusm::__private::Cast<'_, CartMessage, ()> {
            ::rusm::__private::Cast::new(
                &self.0,
                CartMessage::METHOD_CLEAR,
                (),
                |()| CartMessage::Clear {},
            )
        }
        /// Calls `later` of [`Cart`].
        pub fn later(&self) -> ::rusm::__private::Call<'_, CartMessage, (), ()> {
            ::rusm::__private::Call::new(
                &self.0,
                CartMessage::METHOD_LATER,
                (),
                |(), reply| CartMessage::Later { reply },
            )
        }
    }
    #[automatically_derived]
    impl ::rusm::__private::Contract for dyn Cart {
        type Message = CartMessage;
        type Client = CartClient;
        const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
            kind: ::rusm::__private::EntryKind::Contract,
            name: "Cart",
            package: ::core::env!("CARGO_PKG_NAME"),
            init: ::core::option::Option::None,
            methods: <CartMessage as ::rusm::__private::Message>::METHODS,
            on_exit: false,
            on_terminate: false,
        };
    }
    ::rusm::__private::publish!(< dyn Cart as ::rusm::__private::Contract > ::ENTRY);
};

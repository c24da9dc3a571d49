impl Counter {
    fn start() -> Self {
        Self
    }
    /// Counts.
    pub async fn count_to(
        &self,
        n: u64,
    ) -> impl Stream<Item = u64> + use<> + ::core::marker::Send {
        stream::iter(1..=n)
    }
    pub fn lines(
        &mut self,
        cx: &mut Cx<Self>,
    ) -> impl Stream<Item = Result<String, ReadError>> + use<> + ::core::marker::Send {
        self.lines.subscribe(cx.pid())
    }
}
/// The messages of [`Counter`]: one for each of its methods.
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
pub enum CounterMessage {
    /// `count_to`
    CountTo { n: u64, reply: ::rusm::__private::StreamReply<u64> },
    /// `lines`
    Lines { reply: ::rusm::__private::StreamReply<Result<String, ReadError>> },
}
/** Sends the messages of [`Counter`], wherever the process that handles them is.

 Cloning it is cheap; the clones address the same process.*/
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
#[derive(Clone, Debug)]
pub struct CounterClient(::rusm::__private::Address<CounterMessage>);
const _: () = {
    #[allow(dead_code)]
    #[automatically_derived]
    impl CounterMessage {
        const METHOD_COUNT_TO: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Stream,
            "count_to",
            &[
                ::rusm::__private::Field {
                    name: "n",
                    ty: <u64 as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
            <u64 as ::rusm::__private::Wire>::SCHEMA,
            "Counts.",
        );
        const METHOD_LINES: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Stream,
            "lines",
            &[],
            <Result<String, ReadError> as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
    }
    #[allow(non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Message for CounterMessage {
        const METHODS: &'static [&'static ::rusm::__private::Method] = &[
            Self::METHOD_COUNT_TO,
            Self::METHOD_LINES,
        ];
        fn method(&self) -> &'static ::rusm::__private::Method {
            match self {
                Self::CountTo { .. } => Self::METHOD_COUNT_TO,
                Self::Lines { .. } => Self::METHOD_LINES,
            }
        }
        fn from_wire(
            incoming: ::rusm::__private::Incoming,
        ) -> ::core::result::Result<Self, ::rusm::__private::Rejected> {
            if incoming.method() == const { Self::METHOD_COUNT_TO.id() } {
                return ::core::result::Result::Err(
                    ::rusm::__private::refuse_stream(incoming, Self::METHOD_COUNT_TO),
                );
            }
            if incoming.method() == const { Self::METHOD_LINES.id() } {
                return ::core::result::Result::Err(
                    ::rusm::__private::refuse_stream(incoming, Self::METHOD_LINES),
                );
            }
            ::core::result::Result::Err(incoming.unknown())
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for CounterMessage {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            let method = ::rusm::__private::Message::method(self);
            f.debug_tuple("CounterMessage").field(&method.name).finish()
        }
    }
    #[automatically_derived]
    impl ::rusm::__private::Client for CounterClient {
        type Message = CounterMessage;
        fn from_address(address: ::rusm::__private::Address<CounterMessage>) -> Self {
            Self(address)
        }
        fn address(&self) -> &::rusm::__private::Address<CounterMessage> {
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
    impl CounterClient {
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
        /// Counts.
        pub fn count_to(
            &self,
            n: u64,
        ) -> ::rusm::__private::StreamCall<'_, CounterMessage, (u64,), u64> {
            ::rusm::__private::StreamCall::new(
                &self.0,
                CounterMessage::METHOD_COUNT_TO,
                (n,),
                |(n,), reply| CounterMessage::CountTo {
                    n,
                    reply,
                },
            )
        }
        /// Opens the stream `lines` of [`Counter`].
        pub fn lines(
            &self,
        ) -> ::rusm::__private::StreamCall<
            '_,
            CounterMessage,
            (),
            Result<String, ReadError>,
        > {
            ::rusm::__private::StreamCall::new(
                &self.0,
                CounterMessage::METHOD_LINES,
                (),
                |(), reply| CounterMessage::Lines { reply },
            )
        }
    }
    #[allow(deprecated, non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Actor for Counter {
        type Args = ();
        type Message = CounterMessage;
        type Client = CounterClient;
        type Machine = ();
        const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
            kind: ::rusm::__private::EntryKind::Actor,
            name: "Counter",
            package: ::core::env!("CARGO_PKG_NAME"),
            init: ::core::option::Option::Some({
                const fn schema<A: ::rusm::__private::Actor>() -> &'static ::rusm::__private::Type {
                    <A::Args as ::rusm::__private::Wire>::SCHEMA
                }
                schema::<Self>()
            }),
            methods: <CounterMessage as ::rusm::__private::Message>::METHODS,
            on_exit: false,
            on_terminate: false,
        };
        async fn init(
            (): <Self as ::rusm::__private::Actor>::Args,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) -> ::core::result::Result<Self, ::rusm::__private::Exit> {
            ::core::result::Result::Ok(Counter::start())
        }
        async fn handle(
            &mut self,
            message: <Self as ::rusm::__private::Actor>::Message,
            cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            match message {
                CounterMessage::CountTo { n, reply } => {
                    ::rusm::__private::StreamReply::open(
                        reply,
                        Counter::count_to(self, n).await,
                    )
                }
                CounterMessage::Lines { reply } => {
                    ::rusm::__private::StreamReply::open(reply, Counter::lines(self, cx))
                }
            }
        }
    }
    ::rusm::__private::register_actor!(Counter);
};
pub trait Watched: ::core::marker::Send + 'static {
    fn watch(
        &self,
        since: u64,
    ) -> impl ::core::future::Future<
        Output = impl Stream<Item = Event> + use<Self> + ::core::marker::Send,
    > + ::core::marker::Send
    where
        Self: ::core::marker::Sized;
    fn all(&mut self) -> impl Stream<Item = Event> + use<Self> + ::core::marker::Send
    where
        Self: ::core::marker::Sized;
    #[allow(deprecated, non_snake_case)]
    #[doc(hidden)]
    fn __dispatch(
        &mut self,
        message: WatchedMessage,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send
    where
        Self: ::core::marker::Sized,
    {
        async move {
            match message {
                WatchedMessage::Watch { since, reply } => {
                    ::rusm::__private::StreamReply::open(
                        reply,
                        Self::watch(self, since).await,
                    )
                }
                WatchedMessage::All { reply } => {
                    ::rusm::__private::StreamReply::open(reply, Self::all(self))
                }
            }
        }
    }
}
/// The messages of [`Watched`]: one for each of its methods.
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
pub enum WatchedMessage {
    /// `watch`
    Watch { since: u64, reply: ::rusm::__private::StreamReply<Event> },
    /// `all`
    All { reply: ::rusm::__private::StreamReply<Event> },
}
/** Sends the messages of [`Watched`], wherever the process that handles them is.

 Cloning it is cheap; the clones address the same process.*/
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
#[derive(Clone, Debug)]
pub struct WatchedClient(::rusm::__private::Address<WatchedMessage>);
const _: () = {
    #[allow(dead_code)]
    #[automatically_derived]
    impl WatchedMessage {
        const METHOD_WATCH: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Stream,
            "watch",
            &[
                ::rusm::__private::Field {
                    name: "since",
                    ty: <u64 as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
            <Event as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
        const METHOD_ALL: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Stream,
            "all",
            &[],
            <Event as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
    }
    #[allow(non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Message for WatchedMessage {
        const METHODS: &'static [&'static ::rusm::__private::Method] = &[
            Self::METHOD_WATCH,
            Self::METHOD_ALL,
        ];
        fn method(&self) -> &'static ::rusm::__private::Method {
            match self {
                Self::Watch { .. } => Self::METHOD_WATCH,
                Self::All { .. } => Self::METHOD_ALL,
            }
        }
        fn from_wire(
            incoming: ::rusm::__private::Incoming,
        ) -> ::core::result::Result<Self, ::rusm::__private::Rejected> {
            if incoming.method() == const { Self::METHOD_WATCH.id() } {
                return ::core::result::Result::Err(
                    ::rusm::__private::refuse_stream(incoming, Self::METHOD_WATCH),
                );
            }
            if incoming.method() == const { Self::METHOD_ALL.id() } {
                return ::core::result::Result::Err(
                    ::rusm::__private::refuse_stream(incoming, Self::METHOD_ALL),
                );
            }
            ::core::result::Result::Err(incoming.unknown())
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for WatchedMessage {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            let method = ::rusm::__private::Message::method(self);
            f.debug_tuple("WatchedMessage").field(&method.name).finish()
        }
    }
    #[automatically_derived]
    impl ::rusm::__private::Client for WatchedClient {
        type Message = WatchedMessage;
        fn from_address(address: ::rusm::__private::Address<WatchedMessage>) -> Self {
            Self(address)
        }
        fn address(&self) -> &::rusm::__private::Address<WatchedMessage> {
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
    impl WatchedClient {
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
        /// Opens the stream `watch` of [`Watched`].
        pub fn watch(
            &self,
            since: u64,
        ) -> ::rusm::__private::StreamCall<'_, WatchedMessage, (u64,), Event> {
            ::rusm::__private::StreamCall::new(
                &self.0,
                WatchedMessage::METHOD_WATCH,
                (since,),
                |(since,), reply| WatchedMessage::Watch {
                    since,
                    reply,
                },
            )
        }
        /// Opens the stream `all` of [`Watched`].
        pub fn all(
            &self,
        ) -> ::rusm::__private::StreamCall<'_, WatchedMessage, (), Event> {
            ::rusm::__private::StreamCall::new(
                &self.0,
                WatchedMessage::METHOD_ALL,
                (),
                |(), reply| WatchedMessage::All { reply },
            )
        }
    }
    #[automatically_derived]
    impl ::rusm::__private::Contract for dyn Watched {
        type Message = WatchedMessage;
        type Client = WatchedClient;
        const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
            kind: ::rusm::__private::EntryKind::Contract,
            name: "Watched",
            package: ::core::env!("CARGO_PKG_NAME"),
            init: ::core::option::Option::None,
            methods: <WatchedMessage as ::rusm::__private::Message>::METHODS,
            on_exit: false,
            on_terminate: false,
        };
    }
    ::rusm::__private::publish!(< dyn Watched as ::rusm::__private::Contract > ::ENTRY);
};
impl Memory {
    fn start() -> Self {
        Self
    }
}
impl Watched for Memory {
    async fn watch(
        &self,
        since: u64,
    ) -> impl Stream<Item = Event> + use<> + ::core::marker::Send {
        self.events.since(since)
    }
    fn all(&mut self) -> impl Stream<Item = Event> + use<> + ::core::marker::Send {
        self.events.all()
    }
}
const _: () = {
    #[allow(deprecated, non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Actor for Memory {
        type Args = ();
        type Message = <dyn Watched as ::rusm::__private::Contract>::Message;
        type Client = <dyn Watched as ::rusm::__private::Contract>::Client;
        type Machine = ();
        const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
            kind: ::rusm::__private::EntryKind::Actor,
            name: "Memory",
            package: ::core::env!("CARGO_PKG_NAME"),
            init: ::core::option::Option::Some({
                const fn schema<A: ::rusm::__private::Actor>() -> &'static ::rusm::__private::Type {
                    <A::Args as ::rusm::__private::Wire>::SCHEMA
                }
                schema::<Self>()
            }),
            methods: <<dyn Watched as ::rusm::__private::Contract>::Message as ::rusm::__private::Message>::METHODS,
            on_exit: false,
            on_terminate: false,
        };
        async fn init(
            (): <Self as ::rusm::__private::Actor>::Args,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) -> ::core::result::Result<Self, ::rusm::__private::Exit> {
            ::core::result::Result::Ok(Memory::start())
        }
        async fn handle(
            &mut self,
            message: <Self as ::rusm::__private::Actor>::Message,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            <Memory as Watched>::__dispatch(self, message).await
        }
    }
    ::rusm::__private::register_actor!(Memory);
};

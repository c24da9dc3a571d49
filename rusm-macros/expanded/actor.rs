pub struct Counter {
    total: i64,
    waiting: Vec<(Job, Reply<Done>)>,
}
impl Counter {
    const LIMIT: i64 = 10;
    async fn start(from: i64, cx: &mut Cx<Self>) -> Result<Self, Exit> {
        Ok(Self {
            total: from,
            waiting: Vec::new(),
        })
    }
    /// Adds to the total and returns it.
    ///
    /// Overflow wraps.
    pub async fn add(&mut self, mut by: i64) -> i64 {
        self.total = self.total.wrapping_add(by);
        self.total
    }
    pub(crate) fn total(&self) -> i64 {
        self.total
    }
    /// Starts over.
    pub fn reset(&mut self) {
        self.total = 0;
    }
    pub async fn r#move(&mut self, cx: &mut Cx<Self>, r#type: String, reply: Vec<Self>) {}
    pub async fn split(&mut self, cx: &mut Cx<Self>, parts: u32) -> Vec<Pid> {
        Vec::new()
    }
    /// Answers later.
    pub fn slow(&mut self, job: Job, answer: Reply<Done>) {
        self.waiting.push((job, answer));
    }
    #[cfg(feature = "debug")]
    pub fn debug(&self, reply: String) -> String {
        reply
    }
    async fn linked_died(&mut self, cx: &mut Cx<Self>, exit: ExitSignal) {}
    fn watched_died(&mut self, Down { pid, .. }: Down) {}
    fn report(&self) -> String {
        String::new()
    }
    async fn bye(&mut self, reason: &ExitReason) {}
    fn helper(&self) {}
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
    /// `add`
    Add { by: i64, reply: ::rusm::__private::Reply<i64> },
    /// `total`
    Total { reply: ::rusm::__private::Reply<i64> },
    /// `reset`
    Reset,
    /// `move`
    Move { r#type: String, reply: Vec<Counter> },
    /// `split`
    Split { parts: u32, reply: ::rusm::__private::Reply<Vec<Pid>> },
    /// `slow`
    Slow { job: Job, reply: ::rusm::__private::Reply<Done> },
    #[cfg(feature = "debug")]
    /// `debug`
    Debug { reply: String, __reply: ::rusm::__private::Reply<String> },
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
        const METHOD_ADD: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Call,
            "add",
            &[
                ::rusm::__private::Field {
                    name: "by",
                    ty: <i64 as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
            <i64 as ::rusm::__private::Wire>::SCHEMA,
            "Adds to the total and returns it.",
        );
        const METHOD_TOTAL: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Call,
            "total",
            &[],
            <i64 as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
        const METHOD_RESET: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Cast,
            "reset",
            &[],
            <() as ::rusm::__private::Wire>::SCHEMA,
            "Starts over.",
        );
        const METHOD_MOVE: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Cast,
            "move",
            &[
                ::rusm::__private::Field {
                    name: "type",
                    ty: <String as ::rusm::__private::Wire>::SCHEMA,
                },
                ::rusm::__private::Field {
                    name: "reply",
                    ty: <Vec<Counter> as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
            <() as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
        const METHOD_SPLIT: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Call,
            "split",
            &[
                ::rusm::__private::Field {
                    name: "parts",
                    ty: <u32 as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
            <Vec<Pid> as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
        const METHOD_SLOW: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
                ::rusm::__private::MethodKind::Call,
                "slow",
                &[
                    ::rusm::__private::Field {
                        name: "job",
                        ty: <Job as ::rusm::__private::Wire>::SCHEMA,
                    },
                ],
                <Done as ::rusm::__private::Wire>::SCHEMA,
                "Answers later.",
            )
            .deferred();
        #[cfg(feature = "debug")]
        const METHOD_DEBUG: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Call,
            "debug",
            &[
                ::rusm::__private::Field {
                    name: "reply",
                    ty: <String as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
            <String as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
    }
    #[allow(non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Message for CounterMessage {
        const METHODS: &'static [&'static ::rusm::__private::Method] = &[
            Self::METHOD_ADD,
            Self::METHOD_TOTAL,
            Self::METHOD_RESET,
            Self::METHOD_MOVE,
            Self::METHOD_SPLIT,
            Self::METHOD_SLOW,
            #[cfg(feature = "debug")]
            Self::METHOD_DEBUG,
        ];
        fn method(&self) -> &'static ::rusm::__private::Method {
            match self {
                Self::Add { .. } => Self::METHOD_ADD,
                Self::Total { .. } => Self::METHOD_TOTAL,
                Self::Reset { .. } => Self::METHOD_RESET,
                Self::Move { .. } => Self::METHOD_MOVE,
                Self::Split { .. } => Self::METHOD_SPLIT,
                Self::Slow { .. } => Self::METHOD_SLOW,
                #[cfg(feature = "debug")]
                Self::Debug { .. } => Self::METHOD_DEBUG,
            }
        }
        fn from_wire(
            incoming: ::rusm::__private::Incoming,
        ) -> ::core::result::Result<Self, ::rusm::__private::Rejected> {
            if incoming.method() == const { Self::METHOD_ADD.id() } {
                let ((by,), to) = incoming.arguments(Self::METHOD_ADD)?;
                return ::core::result::Result::Ok(Self::Add { by, reply: to.reply() });
            }
            if incoming.method() == const { Self::METHOD_TOTAL.id() } {
                let ((), to) = incoming.arguments(Self::METHOD_TOTAL)?;
                return ::core::result::Result::Ok(Self::Total { reply: to.reply() });
            }
            if incoming.method() == const { Self::METHOD_RESET.id() } {
                let ((), _to) = incoming.arguments(Self::METHOD_RESET)?;
                return ::core::result::Result::Ok(Self::Reset {});
            }
            if incoming.method() == const { Self::METHOD_MOVE.id() } {
                let ((r#type, reply), _to) = incoming.arguments(Self::METHOD_MOVE)?;
                return ::core::result::Result::Ok(Self::Move { r#type, reply });
            }
            if incoming.method() == const { Self::METHOD_SPLIT.id() } {
                let ((parts,), to) = incoming.arguments(Self::METHOD_SPLIT)?;
                return ::core::result::Result::Ok(Self::Split {
                    parts,
                    reply: to.reply(),
                });
            }
            if incoming.method() == const { Self::METHOD_SLOW.id() } {
                let ((job,), to) = incoming.arguments(Self::METHOD_SLOW)?;
                return ::core::result::Result::Ok(Self::Slow {
                    job,
                    reply: to.reply(),
                });
            }
            #[cfg(feature = "debug")]
            if incoming.method() == const { Self::METHOD_DEBUG.id() } {
                let ((reply,), to) = incoming.arguments(Self::METHOD_DEBUG)?;
                return ::core::result::Result::Ok(Self::Debug {
                    reply,
                    __reply: to.reply(),
                });
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
        /// Adds to the total and returns it.
        ///
        /// Overflow wraps.
        pub fn add(
            &self,
            by: i64,
        ) -> ::rusm::__private::Call<'_, CounterMessage, (i64,), i64> {
            ::rusm::__private::Call::new(
                &self.0,
                CounterMessage::METHOD_ADD,
                (by,),
                |(by,), reply| CounterMessage::Add { by, reply },
            )
        }
        /// Calls `total` of [`Counter`].
        pub(crate) fn total(
            &self,
        ) -> ::rusm::__private::Call<'_, CounterMessage, (), i64> {
            ::rusm::__private::Call::new(
                &self.0,
                CounterMessage::METHOD_TOTAL,
                (),
                |(), reply| CounterMessage::Total { reply },
            )
        }
        /// Starts over.
        pub fn reset(&self) -> ::rusm::__private::Cast<'_, CounterMessage, ()> {
            ::rusm::__private::Cast::new(
                &self.0,
                CounterMessage::METHOD_RESET,
                (),
                |()| CounterMessage::Reset {},
            )
        }
        /// Sends `move` of [`Counter`].
        pub fn r#move(
            &self,
            r#type: String,
            reply: Vec<Counter>,
        ) -> ::rusm::__private::Cast<'_, CounterMessage, (String, Vec<Counter>)> {
            ::rusm::__private::Cast::new(
                &self.0,
                CounterMessage::METHOD_MOVE,
                (r#type, reply),
                |(r#type, reply)| CounterMessage::Move {
                    r#type,
                    reply,
                },
            )
        }
        /// Calls `split` of [`Counter`].
        pub fn split(
            &self,
            parts: u32,
        ) -> ::rusm::__private::Call<'_, CounterMessage, (u32,), Vec<Pid>> {
            ::rusm::__private::Call::new(
                &self.0,
                CounterMessage::METHOD_SPLIT,
                (parts,),
                |(parts,), reply| CounterMessage::Split {
                    parts,
                    reply,
                },
            )
        }
        /// Answers later.
        pub fn slow(
            &self,
            job: Job,
        ) -> ::rusm::__private::Call<'_, CounterMessage, (Job,), Done> {
            ::rusm::__private::Call::new(
                &self.0,
                CounterMessage::METHOD_SLOW,
                (job,),
                |(job,), reply| CounterMessage::Slow { job, reply },
            )
        }
        #[cfg(feature = "debug")]
        /// Calls `debug` of [`Counter`].
        pub fn debug(
            &self,
            reply: String,
        ) -> ::rusm::__private::Call<'_, CounterMessage, (String,), String> {
            ::rusm::__private::Call::new(
                &self.0,
                CounterMessage::METHOD_DEBUG,
                (reply,),
                |(reply,), reply| CounterMessage::Debug {
                    reply,
                    __reply: reply,
                },
            )
        }
    }
    #[allow(deprecated, non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Actor for Counter {
        type Args = i64;
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
            on_exit: true,
            on_terminate: true,
        };
        async fn init(
            argument_0: <Self as ::rusm::__private::Actor>::Args,
            cx: &mut ::rusm::__private::Cx<Self>,
        ) -> ::core::result::Result<Self, ::rusm::__private::Exit> {
            ::core::result::Result::map_err(
                Counter::start(argument_0, cx).await,
                |error| ::core::convert::Into::<::rusm::__private::Exit>::into(error),
            )
        }
        async fn handle(
            &mut self,
            message: <Self as ::rusm::__private::Actor>::Message,
            cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            match message {
                CounterMessage::Add { by, reply } => {
                    ::rusm::__private::Reply::send(reply, Counter::add(self, by).await)
                }
                CounterMessage::Total { reply } => {
                    ::rusm::__private::Reply::send(reply, Counter::total(self))
                }
                CounterMessage::Reset => Counter::reset(self),
                CounterMessage::Move { r#type, reply } => {
                    Counter::r#move(self, cx, r#type, reply).await
                }
                CounterMessage::Split { parts, reply } => {
                    ::rusm::__private::Reply::send(
                        reply,
                        Counter::split(self, cx, parts).await,
                    )
                }
                CounterMessage::Slow { job, reply } => Counter::slow(self, job, reply),
                #[cfg(feature = "debug")]
                CounterMessage::Debug { reply, __reply } => {
                    ::rusm::__private::Reply::send(__reply, Counter::debug(self, reply))
                }
            }
        }
        async fn on_exit(
            &mut self,
            exit: ::rusm::__private::ExitSignal,
            cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            Counter::linked_died(self, cx, exit).await;
        }
        async fn on_down(
            &mut self,
            down: ::rusm::__private::Down,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            Counter::watched_died(self, down);
        }
        fn on_report(&self) -> ::core::option::Option<::std::string::String> {
            ::core::option::Option::Some(Counter::report(self))
        }
        async fn on_terminate(
            &mut self,
            reason: &::rusm::__private::ExitReason,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            Counter::bye(self, reason).await;
        }
    }
    ::rusm::__private::register_actor!(Counter);
};

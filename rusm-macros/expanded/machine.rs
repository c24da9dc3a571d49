enum Phase {
    Shut,
    Opening { left: u32 },
    Open(u32),
}
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::State for Phase {
        fn name(&self) -> &'static str {
            match self {
                Phase::Shut { .. } => "Shut",
                Phase::Opening { .. } => "Opening",
                Phase::Open { .. } => "Open",
            }
        }
    }
};
pub struct Door {
    passed: u32,
}
impl Door {
    fn start() -> Self {
        Self { passed: 0 }
    }
    pub fn open(&mut self, cx: &mut Cx<Self>) {
        cx.to(Phase::Open(1));
    }
    pub fn pass(&mut self, who: String) -> u32 {
        self.passed
    }
    #[cfg(feature = "many")]
    pub fn pass_all(&mut self, many: u32) {}
    async fn entered(&mut self, from: Option<Phase>, cx: &mut Cx<Self>) {}
    fn timed_out(&mut self, timeout: Timeout) {}
    fn bye(&mut self) {}
}
/// The messages of [`Door`]: one for each of its methods.
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
pub enum DoorMessage {
    /// `open`
    Open,
    /// `pass`
    Pass { who: String, reply: ::rusm::__private::Reply<u32> },
    #[cfg(feature = "many")]
    /// `pass_all`
    PassAll { many: u32 },
}
/** Sends the messages of [`Door`], wherever the process that handles them is.

 Cloning it is cheap; the clones address the same process.*/
#[allow(dead_code, non_camel_case_types, unreachable_pub)]
#[derive(Clone, Debug)]
pub struct DoorClient(::rusm::__private::Address<DoorMessage>);
const _: () = {
    #[allow(dead_code)]
    #[automatically_derived]
    impl DoorMessage {
        const METHOD_OPEN: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Cast,
            "open",
            &[],
            <() as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
        const METHOD_PASS: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Call,
            "pass",
            &[
                ::rusm::__private::Field {
                    name: "who",
                    ty: <String as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
            <u32 as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
        #[cfg(feature = "many")]
        const METHOD_PASS_ALL: &'static ::rusm::__private::Method = &::rusm::__private::Method::new(
            ::rusm::__private::MethodKind::Cast,
            "pass_all",
            &[
                ::rusm::__private::Field {
                    name: "many",
                    ty: <u32 as ::rusm::__private::Wire>::SCHEMA,
                },
            ],
            <() as ::rusm::__private::Wire>::SCHEMA,
            "",
        );
    }
    #[allow(non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Message for DoorMessage {
        const METHODS: &'static [&'static ::rusm::__private::Method] = &[
            Self::METHOD_OPEN,
            Self::METHOD_PASS,
            #[cfg(feature = "many")]
            Self::METHOD_PASS_ALL,
        ];
        fn method(&self) -> &'static ::rusm::__private::Method {
            match self {
                Self::Open { .. } => Self::METHOD_OPEN,
                Self::Pass { .. } => Self::METHOD_PASS,
                #[cfg(feature = "many")]
                Self::PassAll { .. } => Self::METHOD_PASS_ALL,
            }
        }
        fn from_wire(
            incoming: ::rusm::__private::Incoming,
        ) -> ::core::result::Result<Self, ::rusm::__private::Rejected> {
            if incoming.method() == const { Self::METHOD_OPEN.id() } {
                let ((), _to) = incoming.arguments(Self::METHOD_OPEN)?;
                return ::core::result::Result::Ok(Self::Open {});
            }
            if incoming.method() == const { Self::METHOD_PASS.id() } {
                let ((who,), to) = incoming.arguments(Self::METHOD_PASS)?;
                return ::core::result::Result::Ok(Self::Pass {
                    who,
                    reply: to.reply(),
                });
            }
            #[cfg(feature = "many")]
            if incoming.method() == const { Self::METHOD_PASS_ALL.id() } {
                let ((many,), _to) = incoming.arguments(Self::METHOD_PASS_ALL)?;
                return ::core::result::Result::Ok(Self::PassAll { many });
            }
            ::core::result::Result::Err(incoming.unknown())
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for DoorMessage {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            let method = ::rusm::__private::Message::method(self);
            f.debug_tuple("DoorMessage").field(&method.name).finish()
        }
    }
    #[automatically_derived]
    impl ::rusm::__private::Client for DoorClient {
        type Message = DoorMessage;
        fn from_address(address: ::rusm::__private::Address<DoorMessage>) -> Self {
            Self(address)
        }
        fn address(&self) -> &::rusm::__private::Address<DoorMessage> {
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
    impl DoorClient {
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
        /// Sends `open` of [`Door`].
        pub fn open(&self) -> ::rusm::__private::Cast<'_, DoorMessage, ()> {
            ::rusm::__private::Cast::new(
                &self.0,
                DoorMessage::METHOD_OPEN,
                (),
                |()| DoorMessage::Open {},
            )
        }
        /// Calls `pass` of [`Door`].
        pub fn pass(
            &self,
            who: String,
        ) -> ::rusm::__private::Call<'_, DoorMessage, (String,), u32> {
            ::rusm::__private::Call::new(
                &self.0,
                DoorMessage::METHOD_PASS,
                (who,),
                |(who,), reply| DoorMessage::Pass { who, reply },
            )
        }
        #[cfg(feature = "many")]
        /// Sends `pass_all` of [`Door`].
        pub fn pass_all(
            &self,
            many: u32,
        ) -> ::rusm::__private::Cast<'_, DoorMessage, (u32,)> {
            ::rusm::__private::Cast::new(
                &self.0,
                DoorMessage::METHOD_PASS_ALL,
                (many,),
                |(many,)| DoorMessage::PassAll { many },
            )
        }
    }
    #[allow(deprecated, non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Actor for Door {
        type Args = ();
        type Message = DoorMessage;
        type Client = DoorClient;
        type Machine = ::rusm::__private::Machine<Phase, DoorMessage>;
        const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
            kind: ::rusm::__private::EntryKind::Actor,
            name: "Door",
            package: ::core::env!("CARGO_PKG_NAME"),
            init: ::core::option::Option::Some({
                const fn schema<A: ::rusm::__private::Actor>() -> &'static ::rusm::__private::Type {
                    <A::Args as ::rusm::__private::Wire>::SCHEMA
                }
                schema::<Self>()
            }),
            methods: <DoorMessage as ::rusm::__private::Message>::METHODS,
            on_exit: false,
            on_terminate: true,
        };
        async fn init(
            (): <Self as ::rusm::__private::Actor>::Args,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) -> ::core::result::Result<Self, ::rusm::__private::Exit> {
            ::core::result::Result::Ok(Door::start())
        }
        async fn handle(
            &mut self,
            message: <Self as ::rusm::__private::Actor>::Message,
            cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            match message {
                DoorMessage::Open => Door::open(self, cx),
                DoorMessage::Pass { who, reply } => {
                    ::rusm::__private::Reply::send(reply, Door::pass(self, who))
                }
                #[cfg(feature = "many")]
                DoorMessage::PassAll { many } => Door::pass_all(self, many),
            }
        }
        async fn on_terminate(
            &mut self,
            _reason: &::rusm::__private::ExitReason,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            Door::bye(self);
        }
    }
    ::rusm::__private::register_actor!(Door);
    ::rusm::__private::state_machine! {
        #[automatically_derived] impl ::rusm::__private::StateMachine for Door { type
        State = Phase; #[allow(unused_variables, unreachable_patterns)] fn
        postpones(message : & < Self as ::rusm::__private::Actor > ::Message, state : & <
        Self as ::rusm::__private::StateMachine > ::State,) -> bool { match message {
        DoorMessage::Pass { .. } => ::core::matches!(state, Phase::Shut | Phase::Opening
        { .. }), #[cfg(feature = "many")] DoorMessage::PassAll { many, .. } =>
        ::core::matches!(state, Phase::Open(left) if left < many), _ => false, } } async
        fn on_enter(& mut self, from : ::core::option::Option < Phase >, cx : & mut
        ::rusm::__private::Cx < Self >) { Door::entered(self, from, cx). await; } async
        fn on_timeout(& mut self, timeout : ::rusm::__private::Timeout, _cx : & mut
        ::rusm::__private::Cx < Self >) { Door::timed_out(self, timeout); } }
    }
};

impl MemoryCart {
    async fn open(config: CartConfig) -> Result<Self, CartError> {
        Ok(Self { config })
    }
    async fn watched_died(&mut self, down: Down) {}
}
impl shop::Cart for MemoryCart {
    async fn add(&mut self, item: Item) -> u64 {
        0
    }
    async fn checkout(&mut self) -> Result<Receipt, CartError> {
        Err(CartError::Empty)
    }
    async fn clear(&mut self) {}
}
const _: () = {
    #[allow(deprecated, non_snake_case)]
    #[automatically_derived]
    impl ::rusm::__private::Actor for MemoryCart {
        type Args = CartConfig;
        type Message = <dyn shop::Cart as ::rusm::__private::Contract>::Message;
        type Client = <dyn shop::Cart as ::rusm::__private::Contract>::Client;
        type Machine = ();
        const ENTRY: &'static ::rusm::__private::Entry = &::rusm::__private::Entry {
            kind: ::rusm::__private::EntryKind::Actor,
            name: "MemoryCart",
            package: ::core::env!("CARGO_PKG_NAME"),
            init: ::core::option::Option::Some({
                const fn schema<A: ::rusm::__private::Actor>() -> &'static ::rusm::__private::Type {
                    <A::Args as ::rusm::__private::Wire>::SCHEMA
                }
                schema::<Self>()
            }),
            methods: <<dyn shop::Cart as ::rusm::__private::Contract>::Message as ::rusm::__private::Message>::METHODS,
            on_exit: false,
            on_terminate: false,
        };
        async fn init(
            argument_0: <Self as ::rusm::__private::Actor>::Args,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) -> ::core::result::Result<Self, ::rusm::__private::Exit> {
            ::core::result::Result::map_err(
                MemoryCart::open(argument_0).await,
                |error| ::core::convert::Into::<::rusm::__private::Exit>::into(error),
            )
        }
        async fn handle(
            &mut self,
            message: <Self as ::rusm::__private::Actor>::Message,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            <MemoryCart as shop::Cart>::__dispatch(self, message).await
        }
        async fn on_down(
            &mut self,
            down: ::rusm::__private::Down,
            _cx: &mut ::rusm::__private::Cx<Self>,
        ) {
            MemoryCart::watched_died(self, down).await;
        }
    }
    ::rusm::__private::register_actor!(MemoryCart);
};

/// A shop.
impl Shop {
    /// What is in the basket.
    fn cart(&self) -> Child<MemoryCart> {
        Child::new(self.config()).sandboxed("cart")
    }
    #[cfg(feature = "billing")]
    #[deprecated]
    pub fn billing(&self) -> rusm::Child<crate::billing::Billing> {
        Child::new(crate::billing::Billing)
    }
    fn r#type(&self) -> Child<Counter> {
        Child::new(0)
    }
    fn config(&self) -> Config {
        self.config.clone()
    }
}
/** Reaches the children of a running [`Shop`]: a method for each of them.

 Clients find the child's process at each message, so they survive its restarts. All else that a ref to a supervisor can do is there by `Deref`.*/
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct ShopRef {
    tree: ::rusm::__private::SupervisorRef,
    child_cart: <MemoryCart as ::rusm::__private::Supervised>::Client,
    #[cfg(feature = "billing")]
    child_billing: <crate::billing::Billing as ::rusm::__private::Supervised>::Client,
    child_type: <Counter as ::rusm::__private::Supervised>::Client,
}
#[allow(dead_code, private_interfaces, unreachable_pub)]
#[automatically_derived]
impl ShopRef {
    /// What is in the basket.
    pub fn cart(&self) -> &<MemoryCart as ::rusm::__private::Supervised>::Client {
        &self.child_cart
    }
    #[cfg(feature = "billing")]
    /// The child `billing`.
    #[deprecated]
    pub fn billing(
        &self,
    ) -> &<crate::billing::Billing as ::rusm::__private::Supervised>::Client {
        &self.child_billing
    }
    /// The child `type`.
    pub fn r#type(&self) -> &<Counter as ::rusm::__private::Supervised>::Client {
        &self.child_type
    }
}
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::Tree for Shop {
        type Ref = ShopRef;
        #[allow(deprecated)]
        fn into_supervisor(self) -> ::rusm::__private::Supervisor {
            let own = ::std::sync::Arc::new(self);
            let supervisor = ::rusm::__private::Supervisor::new()
                .label("Shop")
                .strategy(Strategy::RestForOne)
                .intensity(Intensity::new(3, Duration::from_secs(5)));
            let supervisor = {
                let own = ::std::sync::Arc::clone(&own);
                let child = ::rusm::__private::ChildSpec::of::<
                    MemoryCart,
                >("cart", move || Shop::cart(&own));
                supervisor
                    .child(
                        child
                            .restart(Restart::Transient)
                            .shutdown(Duration::from_secs(5)),
                    )
            };
            #[cfg(feature = "billing")]
            let supervisor = {
                let own = ::std::sync::Arc::clone(&own);
                let child = ::rusm::__private::ChildSpec::of::<
                    crate::billing::Billing,
                >("billing", move || Shop::billing(&own));
                supervisor.child(child)
            };
            let supervisor = {
                let own = ::std::sync::Arc::clone(&own);
                let child = ::rusm::__private::ChildSpec::of::<
                    Counter,
                >("type", move || Shop::r#type(&own));
                supervisor.child(child)
            };
            ::core::mem::drop(own);
            supervisor
        }
        fn reference(
            running: &::rusm::__private::SupervisorRef,
        ) -> ::core::option::Option<ShopRef> {
            ::core::option::Option::Some(ShopRef {
                tree: ::core::clone::Clone::clone(running),
                child_cart: running.client::<MemoryCart>("cart")?,
                #[cfg(feature = "billing")]
                child_billing: running.client::<crate::billing::Billing>("billing")?,
                child_type: running.client::<Counter>("type")?,
            })
        }
    }
    #[automatically_derived]
    impl ::rusm::__private::Supervised for Shop {
        type Args = Self;
        type Client = ShopRef;
        const IS_TREE: bool = true;
        fn start(
            child: ::rusm::__private::Child<Self>,
            starter: ::rusm::__private::Starter,
        ) -> ::rusm::__private::Starting {
            ::rusm::__private::start_tree(child, starter)
        }
        fn client(
            supervisor: &::rusm::__private::SupervisorRef,
            id: &str,
        ) -> ::core::option::Option<ShopRef> {
            ::rusm::__private::tree_client::<Self>(supervisor, id)
        }
    }
    #[automatically_derived]
    impl ::core::clone::Clone for ShopRef {
        fn clone(&self) -> Self {
            Self {
                tree: ::core::clone::Clone::clone(&self.tree),
                child_cart: ::core::clone::Clone::clone(&self.child_cart),
                #[cfg(feature = "billing")]
                child_billing: ::core::clone::Clone::clone(&self.child_billing),
                child_type: ::core::clone::Clone::clone(&self.child_type),
            }
        }
    }
    #[automatically_derived]
    impl ::core::ops::Deref for ShopRef {
        type Target = ::rusm::__private::SupervisorRef;
        fn deref(&self) -> &::rusm::__private::SupervisorRef {
            &self.tree
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for ShopRef {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("ShopRef").field(&self.tree).finish()
        }
    }
};

impl Pool {}
/** Reaches the children of a running [`Pool`]: a method for each of them.

 Clients find the child's process at each message, so they survive its restarts. All else that a ref to a supervisor can do is there by `Deref`.*/
#[allow(dead_code, private_interfaces, unreachable_pub)]
pub struct PoolRef {
    tree: ::rusm::__private::SupervisorRef,
}
#[allow(dead_code, private_interfaces, unreachable_pub)]
#[automatically_derived]
impl PoolRef {}
const _: () = {
    #[automatically_derived]
    impl ::rusm::__private::Tree for Pool {
        type Ref = PoolRef;
        #[allow(deprecated)]
        fn into_supervisor(self) -> ::rusm::__private::Supervisor {
            let own = ::std::sync::Arc::new(self);
            let supervisor = ::rusm::__private::Supervisor::new().label("Pool");
            ::core::mem::drop(own);
            supervisor
        }
        fn reference(
            running: &::rusm::__private::SupervisorRef,
        ) -> ::core::option::Option<PoolRef> {
            ::core::option::Option::Some(PoolRef {
                tree: ::core::clone::Clone::clone(running),
            })
        }
    }
    #[automatically_derived]
    impl ::rusm::__private::Supervised for Pool {
        type Args = Self;
        type Client = PoolRef;
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
        ) -> ::core::option::Option<PoolRef> {
            ::rusm::__private::tree_client::<Self>(supervisor, id)
        }
    }
    #[automatically_derived]
    impl ::core::clone::Clone for PoolRef {
        fn clone(&self) -> Self {
            Self {
                tree: ::core::clone::Clone::clone(&self.tree),
            }
        }
    }
    #[automatically_derived]
    impl ::core::ops::Deref for PoolRef {
        type Target = ::rusm::__private::SupervisorRef;
        fn deref(&self) -> &::rusm::__private::SupervisorRef {
            &self.tree
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for PoolRef {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_tuple("PoolRef").field(&self.tree).finish()
        }
    }
};

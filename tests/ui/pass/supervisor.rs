//! Supervisors without a warning, wherever their children are.
#![deny(warnings, missing_docs, missing_debug_implementations)]
// In a test nothing is reachable.
#![allow(unreachable_pub)]
#![deny(clippy::all, clippy::pedantic)]
#![allow(clippy::unused_self, clippy::must_use_candidate, reason = "what users write here is a shape")]

use rusm::prelude::*;

mod private {
    use rusm::prelude::*;

    /// Not known outside.
    #[derive(Debug)]
    pub(super) struct Counter(u64);

    #[actor]
    impl Counter {
        #[init]
        fn start(from: u64) -> Self {
            Self(from)
        }

        pub fn get(&self) -> u64 {
            self.0
        }
    }
}

/// A tree.
#[derive(Debug)]
pub struct Shop {
    from: u64,
}

/// The tree of a shop.
#[supervisor(strategy = Strategy::OneForAll)]
impl Shop {
    /// Counts.
    fn counter(&self) -> Child<private::Counter> {
        Child::new(self.from())
    }

    #[child(restart = Restart::Transient, shutdown = Shutdown::Brutal)]
    fn tree(&self) -> Child<Nested> {
        Child::new(Nested)
    }

    #[cfg(any())]
    fn not_there(&self) -> Child<Nothing> {
        Child::new(())
    }

    #[deprecated = "of no use"]
    fn r#type(&self) -> Child<Supervisor> {
        Child::new(Supervisor::new())
    }

    /// A helper.
    pub fn from(&self) -> u64 {
        self.from
    }
}

/// Nobody's parent.
#[derive(Debug, Clone, Copy)]
pub struct Nested;

#[supervisor]
impl Nested {}

#[tokio::test]
async fn trees_have_their_children() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().build().await?;
    let shop: ShopRef = node.supervise(Shop { from: 3 }).await?;
    assert_eq!(shop.counter().get().await?, 3);
    let nested: &NestedRef = shop.tree();
    assert_eq!((nested.which_children().len(), shop.which_children().len()), (0, 3));
    assert!(format!("{shop:?}").starts_with("ShopRef(SupervisorRef"));
    Ok(())
}

//! A sandboxed service with a typed client.

use rusm::prelude::*;

/// What the service starts with: `args` in `rusm.toml`.
#[wire]
pub struct Start {
    pub greeting: String,
}

/// What it answers. `#[wire]` makes it cross process boundaries.
#[wire]
#[derive(Debug, PartialEq)]
pub struct Greeting {
    pub text: String,
    /// How many greetings there were, this one included.
    pub number: u64,
}

/// The contract. It comes with a client, `GreeterClient`, which is the same for a native and for a sandboxed greeter.
#[service]
pub trait Greeter {
    /// Greets somebody.
    async fn greet(&mut self, name: String) -> Greeting;
    /// Starts to count anew. A cast: nobody waits for it.
    #[cast]
    async fn reset(&mut self);
}

/// A greeter that counts.
pub struct CountingGreeter {
    greeting: String,
    number: u64,
}

#[service]
impl Greeter for CountingGreeter {
    #[init]
    async fn start(start: Start) -> Result<Self, Exit> {
        println!("ready to say {}", start.greeting);
        Ok(Self { greeting: start.greeting, number: 0 })
    }

    async fn greet(&mut self, name: String) -> Greeting {
        self.number += 1;
        Greeting { text: format!("{}, {name}!", self.greeting), number: self.number }
    }

    async fn reset(&mut self) {
        self.number = 0;
    }
}

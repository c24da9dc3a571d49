//! Processes in a plain program: an actor, a service with a contract, and a supervisor that starts them again.

use std::time::Duration;

use rusm::prelude::*;

/// An actor: a value, and methods that run one at a time. Its client is `CounterClient`.
pub struct Counter {
    total: i64,
}

#[actor]
impl Counter {
    #[init]
    async fn start(from: i64) -> Result<Self, Exit> {
        Ok(Self { total: from })
    }

    /// `pub` makes it a call: the caller waits for the value.
    pub async fn add(&mut self, by: i64) -> i64 {
        self.total += by;
        self.total
    }

    /// A cast: nobody waits.
    #[cast]
    pub async fn crash(&mut self) {
        panic!("as asked");
    }
}

/// A contract, for when who calls must not know who answers. Its client is `GreeterClient`.
#[service]
pub trait Greeter {
    async fn greet(&mut self, name: String) -> String;
}

pub struct Polite;

#[service]
impl Greeter for Polite {
    #[init]
    async fn start() -> Result<Self, Exit> {
        Ok(Self)
    }

    async fn greet(&mut self, name: String) -> String {
        format!("Good day, {name}.")
    }
}

/// What runs here, in the order in which it starts.
pub struct App {
    from: i64,
}

/// A child that ends is started again with fresh arguments, three times in five seconds at most. `AppRef` reaches them.
#[supervisor(strategy = Strategy::OneForOne, intensity = Intensity::new(3, Duration::from_secs(5)))]
impl App {
    fn counter(&self) -> Child<Counter> {
        Child::new(self.from)
    }

    #[child(shutdown = Duration::from_secs(1))]
    fn greeter(&self) -> Child<Polite> {
        Child::new(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder().name("{{name}}").build().await?;
    let app = node.supervise(App { from: 10 }).await?;

    println!("{}", app.greeter().greet("Joe".into()).await?);
    println!("the total is {}", app.counter().add(5).await?);

    // It crashes; its supervisor starts it again, and its client finds the next one.
    let before = app.counter().address().pid();
    app.counter().crash().send()?;
    app.restarted("counter", before).await?;
    println!("after a crash it is {}", app.counter().add(5).await?);

    println!("Ctrl-C ends it");
    tokio::signal::ctrl_c().await?;
    node.shutdown(Duration::from_secs(5)).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_crash_is_survived() -> Result<(), Box<dyn std::error::Error>> {
        let node = Node::builder().build().await?;
        let app = node.supervise(App { from: 10 }).await?;
        assert_eq!(app.counter().add(1).await?, 11);

        let before = app.counter().address().pid();
        app.counter().crash().send()?;
        app.restarted("counter", before).await?;
        assert_eq!(app.counter().add(1).await?, 11);
        Ok(())
    }
}

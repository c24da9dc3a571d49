//! Native handlers: each request is a process that runs one future.

use super::{Responder, Responding};
use crate::http::{Action, Exchange};
use crate::otp::Node;
use std::time::Duration;

/// A mounted action.
pub(super) struct Native {
    node: Node,
    action: Action,
    name: String,
}

impl Native {
    pub(super) fn new(node: &Node, mount: &str, action: Action) -> Self {
        Self { node: node.clone(), action, name: format!("{mount}#{}", action.method.name) }
    }
}

impl Responder for Native {
    fn respond(&self, exchange: Exchange, limit: Duration) -> Responding<'_> {
        let run = self.action.run;
        Box::pin(self.node.run(&self.name, limit, async move { run(exchange).await }))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

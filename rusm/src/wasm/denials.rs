//! What was denied: told once per component in the log, and to a process that then ends badly.

use super::capability::Denial;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The capabilities that a component was found to lack.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<BTreeSet<&'static str>>);

impl Told {
    /// Whether this is the first time.
    pub(super) fn first(&self, capability: &'static str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(capability)
    }
}

/// Keeps one process's denials, the last one of each capability. Shared with the checks that WASI calls back.
#[derive(Debug, Clone)]
pub(super) struct Denials {
    label: Arc<str>,
    told: Arc<Told>,
    kept: Arc<Mutex<Vec<Denial>>>,
}

impl Denials {
    pub(super) fn new(label: Arc<str>, told: Arc<Told>) -> Self {
        Self { label, told, kept: Arc::default() }
    }

    /// Which process this is.
    pub(super) fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// Puts a denial into the log. It is not kept: for what a crashing guest does on its way out, as printing.
    pub(super) fn tell(&self, denial: &Denial) {
        if self.told.first(denial.capability) {
            tracing::warn!(process = &*self.label, capability = denial.capability, "denied: {denial}");
        }
    }

    /// Writes a denial down and gives its text.
    pub(super) fn note(&self, denial: Denial) -> String {
        let text = denial.to_string();
        self.tell(&denial);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|earlier| earlier.capability != denial.capability);
        kept.push(denial);
        text
    }

    /// The last one of each capability, the latest at the end.
    pub(super) fn all(&self) -> Vec<Denial> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_capability_is_kept_and_told_once() {
        let told = Arc::new(Told::default());
        let denials = Denials::new("p".into(), Arc::clone(&told));
        assert_eq!(denials.all(), []);
        let denial = |capability, what: &str| Denial::new(capability, what);
        denials.clone().note(denial("allow-spawn", "a"));
        denials.note(denial("preopen", "b"));
        let text = denials.note(denial("allow-spawn", "c"));
        assert_eq!(denials.all(), [denial("preopen", "b"), denial("allow-spawn", "c")]);
        assert_eq!(denials.all()[1].to_string(), text);
        denials.tell(&denial("allow-stdio", "d"));
        assert_eq!(denials.all().len(), 2, "what is only told is not kept");
        assert!(["allow-spawn", "preopen", "allow-stdio"].iter().all(|capability| !told.first(capability)));
        assert!(told.first("allow-names"));
    }
}

//! Names: unique on the node, held by a living process, given back by their holder or by its end.

use super::{NameError, lock};
use crate::wire::Pid;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub(crate) struct Registry {
    names: Mutex<HashMap<Arc<str>, Pid>>,
}

/// A name is 1 to 255 bytes without control characters.
pub(crate) fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
        return Err(NameError::Invalid(name.chars().take(64).collect()));
    }
    Ok(())
}

impl Registry {
    pub(crate) fn register(&self, name: &str, pid: Pid) -> Result<Arc<str>, NameError> {
        check(name)?;
        match lock(&self.names).entry(Arc::from(name)) {
            Entry::Vacant(free) => {
                let name = free.key().clone();
                free.insert(pid);
                Ok(name)
            }
            Entry::Occupied(taken) => Err(NameError::Taken(taken.key().to_string())),
        }
    }

    /// Frees a name if this process holds it, whoever else may have taken it since.
    pub(crate) fn release(&self, name: &str, holder: Pid) -> Result<(), NameError> {
        let mut names = lock(&self.names);
        if names.get(name) != Some(&holder) {
            return Err(NameError::NotOwner(name.to_owned()));
        }
        names.remove(name);
        Ok(())
    }

    pub(crate) fn whereis(&self, name: &str) -> Option<Pid> {
        lock(&self.names).get(name).copied()
    }

    pub(crate) fn all(&self) -> Vec<(Arc<str>, Pid)> {
        let mut names: Vec<_> = lock(&self.names).iter().map(|(name, pid)| (name.clone(), *pid)).collect();
        names.sort();
        names
    }
}

//! What verbs are made of. Steps return what they found; only verbs print.

pub(crate) mod artifact;
pub(crate) mod compile;
pub(crate) mod logging;
pub(crate) mod plan;
pub(crate) mod project;
pub(crate) mod scaffold;
pub(crate) mod signals;
pub(crate) mod target;

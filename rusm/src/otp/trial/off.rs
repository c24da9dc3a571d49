//! Without the feature `testing`: nothing is decided by anybody else.

use super::cell::CellPtr;
use crate::wire::ExitReason;

pub(crate) use foldhash::fast::RandomState;
pub(crate) use std::collections::hash_map::RandomState as Secret;

/// Whether the nodes that are made here are part of a test's run.
#[inline(always)]
pub(crate) fn is_on() -> bool {
    false
}

#[inline(always)]
pub(crate) fn ended(_cell: CellPtr<'_>, _reason: &ExitReason) {}

//! Without the feature `testing`: what is sent gets there.

use super::counted::Flushed;
use super::{Item, Mailbox};
use crate::otp::cell::CellPtr;
use std::marker::PhantomData;

pub(super) struct Faults<M>(PhantomData<fn(M)>);

impl<M> Default for Faults<M> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<M> Faults<M> {
    #[inline(always)]
    pub(super) fn is_on(&self) -> bool {
        false
    }

    #[inline(always)]
    pub(super) fn close(self) -> std::iter::Empty<Item<M>> {
        std::iter::empty()
    }
}

impl<M> Mailbox<M> {
    #[inline(always)]
    pub(super) fn pass(&self, _cell: CellPtr<'_>, item: Item<M>, _urgent: bool) -> Option<Item<M>> {
        Some(item)
    }

    #[inline(always)]
    pub(super) fn forget(&self, _cell: CellPtr<'_>, _sign: Flushed) {}
}

/// What only a test's run asks of a mailbox: nothing.
pub(crate) trait Observed {}

impl<M> Observed for Mailbox<M> {}

//! State machines run natively only: what expansions name here lets one error say so.

use std::marker::PhantomData;

/// Nothing but its types.
#[derive(Debug)]
pub struct Machine<S, M>(PhantomData<fn() -> (S, M)>);

impl<S, M> Default for Machine<S, M> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

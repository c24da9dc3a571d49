//! Hashers that a run's seed makes, and random ones elsewhere.

use super::current;
use crate::otp::secret::Secret;
use foldhash::SharedSeed;
use foldhash::fast::{FoldHasher, SeedableRandomState};
use std::hash::BuildHasher;

/// What the core's maps hash with.
#[derive(Clone)]
pub(crate) struct RandomState(SeedableRandomState);

impl Default for RandomState {
    fn default() -> Self {
        Self(match current() {
            // The order of maps is a part of what is explored.
            Some(trial) => SeedableRandomState::with_seed(trial.seed(), SharedSeed::global_fixed()),
            None => SeedableRandomState::random(),
        })
    }
}

impl BuildHasher for RandomState {
    type Hasher = FoldHasher<'static>;

    #[inline]
    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

/// What makes the pids of a node unguessable; in a run they are the same each time.
pub(crate) fn secret() -> Secret {
    match current() {
        Some(trial) => Secret::new([trial.draw(super::Draw::next), trial.draw(super::Draw::next)]),
        None => Secret::random(),
    }
}

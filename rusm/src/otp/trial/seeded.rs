//! Hashers that a run's seed makes, and random ones elsewhere.

use super::current;
use foldhash::SharedSeed;
use foldhash::fast::{FoldHasher, SeedableRandomState};
use std::collections::hash_map;
use std::hash::{BuildHasher, DefaultHasher, Hasher};

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

/// What makes pids unguessable; in a run they are the same each time.
pub(crate) enum Secret {
    Random(hash_map::RandomState),
    Drawn(u64),
}

impl Secret {
    pub(crate) fn new() -> Self {
        match current() {
            Some(trial) => Self::Drawn(trial.draw(super::Draw::next)),
            None => Self::Random(hash_map::RandomState::new()),
        }
    }
}

impl BuildHasher for Secret {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        match self {
            Self::Random(state) => state.build_hasher(),
            Self::Drawn(seed) => {
                let mut hasher = DefaultHasher::new();
                hasher.write_u64(*seed);
                hasher
            }
        }
    }
}

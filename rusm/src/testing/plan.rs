//! Which seeds a test runs with; pure but for one look at the environment.

use crate::otp::trial::mix;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

/// How a test is run: what `#[rusm::test]` makes of its arguments.
///
/// For tests that need the outcome of other runs, and for runs inside of loops and properties.
///
/// # Examples
/// ```
/// use rusm::testing::{Plan, Test};
///
/// let odd = |test: Test| async move { assert_eq!(test.draw(0..10) % 2, 1) };
/// let failed = Plan::new("odd").seeds(100).check(odd).unwrap_err();
/// // The same again.
/// let again = Plan::new("odd").seed(failed.seed()).check(odd).unwrap_err();
/// assert_eq!(failed.text(), again.text());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// With its modules, crate first.
    name: &'static str,
    seed: Option<u64>,
    seeds: Option<u64>,
    turns: Option<u64>,
}

/// How many turns a run may take unless told.
const TURNS: u64 = 10_000_000;

/// A seed as people read and write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seed(pub(super) u64);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Which seeds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seeds {
    One(u64),
    /// So many, from this.
    Many {
        base: u64,
        count: u64,
    },
}

impl Seeds {
    pub(super) fn count(self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Many { count, .. } => count,
        }
    }

    pub(super) fn get(self, number: u64) -> Seed {
        Seed(match self {
            Self::One(seed) => seed,
            Self::Many { base, .. } => mix(base.wrapping_add(number)),
        })
    }
}

impl Plan {
    /// One run, with a seed that follows from the name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, seed: None, seeds: None, turns: None }
    }

    /// Runs with this seed and no other.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Runs with so many seeds, up to the first that fails; at least one.
    pub const fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = Some(seeds);
        self
    }

    /// Fails a run that takes so many turns; ten million unless told.
    pub const fn turns(mut self, turns: u64) -> Self {
        self.turns = Some(turns);
        self
    }

    pub(super) fn most_turns(&self) -> u64 {
        self.turns.unwrap_or(TURNS).max(1)
    }

    /// As the test's own crate and `cargo test` call it.
    pub(super) fn test_name(&self) -> &'static str {
        self.name.split_once("::").map_or(self.name, |(_, name)| name)
    }

    /// As the environment says, or else the attribute.
    pub(super) fn chosen(&self, var: impl Fn(&str) -> Option<String>) -> Result<Seeds, String> {
        let count = match var("RUSM_SEEDS") {
            Some(text) => Some(number(&text).map_err(|error| format!("RUSM_SEEDS={text}: {error}"))?.max(1)),
            None => None,
        };
        let many = |base| Seeds::Many { base, count: self.seeds.or(count).unwrap_or(1).max(1) };
        match (var("RUSM_SEED"), self.seed) {
            (Some(text), _) if text == "random" => Ok(many(RandomState::new().hash_one(self.name))),
            (Some(text), _) => number(&text).map(Seeds::One).map_err(|error| format!("RUSM_SEED={text}: {error}")),
            (None, Some(seed)) => Ok(Seeds::One(seed)),
            (None, None) => Ok(many(hash(self.name))),
        }
    }
}

/// FNV-1a: the same on every machine and in every version.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn number(text: &str) -> Result<u64, String> {
    let digits = text.trim().replace('_', "");
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    number.map_err(|error| format!("no number such as 0x5eed or 24301: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(plan: Plan, vars: &[(&str, &str)]) -> Result<Seeds, String> {
        plan.chosen(|name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    const BARE: Plan = Plan::new("bank::tests::pays");

    #[test]
    fn the_environment_comes_before_the_attribute() {
        let (one, many) = (BARE.seed(7), BARE.seeds(9));
        let base = hash("bank::tests::pays");
        type Vars<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Plan, Vars<'_>, Seeds); 8] = [
            (BARE, &[], Seeds::Many { base, count: 1 }),
            (one, &[], Seeds::One(7)),
            (many, &[], Seeds::Many { base, count: 9 }),
            (one, &[("RUSM_SEED", "0x5eed")], Seeds::One(0x5eed)),
            (many, &[("RUSM_SEED", "12")], Seeds::One(12)),
            (BARE, &[("RUSM_SEEDS", "1_000")], Seeds::Many { base, count: 1000 }),
            (many, &[("RUSM_SEEDS", "5")], Seeds::Many { base, count: 9 }),
            (one, &[("RUSM_SEEDS", "5")], Seeds::One(7)),
        ];
        for (plan, vars, expected) in cases {
            assert_eq!(seeds(plan, vars), Ok(expected), "{plan:?} {vars:?}");
        }
        assert_ne!(seeds(BARE, &[("RUSM_SEED", "random")]), seeds(BARE, &[("RUSM_SEED", "random")]));
        for wrong in ["", "0x", "seed", "-1", "0x1_0000_0000_0000_0000_0"] {
            assert!(seeds(BARE, &[("RUSM_SEED", wrong)]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_printed_is_read_again() {
        let many = Seeds::Many { base: 3, count: 100 };
        for at in 0..100 {
            let seed = many.get(at);
            assert_eq!(seeds(BARE, &[("RUSM_SEED", &seed.to_string())]), Ok(Seeds::One(seed.0)));
        }
        assert_eq!(BARE.test_name(), "tests::pays");
    }
}

//! Numbers drawn from a seed: splitmix64, after Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).

/// A sequence that its seed tells; good for choices, no good for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// Sequences of one seed differ by their `stream`.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed ^ mix(stream)))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Less than `bound`, all alike; 0 if there is nothing to choose from.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The upper half of the product: the bias is bound / 2^64.
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// True once in `times`, on average.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// Changes about half of the bits for each bit that changes; one to one.
pub(crate) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_tells_its_sequence_and_streams_differ() {
        let drawn = |seed, stream| -> Vec<_> {
            let mut draw = Draw::new(seed, stream);
            (0..8).map(|_| draw.next()).collect()
        };
        assert_eq!(drawn(7, 0), drawn(7, 0));
        assert_ne!(drawn(7, 0), drawn(8, 0));
        assert_ne!(drawn(7, 0), drawn(7, 1));
    }

    #[test]
    fn choices_stay_below_their_bound_and_reach_all_of_it() {
        let mut draw = Draw::new(1, 1);
        for bound in 1..20 {
            let mut seen = vec![false; bound as usize];
            for _ in 0..1000 {
                seen[draw.below(bound) as usize] = true;
            }
            assert!(seen.iter().all(|seen| *seen), "{bound}");
        }
        assert_eq!(draw.below(0), 0);
    }
}

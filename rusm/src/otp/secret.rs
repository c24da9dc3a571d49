//! A keyed hash of one word: what makes pids unguessable.
//!
//! SipHash-1-3 (Aumasson and Bernstein 2012), as std has it for maps whose keys others choose. Each start of a process takes one;
//! std's own hasher, which takes bytes of any length, needs twice the time for these eight.

use std::hash::{BuildHasher, RandomState};

/// What only the node knows.
pub(crate) struct Secret {
    keys: [u64; 2],
}

impl Secret {
    pub(crate) fn new(keys: [u64; 2]) -> Self {
        Self { keys }
    }

    /// Drawn from the operating system's randomness.
    pub(crate) fn random() -> Self {
        let random = RandomState::new();
        Self::new([random.hash_one(0_u64), random.hash_one(1_u64)])
    }

    #[inline]
    pub(crate) fn hash(&self, word: u64) -> u64 {
        const LENGTH: u64 = 8 << 56;
        let [first, second] = self.keys;
        let mut state = [
            first ^ 0x736f_6d65_7073_6575,
            second ^ 0x646f_7261_6e64_6f6d,
            first ^ 0x6c79_6765_6e65_7261,
            second ^ 0x7465_6462_7974_6573,
        ];
        for block in [word, LENGTH] {
            state[3] ^= block;
            round(&mut state);
            state[0] ^= block;
        }
        state[2] ^= 0xff;
        (0..3).for_each(|_| round(&mut state));
        state[0] ^ state[1] ^ state[2] ^ state[3]
    }
}

#[inline(always)]
fn round([v0, v1, v2, v3]: &mut [u64; 4]) {
    *v0 = v0.wrapping_add(*v1);
    *v2 = v2.wrapping_add(*v3);
    *v1 = v1.rotate_left(13) ^ *v0;
    *v3 = v3.rotate_left(16) ^ *v2;
    *v0 = v0.rotate_left(32);
    *v2 = v2.wrapping_add(*v1);
    *v0 = v0.wrapping_add(*v3);
    *v1 = v1.rotate_left(17) ^ *v2;
    *v3 = v3.rotate_left(21) ^ *v0;
    *v2 = v2.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hasher};

    /// std's hasher without keys is the same function with keys of zero.
    #[test]
    fn it_is_siphash() {
        let secret = Secret::new([0, 0]);
        for word in [0, 1, 0x0706_0504_0302_0100, u64::MAX].into_iter().chain((0..64).map(|bit| 1 << bit)) {
            let mut hasher = DefaultHasher::new();
            hasher.write(&word.to_le_bytes());
            assert_eq!(secret.hash(word), hasher.finish(), "{word:#x}");
        }
    }

    #[test]
    fn each_one_is_another() {
        let hash = |_| Secret::random().hash(7);
        let all: std::collections::BTreeSet<_> = (0..100).map(hash).collect();
        assert_eq!(all.len(), 100);
    }
}

//! `Random`, a generator that is random enough for jitter.
//!
//! Several crates link this file.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// SplitMix64: Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators* (OOPSLA
/// 2014).
pub(super) struct Random(u64);

impl Random {
    /// Without a seed, a different sequence in each run and each call.
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self(seed.unwrap_or_else(|| RandomState::new().build_hasher().finish()))
    }

    /// A number in `0.0..1.0`.
    pub(super) fn share(&mut self) -> f64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = self.0.wrapping_add(STEP);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // As many bits as the mantissa of an f64 has.
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_splitmix64() {
        // The first output for seed 0 is 0xe220a8397b1dcdaf.
        let share = Random::new(Some(0)).share();
        assert_eq!(
            share,
            (0xe220_a839_7b1d_cdaf_u64 >> 11) as f64 / (1_u64 << 53) as f64
        );
    }

    #[test]
    fn shares_are_spread_and_below_one() {
        let mut random = Random::new(None);
        let shares: Vec<f64> = (0..1_000).map(|_| random.share()).collect();
        assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
        assert!(shares.iter().any(|share| *share < 0.1) && shares.iter().any(|share| *share > 0.9));
    }
}

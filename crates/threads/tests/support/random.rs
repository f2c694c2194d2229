//! Reproducible random numbers: Marsaglia, *Xorshift RNGs*, 2003.
#![allow(dead_code, reason = "a test may need one of these")]

/// Any state but 0.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    pub(crate) fn size(&mut self, n: u64) -> usize {
        usize::try_from(self.below(n)).expect("small")
    }
}

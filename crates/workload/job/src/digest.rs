//! The hash of values: stable over processes, machines and compilers.

use workload::kernels::rng::{GOLDEN, mix};

/// A hash in the making: a sequence of 64-bit words, each mixed into the state.
///
/// With `mix` of `docs/protocol.md`, the state `s` becomes `mix(s ^ word) + 0x9E3779B97F4A7C15`.
#[derive(Debug, Clone)]
pub struct Digest {
    state: u64,
}

impl Digest {
    pub(crate) const fn new() -> Digest {
        Digest { state: GOLDEN }
    }

    /// Adds a number.
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.state = mix(self.state ^ word).wrapping_add(GOLDEN);
    }

    /// Adds bytes: their number, then words of eight, the first byte least significant, the last
    /// word filled up with zeros.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
    }

    pub(crate) const fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> u64 {
        let mut digest = Digest::new();
        digest.bytes(bytes);
        digest.finish()
    }

    #[test]
    fn every_byte_and_the_length_count() {
        let all = [
            of(b""),
            of(b"\0"),
            of(b"\0\0"),
            of(b"01234567"),
            of(b"01234567\0"),
            of(b"71234560"),
            of(b"0123456789abcdef"),
            of(b"89abcdef01234567"),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one), "{place}");
        }
    }

    /// Computed in another language from the definition.
    #[test]
    fn hash_has_its_documented_value() {
        let mut digest = Digest::new();
        digest.word(1);
        assert_eq!(digest.finish(), KNOWN_ONE);
        assert_eq!(of(b"abc"), KNOWN_ABC);
    }

    const KNOWN_ONE: u64 = 0x8310_eb30_9aaf_a835;
    const KNOWN_ABC: u64 = 0x8f31_f9cb_d6a2_45f5;
}

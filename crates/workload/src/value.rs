//! Values and digests: a runner in another language has to agree on them.

pub use workload_kernels::rng::{Rng, mix};

use serde::{Deserialize, Deserializer, Serializer};
use sha2::{Digest as _, Sha256};
use workload_kernels::rng::GOLDEN;

/// The seed of the task with this index in a workload with this seed.
pub const fn task_seed(seed: u64, index: u64) -> u64 {
    mix(mix(seed) ^ (index + 1).wrapping_mul(GOLDEN))
}

/// `length` bytes that follow from the seed: the words of [`Rng`], least significant byte first.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    Rng::new(seed).bytes(length)
}

/// The first eight bytes of the SHA-256 of the parts, the first byte most significant.
///
/// It is SHA-256 and not a faster hash because every language has it.
pub fn digest_bytes(parts: &[&[u8]]) -> u64 {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    digest_of(hasher)
}

/// The digest of a workload: [`digest_bytes`] over all outputs in order, eight bytes each, least
/// significant first.
pub fn digest_outputs(outputs: impl IntoIterator<Item = u64>) -> u64 {
    let mut hasher = Sha256::new();
    for output in outputs {
        hasher.update(output.to_le_bytes());
    }
    digest_of(hasher)
}

/// [`digest_bytes`] of the data that was put into the hasher piece by piece.
pub(crate) fn digest_of(hasher: Sha256) -> u64 {
    let hash = hasher.finalize();
    u64::from_be_bytes(std::array::from_fn(|index| hash[index]))
}

/// The histogram key of an output: a number below `keys`. Small ones are far more likely, as with
/// words, customers and cache lines. It is drawn from `0..keys`, then twice more from the numbers
/// up to the previous draw.
///
/// # Panics
///
/// If there are no keys.
pub fn key(output: u64, keys: usize) -> usize {
    assert!(keys > 0, "a histogram has one key at least");
    let mut rng = Rng::new(output);
    let mut left = keys as u64;
    for _ in 0..3 {
        left = rng.below(left) + 1;
    }
    (left - 1) as usize
}

/// Serde's `with` for a `u64` as 16 hex digits: JSON numbers are doubles in many languages.
pub mod hex {
    use super::{Deserialize, Deserializer, Serializer};

    /// Writes 16 lower-case hex digits.
    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:016x}"))
    }

    /// Reads exactly 16 hex digits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        parse(&text)
            .ok_or_else(|| serde::de::Error::custom(format_args!("`{text}` is not 16 hex digits")))
    }

    fn parse(text: &str) -> Option<u64> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u64::from_str_radix(text, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_the_head_of_sha256() {
        // SHA-256("abc") begins ba7816bf 8f01cfea.
        assert_eq!(digest_bytes(&[b"a", b"bc"]), 0xba78_16bf_8f01_cfea);
        assert_eq!(
            digest_outputs([1]),
            digest_bytes(&[&[1, 0, 0, 0, 0, 0, 0, 0]])
        );
    }

    #[test]
    fn small_keys_are_likelier() {
        let mut counts = [0; 100];
        for output in 0..10_000 {
            counts[key(output, 100)] += 1;
        }
        assert!(counts[0] > 800 && counts[0] > 2 * counts[10] && counts[10] > 2 * counts[60]);
        // Known answers, computed in another language.
        assert_eq!([0, 1, 42].map(|output| key(output, 1000)), [10, 410, 33]);
        assert_eq!(key(7, 1), 0);
    }

    #[test]
    fn bytes_of_a_seed_have_the_length_asked_for() {
        for length in [0, 1, 7, 8, 9, 1000] {
            assert_eq!(bytes(1, length).len(), length);
        }
        assert_eq!(bytes(5, 3), bytes(5, 100)[..3]);
        let mut rng = Rng::new(5);
        assert_eq!([rng.bytes(64), rng.bytes(36)].concat(), bytes(5, 100));
    }
}

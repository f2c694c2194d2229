//! Bytes in a ring of atomic words. Positions only grow; the place is the position modulo the size of the ring.
//!
//! Every access is an atomic one, so that whatever the other process does meanwhile, what is read is some bytes, which
//! then are checked. Nothing of the ring is ever lent out.

use super::sync::{AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();

/// How many words that many bytes take.
pub(crate) fn words(bytes: usize) -> usize {
    bytes.div_ceil(WORD)
}

/// Copies bytes into the ring, from the position on. The ring has a power of two of words.
pub(crate) fn write(ring: &[AtomicU64], position: u64, bytes: &[u8]) {
    let mask = ring.len() - 1;
    let mut place = position as usize & mask;
    let (chunks, rest) = bytes.as_chunks::<WORD>();
    for chunk in chunks {
        ring[place].store(u64::from_ne_bytes(*chunk), Ordering::Relaxed);
        place = (place + 1) & mask;
    }
    if !rest.is_empty() {
        let mut word = [0; WORD];
        word[..rest.len()].copy_from_slice(rest);
        ring[place].store(u64::from_ne_bytes(word), Ordering::Relaxed);
    }
}

/// Copies one word into the ring.
pub(crate) fn write_word(ring: &[AtomicU64], position: u64, word: u64) {
    ring[position as usize & (ring.len() - 1)].store(word, Ordering::Relaxed);
}

/// Appends bytes of the ring, from the position on. Never more than the ring has.
pub(crate) fn read(ring: &[AtomicU64], position: u64, bytes: usize, into: &mut Vec<u8>) {
    let mask = ring.len() - 1;
    let bytes = bytes.min(ring.len() * WORD);
    let mut place = position as usize & mask;
    into.reserve(bytes);
    let mut left = bytes;
    while left >= WORD {
        into.extend_from_slice(&ring[place].load(Ordering::Relaxed).to_ne_bytes());
        place = (place + 1) & mask;
        left -= WORD;
    }
    if left > 0 {
        into.extend_from_slice(&ring[place].load(Ordering::Relaxed).to_ne_bytes()[..left]);
    }
}

/// One word of the ring.
pub(crate) fn read_word(ring: &[AtomicU64], position: u64) -> u64 {
    ring[position as usize & (ring.len() - 1)].load(Ordering::Relaxed)
}

//! A ring of atomic words that carries bytes. Positions only grow; the index is the position modulo
//! the size of the ring.
//!
//! Every access is atomic, so a concurrent write by the other process is no data race: the reader
//! gets some bytes, and checks them afterwards. The ring is never borrowed as bytes.

#![cfg_attr(
    not(model_check),
    allow(unreachable_pub, reason = "public for the model checks")
)]

use crate::sync::{AtomicU64, Ordering};

const WORD: usize = size_of::<u64>();

/// The number of words that this many bytes take.
pub fn words(bytes: usize) -> usize {
    bytes.div_ceil(WORD)
}

/// Copies bytes into the ring, starting at the position. The length of the ring is a power of two.
pub fn write(ring: &[AtomicU64], position: u64, bytes: &[u8]) {
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

/// Writes one word into the ring.
pub fn write_word(ring: &[AtomicU64], position: u64, word: u64) {
    ring[position as usize & (ring.len() - 1)].store(word, Ordering::Relaxed);
}

/// Appends bytes of the ring to `into`, starting at the position: at most the whole ring.
pub fn read(ring: &[AtomicU64], position: u64, bytes: usize, into: &mut Vec<u8>) {
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

/// Reads one word of the ring.
pub fn read_word(ring: &[AtomicU64], position: u64) -> u64 {
    ring[position as usize & (ring.len() - 1)].load(Ordering::Relaxed)
}

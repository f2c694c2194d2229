//! State in several places, so that threads do not wait for each other: for work that accumulates much and reads seldom.
//!
//! A counter behind one lock, or in one atomic, is a single cache line that all cores take from each other with each
//! update. Here each thread has a line of its own as far as there are enough, and reading adds them up. A map is spread by
//! key, and each thread may have a part of its own besides.

mod counter;
mod entries;
mod local_map;
mod map;
mod map_reads;
#[cfg(not(model_check))]
mod numbers;
mod thread_number;

pub use counter::{Counter, LocalCounter};
pub use local_map::LocalMap;
pub use map::Map;

use std::sync::OnceLock;

/// More shards than this are memory and nothing else.
const MOST_SHARDS: usize = 1 << 16;

fn cores() -> usize {
    // Asked once: the answer is read from files.
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(num_cpus::get)
}

fn power_of_two(shards: usize) -> usize {
    shards.clamp(1, MOST_SHARDS).next_power_of_two()
}

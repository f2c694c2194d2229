//! The number of shards, by the number of cores.

use std::sync::OnceLock;

/// More shards than this would only cost memory.
const MAX_SHARDS: usize = 1 << 16;

pub(super) fn cores() -> usize {
    // Read once: the answer comes from files.
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(num_cpus::get)
}

pub(super) fn power_of_two(shards: usize) -> usize {
    shards.clamp(1, MAX_SHARDS).next_power_of_two()
}

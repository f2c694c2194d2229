//! Sharded state, so that threads do not wait for each other: for work that updates often and reads
//! rarely.
//!
//! A counter behind one lock, or in one atomic, is a single cache line that moves between all cores
//! with each update. Here each thread has its own cache line, as far as there are enough, and
//! reading adds them up. A map is sharded by key, and each thread can also have a part of its own.

mod counter;
mod entries;
#[cfg_attr(
    model_check,
    allow(dead_code, reason = "the models pass their own indices")
)]
pub(crate) mod index_pool;
mod local_map;
mod map;
mod map_reads;
mod shard_count;
mod thread_index;

pub use counter::{Counter, LocalCounter};
pub use local_map::LocalMap;
pub use map::Map;

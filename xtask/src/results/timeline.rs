//! The timeline of an untimed sample: when tasks ran, and on which threads.

use serde::{Deserialize, Serialize};

/// When and where the tasks of one untimed sample ran, condensed by the runner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeline {
    /// Tasks recorded, those in lanes left out included.
    pub tasks: u64,
    /// The length of the sample.
    pub wall_ns: u64,
    /// Spans of a lane closer together than this are one span; 0 if none were merged.
    pub merged_below_ns: u64,
    /// Lanes beyond the limit, of which only the number is known.
    pub lanes_left_out: u64,
    /// At most [`Timeline::MAX_LANES`], those of one thread together.
    pub lanes: Vec<Lane>,
}

/// Tasks that ran one after another on one thread. Tasks that overlap on a thread, as coroutines
/// do, are in several lanes of that thread.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lane {
    /// 0 for the runner itself, then child processes in the order of their first task.
    pub process: u32,
    /// The thread within its process, in the order of its first task, from 0.
    pub thread: u32,
    /// Spans in the order of time: start and end since the start of the sample, and the number of
    /// tasks.
    pub spans: Vec<(u64, u64, u32)>,
}

impl Timeline {
    /// The most lanes that a file may have.
    pub const MAX_LANES: usize = 64;

    /// The most spans of all lanes together.
    pub const MAX_SPANS: usize = 512;
}

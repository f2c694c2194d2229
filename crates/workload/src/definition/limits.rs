//! The limits on definitions.

/// The longest duration a task may have, in nanoseconds: an hour.
pub const LONGEST_NS: u64 = 3_600_000_000_000;

/// The largest size a task may have, in bytes: a gibibyte.
pub const LARGEST_BYTES: u64 = 1 << 30;

/// The most keys of a histogram.
pub const MOST_KEYS: u64 = 1_000_000;

/// The most generations of a workload with the pattern `rounds`.
pub const MOST_GENERATIONS: u64 = 1_000_000;

/// The largest buffer between two stages.
pub const LARGEST_BUFFER: u64 = 1_000_000;

/// The most sessions of the pattern `serve`.
pub const MOST_SESSIONS: u64 = 1_000_000;

/// The longest time for which requests may arrive, in seconds.
pub const LONGEST_SECONDS: f64 = 3600.0;

/// The highest number of a stage: in some models a stage takes one thread or more.
pub const LAST_STAGE: u64 = 1000;

/// The most steps of all tasks together: every runner holds all of them in memory.
pub const MOST_STEPS: u64 = 50_000_000;

/// The most memory that the programs and arguments of all tasks together may take, in bytes.
pub const MOST_ARGUMENT_BYTES: u64 = 1 << 30;

/// The most tasks of a recorded trace, which is also the most that a recorder writes.
pub const MOST_RECORDED: u64 = 1_000_000;

//! The settings that a worker receives from its parent when it starts.

use serde::{Deserialize, Serialize};

/// The settings of a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WorkerConfig {
    /// The name of the process, of which Linux shows 15 bytes.
    pub(crate) name: String,
    /// See `Program::fingerprint`.
    pub(crate) fingerprint: u64,
    /// `RLIMIT_DATA`, in bytes.
    pub(crate) memory_limit: Option<u64>,
    /// Exit after this many jobs.
    pub(crate) recycle_jobs: Option<u64>,
    /// Exit when more than this many bytes are resident after a job.
    pub(crate) recycle_memory: Option<u64>,
    /// The initializer: a job and its input.
    pub(crate) initializer: Option<(u32, Vec<u8>)>,
    /// Whether to spin: only with more than one processor.
    pub(crate) spin: bool,
}

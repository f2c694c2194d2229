use serde::{Deserialize, Serialize};

/// What a worker is told before its first job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Config {
    /// What other programs see, of which Linux shows 15 bytes.
    pub(crate) name: String,
    /// See `Program::fingerprint`.
    pub(crate) fingerprint: u64,
    /// `RLIMIT_DATA`, in bytes.
    pub(crate) memory_limit: Option<u64>,
    /// End after so many jobs.
    pub(crate) recycle_jobs: Option<u64>,
    /// End when more than so many bytes are resident after a job.
    pub(crate) recycle_memory: Option<u64>,
    /// A job and its input, to be done first.
    pub(crate) initializer: Option<(u32, Vec<u8>)>,
    /// Whether to spin at all: not on a single processor.
    pub(crate) spin: bool,
}

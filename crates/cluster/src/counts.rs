//! [`Counts`]: jobs, attempts and messages so far.

/// Jobs, attempts and messages so far. Created by [`Cluster::counts`](crate::Cluster::counts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Accepted jobs, and chunks of a `map`.
    pub accepted: u64,
    /// Those that have ended.
    pub ended: u64,
    /// Attempts that failed and were reported.
    pub failed_attempts: u64,
    /// Results of jobs that had ended: a job ran more than once.
    pub late: u64,
    /// Messages that were ignored: malformed, or about no job of this cluster.
    pub ignored: u64,
    /// Jobs that were sent again after the server had lost them.
    pub resent: u64,
}

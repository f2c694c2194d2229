//! The watchdog: the thread that checks the polling threads and reports stalls.
//!
//! | file | contents |
//! |---|---|
//! | `run.rs` | the loop |
//! | `tracker.rs` | the rules that say when a thread counts as blocked |
//! | `finding.rs` | what one check of one thread has found |
//! | `lateness.rs` | why the watchdog wakes late, and the CPU use of threads |
//! | `quota.rs` | whether the process has a CPU quota |
//! | `rate_limit.rs` | the limit of reports |
//! | `sink.rs` | the destinations of reports |

pub(crate) mod finding;
pub(crate) mod lateness;
mod quota;
pub(crate) mod rate_limit;
pub(crate) mod run;
pub(crate) mod sink;
pub(crate) mod tracker;

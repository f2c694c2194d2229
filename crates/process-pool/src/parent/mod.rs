//! The parent's side: accepted jobs, their assignment to workers, and their results.
//!
//! | file | contents |
//! |---|---|
//! | `batch.rs`, `map_results.rs` | what travels to a worker, and where the results go |
//! | `callbacks.rs` | the thread that runs callbacks |
//! | `closer.rs` | threads that close descriptors whose closing may block |
//! | `dispatch.rs`, `rebalance.rs` | the assignment of batches, and batches behind a long one |
//! | `intervals.rs` | how often the pool checks |
//! | `job_table.rs` | the jobs behind handles, and their waiters |
//! | `launch.rs`, `worker_process.rs` | starting a worker process, killing it, reaping it |
//! | `map_feed.rs` | the inputs of a map, a few batches at a time |
//! | `orphans.rs` | reaping orphans as PID 1 or as a subreaper |
//! | `requests.rs`, `waiting.rs` | what a handle does: wait, poll, cancel, kill |
//! | `result_reader.rs` | reading untrusted results |
//! | `shared.rs` | the pool as its handles and threads share it |
//! | `start_failures.rs`, `worker_deaths.rs` | failed starts, and when to give up |
//! | `state.rs` | the queue and the workers, under one lock |
//! | `supervisor.rs`, `time_limits.rs` | the thread that handles deaths and time limits |
//! | `worker_link/` | one worker's rings from this side |

pub(crate) mod batch;
mod callbacks;
mod closer;
mod dispatch;
mod intervals;
pub(crate) mod job_table;
pub(crate) mod launch;
pub(crate) mod map_feed;
pub(crate) mod map_results;
mod orphans;
mod rebalance;
mod requests;
mod result_reader;
pub(crate) mod shared;
mod start_failures;
mod state;
pub(crate) mod supervisor;
mod time_limits;
mod waiting;
mod worker_deaths;
mod worker_link;
mod worker_process;

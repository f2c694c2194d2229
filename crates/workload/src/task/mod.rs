//! Doing a task: its steps, blocking or async, lead to the same value.
//!
//! A task starts from a value, its seed, and each step computes the next value:
//!
//! | step | next value |
//! |---|---|
//! | `wait` | unchanged |
//! | `compute` | [`compute`] iterated |
//! | `fetch`, `read`, `tail` | `mix(value ^ digest_bytes(data))` |
//! | `exec` | `mix(value ^ digest_bytes(exit code, stdout))` |
//! | `kernel` | `mix(value ^ result)` |
//! | `job` | `mix(value ^ output)` |

pub(crate) mod asynchronous;
pub(crate) mod blocking;
mod exchange;
mod exec;
pub(crate) mod failure;
mod fetch;
pub(crate) mod log;
pub(crate) mod progress;
mod spare;
pub(crate) mod surroundings;

pub use asynchronous::{AsyncIo, Blocking, Offload, run_async, run_in_place, run_offloading};
pub use blocking::{begin, read_head, run_blocking, run_stage};
pub use exchange::{response_buffer, response_limit};
pub use exec::{Exec, Exited, kill_group};
pub use failure::{Failure, Output};
pub use fetch::{Fetch, FetchError};
pub use log::{Growth, LINE, LOOK, Lines, Log, Merge, Tail, answer};
pub use progress::Carried;
pub use surroundings::Surroundings;
pub use workload_kernels::compute;

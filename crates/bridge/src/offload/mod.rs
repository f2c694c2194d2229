//! A pool of threads for blocking code that coroutines call, on any runtime.
//!
//! | file | contents |
//! |---|---|
//! | `builder.rs` | the settings |
//! | `handle.rs` | the public handle |
//! | `run.rs` | submitting a job, and the futures of its result |
//! | `dispatch.rs` | the queue, the waiting list before it, the sleeping workers |
//! | `state.rs` | the rules that say which jobs may be taken |
//! | `job_list.rs` | a FIFO of jobs with tombstones for withdrawn ones |
//! | `job_cell.rs` | one job: its closure and its result |
//! | `nesting.rs` | which job a job was submitted from |
//! | `shared.rs` | the worker threads, and what they share with the handles |

pub(crate) mod builder;
pub(crate) mod dispatch;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod job_cell;
pub(crate) mod job_list;
pub(crate) mod nesting;
pub(crate) mod run;
pub(crate) mod shared;
pub(crate) mod state;

//! Calls from threads into an async runtime, with waits that are refused where they would deadlock.
//!
//! | file | contents |
//! |---|---|
//! | `handle.rs` | the public handle, for any runtime |
//! | `call.rs` | the thread's side of a call: wait, cancel, await |
//! | `drive.rs` | the runtime's side: drives the coroutine |
//! | `call_state.rs` | what the two share |
//! | `context.rs` | where a thread may block |
//! | `local.rs` | a portal to a loop of its own |

pub(crate) mod call;
pub(crate) mod call_state;
pub(crate) mod context;
pub(crate) mod drive;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod local;

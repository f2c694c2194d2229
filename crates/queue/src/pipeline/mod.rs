//! Staged pipelines: items pass through stages one after another, each stage on threads of its own, with a bounded buffer
//! between two of them.
//!
//! ```text
//! builder.rs, keep_going.rs   what the user asks for
//!    └── running.rs           on scoped threads, or in the background
//!          ├── plan.rs        the buffers and threads that this takes
//!          ├── worker.rs      what the threads do
//!          └── outputs.rs     what the taker of the outputs does; reorder.rs
//!                └── buffer.rs, window.rs, cut.rs, wait.rs   the protocols between them, model-checked
//! handle.rs, counts.rs        what can be seen and done from other threads
//! ```

mod buffer;
mod builder;
mod counts;
mod cut;
mod error;
mod handle;
mod keep_going;
mod outputs;
mod plan;
mod reorder;
mod running;
mod sync;
mod task_panic;
mod wait;
mod window;
mod worker;

pub use builder::Pipeline;
pub use counts::{Counts, StageCounts};
pub use error::{Cause, ItemError, PipelineError};
pub use handle::Handle;
pub use keep_going::KeepGoing;
pub use outputs::Outputs;
pub use running::Running;
pub use task_panic::TaskPanic;

/// The most workers that the stages of a pipeline have in all.
pub const MAX_WORKERS: usize = 4_096;

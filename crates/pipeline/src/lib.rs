#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod builder;
mod counts;
mod error;
mod handle;
mod keep_going;
mod outputs;
mod plan;
mod running;
mod task_panic;
mod worker;

/// Declares the modules of the protocols, which `tests/model_check.rs` drives directly.
macro_rules! protocols {
    ($($name:ident),*) => {$(
        #[cfg(model_check)]
        #[doc(hidden)]
        pub mod $name;
        #[cfg(not(model_check))]
        mod $name;
    )*};
}
protocols!(buffer, cut, reorder, sync, wait, window);

pub use builder::Pipeline;
pub use counts::{Counts, MAX_WORKERS, StageCounts};
pub use error::{Cause, ItemError, PipelineError};
pub use handle::Handle;
pub use keep_going::KeepGoing;
pub use outputs::Outputs;
pub use running::Running;
pub use task_panic::TaskPanic;

//! The inputs of a workload, which every runner reads.

mod exact;
mod file;
mod limits;
pub(crate) mod make;
pub(crate) mod types;

pub use file::{InputsError, read, read_from, write};
pub use make::{FILE_POOL, file_sizes, make};
pub use types::{Header, Inputs, Step, Task};

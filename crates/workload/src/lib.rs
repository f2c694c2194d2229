#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod answers;
mod batch;
mod clock;
pub mod definition;
pub mod descriptors;
pub mod inputs;
pub mod job;
pub mod line_protocol;
pub mod model;
pub mod protocol;
mod recorder;
mod regular;
pub mod runner;
pub mod sequential;
pub mod serve;
pub mod task;
mod thread_index;
pub mod timeline;
pub mod trace;
pub mod tree;
pub mod usage;
pub mod value;

pub use workload_kernels as kernels;

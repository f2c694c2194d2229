#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod batch;
mod counts;
mod error;
mod get;
mod item;
mod iter;
mod join;
mod producer;
mod put;
mod queue;
mod shared;
mod store;
mod sync;
mod thread_index;
mod waiters;

pub use batch::{Batch, BatchIter};
pub use error::{
    GetError, GetTimeoutError, PutAllError, PutError, PutTimeoutError, TimedOut, TryGetError,
    TryPutError,
};
pub use get::{Get, GetBatch};
pub use item::Item;
pub use iter::{IntoIter, Iter, TryIter};
pub use join::Join;
pub use producer::Producer;
pub use put::Put;
pub use queue::Queue;

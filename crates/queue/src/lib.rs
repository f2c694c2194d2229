#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod batch;
mod contained;
mod counts;
mod error;
mod get;
mod item;
mod iter;
mod join;
mod producer;
mod put;
mod queue;
mod seat;
mod shared;
mod store;
mod sync;
mod waiters;

pub use batch::{Batch, BatchIter};
pub use error::{
    GetError, GetTimeoutError, JoinTimeoutError, PutAllError, PutError, PutTimeoutError,
    TryGetError, TryPutError,
};
pub use get::{Get, GetBatch};
pub use item::Item;
pub use iter::{IntoIter, Iter, TryIter};
pub use join::Join;
pub use producer::Producer;
pub use put::Put;
pub use queue::Queue;

#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod contained;
pub mod pipeline;
mod queue;

pub use queue::{
    Batch, BatchIter, Get, GetBatch, GetError, GetTimeoutError, IntoIter, Item, Iter, Join,
    JoinTimeoutError, Producer, Put, PutAllError, PutError, PutTimeoutError, Queue, TryGetError,
    TryIter, TryPutError,
};

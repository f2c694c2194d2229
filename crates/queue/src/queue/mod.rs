//! The queue.
//!
//! ```text
//! queue.rs, put.rs, get.rs … the API
//!    └── shared.rs            one queue: how the parts below play together
//!          ├── counts.rs      what was put, what is done, and closing; seat.rs: which thread counts where
//!          ├── waiters/       who waits, for what, and how it is woken
//!          └── store/         where items lie: FIFO, LIFO, priority
//! ```

mod batch;
mod counts;
mod error;
mod get;
mod item;
mod iter;
mod join;
mod producer;
mod put;
#[expect(clippy::module_inception, reason = "the type that the folder is about")]
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

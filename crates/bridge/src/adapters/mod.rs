//! Adapters between blocking and async iterators, readers and writers.
//!
//! | from | to | file |
//! |---|---|---|
//! | blocking iterator | stream | `iter_stream.rs` |
//! | stream | blocking iterator | `stream_iter.rs` |
//! | `Read` | `AsyncRead` | `async_reader.rs` |
//! | `Write` | `AsyncWrite` | `async_writer.rs` |
//! | `AsyncRead` | `Read` | `blocking_reader.rs` |
//! | `AsyncWrite` | `Write` | `blocking_writer.rs` |

pub(crate) mod async_reader;
pub(crate) mod async_writer;
pub(crate) mod blocking_reader;
pub(crate) mod blocking_writer;
mod buffer;
mod error;
pub(crate) mod iter_stream;
mod return_slot;
pub(crate) mod stream_iter;

//! Iterators and streams, readers and writers, each as the other world knows them.
//!
//! | from | to | file |
//! |---|---|---|
//! | blocking iterator | stream | `iter_stream.rs` |
//! | stream | blocking iterator | `stream_iter.rs` |
//! | `Read` | `AsyncRead` | `async_reader.rs` |
//! | `Write` | `AsyncWrite` | `async_writer.rs` |
//! | `AsyncRead` | `Read` | `blocking_reader.rs` |
//! | `AsyncWrite` | `Write` | `blocking_writer.rs` |

mod async_reader;
mod async_writer;
mod blocking_reader;
mod blocking_writer;
mod iter_stream;
mod stream_iter;

pub use async_reader::AsyncReader;
pub use async_writer::AsyncWriter;
pub use blocking_reader::BlockingReader;
pub use blocking_writer::BlockingWriter;
pub use iter_stream::IterStream;
pub use stream_iter::StreamIter;

use std::io;
use std::sync::Arc;

use crate::sync::{Mutex, lock};
use crate::{CallError, OffloadError};

/// Bytes that a reader or a writer holds at most.
const BUFFER: usize = 16 * 1024;

/// An error of the way as one of the reader or writer.
fn offload_error(error: OffloadError) -> io::Error {
    io::Error::other(error)
}

fn call_error(error: CallError) -> io::Error {
    let kind = match error {
        CallError::TimedOut { .. } => io::ErrorKind::TimedOut,
        CallError::WouldDeadlock(_) => io::ErrorKind::Deadlock,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// What is said once the inner reader or writer was lost to an error.
fn lost() -> io::Error {
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        "what was read from or written to was lost in an earlier panic or shutdown: open it anew",
    )
}

/// By which a call gives back what it has worked on, unless nobody wants it any more: then the call sees it to its end.
struct Return<T>(Arc<Mutex<Returned<T>>>);

enum Returned<T> {
    NotYet,
    There(T),
    Unwanted,
}

impl<T> Return<T> {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Returned::NotYet)))
    }

    /// `Some`: nobody wants it.
    fn give(&self, value: T) -> Option<T> {
        let mut returned = lock(&self.0);
        if matches!(*returned, Returned::Unwanted) {
            return Some(value);
        }
        *returned = Returned::There(value);
        None
    }

    fn take(&self) -> Option<T> {
        self.replace(Returned::NotYet)
    }

    /// Nobody will take it. Returns what is there already.
    fn renounce(&self) -> Option<T> {
        self.replace(Returned::Unwanted)
    }

    fn replace(&self, new: Returned<T>) -> Option<T> {
        match std::mem::replace(&mut *lock(&self.0), new) {
            Returned::There(value) => Some(value),
            Returned::NotYet | Returned::Unwanted => None,
        }
    }
}

impl<T> Clone for Return<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

//! A blocking reader as an asynchronous one.

use std::fmt;
use std::future::Future as _;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::AsyncRead;

use super::buffer::ReadBuffer;
use super::error::{lost, offload_error};
use crate::offload::handle::Offload;
use crate::offload::run::Job;

/// A blocking reader as an asynchronous one; see [`Offload::async_reader`].
pub struct AsyncReader<R> {
    offload: Offload,
    step: Step<R>,
}

enum Step<R> {
    Idle(ReadBuffer<R>),
    Reading(Job<(ReadBuffer<R>, io::Result<()>)>),
    Lost,
}

impl Offload {
    /// Wraps a blocking reader as an asynchronous one: each read is a job of this offload that
    /// reads up to 16 KiB. It reads ahead by no more than that.
    ///
    /// Dropping a pending read loses nothing: the next read gets its bytes. An interrupted read is
    /// retried; other errors are passed on. If the reader panics or its job is not run, that is the
    /// error, and later reads fail because the reader is lost.
    ///
    /// The trait is the `AsyncRead` of the crate `futures`, which async-std and smol use; for
    /// tokio's there is `tokio_util::compat`.
    ///
    /// # Examples
    /// ```
    /// use futures::AsyncReadExt;
    /// # fn main() -> std::io::Result<()> {
    /// let offload = effective_bridge::Offload::new();
    /// let mut reader = offload.async_reader(std::fs::File::open("README.md")?);
    /// let mut text = String::new();
    /// futures::executor::block_on(reader.read_to_string(&mut text))?;
    /// assert!(text.starts_with("# bridge"));
    /// # Ok(()) }
    /// ```
    pub fn async_reader<R: Read + Send + 'static>(&self, reader: R) -> AsyncReader<R> {
        AsyncReader {
            offload: self.clone(),
            step: Step::Idle(ReadBuffer::new(reader)),
        }
    }
}

fn fill<R: Read>(mut buffer: ReadBuffer<R>) -> (ReadBuffer<R>, io::Result<()>) {
    let (reader, bytes) = buffer.prepare();
    let read = loop {
        match reader.read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    let result = buffer.filled(read);
    (buffer, result)
}

impl<R> AsyncReader<R> {
    /// Returns the reader, and the bytes that were read from it ahead. `None` while a read is
    /// pending, or if the reader was lost: complete a pending read first.
    pub fn into_inner(self) -> Option<(R, Vec<u8>)> {
        match self.step {
            Step::Idle(buffer) => Some(buffer.into_parts()),
            Step::Reading(_) | Step::Lost => None,
        }
    }
}

impl<R: Read + Send + 'static> AsyncRead for AsyncReader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // Whether a read has just found nothing: the end, for the moment.
        let mut is_end = false;
        loop {
            match std::mem::replace(&mut this.step, Step::Lost) {
                Step::Idle(mut buffer) => {
                    if buffer.is_empty() && !is_end {
                        let shared = this.offload.shared();
                        this.step = Step::Reading(Job::submit(shared, move || fill(buffer)));
                        continue;
                    }
                    let length = buffer.read(buf);
                    this.step = Step::Idle(buffer);
                    return Poll::Ready(Ok(length));
                }
                Step::Reading(mut job) => {
                    let Poll::Ready(result) = Pin::new(&mut job).poll(cx) else {
                        this.step = Step::Reading(job);
                        return Poll::Pending;
                    };
                    let (buffer, read) = result.map_err(offload_error)?;
                    is_end = buffer.is_empty();
                    this.step = Step::Idle(buffer);
                    read?;
                }
                Step::Lost => return Poll::Ready(Err(lost())),
            }
        }
    }
}

impl<R> Unpin for AsyncReader<R> {}

impl<R> fmt::Debug for AsyncReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncReader").finish_non_exhaustive()
    }
}

//! A blocking reader as an asynchronous one.

use std::fmt;
use std::future::Future as _;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::AsyncRead;

use super::{BUFFER, lost, offload_error};
use crate::{Job, Offload};

/// A blocking reader as an asynchronous one: what [`Offload::async_reader`] returns.
pub struct AsyncReader<R> {
    offload: Offload,
    step: Step<R>,
}

/// The reader with the bytes that it has read and nobody has taken.
struct Filled<R> {
    reader: R,
    buffer: Vec<u8>,
    /// How many of them were taken.
    taken: usize,
}

enum Step<R> {
    Idle(Filled<R>),
    Reading(Job<(Filled<R>, io::Result<()>)>),
    Lost,
}

impl Offload {
    /// A blocking reader as an asynchronous one: each `read` is a call on this offload, of up to 16 KiB. It never reads
    /// ahead of what somebody has asked for by more than that.
    ///
    /// Dropping a pending read loses nothing: what it has read is the next one's. A `read` that is interrupted is tried
    /// again; other errors are passed on. If the reader panics, or its call was not run for any reason that [`OffloadError`]
    /// knows, that is the error, and later reads say that the reader is lost.
    ///
    /// [`OffloadError`]: crate::OffloadError
    ///
    /// This is the `AsyncRead` of the crate `futures`, which async-std and smol use; for tokio's there is
    /// `tokio_util::compat`.
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
            step: Step::Idle(Filled {
                reader,
                buffer: Vec::new(),
                taken: 0,
            }),
        }
    }
}

impl<R: Read> Filled<R> {
    fn fill(mut self) -> (Self, io::Result<()>) {
        self.taken = 0;
        self.buffer.resize(BUFFER, 0);
        let read = loop {
            match self.reader.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        // A reader that claims more than it was given room for has no right to it.
        let length = *read.as_ref().unwrap_or(&0);
        self.buffer.truncate(length);
        (self, read.map(drop))
    }
}

impl<R> AsyncReader<R> {
    /// The reader, and the bytes that were read from it and not taken. `None` while a read is under way, or when the reader
    /// was lost: read to the end of a pending read first.
    pub fn into_inner(self) -> Option<(R, Vec<u8>)> {
        match self.step {
            Step::Idle(mut filled) => {
                filled.buffer.drain(..filled.taken);
                Some((filled.reader, filled.buffer))
            }
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
        // Whether what was read just now is nothing: the end, for the moment.
        let mut is_end = false;
        loop {
            match std::mem::replace(&mut this.step, Step::Lost) {
                Step::Idle(mut filled) => {
                    let rest = &filled.buffer[filled.taken..];
                    if rest.is_empty() && !is_end {
                        let shared = this.offload.shared();
                        this.step = Step::Reading(Job::submit(shared, move || filled.fill()));
                        continue;
                    }
                    let length = rest.len().min(buf.len());
                    buf[..length].copy_from_slice(&rest[..length]);
                    filled.taken += length;
                    this.step = Step::Idle(filled);
                    return Poll::Ready(Ok(length));
                }
                Step::Reading(mut job) => {
                    let Poll::Ready(result) = Pin::new(&mut job).poll(cx) else {
                        this.step = Step::Reading(job);
                        return Poll::Pending;
                    };
                    let (filled, read) = result.map_err(offload_error)?;
                    is_end = filled.buffer.is_empty();
                    this.step = Step::Idle(filled);
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

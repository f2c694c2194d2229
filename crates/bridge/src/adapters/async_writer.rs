//! A blocking writer as an asynchronous one.

use std::fmt;
use std::future::Future as _;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::AsyncWrite;

use super::buffer::{CAPACITY, Until};
use super::error::{closed, lost, offload_error};
use super::return_slot::ReturnSlot;
use crate::offload::handle::Offload;
use crate::offload::run::Job;

/// A blocking writer as an asynchronous one; see [`Offload::async_writer`].
pub struct AsyncWriter<W: Write + Send + 'static> {
    offload: Offload,
    step: Step<W>,
}

/// The writer with the bytes that it has accepted and not written.
struct WriteBuffer<W> {
    /// `None` once closed.
    writer: Option<W>,
    buffer: Vec<u8>,
    /// Bytes were written and not flushed.
    is_dirty: bool,
}

enum Step<W> {
    Idle(WriteBuffer<W>),
    Writing(Job<io::Result<()>>, ReturnSlot<WriteBuffer<W>>),
    Lost,
}

impl Offload {
    /// Wraps a blocking writer as an asynchronous one. It buffers up to 16 KiB, which a job of this
    /// offload writes when the buffer is full, on `flush` and on `close`.
    ///
    /// Accepted bytes are not lost: a write that is dropped while pending has accepted nothing, and
    /// after an error the unwritten bytes are kept and retried. Errors are reported by the next
    /// write, `flush` or `close`; call `close` to be sure. Dropping the writer submits a last job
    /// that writes and flushes the rest. Its error is discarded, and it only runs while the process
    /// lives: before `main` returns, call `close` or [`Offload::shutdown_timeout`]. If the writer
    /// panics or its job is not run, that is the error, the accepted bytes are lost, and later
    /// calls fail because the writer is lost.
    ///
    /// The trait is the `AsyncWrite` of the crate `futures`, which async-std and smol use; for
    /// tokio's there is `tokio_util::compat`.
    ///
    /// # Examples
    /// ```
    /// use futures::AsyncWriteExt;
    /// # fn main() -> std::io::Result<()> {
    /// let offload = effective_bridge::Offload::new();
    /// # let path = std::env::temp_dir().join(format!("bridge-doc-{}", std::process::id()));
    /// let mut writer = offload.async_writer(std::fs::File::create(&path)?);
    /// futures::executor::block_on(async {
    ///     writer.write_all(b"to be").await?;
    ///     writer.close().await
    /// })?;
    /// assert_eq!(std::fs::read(&path)?, b"to be");
    /// # std::fs::remove_file(&path)?;
    /// # Ok(()) }
    /// ```
    pub fn async_writer<W: Write + Send + 'static>(&self, writer: W) -> AsyncWriter<W> {
        AsyncWriter {
            offload: self.clone(),
            step: Step::Idle(WriteBuffer {
                writer: Some(writer),
                buffer: Vec::new(),
                is_dirty: false,
            }),
        }
    }
}

impl<W: Write> WriteBuffer<W> {
    /// The job of a writer. If its user drops the writer in the meantime, it also writes the rest.
    fn write_out(mut self, until: Until, back: &ReturnSlot<Self>) -> io::Result<()> {
        let result = self.try_write_out(until);
        if let Some(mut left) = back.put(self)
            && left.is_left()
        {
            // The user is gone: the error is discarded.
            drop(left.try_write_out(Until::Flushed));
        }
        result
    }

    fn is_left(&self) -> bool {
        !self.buffer.is_empty() || self.is_dirty
    }

    fn try_write_out(&mut self, until: Until) -> io::Result<()> {
        let Some(writer) = &mut self.writer else {
            return Ok(());
        };
        let mut written = 0;
        let result = loop {
            if written == self.buffer.len() {
                break Ok(());
            }
            match writer.write(&self.buffer[written..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                // A writer that claims more than it was given is not believed.
                Ok(length) => written = (written + length).min(self.buffer.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.is_dirty |= written > 0;
        self.buffer.drain(..written);
        result?;
        if until != Until::Written {
            writer.flush()?;
            self.is_dirty = false;
        }
        if until == Until::Closed {
            // Dropped here, where it may block.
            self.writer = None;
        }
        Ok(())
    }
}

impl<W: Write + Send + 'static> AsyncWriter<W> {
    fn start(&mut self, pending: WriteBuffer<W>, until: Until) {
        let shared = self.offload.shared();
        let back = ReturnSlot::new();
        let here = back.clone();
        let job = Job::submit_at_once(shared, move || pending.write_out(until, &back));
        self.step = Step::Writing(job, here);
    }

    /// Completes the pending job, if there is one.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Step::Writing(job, back) = &mut self.step {
            let result = ready!(Pin::new(job).poll(cx));
            self.step = back.take().map_or(Step::Lost, Step::Idle);
            let result = result.map_err(offload_error)?;
            return Poll::Ready(result);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_until(&mut self, cx: &mut Context<'_>, until: Until) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_idle(cx))?;
            match std::mem::replace(&mut self.step, Step::Lost) {
                Step::Idle(pending) => {
                    let is_done = match until {
                        Until::Closed => pending.writer.is_none(),
                        _ => !pending.is_left(),
                    };
                    if is_done {
                        self.step = Step::Idle(pending);
                        return Poll::Ready(Ok(()));
                    }
                    self.start(pending, until);
                }
                Step::Writing(..) | Step::Lost => return Poll::Ready(Err(lost())),
            }
        }
    }
}

impl<W: Write + Send + 'static> AsyncWrite for AsyncWriter<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        loop {
            ready!(this.poll_idle(cx))?;
            match std::mem::replace(&mut this.step, Step::Lost) {
                Step::Idle(pending) if pending.writer.is_none() => {
                    this.step = Step::Idle(pending);
                    return Poll::Ready(Err(closed()));
                }
                Step::Idle(mut pending) => {
                    let length = buf.len().min(CAPACITY.saturating_sub(pending.buffer.len()));
                    if length == 0 && !buf.is_empty() {
                        // Full: an earlier job has failed, or was not submitted yet.
                        this.start(pending, Until::Written);
                        continue;
                    }
                    pending.buffer.extend_from_slice(&buf[..length]);
                    if pending.buffer.len() < CAPACITY {
                        this.step = Step::Idle(pending);
                    } else {
                        // The next write waits for this job.
                        this.start(pending, Until::Written);
                    }
                    return Poll::Ready(Ok(length));
                }
                Step::Writing(..) | Step::Lost => return Poll::Ready(Err(lost())),
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_until(cx, Until::Flushed)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_until(cx, Until::Closed)
    }
}

impl<W: Write + Send + 'static> Drop for AsyncWriter<W> {
    fn drop(&mut self) {
        let left = match std::mem::replace(&mut self.step, Step::Lost) {
            Step::Idle(pending) => Some(pending),
            Step::Writing(job, back) => {
                // `None` while the job runs: then it finishes alone. One that has ended may have
                // failed, and has not flushed.
                let left = back.abandon();
                job.detach();
                left
            }
            Step::Lost => None,
        };
        if let Some(mut left) = left.filter(WriteBuffer::is_left) {
            let last = move || drop(left.try_write_out(Until::Flushed));
            Job::submit_at_once(self.offload.shared(), last).detach();
        }
    }
}

impl<W: Write + Send + 'static> Unpin for AsyncWriter<W> {}

impl<W: Write + Send + 'static> fmt::Debug for AsyncWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncWriter").finish_non_exhaustive()
    }
}

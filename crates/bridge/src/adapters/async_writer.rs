//! A blocking writer as an asynchronous one.

use std::fmt;
use std::future::Future as _;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::AsyncWrite;

use super::{BUFFER, Return, lost, offload_error};
use crate::{Job, Offload};

/// A blocking writer as an asynchronous one: what [`Offload::async_writer`] returns.
pub struct AsyncWriter<W: Write + Send + 'static> {
    offload: Offload,
    step: Step<W>,
}

/// The writer with the bytes that were accepted for it and are not written.
struct Pending<W> {
    /// `None` once closed.
    writer: Option<W>,
    buffer: Vec<u8>,
    /// Something was written that was not flushed.
    is_dirty: bool,
}

enum Step<W> {
    Idle(Pending<W>),
    Writing(Job<io::Result<()>>, Return<Pending<W>>),
    Lost,
}

/// How far a call on the offload goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Written,
    Flushed,
    Closed,
}

impl Offload {
    /// A blocking writer as an asynchronous one. It accepts up to 16 KiB at once, which it writes by calls on this
    /// offload: when there are so many, on `flush` and on `close`.
    ///
    /// What was accepted is not lost: a write that is dropped while pending has accepted nothing, and after an error the
    /// bytes that were not written are still there and tried again. Errors come with the next write, `flush` or `close`. Use
    /// `close` to be sure. When dropped, what is left is written and flushed by a last call, of whose error nobody hears, and
    /// only while the process lives: where `main` returns soon after, bytes are lost that were neither closed nor waited for
    /// by [`Offload::shutdown_timeout`]. If
    /// the writer panics, or its call was not run for any reason that [`OffloadError`] knows, that is the error, later calls
    /// say that the writer is lost, and so are the bytes that it had accepted.
    ///
    /// [`OffloadError`]: crate::OffloadError
    ///
    /// This is the `AsyncWrite` of the crate `futures`, which async-std and smol use; for tokio's there is
    /// `tokio_util::compat`.
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
            step: Step::Idle(Pending {
                writer: Some(writer),
                buffer: Vec::new(),
                is_dirty: false,
            }),
        }
    }
}

impl<W: Write> Pending<W> {
    /// Where the writer was dropped meanwhile, it goes on to the end.
    fn bring(mut self, until: Until, back: &Return<Self>) -> io::Result<()> {
        let result = self.try_bring(until);
        if let Some(mut left) = back.give(self)
            && left.is_left()
        {
            // Of this error nobody hears.
            drop(left.try_bring(Until::Flushed));
        }
        result
    }

    fn is_left(&self) -> bool {
        !self.buffer.is_empty() || self.is_dirty
    }

    fn try_bring(&mut self, until: Until) -> io::Result<()> {
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
                // One that claims to have written more than it was given is not believed.
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
            // Here, where it may block.
            self.writer = None;
        }
        Ok(())
    }
}

impl<W: Write + Send + 'static> AsyncWriter<W> {
    fn start(&mut self, pending: Pending<W>, until: Until) {
        let shared = self.offload.shared();
        let back = Return::new();
        let here = back.clone();
        let job = Job::submit_at_once(shared, move || pending.bring(until, &back));
        self.step = Step::Writing(job, here);
    }

    /// Waits for the call under way, if there is one.
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
                    let length = buf.len().min(BUFFER.saturating_sub(pending.buffer.len()));
                    if length == 0 && !buf.is_empty() {
                        // Full: an earlier call has failed, or has yet to be made.
                        this.start(pending, Until::Written);
                        continue;
                    }
                    pending.buffer.extend_from_slice(&buf[..length]);
                    if pending.buffer.len() < BUFFER {
                        this.step = Step::Idle(pending);
                    } else {
                        // It goes on by itself; the next write waits for it.
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

fn closed() -> io::Error {
    io::Error::new(
        io::ErrorKind::BrokenPipe,
        "the writer is closed: write before `close`",
    )
}

impl<W: Write + Send + 'static> Drop for AsyncWriter<W> {
    fn drop(&mut self) {
        let left = match std::mem::replace(&mut self.step, Step::Lost) {
            Step::Idle(pending) => Some(pending),
            Step::Writing(job, back) => {
                // On its way, unless the call has ended: maybe with an error, and without a flush.
                let left = back.renounce();
                job.detach();
                left
            }
            Step::Lost => None,
        };
        if let Some(mut left) = left.filter(Pending::is_left) {
            let last = move || drop(left.try_bring(Until::Flushed));
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

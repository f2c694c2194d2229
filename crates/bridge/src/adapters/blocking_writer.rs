//! An asynchronous writer as a blocking one.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use futures::io::{AsyncWrite, AsyncWriteExt as _};

use super::buffer::{CAPACITY, Until};
use super::error::{call_error, closed, lost};
use super::return_slot::ReturnSlot;
use crate::panic::catch;
use crate::portal::call::Call;
use crate::portal::error::CallError;
use crate::portal::handle::Portal;

/// An asynchronous writer as a blocking one; see [`Portal::blocking_writer`].
pub struct BlockingWriter<W: AsyncWrite + Unpin + Send + 'static> {
    portal: Portal,
    timeout: Option<Duration>,
    step: Step<W>,
}

/// The writer with the bytes that it has accepted and not written.
struct WriteBuffer<W> {
    writer: W,
    buffer: Vec<u8>,
    /// Bytes were written and not flushed.
    is_dirty: bool,
    is_closed: bool,
}

enum Step<W> {
    Idle(WriteBuffer<W>),
    Writing(Call<io::Result<()>>, ReturnSlot<WriteBuffer<W>>),
    Lost,
}

impl Portal {
    /// Wraps an asynchronous writer as a blocking one. It buffers up to 16 KiB, which a call on the
    /// portal's runtime writes when the buffer is full, on `flush` and on
    /// [`close`](BlockingWriter::close).
    ///
    /// Accepted bytes are not lost: after an error or a [timeout](BlockingWriter::set_timeout) the
    /// unwritten bytes are kept and retried. Dropping the writer makes a last call that writes and
    /// flushes the rest. Its error is discarded, and it only runs while the process and the runtime
    /// live: before `main` returns, call `close`. If the writer panics or the runtime goes away,
    /// that is the error, the accepted bytes are lost, and later calls fail because the writer is
    /// lost.
    ///
    /// # Examples
    /// ```
    /// use std::io::Write;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let executor = futures::executor::ThreadPool::new()?;
    /// # let portal = effective_bridge::Portal::new(move |coroutine| executor.spawn_ok(coroutine));
    /// let mut writer = portal.blocking_writer(futures::io::sink());
    /// writer.write_all(b"to be")?;
    /// writer.close()?;
    /// # Ok(()) }
    /// ```
    pub fn blocking_writer<W>(&self, writer: W) -> BlockingWriter<W>
    where
        W: AsyncWrite + Unpin + Send + 'static,
    {
        BlockingWriter {
            portal: self.clone(),
            timeout: None,
            step: Step::Idle(WriteBuffer {
                writer,
                buffer: Vec::new(),
                is_dirty: false,
                is_closed: false,
            }),
        }
    }
}

impl<W: AsyncWrite + Unpin> WriteBuffer<W> {
    /// The call of a writer. If its user drops the writer in the meantime, it also writes the rest.
    async fn write_out(mut self, until: Until, back: ReturnSlot<Self>) -> io::Result<()> {
        let result = self.try_write_out(until).await;
        if let Some(mut left) = back.put(self)
            && left.is_left()
        {
            // The user is gone: the error is discarded.
            drop(left.try_write_out(Until::Flushed).await);
        }
        result
    }

    fn is_left(&self) -> bool {
        !self.buffer.is_empty() || self.is_dirty
    }

    async fn try_write_out(&mut self, until: Until) -> io::Result<()> {
        while !self.buffer.is_empty() {
            let written = self.writer.write(&self.buffer).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.is_dirty = true;
            self.buffer.drain(..written.min(self.buffer.len()));
        }
        match until {
            Until::Written => return Ok(()),
            Until::Flushed => self.writer.flush().await?,
            Until::Closed => {
                self.writer.close().await?;
                self.is_closed = true;
            }
        }
        self.is_dirty = false;
        Ok(())
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> BlockingWriter<W> {
    /// Sets how long a call may block before it fails with [`io::ErrorKind::TimedOut`]. Default:
    /// `None`, which means the portal's [deadlock timeout](Portal::deadlock_timeout).
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Writes the buffered bytes and closes the writer.
    ///
    /// # Errors
    /// Those of the writer, and those of the call.
    pub fn close(&mut self) -> io::Result<()> {
        self.until(Until::Closed)
    }

    fn start(&mut self, pending: WriteBuffer<W>, until: Until) {
        let back = ReturnSlot::new();
        let here = back.clone();
        let call = self.portal.call(move || pending.write_out(until, back));
        self.step = Step::Writing(call, here);
    }

    /// Completes the pending call, if there is one.
    fn idle(&mut self) -> io::Result<()> {
        let Step::Writing(call, back) = &mut self.step else {
            return Ok(());
        };
        match call.wait_for(self.timeout) {
            Ok(result) => {
                self.step = back.take().map_or(Step::Lost, Step::Idle);
                result
            }
            Err(error) => {
                if !matches!(
                    error,
                    CallError::TimedOut { .. } | CallError::WouldDeadlock(_)
                ) {
                    self.step = Step::Lost;
                }
                Err(call_error(error))
            }
        }
    }

    fn until(&mut self, until: Until) -> io::Result<()> {
        loop {
            self.idle()?;
            match std::mem::replace(&mut self.step, Step::Lost) {
                Step::Idle(pending) => {
                    let is_done = pending.is_closed || until != Until::Closed && !pending.is_left();
                    if is_done {
                        self.step = Step::Idle(pending);
                        return Ok(());
                    }
                    self.start(pending, until);
                }
                Step::Writing(..) | Step::Lost => return Err(lost()),
            }
        }
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> Write for BlockingWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        loop {
            self.idle()?;
            match std::mem::replace(&mut self.step, Step::Lost) {
                Step::Idle(pending) if pending.is_closed => {
                    self.step = Step::Idle(pending);
                    return Err(closed());
                }
                Step::Idle(mut pending) => {
                    let length = buf.len().min(CAPACITY.saturating_sub(pending.buffer.len()));
                    if length == 0 && !buf.is_empty() {
                        // Full: an earlier call has failed.
                        self.start(pending, Until::Written);
                        continue;
                    }
                    pending.buffer.extend_from_slice(&buf[..length]);
                    if pending.buffer.len() < CAPACITY {
                        self.step = Step::Idle(pending);
                    } else {
                        self.start(pending, Until::Written);
                    }
                    return Ok(length);
                }
                Step::Writing(..) | Step::Lost => return Err(lost()),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.until(Until::Flushed)
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> Drop for BlockingWriter<W> {
    fn drop(&mut self) {
        let left = match std::mem::replace(&mut self.step, Step::Lost) {
            Step::Idle(pending) => Some(pending),
            Step::Writing(call, back) => {
                // `None` while the call runs: then it finishes alone. One that has ended may have
                // failed, and has not flushed.
                let left = back.abandon();
                call.detach();
                left
            }
            Step::Lost => None,
        };
        if let Some(mut left) = left.filter(WriteBuffer::is_left) {
            let last = || {
                let last = move || async move { drop(left.try_write_out(Until::Flushed).await) };
                self.portal.call(last).detach();
            };
            // The portal's spawn function may panic, here perhaps during another panic.
            drop(catch(last));
        }
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> fmt::Debug for BlockingWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingWriter").finish_non_exhaustive()
    }
}

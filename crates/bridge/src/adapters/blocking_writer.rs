//! An asynchronous writer as a blocking one.

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use futures::io::{AsyncWrite, AsyncWriteExt as _};

use super::{BUFFER, Return, call_error, lost};
use crate::panic::{contain, drop_contained};
use crate::{Call, CallError, Portal};

/// An asynchronous writer as a blocking one: what [`Portal::blocking_writer`] returns.
pub struct BlockingWriter<W: AsyncWrite + Unpin + Send + 'static> {
    portal: Portal,
    timeout: Option<Duration>,
    step: Step<W>,
}

/// The writer with the bytes that were accepted for it and are not written.
struct Pending<W> {
    writer: W,
    buffer: Vec<u8>,
    is_dirty: bool,
    is_closed: bool,
}

enum Step<W> {
    Idle(Pending<W>),
    Writing(Call<io::Result<()>>, Return<Pending<W>>),
    Lost,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Written,
    Flushed,
    Closed,
}

impl Portal {
    /// An asynchronous writer as a blocking one. It accepts up to 16 KiB at once, which it writes by calls on the portal's
    /// runtime: when there are so many, on `flush`, and on [`close`](BlockingWriter::close).
    ///
    /// What was accepted is not lost: after an error, or a [time-out](BlockingWriter::set_timeout), the bytes that were not
    /// written are still there and tried again. When dropped, what is left is written and flushed by a last call, of whose
    /// error nobody hears, and only while the process and its runtime live: where `main` returns soon after, bytes that were
    /// not closed are lost. If the writer panics or the runtime goes away, that is the error, later calls say that the writer
    /// is lost, and so are the bytes that it had accepted.
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
            step: Step::Idle(Pending {
                writer,
                buffer: Vec::new(),
                is_dirty: false,
                is_closed: false,
            }),
        }
    }
}

impl<W: AsyncWrite + Unpin> Pending<W> {
    /// Where the writer was dropped meanwhile, it goes on to the end.
    async fn bring(mut self, until: Until, back: Return<Self>) -> io::Result<()> {
        let result = self.try_bring(until).await;
        if let Some(mut left) = back.give(self)
            && left.is_left()
        {
            // Of this error nobody hears.
            drop(left.try_bring(Until::Flushed).await);
        }
        result
    }

    fn is_left(&self) -> bool {
        !self.buffer.is_empty() || self.is_dirty
    }

    async fn try_bring(&mut self, until: Until) -> io::Result<()> {
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
    /// How long a call may block before it fails with [`io::ErrorKind::TimedOut`]. `None`, as at first: as the portal's
    /// [deadline](Portal::deadline) has it.
    pub fn set_timeout(&mut self, time: Option<Duration>) {
        self.timeout = time;
    }

    /// Writes what is left and closes the writer.
    ///
    /// # Errors
    /// Of the writer, or of the way there.
    pub fn close(&mut self) -> io::Result<()> {
        self.until(Until::Closed)
    }

    fn start(&mut self, pending: Pending<W>, until: Until) {
        let back = Return::new();
        let here = back.clone();
        let call = self.portal.call(move || pending.bring(until, back));
        self.step = Step::Writing(call, here);
    }

    /// Waits for the call under way, if there is one.
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
                    return Err(io::Error::new(
                        io::ErrorKind::BrokenPipe,
                        "the writer is closed: write before `close`",
                    ));
                }
                Step::Idle(mut pending) => {
                    let length = buf.len().min(BUFFER.saturating_sub(pending.buffer.len()));
                    if length == 0 && !buf.is_empty() {
                        // Full: an earlier call has failed.
                        self.start(pending, Until::Written);
                        continue;
                    }
                    pending.buffer.extend_from_slice(&buf[..length]);
                    if pending.buffer.len() < BUFFER {
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
                // On its way, unless the call has ended: maybe with an error, and without a flush.
                let left = back.renounce();
                call.detach();
                left
            }
            Step::Lost => None,
        };
        if let Some(mut left) = left.filter(Pending::is_left) {
            let last = || {
                let last = move || async move { drop(left.try_bring(Until::Flushed).await) };
                self.portal.call(last).detach();
            };
            // A spawn function of the user may panic.
            drop_contained(contain(last));
        }
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> fmt::Debug for BlockingWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingWriter").finish_non_exhaustive()
    }
}

//! An asynchronous reader as a blocking one.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt as _};

use super::{BUFFER, call_error, lost};
use crate::{Call, CallError, Portal};

/// An asynchronous reader as a blocking one: what [`Portal::blocking_reader`] returns.
pub struct BlockingReader<R> {
    portal: Portal,
    timeout: Option<Duration>,
    step: Step<R>,
}

struct Filled<R> {
    reader: R,
    buffer: Vec<u8>,
    taken: usize,
}

enum Step<R> {
    Idle(Filled<R>),
    Reading(Call<(Filled<R>, io::Result<()>)>),
    Lost,
}

impl Portal {
    /// An asynchronous reader as a blocking one: each `read` is a call of up to 16 KiB on the portal's runtime.
    ///
    /// After a read that [timed out](BlockingReader::set_timeout), or that was refused where it could deadlock, the call
    /// goes on, and the next read has its bytes. If the reader panics or the runtime goes away, that is the error, and later
    /// reads say that the reader is lost.
    ///
    /// # Examples
    /// ```
    /// use std::io::Read;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let executor = futures::executor::ThreadPool::new()?;
    /// # let portal = effective_bridge::Portal::new(move |coroutine| executor.spawn_ok(coroutine));
    /// let mut reader = portal.blocking_reader(futures::io::Cursor::new("to be"));
    /// let mut text = String::new();
    /// reader.read_to_string(&mut text)?;
    /// assert_eq!(text, "to be");
    /// # Ok(()) }
    /// ```
    pub fn blocking_reader<R>(&self, reader: R) -> BlockingReader<R>
    where
        R: AsyncRead + Unpin + Send + 'static,
    {
        BlockingReader {
            portal: self.clone(),
            timeout: None,
            step: Step::Idle(Filled {
                reader,
                buffer: Vec::new(),
                taken: 0,
            }),
        }
    }
}

impl<R> BlockingReader<R> {
    /// How long a read may block before it fails with [`io::ErrorKind::TimedOut`]. `None`, as at first: as the portal's
    /// [deadline](Portal::deadline) has it.
    pub fn set_timeout(&mut self, time: Option<Duration>) {
        self.timeout = time;
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> Filled<R> {
    async fn fill(mut self) -> (Self, io::Result<()>) {
        self.taken = 0;
        self.buffer.resize(BUFFER, 0);
        let read = self.reader.read(&mut self.buffer).await;
        let length = *read.as_ref().unwrap_or(&0);
        self.buffer.truncate(length);
        (self, read.map(drop))
    }
}

impl<R: AsyncRead + Unpin + Send + 'static> Read for BlockingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut is_end = false;
        loop {
            match std::mem::replace(&mut self.step, Step::Lost) {
                Step::Idle(mut filled) => {
                    let rest = &filled.buffer[filled.taken..];
                    if rest.is_empty() && !is_end {
                        self.step = Step::Reading(self.portal.call(move || filled.fill()));
                        continue;
                    }
                    let length = rest.len().min(buf.len());
                    buf[..length].copy_from_slice(&rest[..length]);
                    filled.taken += length;
                    self.step = Step::Idle(filled);
                    return Ok(length);
                }
                Step::Reading(mut call) => match call.wait_for(self.timeout) {
                    Ok((filled, read)) => {
                        is_end = filled.buffer.is_empty();
                        self.step = Step::Idle(filled);
                        read?;
                    }
                    Err(error) => {
                        if matches!(
                            error,
                            CallError::TimedOut { .. } | CallError::WouldDeadlock(_)
                        ) {
                            self.step = Step::Reading(call);
                        }
                        return Err(call_error(error));
                    }
                },
                Step::Lost => return Err(lost()),
            }
        }
    }
}

impl<R> fmt::Debug for BlockingReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingReader").finish_non_exhaustive()
    }
}

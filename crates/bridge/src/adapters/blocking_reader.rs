//! An asynchronous reader as a blocking one.

use std::fmt;
use std::io::{self, Read};
use std::time::Duration;

use futures::io::{AsyncRead, AsyncReadExt as _};

use super::buffer::ReadBuffer;
use super::error::{call_error, lost};
use crate::portal::call::Call;
use crate::portal::error::CallError;
use crate::portal::handle::Portal;

/// An asynchronous reader as a blocking one; see [`Portal::blocking_reader`].
pub struct BlockingReader<R> {
    portal: Portal,
    timeout: Option<Duration>,
    step: Step<R>,
}

enum Step<R> {
    Idle(ReadBuffer<R>),
    Reading(Call<(ReadBuffer<R>, io::Result<()>)>),
    Lost,
}

impl Portal {
    /// Wraps an asynchronous reader as a blocking one: each read is a call on the portal's runtime
    /// that reads up to 16 KiB.
    ///
    /// If a read [times out](BlockingReader::set_timeout) or is refused because it could deadlock,
    /// its call keeps running, and the next read gets its bytes. If the reader panics or the
    /// runtime goes away, that is the error, and later reads fail because the reader is lost.
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
            step: Step::Idle(ReadBuffer::new(reader)),
        }
    }
}

impl<R> BlockingReader<R> {
    /// Sets how long a read may block before it fails with [`io::ErrorKind::TimedOut`]. Default:
    /// `None`, which means the portal's [deadlock timeout](Portal::deadlock_timeout).
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }
}

async fn fill<R: AsyncRead + Unpin>(mut buffer: ReadBuffer<R>) -> (ReadBuffer<R>, io::Result<()>) {
    let (reader, bytes) = buffer.prepare();
    let read = reader.read(bytes).await;
    let result = buffer.filled(read);
    (buffer, result)
}

impl<R: AsyncRead + Unpin + Send + 'static> Read for BlockingReader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut is_end = false;
        loop {
            match std::mem::replace(&mut self.step, Step::Lost) {
                Step::Idle(mut buffer) => {
                    if buffer.is_empty() && !is_end {
                        self.step = Step::Reading(self.portal.call(move || fill(buffer)));
                        continue;
                    }
                    let length = buffer.read(buf);
                    self.step = Step::Idle(buffer);
                    return Ok(length);
                }
                Step::Reading(mut call) => match call.wait_for(self.timeout) {
                    Ok((buffer, read)) => {
                        is_end = buffer.is_empty();
                        self.step = Step::Idle(buffer);
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

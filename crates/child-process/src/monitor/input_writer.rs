//! The non-blocking writer of a child's standard input.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

/// The most bytes written per turn of the event loop: a few times the capacity of a pipe.
const BYTES_PER_TURN: usize = 256 << 10;

/// The writing end of a pipe, and the bytes still to write.
#[derive(Debug, Default)]
pub(crate) struct InputWriter {
    pipe: Option<OwnedFd>,
    chunks: VecDeque<Arc<Vec<u8>>>,
    /// The number of bytes of the first chunk that are written.
    written: usize,
    /// Close the pipe once all chunks are written.
    finished: bool,
}

impl InputWriter {
    /// A writer that writes `bytes` and then closes the pipe, which must be non-blocking.
    pub(crate) fn with_bytes(pipe: OwnedFd, bytes: Arc<Vec<u8>>) -> Self {
        Self {
            pipe: Some(pipe),
            chunks: VecDeque::from([bytes]),
            written: 0,
            finished: true,
        }
    }

    /// A writer that keeps the pipe, which must be non-blocking, open until
    /// [`finish`](Self::finish).
    pub(crate) fn open(pipe: OwnedFd) -> Self {
        Self {
            pipe: Some(pipe),
            ..Self::default()
        }
    }

    /// The pipe, while bytes are pending.
    pub(crate) fn pending(&self) -> Option<BorrowedFd<'_>> {
        let pipe = self.pipe.as_ref()?;
        (!self.chunks.is_empty()).then(|| pipe.as_fd())
    }

    /// Whether more bytes can be queued.
    pub(crate) fn is_open(&self) -> bool {
        self.pipe.is_some() && !self.finished
    }

    /// Queues bytes.
    pub(crate) fn push(&mut self, bytes: Vec<u8>) {
        self.chunks.push_back(Arc::new(bytes));
    }

    /// Closes the pipe once the pending bytes are written.
    pub(crate) fn finish(&mut self) {
        self.finished = true;
        if self.chunks.is_empty() {
            self.pipe = None;
        }
    }

    /// Closes the pipe and drops the pending bytes.
    pub(crate) fn close(&mut self) {
        self.pipe = None;
        self.chunks.clear();
        self.written = 0;
    }

    /// Writes until the pipe is full. If the child reads as fast as this writes, it stops after
    /// [`BYTES_PER_TURN`], so that other work gets its turn.
    pub(crate) fn pump(&mut self) {
        let mut budget = BYTES_PER_TURN;
        while let (Some(pipe), Some(chunk)) = (&self.pipe, self.chunks.front()) {
            if self.written == chunk.len() {
                self.chunks.pop_front();
                self.written = 0;
                continue;
            }
            if budget == 0 {
                return;
            }
            match rustix::io::write(pipe, &chunk[self.written..]) {
                Ok(count) => {
                    self.written += count;
                    budget = budget.saturating_sub(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // The child has stopped reading. That is no error: its status shows how it ended.
                Err(_) => return self.close(),
            }
        }
        if self.finished {
            self.pipe = None;
        }
    }
}

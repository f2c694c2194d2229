//! Bytes into a child's standard input, never blocking.

use std::collections::VecDeque;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

/// So much at once: what a pipe holds, a few times over.
const MOST: usize = 256 << 10;

/// The writing end of a pipe and what is to go through.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    pipe: Option<OwnedFd>,
    chunks: VecDeque<Arc<Vec<u8>>>,
    /// Bytes of the first chunk that are through.
    written: usize,
    /// Close the pipe once all is through.
    last: bool,
}

impl Feed {
    /// A pipe, which must not block, that gets these bytes and is then closed.
    pub(crate) fn of(pipe: OwnedFd, bytes: Arc<Vec<u8>>) -> Self {
        Self {
            pipe: Some(pipe),
            chunks: VecDeque::from([bytes]),
            written: 0,
            last: true,
        }
    }

    /// A pipe, which must not block, that stays open until [`finish`](Self::finish).
    pub(crate) fn open(pipe: OwnedFd) -> Self {
        Self {
            pipe: Some(pipe),
            ..Self::default()
        }
    }

    /// The pipe, while there is something to write to it.
    pub(crate) fn waiting(&self) -> Option<BorrowedFd<'_>> {
        let pipe = self.pipe.as_ref()?;
        (!self.chunks.is_empty()).then(|| pipe.as_fd())
    }

    /// Whether more can be written.
    pub(crate) fn is_open(&self) -> bool {
        self.pipe.is_some() && !self.last
    }

    /// More bytes.
    pub(crate) fn push(&mut self, bytes: Vec<u8>) {
        self.chunks.push_back(Arc::new(bytes));
    }

    /// No more bytes after those that are waiting.
    pub(crate) fn finish(&mut self) {
        self.last = true;
        if self.chunks.is_empty() {
            self.pipe = None;
        }
    }

    /// Drops the pipe and what did not go through.
    pub(crate) fn close(&mut self) {
        self.pipe = None;
        self.chunks.clear();
        self.written = 0;
    }

    /// Writes as much as goes through at once; into a pipe that is emptied as fast as it is filled, so much that others get
    /// their turn.
    pub(crate) fn pump(&mut self) {
        let mut most = MOST;
        while let (Some(pipe), Some(chunk)) = (&self.pipe, self.chunks.front()) {
            if self.written == chunk.len() {
                self.chunks.pop_front();
                self.written = 0;
                continue;
            }
            if most == 0 {
                return;
            }
            match rustix::io::write(pipe, &chunk[self.written..]) {
                Ok(count) => {
                    self.written += count;
                    most = most.saturating_sub(count);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // The child does not read on. That is its affair: its status says how it went.
                Err(_) => return self.close(),
            }
        }
        if self.last {
            self.pipe = None;
        }
    }
}

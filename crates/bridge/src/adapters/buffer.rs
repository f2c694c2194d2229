//! The buffers of readers and writers.

use std::io;

/// The size of a buffer in bytes.
pub(super) const CAPACITY: usize = 16 * 1024;

/// A reader with the bytes that it has read and its user has not.
pub(super) struct ReadBuffer<R> {
    reader: R,
    bytes: Vec<u8>,
    /// How many of them the user has read.
    taken: usize,
}

impl<R> ReadBuffer<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            bytes: Vec::new(),
            taken: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.taken == self.bytes.len()
    }

    /// Moves as many bytes to `buf` as fit.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> usize {
        let rest = &self.bytes[self.taken..];
        let length = rest.len().min(buf.len());
        buf[..length].copy_from_slice(&rest[..length]);
        self.taken += length;
        length
    }

    /// Empties the buffer for a read by the reader; `filled` must follow.
    pub(super) fn prepare(&mut self) -> (&mut R, &mut [u8]) {
        self.taken = 0;
        self.bytes.resize(CAPACITY, 0);
        (&mut self.reader, &mut self.bytes)
    }

    /// Keeps the bytes that were read. A reader that claims more than there was room for is not
    /// believed.
    pub(super) fn filled(&mut self, read: io::Result<usize>) -> io::Result<()> {
        self.bytes.truncate(*read.as_ref().unwrap_or(&0));
        read.map(drop)
    }

    /// The reader and the bytes that the user has not read.
    pub(super) fn into_parts(mut self) -> (R, Vec<u8>) {
        self.bytes.drain(..self.taken);
        (self.reader, self.bytes)
    }
}

/// How far a call of a writer goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Written,
    Flushed,
    Closed,
}

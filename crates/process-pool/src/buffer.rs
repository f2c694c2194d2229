//! [`Buffer`]: shared memory in the inputs and outputs of jobs.

use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::buffer::spare_capacity;
use rustix::fs::fstat;
use rustix::io::{Errno, pread};
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::codec;
use crate::error::JobError;
use crate::memory;
use crate::transport::mapping::{Words, sealed_file};

const WORD: usize = size_of::<u64>();

/// Memory shared by this process and its workers, for large data: it is copied in once and copied
/// out once.
///
/// A buffer can be part of a job's input or output like any other value; only its descriptor
/// travels. A clone, and the buffer that a job receives, are the *same* memory, so a job can leave
/// its result in the buffer it was given. Reuse buffers: fresh memory costs more than copying.
///
/// Bytes are copied in and out and never borrowed, because another process may write at any moment.
/// Reading while another process writes yields a mixture of old and new bytes, and nothing worse.
///
/// ```
/// use effective_process_pool::{Buffer, ProcessPool, job, register};
///
/// job! {
///     fn invert(pixels: Buffer) {
///         let mut bytes = pixels.to_vec();
///         bytes.iter_mut().for_each(|byte| *byte = !*byte);
///         pixels.write_at(0, &bytes).expect("as long as before");
///     }
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let program = register![invert];
///     let pool = ProcessPool::new(&program, 1)?;
///     let pixels = Buffer::new(1 << 20)?;
///     pixels.write_at(0, &[0x0f; 1 << 20])?;
///     pool.submit::<invert>(&pixels)?.wait()?;
///     assert_eq!(pixels.to_vec(), vec![0xf0; 1 << 20]);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Buffer {
    inner: Arc<Inner>,
}

struct Inner {
    file: Arc<OwnedFd>,
    words: Words,
    len: usize,
}

impl Buffer {
    /// Creates a buffer of `len` zero bytes.
    ///
    /// # Errors
    /// If `len` is 0, or the system refuses a memory file of that size.
    pub fn new(len: usize) -> io::Result<Self> {
        if len == 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a buffer needs at least one byte",
            ));
        }
        let bytes = len
            .checked_next_multiple_of(WORD)
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let file = Arc::new(sealed_file("process-pool-buffer", bytes)?);
        Self::map(file, len)
    }

    fn map(file: Arc<OwnedFd>, len: usize) -> io::Result<Self> {
        let words = Words::new(&*file, len.div_ceil(WORD))?;
        Ok(Self {
            inner: Arc::new(Inner { file, words, len }),
        })
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.inner.len
    }

    /// Always `false`: a buffer is never empty.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Copies bytes out, starting at `offset`.
    ///
    /// # Errors
    /// [`OutOfRange`] if the range exceeds the buffer. Nothing is copied then.
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfRange> {
        self.check(offset, into.len())?;
        let (first, skip) = (offset / WORD, offset % WORD);
        let words = &self.inner.words;
        let (head, rest) = into.split_at_mut(head(skip, into.len()));
        if !head.is_empty() {
            head.copy_from_slice(
                &words[first].load(Ordering::Relaxed).to_ne_bytes()[skip..][..head.len()],
            );
        }
        let mut words = words[first + usize::from(skip > 0)..].iter();
        let (chunks, tail) = rest.as_chunks_mut::<WORD>();
        for (chunk, word) in chunks.iter_mut().zip(&mut words) {
            *chunk = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        if let (false, Some(word)) = (tail.is_empty(), words.next()) {
            tail.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes()[..tail.len()]);
        }
        Ok(())
    }

    /// Copies bytes in, starting at `offset`.
    ///
    /// # Errors
    /// [`OutOfRange`] if the range exceeds the buffer. Nothing is copied then.
    pub fn write_at(&self, offset: usize, bytes: &[u8]) -> Result<(), OutOfRange> {
        self.check(offset, bytes.len())?;
        let (first, skip) = (offset / WORD, offset % WORD);
        let words = &self.inner.words;
        let (head, rest) = bytes.split_at(head(skip, bytes.len()));
        if !head.is_empty() {
            replace(&words[first], skip, head);
        }
        let mut words = words[first + usize::from(skip > 0)..].iter();
        let (chunks, tail) = rest.as_chunks::<WORD>();
        for (chunk, word) in chunks.iter().zip(&mut words) {
            word.store(u64::from_ne_bytes(*chunk), Ordering::Relaxed);
        }
        if let (false, Some(word)) = (tail.is_empty(), words.next()) {
            replace(word, 0, tail);
        }
        Ok(())
    }

    /// A copy of all bytes.
    ///
    /// # Panics
    /// If there is not enough memory for the copy. [`try_to_vec`](Self::try_to_vec) returns an
    /// error instead.
    pub fn to_vec(&self) -> Vec<u8> {
        self.try_to_vec()
            .unwrap_or_else(|error| panic!("a copy of a buffer of {} bytes: {error}", self.len()))
    }

    /// A copy of all bytes.
    ///
    /// # Errors
    /// [`OutOfMemory`](io::ErrorKind::OutOfMemory) if the process cannot allocate that much memory.
    pub fn try_to_vec(&self) -> io::Result<Vec<u8>> {
        let len = self.len();
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(len)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        // Read from the file, not through the mapping: ranges that were never written then take no
        // memory besides that of the copy.
        while bytes.len() < len {
            let at = bytes.len() as u64;
            let read = pread(&*self.inner.file, spare_capacity(&mut bytes), at);
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        bytes.truncate(len);
        Ok(bytes)
    }

    fn check(&self, offset: usize, bytes: usize) -> Result<(), OutOfRange> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.len() => Ok(()),
            _ => Err(OutOfRange {
                offset,
                bytes,
                len: self.len(),
            }),
        }
    }
}

/// The number of bytes before the first whole word.
fn head(skip: usize, bytes: usize) -> usize {
    if skip == 0 {
        0
    } else {
        (WORD - skip).min(bytes)
    }
}

/// Changes these bytes of a word and leaves the others, which another process may be changing.
fn replace(word: &AtomicU64, at: usize, bytes: &[u8]) {
    let _ = word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |before| {
        let mut after = before.to_ne_bytes();
        after[at..at + bytes.len()].copy_from_slice(bytes);
        Some(u64::from_ne_bytes(after))
    });
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Serialize for Buffer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = codec::attach(&self.inner.file).ok_or_else(|| {
            S::Error::custom(
                "a buffer can only travel to a worker and back, in the input or output of a job",
            )
        })?;
        (number, self.len() as u64).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Buffer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (number, len) = <(u32, u64)>::deserialize(deserializer)?;
        let file = codec::attached(number)
            .ok_or_else(|| D::Error::custom("the descriptor of a buffer is missing"))?;
        let len = usize::try_from(len).map_err(D::Error::custom)?;
        Self::map(file, len).map_err(D::Error::custom)
    }
}

/// The total size of holes that a result may have without a check of the available memory, which
/// takes longer than copying them.
const UNCHECKED: u64 = 1 << 20;

/// Refuses buffers from a worker whose holes exceed the memory available to this process: a hole
/// costs the worker nothing, but its full length here once it is copied. Workers do not check: they
/// trust their parent, and its empty buffers are meant to be filled.
pub(crate) fn check_memory(files: &[Arc<OwnedFd>]) -> Result<(), JobError> {
    let mut holes = 0_u64;
    for file in files {
        let stat = fstat(file).map_err(|error| JobError::Transport(error.into()))?;
        let (length, has) = (stat.st_size as u64, stat.st_blocks as u64 * 512);
        holes = holes.saturating_add(length.saturating_sub(has));
    }
    if holes <= UNCHECKED {
        return Ok(());
    }
    // Fails if this process has no free descriptor.
    let available = memory::available().map_err(JobError::Transport)?;
    if holes <= available {
        return Ok(());
    }
    Err(JobError::Output(format!(
        "could not be decoded: its buffers have {holes} bytes that were never written, but only \
         {available} bytes of memory are available: write to them, or make them smaller"
    )))
}

/// A range that exceeds its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    offset: usize,
    bytes: usize,
    len: usize,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, bytes, len } = self;
        write!(
            f,
            "{bytes} bytes at offset {offset} exceed the buffer's length of {len} bytes"
        )
    }
}

impl Error for OutOfRange {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip_at_every_offset() {
        let buffer = Buffer::new(37).unwrap();
        let mut model = vec![0_u8; 37];
        for offset in 0..=37 {
            for len in 0..=37 - offset {
                let bytes: Vec<u8> = (0..len)
                    .map(|at| (offset * 7 + len * 3 + at + 1) as u8)
                    .collect();
                buffer.write_at(offset, &bytes).unwrap();
                model[offset..offset + len].copy_from_slice(&bytes);
                assert_eq!(buffer.to_vec(), model);
                let mut back = vec![0; len];
                buffer.read_at(offset, &mut back).unwrap();
                assert_eq!(back, bytes);
            }
        }
    }

    #[test]
    fn range_beyond_buffer_is_an_error() {
        let buffer = Buffer::new(8).unwrap();
        assert!(buffer.write_at(1, &[0; 8]).is_err());
        assert!(buffer.read_at(usize::MAX, &mut [0; 2]).is_err());
        assert!(Buffer::new(0).is_err());
    }

    #[test]
    fn holes_beyond_memory_are_refused() {
        let file = |len: usize| Arc::new(sealed_file("test", len).unwrap());
        // An honest buffer may have holes too.
        check_memory(&[file(1 << 20), file(1 << 20)]).unwrap();
        let error = check_memory(&[file(1 << 40)]).expect_err("a TiB of nothing");
        assert!(error.to_string().contains("1099511627776 bytes"), "{error}");
        check_memory(&vec![file(1 << 36); 64]).expect_err("as much in parts");
    }

    #[test]
    #[cfg_attr(
        address_sanitizer,
        ignore = "AddressSanitizer aborts at an allocation of this size"
    )]
    fn copy_without_memory_is_an_error() {
        let endless = Buffer::new(1 << 46).unwrap();
        let error = endless.try_to_vec().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }

    #[test]
    fn buffer_outside_job_cannot_be_encoded() {
        assert!(postcard::to_allocvec(&Buffer::new(8).unwrap()).is_err());
    }
}

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
use crate::transport::mapping::{Words, sealed_file};
use crate::{JobError, memory};

const WORD: usize = size_of::<u64>();

/// Memory that this process and the workers share: for large data, which is then copied in once and copied out once.
///
/// A buffer is part of the input or the output of a job like any other value; what travels is a descriptor. A clone, and
/// what a job gets, is the *same* memory: a job can leave its result in the buffer that it was given, and a buffer is
/// best reused, since fresh memory costs more than the copying.
///
/// Bytes are copied in and out and never lent out: a process at the other end may write at any moment. Who writes and
/// who reads at the same time gets a mixture of both, and nothing worse.
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
    /// A buffer of that many bytes, all zeros.
    ///
    /// # Errors
    /// What the system says to a memory file of that size. None of 0 bytes can be had.
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

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.inner.len
    }

    /// Always `false`: there is no empty buffer.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Copies bytes out, from this place on.
    ///
    /// # Errors
    /// [`OutOfRange`] if the buffer has not so many bytes there. Nothing is copied then.
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

    /// Copies bytes in, from this place on.
    ///
    /// # Errors
    /// [`OutOfRange`] if the buffer has not so many bytes there. Nothing is copied then.
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
        // Read from the file, not copied from the mapping: ranges that were never written then take
        // no memory besides the copy's.
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

/// How many bytes go before the first whole word.
fn head(skip: usize, bytes: usize) -> usize {
    if skip == 0 {
        0
    } else {
        (WORD - skip).min(bytes)
    }
}

/// Changes some bytes of a word and none of the others, which somebody else may change meanwhile.
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
        let number = codec::take_along(&self.inner.file).ok_or_else(|| {
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
        let file = codec::came_along(number)
            .ok_or_else(|| D::Error::custom("the descriptor of a buffer did not come along"))?;
        let len = usize::try_from(len).map_err(D::Error::custom)?;
        Self::map(file, len).map_err(D::Error::custom)
    }
}

/// How many bytes of holes a result may have without a look at the available memory, which takes longer than copying
/// them.
const UNCHECKED: u64 = 1 << 20;

/// Refuses buffers from a worker whose holes exceed the memory that is available to this process: holes cost the worker
/// nothing, but their full length here once they are copied. A worker trusts its parent, whose empty
/// buffers are there to be filled.
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
    // Where this process has no descriptor left, it cannot look.
    let available = memory::available().map_err(JobError::Transport)?;
    if holes <= available {
        return Ok(());
    }
    Err(JobError::Output(format!(
        "could not be decoded: its buffers have {holes} bytes that were never written, more than the {available} bytes of \
         memory that are available: write to them, or make them smaller"
    )))
}

/// A place that a buffer does not have.
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
            "{bytes} bytes from {offset} on are more than a buffer of {len} bytes has: stay within its length"
        )
    }
}

impl Error for OutOfRange {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_wherever_they_begin_and_end() {
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
    fn what_is_out_of_range_is_an_error() {
        let buffer = Buffer::new(8).unwrap();
        assert!(buffer.write_at(1, &[0; 8]).is_err());
        assert!(buffer.read_at(usize::MAX, &mut [0; 2]).is_err());
        assert!(Buffer::new(0).is_err());
    }

    #[test]
    fn buffer_longer_than_memory_is_refused_from_a_worker() {
        let file = |len: usize| Arc::new(sealed_file("test", len).unwrap());
        // An honest buffer may never have been written, too.
        check_memory(&[file(1 << 20), file(1 << 20)]).unwrap();
        let error = check_memory(&[file(1 << 40)]).expect_err("a TiB of nothing");
        assert!(error.to_string().contains("1099511627776 bytes"), "{error}");
        check_memory(&vec![file(1 << 36); 64]).expect_err("as much in parts");
    }

    #[test]
    fn copy_without_memory_is_an_error_not_an_abort() {
        let endless = Buffer::new(1 << 46).unwrap();
        let error = endless.try_to_vec().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }

    #[test]
    fn outside_of_a_job_a_buffer_cannot_be_encoded() {
        assert!(postcard::to_allocvec(&Buffer::new(8).unwrap()).is_err());
    }
}

//! A reader of a worker's results. It copies the bytes first, checks them afterwards, and trusts
//! none of them.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::fs::fstat;
use rustix::io::{Errno, pread};

use super::map_results::{RawOutput, RawResult};
use crate::error::JobError;
use crate::panic::TaskPanic;
use crate::transport::layout::{Layout, WORDS, head};
use crate::transport::mapping::memory_seals;
use crate::transport::socket::NotReceived;
use crate::transport::{bytes, socket};

/// The results of one batch, read one by one.
pub(super) struct ResultReader<'a> {
    region: &'a Layout,
    socket: &'a OwnedFd,
    at: u64,
    end: u64,
    /// Descriptors that do not belong to any result. They may be of any kind, so they are not
    /// closed here: closing some kinds of file blocks, and this code runs under the pool's lock.
    rejected: &'a mut Vec<OwnedFd>,
}

impl<'a> ResultReader<'a> {
    /// Reads `words` words of results, starting at `at`.
    pub(super) fn new(
        region: &'a Layout,
        socket: &'a OwnedFd,
        at: u64,
        words: u32,
        rejected: &'a mut Vec<OwnedFd>,
    ) -> Result<Self, String> {
        if words as usize > WORDS {
            return Err(format!("results of {words} words, more than the ring has"));
        }
        Ok(Self {
            region,
            socket,
            at,
            end: at + u64::from(words),
            rejected,
        })
    }

    /// Reads the next result. `spare` becomes the buffer for its bytes.
    pub(super) fn next(&mut self, mut spare: Vec<u8>) -> Result<RawResult, String> {
        if self.at >= self.end {
            return Err("fewer results than counted".to_owned());
        }
        let ring = &self.region.outputs.0;
        let (kind, descriptors, length) = head::unpack(bytes::read_word(ring, self.at));
        self.at += 1;
        spare.clear();
        let is_spilled = kind & head::SPILLED != 0;
        let expected = usize::from(descriptors) + usize::from(is_spilled);
        let mut along = Ok(Vec::new());
        if expected > 0 {
            along = self.descriptors(expected)?;
        }
        if is_spilled {
            if let Ok(along) = &mut along {
                spare = spilled(&along.remove(0), length)?;
            }
        } else {
            let left = (self.end - self.at) as usize;
            if bytes::words(length) > left {
                return Err(format!("a result of {length} bytes in {left} words"));
            }
            bytes::read(ring, self.at, length, &mut spare);
            self.at += bytes::words(length) as u64;
        }
        let along = match along {
            Ok(along) => along,
            Err(error) => return Ok(Err(JobError::Transport(error))),
        };
        Ok(match kind & !head::SPILLED {
            head::OK => Ok(RawOutput {
                bytes: spare,
                descriptors: along.into_iter().map(Arc::new).collect(),
            }),
            head::PANICKED => Err(JobError::Panicked(TaskPanic::new(Box::new(text(spare))))),
            head::INPUT => Err(JobError::Input(text(spare))),
            head::OUTPUT => Err(JobError::Output(text(spare))),
            head::TRANSPORT => Err(JobError::Transport(system_error(&spare)?)),
            other => return Err(format!("a result of the unknown kind {other}")),
        })
    }

    /// Checks that no results are left. Returns the position after the last one.
    pub(super) fn finish(self) -> Result<u64, String> {
        if self.at == self.end {
            Ok(self.end)
        } else {
            Err("more results than counted".to_owned())
        }
    }

    /// Receives the descriptors of a result; the inner error says why this process could not take
    /// them. All of them are memory files, which close without blocking.
    fn descriptors(&mut self, expected: usize) -> Result<io::Result<Vec<OwnedFd>>, String> {
        // It was sent before the result was counted, so there is nothing to wait for.
        let descriptors = match socket::receive(self.socket, false) {
            Ok((_, descriptors)) => descriptors,
            Err(NotReceived { error, descriptors }) => {
                self.rejected.extend(descriptors);
                if error.raw_os_error() == Some(Errno::MFILE.raw_os_error()) {
                    // Not the worker's fault.
                    return Ok(Err(error));
                }
                return Err(format!("a result without its descriptors: {error}"));
            }
        };
        let found = descriptors.len();
        if found == expected && descriptors.iter().all(|file| memory_seals(file).is_some()) {
            return Ok(Ok(descriptors));
        }
        self.rejected.extend(descriptors);
        Err(if found == expected {
            "a descriptor that is not shared memory".to_owned()
        } else {
            format!("{found} descriptors instead of {expected}")
        })
    }
}

/// The bytes of a memory file, which its writer may still change or truncate. Nothing here waits
/// for the writer: reads are at explicit offsets, because the writer could hold the lock of a
/// shared file position.
fn spilled(file: &OwnedFd, length: usize) -> Result<Vec<u8>, String> {
    let read = || -> io::Result<Vec<u8>> {
        // Only memory files have seals: reading one never blocks.
        memory_seals(file).ok_or(io::ErrorKind::InvalidInput)?;
        let stat = fstat(file)?;
        // A hole has a length but no memory: it could make this process allocate more than the
        // worker did.
        let (is_long, has_memory) = (stat.st_size as u64, stat.st_blocks as u64 * 512);
        if is_long != length as u64 || has_memory < length as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(length)
            .map_err(|_| io::ErrorKind::OutOfMemory)?;
        // Not into zeros, which would have to be written first.
        while bytes.len() < length {
            let at = bytes.len() as u64;
            match pread(file, spare_capacity(&mut bytes), at) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if bytes.len() != length {
            // The file grew meanwhile, and the buffer had spare room.
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(bytes)
    };
    read().map_err(|error| format!("an unreadable large result: {error}"))
}

/// The error whose number a worker sent.
fn system_error(bytes: &[u8]) -> Result<io::Error, String> {
    let number = bytes.try_into().map(i32::from_le_bytes);
    let number = number.map_err(|_| "an error number of the wrong length".to_owned())?;
    Ok(io::Error::from_raw_os_error(number))
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Seek;
    use std::os::unix::fs::FileExt;

    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    fn memory() -> File {
        memfd_create("test", MemfdFlags::ALLOW_SEALING)
            .unwrap()
            .into()
    }

    #[test]
    fn large_result_is_complete_or_an_error() {
        let file = memory();
        file.write_all_at(&[7; 100_000], 0).unwrap();
        let read = |file: &File, length| spilled(&file.try_clone().unwrap().into(), length);
        assert_eq!(read(&file, 100_000).unwrap(), vec![7; 100_000]);
        // Independent of the file position that its writer left.
        (&file).seek(io::SeekFrom::Start(77)).unwrap();
        assert_eq!(read(&file, 100_000).unwrap().len(), 100_000);
        for length in [0, 99_999, 100_001, usize::MAX >> 20] {
            assert!(read(&file, length).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn hole_in_large_result_allocates_nothing() {
        let file = memory();
        ftruncate(&file, 1 << 40).unwrap();
        assert!(spilled(&file.into(), 1 << 40).is_err());
    }

    #[test]
    fn only_memory_files_are_read() {
        let (reading, _writing) = io::pipe().unwrap();
        assert!(spilled(&reading.into(), 0).is_err());
        assert!(spilled(&File::open("/dev/zero").unwrap().into(), 0).is_err());
    }
}

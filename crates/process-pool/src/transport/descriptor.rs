//! File descriptors kept clear of the standard ones.
//!
//! A program may have closed its descriptors 0 to 2, as daemons do. The system hands out the lowest
//! free number, so the next file opened would *be* standard input, output or error: a `println!`
//! would write into shared memory.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::stdio::stdout;

/// The first number that does not belong to a standard descriptor.
const FIRST: i32 = 3;

/// Moves a descriptor above the standard ones, unless it is there already.
pub(crate) fn above_stdio(descriptor: impl Into<OwnedFd>) -> io::Result<OwnedFd> {
    let descriptor = descriptor.into();
    if descriptor.as_raw_fd() >= FIRST {
        return Ok(descriptor);
    }
    Ok(fcntl_dupfd_cloexec(&descriptor, FIRST)?)
}

/// Creates an empty memory file. Bytes that a `println!` wrote before the descriptor was moved are
/// removed.
pub(crate) fn memory_file(name: &str, flags: MemfdFlags) -> io::Result<OwnedFd> {
    let created = memfd_create(name, MemfdFlags::CLOEXEC | flags)?;
    if created.as_raw_fd() >= FIRST {
        return Ok(created);
    }
    let moved = above_stdio(created)?;
    rustix::fs::ftruncate(&moved, 0)?;
    rustix::fs::seek(&moved, rustix::fs::SeekFrom::Start(0))?;
    Ok(moved)
}

/// The standard output for a worker: that of this process, or `/dev/null` if it is closed.
pub(crate) fn standard_output() -> io::Result<OwnedFd> {
    match fcntl_dupfd_cloexec(stdout(), FIRST) {
        Ok(copy) => Ok(copy),
        Err(Errno::BADF) => null_output(),
        Err(error) => Err(error.into()),
    }
}

/// `/dev/null`, opened for writing.
pub(crate) fn null_output() -> io::Result<OwnedFd> {
    above_stdio(File::options().write(true).open("/dev/null")?)
}

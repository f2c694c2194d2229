//! Reading into the spare capacity of a vector, without writing zeros there first.

use std::io;

/// Reads once into the spare capacity of `into`, which must not be empty. Returns the number of
/// bytes; 0 at the end.
#[cfg(unix)]
pub(super) fn read_spare(reader: impl std::os::fd::AsFd, into: &mut Vec<u8>) -> io::Result<usize> {
    let spare = rustix::buffer::spare_capacity(into);
    Ok(rustix::io::read(reader, spare)?)
}

/// The same with zeros first, since the standard library has no stable way without them.
#[cfg(not(unix))]
pub(super) fn read_spare(mut reader: impl io::Read, into: &mut Vec<u8>) -> io::Result<usize> {
    let length = into.len();
    into.resize(into.capacity(), 0);
    let read = reader.read(&mut into[length..]);
    into.truncate(length + read.as_ref().copied().unwrap_or_default());
    read
}

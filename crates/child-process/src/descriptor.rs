//! Descriptors that stay clear of the standard streams.

use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::io::{Errno, fcntl_dupfd_cloexec};

/// Moves a descriptor above 2 if it is one of 0 to 2. A program that has closed its standard
/// streams, as a daemon does, would otherwise print into its own pipes.
pub(crate) fn above_standard(descriptor: OwnedFd) -> Result<OwnedFd, Errno> {
    const FIRST: i32 = 3;
    if descriptor.as_raw_fd() >= FIRST {
        return Ok(descriptor);
    }
    fcntl_dupfd_cloexec(&descriptor, FIRST)
}

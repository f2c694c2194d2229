//! Descriptors of this program's own.

use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::io::{Errno, fcntl_dupfd_cloexec};

/// A descriptor that is none of 0 to 2. A program that has closed those, as a daemon does, would
/// otherwise print into its own pipes.
pub(crate) fn above_standard(descriptor: OwnedFd) -> Result<OwnedFd, Errno> {
    const FIRST: i32 = 3;
    if descriptor.as_raw_fd() >= FIRST {
        return Ok(descriptor);
    }
    fcntl_dupfd_cloexec(&descriptor, FIRST)
}

//! The file behind a descriptor, to detect that a job has replaced it.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::fstat;

/// The file behind a descriptor. A job may close descriptors that are not its own (`close_range`),
/// and the next file opened gets the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    pub(super) fn of(descriptor: impl AsFd) -> io::Result<Self> {
        let stat = fstat(descriptor)?;
        Ok(Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        })
    }

    /// Whether the descriptor still refers to this file.
    pub(super) fn matches(self, descriptor: impl AsFd) -> bool {
        Self::of(descriptor).is_ok_and(|now| now == self)
    }
}

//! Which file a descriptor stands for.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::fstat;

/// The file behind a descriptor. A job may close descriptors that are not its own (`close_range`), and
/// what is opened next gets their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(super) fn of(descriptor: impl AsFd) -> io::Result<Self> {
        let stat = fstat(descriptor)?;
        Ok(Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        })
    }

    /// Whether the descriptor still stands for this file.
    pub(super) fn is_that_of(self, descriptor: impl AsFd) -> bool {
        Self::of(descriptor).is_ok_and(|now| now == self)
    }
}

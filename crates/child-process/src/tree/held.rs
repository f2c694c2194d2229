//! A process held by a descriptor (pidfd).

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::census::Entry;
use crate::descriptor::above_standard;

/// A process, and a descriptor that never refers to another one.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) entry: Entry,
    pub(crate) process: OwnedFd,
}

impl Held {
    /// Opens a descriptor of exactly this process, even if its parent, group or session has changed
    /// since. A process that has ended can be held until it is reaped. The entry is read again
    /// after the descriptor was opened.
    pub(crate) fn open(entry: &Entry) -> Option<Self> {
        Self::try_open(entry).ok()
    }

    /// The same. The error is `ESRCH` if the process is gone.
    pub(super) fn try_open(entry: &Entry) -> Result<Self, Errno> {
        let id = Pid::from_raw(entry.id.cast_signed()).ok_or(Errno::SRCH)?;
        let process = loop {
            match pidfd_open(id, PidfdFlags::empty()) {
                Ok(process) => break above_standard(process)?,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        };
        // Same number and same start time, so it is the same process: numbers are not reused within
        // a hundredth of a second.
        let now = Entry::try_read(entry.id)?;
        let entry = now.filter(|now| now.identity() == entry.identity());
        let entry = entry.ok_or(Errno::SRCH)?;
        Ok(Self { entry, process })
    }
}

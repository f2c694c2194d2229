//! The plan from which a process is spawned.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Stdio;

use crate::command::Command;

/// The source or the destination of a standard stream of a child.
#[derive(Debug)]
pub(super) enum Source {
    Inherit,
    Null,
    Given(OwnedFd),
}

impl Source {
    /// A duplicate for standard error merged into standard output.
    pub(super) fn for_stderr_too(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Inherit => Self::Given(io::stdout().as_fd().try_clone_to_owned()?),
            Self::Null => Self::Null,
            Self::Given(descriptor) => Self::Given(descriptor.try_clone()?),
        })
    }
}

impl From<Source> for Stdio {
    fn from(source: Source) -> Self {
        match source {
            Source::Inherit => Self::inherit(),
            Source::Null => Self::null(),
            Source::Given(descriptor) => descriptor.into(),
        }
    }
}

/// Everything needed to spawn a process.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) command: &'a Command,
    /// The value of [`MARK_VARIABLE`](crate::tree::adoption::mark::MARK_VARIABLE).
    pub(super) mark: Option<&'a str>,
    /// Standard input, output and error.
    pub(super) streams: [Source; 3],
}

//! The record of failed worker starts.

use std::io;
use std::time::{Duration, Instant};

use rustix::io::Errno;

/// The first and the longest pause before retrying a start that the system refused.
const RETRY: Duration = Duration::from_millis(20);
const RETRY_MAX: Duration = Duration::from_millis(500);

/// The failures of the latest attempts to start workers.
#[derive(Default)]
pub(crate) struct StartFailures {
    /// Workers in a row that finished no job.
    pub(super) failures: u32,
    /// Refusals by the system in a row.
    pub(super) refusals: u32,
    /// No worker is started before this time.
    pub(crate) pause_until: Option<Instant>,
    /// Since when a closed pool has been without a worker because the system refused one.
    pub(super) refused_at_end: Option<Instant>,
}

impl StartFailures {
    /// A worker has finished a job.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The system has granted the resources for a worker.
    pub(crate) fn granted(&mut self) {
        self.refusals = 0;
        self.refused_at_end = None;
    }

    /// The system has refused a resource for a worker. Sets the pause before the next start.
    pub(super) fn refused(&mut self, now: Instant) {
        let pause = RETRY
            .saturating_mul(1 << self.refusals.min(8))
            .min(RETRY_MAX);
        self.pause_until = Some(now + pause);
    }
}

/// Whether the system lacked a resource that may be freed again: descriptors, processes or memory.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    let shortages = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::AGAIN,
        Errno::NOMEM,
        Errno::NOSPC,
        Errno::NOBUFS,
        Errno::TOOMANYREFS,
    ];
    let number = error.raw_os_error();
    shortages
        .iter()
        .any(|errno| Some(errno.raw_os_error()) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shortages_count_as_temporary() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM] {
            assert!(is_shortage(&errno.into()), "{errno}");
        }
        for errno in [Errno::NOENT, Errno::ACCESS, Errno::PERM] {
            assert!(!is_shortage(&errno.into()), "{errno}");
        }
        assert!(!is_shortage(&io::Error::other("no number")));
    }
}

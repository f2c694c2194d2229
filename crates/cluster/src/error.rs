//! The errors of building a cluster, submitting a job, running it and shutting down.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::reason::Reason;

/// The maximum number of threads that run jobs in one process.
pub(crate) const MAX_SLOTS: usize = 1_024;

/// Why a cluster or a worker was not built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The number of slots is 0.
    NoSlots,
    /// The number of slots is above the maximum.
    TooManySlots(usize),
    /// A worker without a job would never run anything.
    NoJobs,
    /// The settings contradict each other or exceed a limit; the text says which.
    Setting(String),
    /// The server could not be reached, or refused; the text says why, without credentials.
    Connect(String),
    /// The system refused a thread.
    System(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSlots => f.write_str("at least one slot is needed to run jobs"),
            Self::TooManySlots(slots) => {
                write!(f, "{slots} slots exceed the maximum of {MAX_SLOTS}")
            }
            Self::NoJobs => f.write_str(
                "a worker needs at least one job: name them in `effective_cluster::register!`",
            ),
            Self::Setting(why) | Self::Connect(why) => f.write_str(why),
            Self::System(error) => write!(f, "the system refused a thread: {error}"),
        }
    }
}

impl Error for BuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::System(error) => error.source(),
            _ => None,
        }
    }
}

/// Why a job has no result. The other jobs are not affected.
#[derive(Debug)]
#[non_exhaustive]
pub enum JobError {
    /// Every attempt failed.
    Poisoned(Poisoned),
    /// The job was cancelled before it started.
    Cancelled,
    /// No worker that knows the job was there for this long.
    Unclaimed {
        /// The name of the job.
        name: &'static str,
        /// The time that passed.
        waited: Duration,
    },
    /// The server lost the job: it kept jobs in memory and restarted, or refused them; the text
    /// says which.
    Lost(String),
    /// The output does not decode here; the text says why. The worker's program may be older or
    /// newer than this one.
    Output(String),
    /// The input of a `map` cannot be encoded or is too large; the text says which.
    Input(String),
    /// The cluster was shut down before the job ended.
    Closed,
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poisoned(poisoned) => poisoned.fmt(f),
            Self::Cancelled => f.write_str(
                "the job was cancelled before it started: submit it again if it is still needed",
            ),
            Self::Unclaimed { name, waited } => write!(
                f,
                "no worker that knows the job {name} was there for {waited:?}: start one, or \
                 compare the names"
            ),
            Self::Lost(why) => write!(f, "the job was lost: {why}"),
            Self::Output(why) => write!(f, "the output of the job {why}"),
            Self::Input(why) => write!(f, "the input of the job {why}"),
            Self::Closed => f.write_str("the cluster was shut down before the job ended"),
        }
    }
}

impl Error for JobError {}

/// A job that failed in every attempt, with the reason of the last one.
#[derive(Debug)]
pub struct Poisoned {
    pub(crate) attempts: u32,
    pub(crate) reason: Reason,
}

impl Poisoned {
    /// The number of attempts that a worker began.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Why the last one failed.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }
}

impl fmt::Display for Poisoned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempts, reason } = self;
        let times = if *attempts == 1 {
            "attempt"
        } else {
            "attempts"
        };
        write!(
            f,
            "the job failed in {attempts} {times}, the last time: {reason}"
        )
    }
}

impl Error for Poisoned {}

/// Why a job was not accepted. Nothing was started.
#[derive(Debug)]
#[non_exhaustive]
pub enum SubmitError {
    /// The cluster is closed.
    Closed,
    /// The input cannot be encoded; the text says why.
    Input(String),
    /// The input is larger than the cluster carries.
    TooLarge {
        /// The size of the encoded input, in bytes.
        bytes: usize,
        /// The maximum.
        limit: usize,
    },
    /// As many jobs as allowed were outstanding, and none ended within the timeout.
    TimedOut,
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the cluster is closed and accepts no more jobs"),
            Self::Input(why) => write!(f, "the input of the job cannot be encoded: {why}"),
            Self::TooLarge { bytes, limit } => write!(
                f,
                "the input of the job takes {bytes} bytes, and the limit is {limit}: pass a \
                 reference to it, or raise `max_input`"
            ),
            Self::TimedOut => f.write_str(
                "too many jobs are outstanding, and none ended within the timeout: wait, or raise \
                 `max_outstanding`",
            ),
        }
    }
}

impl Error for SubmitError {}

/// A shutdown did not finish within its timeout. The remaining handles report
/// [`JobError::Closed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillRunning {
    pub(crate) jobs: usize,
}

impl StillRunning {
    /// The number of accepted jobs that had not ended.
    pub fn jobs(&self) -> usize {
        self.jobs
    }
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the shutdown timed out with {} unfinished jobs: allow more time",
            self.jobs
        )
    }
}

impl Error for StillRunning {}

/// A wait for the next result timed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no job ended within the timeout: wait again, or drop the remaining handles")
    }
}

impl Error for TimedOut {}

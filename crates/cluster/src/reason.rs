//! [`Reason`]: why one attempt of a job failed.

use std::fmt;
use std::time::Duration;

use crate::panic::TaskPanic;

/// Why an attempt of a job failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reason {
    /// The job panicked. Only the message crosses the network, so the payload is that message, a
    /// `String`.
    Panicked(TaskPanic),
    /// The job ran longer than this limit.
    TimedOut(Duration),
    /// The worker could not decode the input; the text says why. Its program may be older or newer
    /// than the caller's.
    Input(String),
    /// The worker could not encode the output, or it is too large; the text says which.
    Output(String),
    /// The worker was lost while it ran the job: it was killed, or its machine or network failed.
    WorkerLost,
    /// The place that the worker's hook chose for the job failed it; the text says why.
    Failed(String),
}

impl Reason {
    /// The panic of a job whose message has crossed the network.
    #[cfg(feature = "nats")]
    pub(crate) fn panicked(message: String) -> Self {
        Self::Panicked(TaskPanic::new(Box::new(message)))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panic) => write!(f, "the job panicked: {}", panic.message()),
            Self::TimedOut(limit) => write!(f, "the job ran longer than its limit of {limit:?}"),
            Self::Input(why) => write!(f, "the input of the job {why}"),
            Self::Output(why) => write!(f, "the output of the job {why}"),
            Self::WorkerLost => f.write_str("the worker was lost in the middle of the job"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

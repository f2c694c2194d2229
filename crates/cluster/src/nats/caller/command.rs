//! [`Command`]: a request to the desk, from the cluster or from a task that waited.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use async_nats::Message;

use crate::order::{Order, Outcome};

/// A request to the desk.
pub(super) enum Command {
    Send(u64, Arc<Order>),
    Forget(u64),
    /// The inputs are in the object store.
    Stored(u64, Result<(), String>),
    /// The outcomes came out of the object store.
    Fetched(Box<Fetched>),
    /// The server no longer has the message of a job, which had this number.
    Gone(u64, u64, Loss),
    /// When the stream was created, if the server says so. Asked since it was suspected then.
    Stream(Instant, Option<String>),
    /// Whether the server has answered what it was asked at this time.
    Answered(Instant, bool),
    /// A report about a job with a key, or a question.
    Keyed(bool, Box<Message>),
    /// Whether a worker that knows this job may be connected.
    Claimed(&'static str, bool),
    Stop,
}

/// A job that has ended, as a worker reports it.
pub(super) struct Finished<'a> {
    pub(super) id: u64,
    pub(super) nonce: u64,
    pub(super) delivery: u64,
    pub(super) ran_us: u64,
    /// The subject that acknowledges the job.
    pub(super) ack: Cow<'a, str>,
    pub(super) outcomes: Vec<Outcome>,
}

/// Outcomes that came out of the object store, or did not.
pub(super) struct Fetched {
    pub(super) finished: Finished<'static>,
    pub(super) name: String,
    pub(super) outcomes: Result<Vec<Outcome>, String>,
}

/// Why the server does not have the message of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The stream is another one.
    Stream,
    /// It is missing in the stream.
    Missing,
    /// The job with this key, which the server remembers, has ended.
    Ended,
}

impl Loss {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Stream => "the server kept it in memory and restarted, or its stream was deleted",
            Self::Missing | Self::Ended => {
                "the server no longer has it: its stream was emptied, or its result was given up \
                 while this caller was not connected"
            }
        }
    }
}

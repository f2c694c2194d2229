//! [`Order`]: an accepted job, or a chunk of a map, as it travels; [`Outcome`]: the end of each of
//! its inputs.

use std::time::Duration;

use crate::reason::Reason;
use crate::registry::Registered;

/// A job with one input, or a chunk of a map with several.
pub(crate) struct Order {
    pub(crate) job: Registered,
    /// Tells a result of this job from a forged one: a random number that only the workers that got
    /// the job know.
    pub(crate) nonce: u64,
    pub(crate) count: u32,
    /// `count` inputs, each framed by [`frames`](crate::frames).
    pub(crate) inputs: Vec<u8>,
    pub(crate) time_limit: Option<Duration>,
    /// The number of attempts that may fail.
    pub(crate) attempts: u32,
    /// Attempts that failed before this order was made, as part of a chunk.
    pub(crate) failed_before: u32,
    pub(crate) pause: Duration,
    /// The idempotency key.
    #[cfg_attr(
        not(feature = "nats"),
        allow(dead_code, reason = "no caller outlives a local job")
    )]
    pub(crate) key: Option<String>,
}

/// The end of one input.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(Vec<u8>),
    Failed(Reason),
    /// An earlier input of the chunk ended the run, so this one was not tried.
    NotRun,
}

/// The outcomes of an order, one per input.
pub(crate) struct Batch {
    pub(crate) outcomes: Vec<Outcome>,
    /// How long the worker ran them.
    pub(crate) ran: Duration,
}

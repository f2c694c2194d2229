//! [`Task`]: an order as the slots run it.

use std::time::{Duration, Instant};

use crate::order::Outcome;
use crate::registry::Registered;

/// The framed inputs of a task, in memory of the order or of the message that brought them.
pub(crate) type Inputs = Box<dyn AsRef<[u8]> + Send + Sync>;

/// An order in the queue of the slots.
pub(crate) struct Task {
    /// The number by which the owner of the slots knows the task.
    pub(crate) token: u64,
    pub(crate) job: Registered,
    pub(crate) count: u32,
    pub(crate) inputs: Inputs,
    pub(crate) time_limit: Option<Duration>,
    #[cfg_attr(
        not(feature = "nats"),
        allow(dead_code, reason = "a worker gives old ones back")
    )]
    pub(crate) queued: Instant,
}

/// A task that has ended.
pub(crate) struct Ended {
    pub(crate) token: u64,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) ran: Duration,
}

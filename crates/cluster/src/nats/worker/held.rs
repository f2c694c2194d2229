//! [`Held`]: a job that this worker has pulled and not reported.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use async_nats::Subject;

use crate::nats::report::{Head, News};

/// A job in the queue or in a slot.
pub(super) struct Held {
    pub(super) id: u64,
    pub(super) nonce: u64,
    pub(super) delivery: u64,
    pub(super) attempts: u32,
    pub(super) count: u32,
    pub(super) caller: Arc<str>,
    /// The subject that acknowledges the job. `None` once the server has lost its memory.
    pub(super) ack: Option<Subject>,
    pub(super) is_begun: bool,
    /// Where a slot waits for the permission to begin.
    pub(super) permission: Option<SyncSender<bool>>,
    /// The index of its line.
    pub(super) line: usize,
    pub(super) time_limit: Option<Duration>,
}

impl Held {
    /// The head of a report.
    pub(super) fn head<'a>(&self, news: News<'a>) -> Head<'a> {
        Head {
            id: self.id,
            nonce: self.nonce,
            delivery: self.delivery,
            news,
        }
    }
}

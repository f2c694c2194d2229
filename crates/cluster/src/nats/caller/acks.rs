//! [`Acks`]: acknowledgements that wait a moment, to leave together with other messages.

use std::mem;
use std::time::{Duration, Instant};

use async_nats::Subject;
use tokio::time::sleep_until;

use crate::nats::server::Server;

/// How long an acknowledgement waits. A caller that waits for results one by one sends its next job
/// before, and both leave in one system call.
const MOMENT: Duration = Duration::from_millis(1);
/// Acknowledgements that wait at most.
const MOST: usize = 256;

/// The subjects that acknowledge jobs whose results are here.
#[derive(Default)]
pub(super) struct Acks {
    waiting: Vec<Subject>,
    since: Option<Instant>,
}

impl Acks {
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MOST
    }

    /// Takes the acknowledgement of a job, which leaves soon.
    pub(super) fn add(&mut self, ack: Subject) {
        self.waiting.push(ack);
        self.since.get_or_insert_with(Instant::now);
    }

    /// Waits until the first one has waited long enough, or forever if there is none.
    pub(super) async fn due(&self) {
        match self.since {
            Some(since) => sleep_until((since + MOMENT).into()).await,
            None => std::future::pending().await,
        }
    }

    /// Publishes them.
    pub(super) async fn flush(&mut self, server: &Server) {
        self.since = None;
        let mut waiting = mem::take(&mut self.waiting);
        for subject in waiting.drain(..) {
            server.publish(subject, b"+ACK").await;
        }
        self.waiting = waiting;
    }
}

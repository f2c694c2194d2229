//! The end of a worker: it gives back the jobs that it has not begun, and finishes the others.

use std::time::Duration;

use futures::StreamExt;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::serve::{Inboxes, moment};
use super::service::{Receivers, Service};

/// How long the server may take to answer the last messages.
const FLUSH: Duration = Duration::from_secs(2);

impl Service {
    pub(super) async fn drain(&mut self, receivers: &mut Receivers, inboxes: &mut Inboxes) {
        self.is_draining = true;
        // Jobs that are on their way arrive before the end of the subscription, and go back.
        let _ = inboxes.jobs.drain().await;
        let arriving = async {
            while let Some(message) = inboxes.jobs.next().await {
                self.on_message(message).await;
            }
        };
        let _ = timeout(FLUSH, arriving).await;
        for task in self.slots.take_back(|_| true) {
            if let Some(job) = self.held.remove(&task.token) {
                self.acknowledge(&job, b"-NAK").await;
            }
        }
        let mut beat = interval(self.heartbeat_interval());
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.held.is_empty() && !self.is_exhausted {
            tokio::select! {
                () = self.gate.rung() => self.on_handovers().await,
                Some(note) = receivers.notes.recv() => self.on_note(note).await,
                () = moment(self.note_at) => self.note_begun().await,
                _ = beat.tick() => self.heartbeat().await,
            }
            self.outbox.flush().await;
        }
        self.outbox.flush().await;
        let _ = timeout(FLUSH, self.server.client.flush()).await;
    }
}

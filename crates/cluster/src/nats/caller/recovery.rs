//! Jobs that the server has lost, and connections that were made again.

use std::time::Instant;

use super::command::{Command, Loss};
use super::desk::Desk;
use crate::error::JobError;

impl Desk {
    /// The connection was made again. Reports may have passed by, so all jobs were heard of just
    /// now, and the stream may be missing.
    pub(super) fn on_connected(&mut self) {
        let now = Instant::now();
        self.suspected = Some(now);
        for tracked in self.tracked.values_mut() {
            tracked.heard = now;
        }
        self.claims.clear();
    }

    /// Makes the stream again if it may be missing.
    pub(super) fn recover(&mut self) {
        let Some(suspected) = self.suspected.filter(|_| !self.is_recovering) else {
            return;
        };
        self.is_recovering = true;
        let (server, commands) = (self.server.clone(), self.commands.clone());
        let is_durable = self.settings.is_durable;
        tokio::spawn(async move {
            let created = server.ensure_stream(is_durable).await.ok();
            let _ = commands.send(Command::Stream(suspected, created));
        });
    }

    /// The stream was created then. If it is another one than before, the jobs that had a number
    /// before it was suspected are lost. The others are on their way, or in the new stream.
    pub(super) async fn on_stream(&mut self, suspected: Instant, created: Option<String>) {
        self.is_recovering = false;
        let is_current = self.suspected == Some(suspected);
        let Some(created) = created.filter(|_| is_current) else {
            // The server is starting, or has started again. The next tick tries again.
            return;
        };
        self.suspected = None;
        if created == self.created {
            return;
        }
        self.created = created;
        let old = self.tracked.iter();
        let old = old.filter(|(_, tracked)| tracked.numbered <= suspected);
        let old = old.filter_map(|(&id, tracked)| Some((id, tracked.sequence?)));
        let old: Vec<(u64, u64)> = old.collect();
        for (id, sequence) in old {
            self.on_gone(id, sequence, Loss::Stream).await;
        }
    }

    /// The server no longer has the message of a job, which had this number.
    pub(super) async fn on_gone(&mut self, id: u64, sequence: u64, loss: Loss) {
        let Some(tracked) = self.tracked.get_mut(&id) else {
            return;
        };
        if tracked.sequence != Some(sequence) {
            // It was sent again since.
            return;
        }
        if loss != Loss::Ended && !self.settings.resends {
            if let Some(tracked) = self.untrack(id) {
                self.clean_up(&tracked);
            }
            self.ledger.fail(id, JobError::Lost(loss.text().to_owned()));
            return;
        }
        tracked.sequence = None;
        tracked.lost = Some(sequence);
        tracked.silence = None;
        tracked.fetching = None;
        // The server counts deliveries from 1 again.
        self.ledger.restart(id);
        if loss != Loss::Ended {
            self.ledger.count(|counts| counts.resent += 1);
        }
        if tracked.is_object {
            tracked.is_stored = false;
            let order = tracked.order.clone();
            self.store(id, order);
        } else {
            self.publish(id).await;
        }
    }
}

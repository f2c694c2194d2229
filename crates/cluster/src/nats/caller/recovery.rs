//! Jobs that the server has lost.

use super::desk::Desk;
use crate::error::JobError;

impl Desk {
    /// The connection was made again, or the stream was missing. If the stream is another one than
    /// before, the jobs in it are lost.
    pub(super) async fn recover(&mut self) {
        let Ok(created) = self.server.ensure_stream(self.settings.is_durable).await else {
            // The server is starting. The next tick tries again.
            return;
        };
        self.is_suspicious = false;
        if created == self.created {
            return;
        }
        self.created = created;
        let ids: Vec<u64> = self.tracked.keys().copied().collect();
        for id in ids {
            self.on_gone(id).await;
        }
    }

    /// The server no longer has the message of a job.
    pub(super) async fn on_gone(&mut self, id: u64) {
        let Some(tracked) = self.tracked.get_mut(&id) else {
            return;
        };
        if tracked.is_withdrawn {
            self.untrack(id);
        } else if self.settings.resends {
            tracked.sequence = None;
            tracked.was_lost = true;
            tracked.silence = None;
            self.ledger.count(|counts| counts.resent += 1);
            if tracked.is_object {
                let tracked = self.untrack(id);
                if let Some(tracked) = tracked {
                    self.send(id, tracked.order).await;
                }
            } else {
                self.publish(id).await;
            }
        } else {
            self.untrack(id);
            let why = "the server kept it in memory and restarted, or its stream was emptied";
            self.ledger.fail(id, JobError::Lost(why.to_owned()));
        }
    }
}

//! The heartbeat: progress for every job that is held, and jobs that go back.

use std::time::Instant;

use super::service::Service;
use crate::nats::report::News;

impl Service {
    /// Tells the server and the callers that the jobs here are alive, from a thread that runs none.
    pub(super) async fn heartbeat(&mut self) {
        let was_stopped = self.gate.beat(self.ack_wait());
        if was_stopped {
            // The server has given the waiting jobs to others.
            for task in self.slots.take_back(|_| true) {
                self.held.remove(&task.token);
            }
        }
        self.give_back().await;
        // On a busy machine a slot may have begun a job after the look for it.
        self.note_begun().await;
        let silence_ms = self.silence_ms();
        let mut notes = Vec::new();
        for job in self.held.values() {
            self.acknowledge(job, b"+WPI").await;
            if job.is_begun {
                let head = job.head(News::Runs { silence_ms });
                notes.push((std::sync::Arc::clone(&job.caller), head));
            }
        }
        for (caller, head) in notes {
            self.outbox.note(&caller, &head).await;
        }
        self.outbox.heartbeat().await;
        self.outbox.flush().await;
    }

    /// Gives back jobs that have waited here for a heartbeat, behind long ones: another worker may
    /// be idle. None are pulled ahead until a short job has ended.
    async fn give_back(&mut self) {
        let (now, interval) = (Instant::now(), self.heartbeat_interval());
        let is_old = |task: &crate::slots::task::Task| now.duration_since(task.queued) >= interval;
        for task in self.slots.take_back(is_old) {
            self.is_brisk = false;
            if let Some(job) = self.held.remove(&task.token) {
                self.acknowledge(&job, b"-NAK").await;
            }
        }
    }
}

//! The watch over open jobs: those whose worker is lost, and those that no worker runs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use async_nats::connection::State;
use serde_json::json;

use super::desk::{Command, Desk};
use super::sending::PUBLISH_AGAIN;
use crate::error::JobError;

/// How long a worker may take to say that it knows a job.
const ANSWER: Duration = Duration::from_secs(2);
/// How often a job that waits is looked up. An acknowledgement that was written before the server
/// lost its memory, and read after, may have removed another job with the same number.
const LOOK_UP: Duration = Duration::from_secs(5);
/// Jobs that are looked up in a tick.
const LOOKED_UP: usize = 16;

impl Desk {
    /// Looks after jobs that are overdue.
    pub(super) async fn look_around(&mut self) {
        if self.server.client.connection_state() != State::Connected {
            return;
        }
        if self.is_suspicious {
            self.recover().await;
        }
        let now = Instant::now();
        let (mut unsent, mut silent) = (Vec::new(), Vec::new());
        let (mut missing, mut unclaimed) = (Vec::new(), Vec::new());
        for (&id, tracked) in &self.tracked {
            if tracked.sequence.is_none() {
                if now.duration_since(tracked.published) > PUBLISH_AGAIN {
                    unsent.push(id);
                }
                continue;
            }
            let quiet = now.duration_since(tracked.heard);
            if tracked.silence.is_some_and(|silence| quiet > silence) {
                silent.push(id);
            } else if tracked.silence.is_none() {
                let since = now.duration_since(tracked.looked_up.max(tracked.heard));
                if since > LOOK_UP && missing.len() < LOOKED_UP {
                    missing.push(id);
                }
                if quiet > self.settings.unclaimed_after {
                    unclaimed.push(id);
                }
            }
        }
        for id in unsent {
            self.send_again(id).await;
        }
        for id in silent {
            self.on_silence(id).await;
        }
        for id in missing {
            if let Some(tracked) = self.tracked.get_mut(&id)
                && let Some(sequence) = tracked.sequence
            {
                tracked.looked_up = now;
                self.look_up(id, sequence);
            }
        }
        self.look_for_workers(&unclaimed);
    }

    async fn send_again(&mut self, id: u64) {
        match self.tracked.get(&id) {
            Some(tracked) if tracked.is_withdrawn => drop(self.untrack(id)),
            Some(_) => self.publish(id).await,
            None => {}
        }
    }

    /// The worker of a job is lost. If this was the last attempt, no worker will report it.
    async fn on_silence(&mut self, id: u64) {
        if self.ledger.worker_lost(id) {
            self.withdraw(id).await;
        } else if let Some(tracked) = self.tracked.get_mut(&id) {
            // The server delivers it again.
            tracked.silence = None;
        }
    }

    /// Asks whether workers know these jobs.
    fn look_for_workers(&self, ids: &[u64]) {
        let mut names = BTreeSet::new();
        for tracked in ids.iter().filter_map(|id| self.tracked.get(id)) {
            let name = tracked.route.name;
            if !names.insert(name) {
                continue;
            }
            let subject = self.server.names.know(&tracked.route.encoded);
            let (client, commands) = (self.server.client.clone(), self.commands.clone());
            tokio::spawn(async move {
                let request = client.request(subject, "".into());
                let answer = tokio::time::timeout(ANSWER, request).await;
                let is_known = matches!(answer, Ok(Ok(_)));
                let _ = commands.send(Command::Known(name, is_known));
            });
        }
    }

    /// Finds out whether the server still has a job.
    pub(super) fn look_up(&self, id: u64, sequence: u64) {
        let (server, commands) = (self.server.clone(), self.commands.clone());
        tokio::spawn(async move {
            let request = json!({ "seq": sequence });
            let answer = server
                .call(server.names.api("STREAM.MSG.GET"), &request)
                .await;
            if answer.is_err_and(|error| error.is_missing()) {
                let _ = commands.send(Command::Gone(id));
            }
        });
    }

    pub(super) async fn on_known(&mut self, name: &'static str, is_known: bool) {
        let now = Instant::now();
        let waited = self.settings.unclaimed_after;
        let mut given_up = Vec::new();
        for (&id, tracked) in &mut self.tracked {
            let is_waiting = tracked.silence.is_none() && tracked.sequence.is_some();
            if tracked.route.name != name || !is_waiting {
                continue;
            }
            if is_known {
                tracked.heard = now;
            } else if now.duration_since(tracked.published) > waited {
                given_up.push(id);
            }
        }
        for id in given_up {
            if self.ledger.is_begun(id) {
                continue;
            }
            self.ledger.fail(id, JobError::Unclaimed { name, waited });
            self.withdraw(id).await;
        }
    }
}

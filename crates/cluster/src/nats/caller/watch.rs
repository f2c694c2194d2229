//! The watch over open jobs: those whose worker is lost, and those that nobody runs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use async_nats::connection::State;
use serde_json::json;

use super::desk::{Command, Desk};
use super::sending::PUBLISH_AGAIN;
use crate::error::JobError;

/// How long a worker may take to say that it knows a job.
const ANSWER: Duration = Duration::from_secs(2);
/// Messages that are looked up at a time, to see whether the server still has them.
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
        let (mut unsent, mut silent, mut unclaimed) = (Vec::new(), Vec::new(), Vec::new());
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
            } else if quiet > self.settings.unclaimed_after && tracked.silence.is_none() {
                unclaimed.push(id);
            }
        }
        for id in unsent {
            self.send_again(id).await;
        }
        for id in silent {
            self.on_silence(id).await;
        }
        self.look_for_workers(&unclaimed, now);
    }

    async fn send_again(&mut self, id: u64) {
        match self.tracked.get(&id) {
            Some(tracked) if tracked.is_withdrawn => drop(self.tracked.remove(&id)),
            Some(_) => self.publish(id).await,
            None => {}
        }
    }

    /// The worker of a job is lost. If this was the last attempt, nobody will report it.
    async fn on_silence(&mut self, id: u64) {
        if self.ledger.worker_lost(id) {
            self.withdraw(id).await;
        } else if let Some(tracked) = self.tracked.get_mut(&id) {
            // The server delivers it again.
            tracked.silence = None;
        }
    }

    /// Asks whether workers know these jobs, and whether the server still has them.
    fn look_for_workers(&mut self, ids: &[u64], now: Instant) {
        let mut names = BTreeSet::new();
        for (at, id) in ids.iter().enumerate() {
            let Some(tracked) = self.tracked.get_mut(id) else {
                continue;
            };
            let route = std::rc::Rc::clone(&tracked.route);
            let sequence = tracked.sequence;
            if at < LOOKED_UP {
                tracked.heard = now;
                self.look_up(*id, sequence);
            }
            if names.insert(route.name) {
                let subject = self.server.names.know(&route.encoded);
                let (client, commands) = (self.server.client.clone(), self.commands.clone());
                let name = route.name;
                tokio::spawn(async move {
                    let request = client.request(subject, "".into());
                    let answer = tokio::time::timeout(ANSWER, request).await;
                    let is_known = matches!(answer, Ok(Ok(_)));
                    let _ = commands.send(Command::Known(name, is_known));
                });
            }
        }
    }

    fn look_up(&self, id: u64, sequence: Option<u64>) {
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

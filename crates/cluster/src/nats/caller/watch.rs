//! The watch over open jobs: those whose worker is lost, and those that no worker runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::connection::State;
use serde_json::json;

use super::command::{Command, Loss};
use super::desk::Desk;
use super::sending::PUBLISH_AGAIN;

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
        self.recover();
        let (now, ask_pause) = (Instant::now(), self.ask_pause());
        let (mut unsent, mut missing) = (Vec::new(), Vec::new());
        let mut waiting = HashMap::new();
        let mut has_silent = false;
        for (&id, tracked) in &self.tracked {
            if tracked.sequence.is_none() {
                let since = now.duration_since(tracked.published);
                if tracked.is_stored && since > PUBLISH_AGAIN {
                    unsent.push(id);
                }
                continue;
            }
            has_silent |= tracked.is_silent(now);
            if tracked.is_waiting() {
                let since = now.duration_since(tracked.looked_up.max(tracked.heard));
                if since > LOOK_UP && missing.len() < LOOKED_UP {
                    missing.push(id);
                }
                if now.duration_since(tracked.heard) > ask_pause {
                    let route = || Arc::clone(&tracked.route);
                    waiting.entry(tracked.route.name).or_insert_with(route);
                }
            }
        }
        for id in unsent {
            self.send_again(id).await;
        }
        if has_silent {
            self.ask_server(now);
        }
        for id in missing {
            if let Some(tracked) = self.tracked.get_mut(&id)
                && let Some(sequence) = tracked.sequence
            {
                tracked.looked_up = now;
                self.look_up(id, sequence, Loss::Missing);
            }
        }
        self.look_for_workers(waiting);
    }

    async fn send_again(&mut self, id: u64) {
        let Some(tracked) = self.tracked.get(&id) else {
            return;
        };
        if !tracked.is_withdrawn || tracked.order.key.is_some() {
            // The server knows the key of a job that it has, and tells its number.
            self.publish(id).await;
        } else if let Some(tracked) = self.untrack(id) {
            // If the server has it, a worker runs it, and asks before it runs it again.
            self.clean_up(&tracked);
        }
    }

    /// Asks the server for any answer. Reports that it has are here before the answer: a job that
    /// is silent then has a silent worker, and it is not this end that was stopped or cut off.
    fn ask_server(&mut self, now: Instant) {
        if self.is_asking {
            return;
        }
        self.is_asking = true;
        let (server, commands) = (self.server.clone(), self.commands.clone());
        tokio::spawn(async move {
            let answer = server
                .call(server.names.api("STREAM.INFO"), &json!({}))
                .await;
            let has_answered = answer.map_or_else(|error| error.is_answer(), |_| true);
            let _ = commands.send(Command::Answered(now, has_answered));
        });
    }

    /// The server has answered a question of then, or has not in time.
    pub(super) async fn on_answer(&mut self, asked: Instant, has_answered: bool) {
        self.is_asking = false;
        if !has_answered {
            return;
        }
        let silent = self.tracked.iter();
        let silent = silent.filter(|(_, tracked)| tracked.is_silent(asked));
        let silent: Vec<u64> = silent.map(|(&id, _)| id).collect();
        for id in silent {
            self.on_silence(id).await;
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

    /// Finds out whether the server still has a job.
    pub(super) fn look_up(&self, id: u64, sequence: u64, loss: Loss) {
        let (server, commands) = (self.server.clone(), self.commands.clone());
        tokio::spawn(async move {
            let request = json!({ "seq": sequence });
            let answer = server
                .call(server.names.api("STREAM.MSG.GET"), &request)
                .await;
            if answer.is_err_and(|error| error.is_missing()) {
                let _ = commands.send(Command::Gone(id, sequence, loss));
            }
        });
    }
}

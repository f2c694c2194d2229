//! Pulling jobs, and taking them in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{Message, Subscriber};
use futures::{FutureExt, StreamExt};
use serde_json::json;

use super::gate::IS_REPEATED;
use super::held::Held;
use super::line::{Line, LineState};
use super::service::{Note, Service};
use crate::nats::linger::linger;
use crate::nats::message::{JobHead, fits};
use crate::nats::names::delivery;
use crate::nats::server::{Consumer, nanoseconds};
use crate::nats::status::{PullEnd, pull_end};
use crate::order::Outcome;
use crate::reason::Reason;
use crate::slots::task::{Ended, Task};

/// The pause before a consumer that could not be made is tried again.
const AGAIN: Duration = Duration::from_millis(500);
/// The largest inputs that are fetched from the object store.
const MAX_INPUT_BYTES: usize = 1 << 30;

impl Service {
    /// Makes consumers that are missing, and opens pulls where there is room.
    pub(super) async fn tend_lines(&mut self) {
        let now = Instant::now();
        let ahead = if self.is_brisk { self.ahead } else { 0 };
        let capacity = self.slot_count * (1 + ahead);
        let room = capacity.saturating_sub(self.held.len());
        // With several lines, each may fill all slots: the others may have nothing.
        let share = self.slot_count.max(capacity / self.lines.len());
        for at in 0..self.lines.len() {
            let line = &mut self.lines[at];
            match line.state {
                LineState::Missing(when) if when <= now => self.ensure(at),
                LineState::Ready => {
                    line.pulls.expire(now);
                    let expected = line.pulls.expected();
                    let jobs = room.min(share).saturating_sub(expected);
                    if jobs > 0 && (expected == 0 || jobs >= share / 2) {
                        self.pull(at, jobs, now).await;
                    }
                }
                LineState::Missing(_) | LineState::Pending => {}
            }
        }
    }

    async fn pull(&mut self, at: usize, jobs: usize, now: Instant) {
        let line = &mut self.lines[at];
        let expires = line.expires();
        line.pulls.opened(jobs, expires, now);
        let stream = &self.server.names.stream;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{}", line.encoded);
        let reply = format!("{}.pull.{at}", self.server.inbox);
        let request = json!({ "batch": jobs, "expires": nanoseconds(expires) }).to_string();
        // It fails only for a malformed subject or a closed connection.
        let _ = self
            .server
            .client
            .publish_with_reply(subject, reply, request.into())
            .await;
    }

    fn ensure(&mut self, at: usize) {
        let line: &mut Line = &mut self.lines[at];
        line.state = LineState::Pending;
        let (server, notes) = (self.server.clone(), self.notes.clone());
        let (encoded, ack_wait, is_durable) =
            (line.encoded.clone(), line.ack_wait, self.is_durable);
        tokio::spawn(async move {
            let mut made = server.ensure_consumer(&encoded, ack_wait).await;
            if made.is_err() && server.ensure_stream(is_durable).await.is_ok() {
                made = server.ensure_consumer(&encoded, ack_wait).await;
            }
            let _ = notes.send(Note::Ensured(at, made.ok()));
        });
    }

    pub(super) fn on_ensured(&mut self, at: usize, consumer: Option<Consumer>) {
        let line = &mut self.lines[at];
        line.pulls.clear();
        let Some(Consumer { ack_wait, created }) = consumer else {
            line.state = LineState::Missing(Instant::now() + AGAIN);
            return;
        };
        line.ack_wait = ack_wait;
        line.state = LineState::Ready;
        let before = line.created.replace(created);
        if before.is_some() && before != line.created {
            self.forget_numbers(at);
        }
    }

    /// The server lost its memory: the numbers of the jobs that are held may belong to others now.
    /// Jobs that have not begun come again.
    fn forget_numbers(&mut self, at: usize) {
        let held = &mut self.held;
        let is_old = |task: &Task| held.get(&task.token).is_some_and(|job| job.line == at);
        let waiting = self.slots.take_back(is_old);
        for task in waiting {
            held.remove(&task.token);
        }
        for job in held.values_mut().filter(|job| job.line == at) {
            job.ack = None;
        }
        self.outbox.forget_numbers(at);
    }

    /// Takes the messages that have arrived, and queues their jobs together: waking a slot for each
    /// would cost more than a brief job.
    pub(super) async fn on_messages(&mut self, first: Message, jobs: &mut Subscriber) {
        self.on_message(first).await;
        while let Some(Some(message)) = jobs.next().now_or_never() {
            self.on_message(message).await;
        }
        self.queue_arrived();
    }

    fn queue_arrived(&mut self) {
        if !self.arrived.is_empty() {
            self.look_soon();
            self.slots.push_all(&mut self.arrived);
            if self.is_brief && self.held.len() == 1 {
                // The only job here will have ended in a moment.
                linger(|| self.gate.has_handovers());
            }
        }
    }

    /// A job, or the end of a pull.
    pub(super) async fn on_message(&mut self, message: Message) {
        if let Some(end) = pull_end(&message) {
            let at = message
                .subject
                .rsplit('.')
                .next()
                .and_then(|at| at.parse().ok());
            let Some(line) = at.and_then(|at: usize| self.lines.get_mut(at)) else {
                return;
            };
            match end {
                PullEnd::Note => {}
                PullEnd::Expired(unfilled) => line.pulls.ended(unfilled),
                PullEnd::Gone => {
                    line.pulls.clear();
                    line.state = LineState::Missing(Instant::now() + AGAIN);
                }
            }
            return;
        }
        let at = self
            .lines
            .iter()
            .position(|line| line.subject == *message.subject);
        let (Some(at), Some(ack)) = (at, message.reply.as_ref()) else {
            return;
        };
        if !self.server.names.is_ack(ack, &self.lines[at].encoded) {
            return;
        }
        self.lines[at].pulls.filled();
        match JobHead::decode(&message.payload) {
            Some((head, start)) => self.take(at, &head, &message, start).await,
            // No worker can run it.
            None => self.server.publish(ack.clone(), b"+TERM").await,
        }
    }

    async fn take(&mut self, at: usize, head: &JobHead<'_>, message: &Message, start: usize) {
        let ack = message.reply.clone();
        let delivery = ack.as_deref().and_then(delivery).unwrap_or(1);
        let mut token = self.next_token;
        self.next_token += 1;
        if delivery > 1 {
            token |= IS_REPEATED;
        }
        let time_limit = head.time_limit();
        let job = Held {
            id: head.id,
            nonce: head.nonce,
            delivery,
            attempts: head.attempts,
            count: head.count,
            caller: self.caller(head.caller),
            ack,
            is_begun: false,
            permission: None,
            line: at,
            time_limit,
        };
        if self.is_draining {
            self.acknowledge(&job, b"-NAK").await;
            return;
        }
        self.held.insert(token, job);
        match head.object {
            None => self.arrive(token, Box::new(message.payload.slice(start..))),
            Some(name) => {
                let name = name.to_owned();
                let (objects, notes) = (self.objects.clone(), self.notes.clone());
                tokio::spawn(async move {
                    let result = objects.get(&name, MAX_INPUT_BYTES).await;
                    let _ = notes.send(Note::Fetched(token, result));
                });
            }
        }
    }

    /// The name of a caller. Most jobs come from the same one as those before.
    fn caller(&mut self, name: &str) -> Arc<str> {
        if *self.caller != *name {
            self.caller = Arc::from(name);
        }
        Arc::clone(&self.caller)
    }

    fn arrive(&mut self, token: u64, inputs: crate::slots::task::Inputs) {
        let Some(job) = self.held.get(&token) else {
            return;
        };
        let task = Task {
            token,
            job: self.lines[job.line].job,
            count: job.count,
            inputs,
            time_limit: job.time_limit,
            queued: Instant::now(),
        };
        self.arrived.push(task);
    }

    pub(super) async fn on_fetched(&mut self, token: u64, result: Result<Vec<u8>, String>) {
        let Some(count) = self.held.get(&token).map(|job| job.count) else {
            return;
        };
        match result {
            // No caller sends such a job, and no worker can run it.
            Ok(inputs) if !fits(count, &inputs) => {
                if let Some(job) = self.held.remove(&token) {
                    self.acknowledge(&job, b"+TERM").await;
                }
            }
            Ok(inputs) => {
                self.arrive(token, Box::new(inputs));
                self.queue_arrived();
            }
            Err(why) => {
                let fail =
                    |_| Outcome::Failed(Reason::Input(format!("could not be fetched: {why}")));
                let ended = Ended {
                    token,
                    outcomes: (0..count).map(fail).collect(),
                    ran: Duration::ZERO,
                };
                self.on_ended(ended).await;
            }
        }
    }
}

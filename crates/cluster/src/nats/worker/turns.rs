//! Turns of the slots: jobs that began, and jobs that ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::RequestErrorKind;

use super::gate::Turn;
use super::held::Held;
use super::outbox::encoded;
use super::service::{Answer, Note, Service};
use crate::nats::caller::reports::GO;
use crate::nats::report::{self, News};
use crate::order::Outcome;
use crate::reason::Reason;
use crate::slots::task::Ended;

/// How long a job runs before its caller is told that it has begun.
const MOMENT: Duration = Duration::from_millis(1);
/// How long a caller may take to say whether an attempt may begin.
const ANSWER: Duration = Duration::from_secs(3);
/// The largest outcomes of one job.
const MAX_OUTCOME_BYTES: usize = 256 << 20;
/// Outcomes above this size travel through the object store.
const HEAD_BYTES: usize = 8 << 10;

impl Service {
    pub(super) async fn on_turn(&mut self, turn: Turn) {
        self.is_exhausted |= turn.is_exhausted;
        if let Some(ended) = turn.ended {
            self.on_ended(ended).await;
        }
        let Some(token) = turn.begun else {
            return;
        };
        let Some(job) = self.held.get_mut(&token) else {
            return;
        };
        job.permission = turn.permission;
        self.ask(token);
    }

    /// Notes the jobs that have run for a moment, and tells their callers: an attempt counts from
    /// then on. Most jobs end before, which saves them a message.
    pub(super) async fn note_begun(&mut self) {
        self.note_at = None;
        let silence_ms = self.silence_ms();
        for token in self.slots.running() {
            let Some(job) = self.held.get_mut(&token).filter(|job| !job.is_begun) else {
                continue;
            };
            job.is_begun = true;
            let (caller, head) = (Arc::clone(&job.caller), job.head(News::Runs { silence_ms }));
            self.outbox.note(&caller, &head).await;
        }
        self.outbox.flush().await;
    }

    /// A job may be about to begin.
    pub(super) fn look_soon(&mut self) {
        self.note_at.get_or_insert_with(|| Instant::now() + MOMENT);
    }

    /// Asks the caller of a job that was delivered before whether it may begin: attempts are
    /// counted there.
    fn ask(&self, token: u64) {
        let Some(job) = self.held.get(&token) else {
            return;
        };
        let mut question = Vec::new();
        let silence_ms = self.silence_ms();
        report::append_head(&job.head(News::Runs { silence_ms }), &mut question);
        let subject = self.server.names.questions(&job.caller);
        let has_failed_often = job.delivery > u64::from(job.attempts);
        let (client, notes) = (self.server.client.clone(), self.notes.clone());
        tokio::spawn(async move {
            let request = client.request(subject, question.into());
            let answer = match tokio::time::timeout(ANSWER, request).await {
                Ok(Ok(message)) if &message.payload[..] == GO => Answer::Go,
                Ok(Ok(_)) => Answer::Drop,
                // The caller is gone. Its job runs as often as it was delivered, at most.
                Ok(Err(error)) if error.kind() == RequestErrorKind::NoResponders => {
                    if has_failed_often {
                        Answer::Drop
                    } else {
                        Answer::Go
                    }
                }
                Ok(Err(_)) | Err(_) => Answer::Later,
            };
            let _ = notes.send(Note::Answered(token, answer));
        });
    }

    pub(super) async fn on_answer(&mut self, token: u64, answer: Answer) {
        let Some(job) = self.held.get_mut(&token) else {
            return;
        };
        let Some(permission) = job.permission.take() else {
            return;
        };
        let may_begin = answer == Answer::Go;
        job.is_begun = may_begin;
        // The slot waits for it.
        let _ = permission.send(may_begin);
        if !may_begin && let Some(job) = self.held.remove(&token) {
            let verb: &[u8] = match answer {
                Answer::Drop => b"+TERM",
                Answer::Go | Answer::Later => b"-NAK {\"delay\": 1000000000}",
            };
            self.acknowledge(&job, verb).await;
        }
    }

    pub(super) async fn on_ended(&mut self, ended: Ended) {
        let Ended {
            token,
            mut outcomes,
            ran,
        } = ended;
        let Some(job) = self.held.get(&token) else {
            return;
        };
        self.is_brisk = ran < self.heartbeat_interval();
        if self.held.len() > 1 {
            // Another one may begin in its place.
            self.note_at.get_or_insert_with(|| Instant::now() + MOMENT);
        }
        let ran_us = u64::try_from(ran.as_micros()).unwrap_or(u64::MAX);
        let mut bytes = encoded(&outcomes);
        if bytes.len() > MAX_OUTCOME_BYTES {
            let why = format!(
                "takes {} bytes, and the limit is {MAX_OUTCOME_BYTES}",
                bytes.len()
            );
            outcomes.fill_with(|| Outcome::Failed(Reason::Output(why.clone())));
            bytes = encoded(&outcomes);
        }
        let max_message = self.server.client.max_payload().saturating_sub(HEAD_BYTES);
        if bytes.len() > max_message {
            let name = format!("{}-{}-{}-out", job.caller, job.id, job.delivery);
            let (objects, notes) = (self.objects.clone(), self.notes.clone());
            tokio::spawn(async move {
                let result = objects.put(&name, &bytes).await.map(|()| name);
                let _ = notes.send(Note::Stored(token, ran_us, result));
            });
        } else if let Some(job) = self.held.remove(&token) {
            self.report(job, ran_us, None, &bytes).await;
        }
    }

    pub(super) async fn on_stored(
        &mut self,
        token: u64,
        ran_us: u64,
        result: Result<String, String>,
    ) {
        let Some(job) = self.held.remove(&token) else {
            return;
        };
        match result {
            Ok(name) => self.report(job, ran_us, Some(name), &[]).await,
            Err(why) => {
                let why = format!("could not be stored: {why}");
                let fail = |_| Outcome::Failed(Reason::Output(why.clone()));
                let outcomes: Vec<_> = (0..job.count).map(fail).collect();
                self.report(job, ran_us, None, &encoded(&outcomes)).await;
            }
        }
    }

    async fn report(&mut self, job: Held, ran_us: u64, object: Option<String>, outcomes: &[u8]) {
        let head = job.head(News::Ended {
            ran_us,
            ack: job.ack.clone(),
            count: job.count,
            object,
        });
        self.outbox.end(job, &head, outcomes).await;
    }
}

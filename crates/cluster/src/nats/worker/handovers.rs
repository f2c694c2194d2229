//! Handovers of the slots: jobs that began, and jobs that ended.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::RequestErrorKind;

use super::gate::Handover;
use super::service::{Answer, Note, Service};
use crate::nats::caller::reports::GO;
use crate::nats::linger::LINGER;
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
    /// Takes the handovers of the slots.
    pub(super) async fn on_handovers(&mut self) {
        let mut handovers = mem::take(&mut self.handovers);
        self.gate.take(&mut handovers, self.note_at.is_some());
        for handover in handovers.drain(..) {
            self.on_handover(handover).await;
        }
        self.handovers = handovers;
        if self.held.is_empty() && self.note_at.take().is_some() {
            self.gate.watch(false);
        }
    }

    async fn on_handover(&mut self, handover: Handover) {
        self.is_exhausted |= handover.is_exhausted;
        if let Some(ended) = handover.ended {
            self.on_ended(ended).await;
        }
        if let Some(token) = handover.refused {
            self.held.remove(&token);
        }
        let Some((token, permission)) = handover.begun else {
            return;
        };
        let Some(job) = self.held.get_mut(&token) else {
            return;
        };
        job.permission = Some(permission);
        self.ask(token);
    }

    /// Notes the jobs that have run for a moment, and tells their callers: an attempt counts from
    /// then on. Most jobs end before, which saves them a message.
    pub(super) async fn note_begun(&mut self) {
        self.note_at = None;
        self.on_handovers().await;
        let (now, silence_ms) = (Instant::now(), self.silence_ms());
        for (token, started) in self.slots.running() {
            let Some(job) = self.held.get_mut(&token).filter(|job| !job.is_begun) else {
                continue;
            };
            if now.duration_since(started) < MOMENT / 2 {
                self.look_soon();
                continue;
            }
            job.is_begun = true;
            let (caller, head) = (Arc::clone(&job.caller), job.head(News::Runs { silence_ms }));
            self.outbox.note(&caller, &head).await;
        }
        self.outbox.flush().await;
    }

    /// A job may be about to begin.
    pub(super) fn look_soon(&mut self) {
        if self.note_at.is_none() {
            self.note_at = Some(Instant::now() + MOMENT);
            self.gate.watch(true);
        }
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
            let verb: &'static [u8] = match answer {
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
        if !self.held.contains_key(&token) {
            return;
        }
        self.is_brisk = ran < self.heartbeat_interval();
        self.is_brief = ran < LINGER;
        if self.held.len() > 1 {
            // Another one may begin in its place.
            self.look_soon();
        }
        let ran_us = u64::try_from(ran.as_micros()).unwrap_or(u64::MAX);
        let mut bytes = mem::take(&mut self.encoded);
        bytes.clear();
        report::append_outcomes(&outcomes, &mut bytes);
        if bytes.len() > MAX_OUTCOME_BYTES {
            let why = format!(
                "takes {} bytes, and the limit is {MAX_OUTCOME_BYTES}",
                bytes.len()
            );
            outcomes.fill_with(|| Outcome::Failed(Reason::Output(why.clone())));
            bytes = encoded(&outcomes);
        }
        let max_message = self.server.client.max_payload().saturating_sub(HEAD_BYTES);
        if bytes.len() > max_message
            && let Some(job) = self.held.get(&token)
        {
            let name = format!("{}-{}-{}-out", job.caller, job.id, job.delivery);
            let (objects, notes) = (self.objects.clone(), self.notes.clone());
            tokio::spawn(async move {
                let result = objects.put(&name, &bytes).await.map(|()| name);
                let _ = notes.send(Note::Stored(token, ran_us, result));
            });
        } else if let Some(job) = self.held.remove(&token) {
            self.outbox.end(job, ran_us, None, &bytes).await;
            self.encoded = bytes;
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
            Ok(name) => self.outbox.end(job, ran_us, Some(&name), &[]).await,
            Err(why) => {
                let why = format!("could not be stored: {why}");
                let fail = |_| Outcome::Failed(Reason::Output(why.clone()));
                let outcomes: Vec<_> = (0..job.count).map(fail).collect();
                self.outbox
                    .end(job, ran_us, None, &encoded(&outcomes))
                    .await;
            }
        }
    }
}

/// The outcomes of a job as bytes.
fn encoded(outcomes: &[Outcome]) -> Vec<u8> {
    let mut bytes = Vec::new();
    report::append_outcomes(outcomes, &mut bytes);
    bytes
}

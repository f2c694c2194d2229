//! Reports of workers: their outcomes go to the ledger, and the caller acknowledges.

use std::borrow::Cow;
use std::mem;
use std::time::{Duration, Instant};

use async_nats::{Message, Subject};
use serde_json::json;

use super::command::Finished;
use super::desk::Desk;
use crate::caller::ledger::{Begin, Report, Verdict};
use crate::nats::names::sequence;
use crate::nats::report::{self, Entry, Head, News};
use crate::nats::server::nanoseconds;
use crate::order::Batch;

/// The answers to a worker that asks whether it may begin another attempt.
pub(crate) const GO: &[u8] = b"+";
pub(crate) const DROP: &[u8] = b"-";

impl Desk {
    pub(super) async fn on_reports(&mut self, message: &Message) {
        let mut ended = Vec::new();
        let mut rest = &message.payload[..];
        while !rest.is_empty() {
            let start = rest;
            let Some(entry) = report::next(&mut rest) else {
                self.ledger.count(|counts| counts.ignored += 1);
                break;
            };
            let Some(jobs) = self.with_key(&entry.head) else {
                self.on_entry(entry, &mut ended).await;
                continue;
            };
            // Each of the jobs gets outcomes of its own.
            for (id, nonce) in jobs {
                if let Some(mut entry) = report::next(&mut &*start) {
                    (entry.head.id, entry.head.nonce) = (id, nonce);
                    self.on_entry(entry, &mut ended).await;
                }
            }
        }
        self.settle(ended).await;
    }

    async fn on_entry<'a>(&mut self, entry: Entry<'a>, ended: &mut Vec<Finished<'a>>) {
        let Entry { head, outcomes } = entry;
        match head.news {
            News::Ended {
                object: None,
                ran_us,
                ack,
                ..
            } => ended.push(Finished {
                id: head.id,
                nonce: head.nonce,
                delivery: head.delivery,
                ran_us,
                ack: Cow::Borrowed(ack),
                outcomes,
            }),
            News::Ended {
                object: Some(name), ..
            } => self.fetch(&head, name),
            News::Runs { silence_ms } => {
                // In the order of the message: a job may have ended, and run again.
                self.settle(mem::take(ended)).await;
                self.on_running(&head, silence_ms).await;
            }
        }
    }

    /// A worker begins a job, or runs it. Returns whether it may.
    async fn on_running(&mut self, head: &Head<'_>, silence_ms: u32) -> bool {
        let begin = self.ledger.begin(head.id, head.nonce, head.delivery);
        match begin {
            Begin::Go => {
                if let Some(tracked) = self.tracked.get_mut(&head.id) {
                    tracked.heard = Instant::now();
                    tracked.silence = Some(Duration::from_millis(u64::from(silence_ms)));
                }
            }
            // The job has ended, maybe by this attempt, which is one too many.
            Begin::Drop => self.withdraw(head.id).await,
            Begin::Unknown => {}
        }
        begin == Begin::Go
    }

    /// A worker asks before each attempt but the first: attempts are counted here.
    pub(super) async fn on_question(&mut self, message: &Message) {
        let head = report::next(&mut &message.payload[..]).map(|entry| entry.head);
        let workers = self.server.names.inbox("worker");
        let reply = message
            .reply
            .as_ref()
            .filter(|reply| reply.starts_with(&workers));
        let (Some(mut head), Some(reply)) = (head, reply) else {
            self.ledger.count(|counts| counts.ignored += 1);
            return;
        };
        let News::Runs { silence_ms } = head.news else {
            self.ledger.count(|counts| counts.ignored += 1);
            return;
        };
        let jobs = self.with_key(&head);
        let mut may_begin = false;
        for (id, nonce) in jobs.unwrap_or_else(|| vec![(head.id, head.nonce)]) {
            (head.id, head.nonce) = (id, nonce);
            may_begin |= self.on_running(&head, silence_ms).await;
        }
        let answer = if may_begin { GO } else { DROP };
        let _ = self
            .server
            .client
            .publish(reply.clone(), answer.into())
            .await;
    }

    /// The outcomes of jobs are here: the first ones win. Acknowledges the jobs, or has the server
    /// deliver them again.
    pub(super) async fn settle(&mut self, mut ended: Vec<Finished<'_>>) {
        if ended.is_empty() {
            return;
        }
        ended.retain(|finished| {
            let tracked = self.tracked.get(&finished.id);
            let is_forged = tracked.is_some_and(|tracked| {
                let ack = &*finished.ack;
                !ack.is_empty() && !self.server.names.is_ack(ack, &tracked.route.encoded)
            });
            if is_forged {
                self.ledger.count(|counts| counts.ignored += 1);
            }
            !is_forged
        });
        let reports = ended.iter_mut().map(|finished| Report {
            id: finished.id,
            nonce: finished.nonce,
            delivery: finished.delivery,
            batch: Batch {
                outcomes: mem::take(&mut finished.outcomes),
                ran: Duration::from_micros(finished.ran_us),
            },
        });
        let verdicts = self.ledger.report_all(reports);
        for (finished, verdict) in ended.into_iter().zip(verdicts) {
            self.conclude(finished.id, &finished.ack, verdict).await;
        }
    }

    /// Tells the server what a report means for its message.
    async fn conclude(&mut self, id: u64, ack: &str, verdict: Verdict) {
        let tracked = self.tracked.get(&id);
        // Since a restart of the server the number may be that of another job.
        let is_current = tracked
            .is_some_and(|tracked| tracked.sequence.is_some() && tracked.sequence == sequence(ack));
        match verdict {
            // The last of the jobs here that share the message acknowledges it.
            Verdict::Ended if is_current && !self.is_shared(id) => {
                self.leave(id);
                self.acks.add(Subject::from(ack));
            }
            Verdict::Ended => self.withdraw(id).await,
            Verdict::Retry(pause) => {
                if let Some(tracked) = self.tracked.get_mut(&id) {
                    tracked.heard = Instant::now();
                    tracked.silence = None;
                }
                if is_current {
                    let verb = format!("-NAK {}", json!({ "delay": nanoseconds(pause) }));
                    let subject = Subject::from(ack);
                    let _ = self.server.client.publish(subject, verb.into()).await;
                }
            }
            // If its message is still there, a worker asks before it begins, and removes it.
            Verdict::Late | Verdict::Unknown => {}
        }
    }
}

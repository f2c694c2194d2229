//! Reports of workers: their outcomes go to the ledger, and the caller acknowledges.

use std::borrow::Cow;
use std::mem;
use std::time::{Duration, Instant};

use async_nats::{Message, Subject};
use serde_json::json;

use super::desk::{Command, Desk};
use crate::caller::ledger::{Begin, Report, Verdict};
use crate::nats::names::sequence;
use crate::nats::report::{self, Entry, Head, News};
use crate::nats::server::nanoseconds;
use crate::order::{Batch, Outcome};

/// The answers to a worker that asks whether it may begin another attempt.
pub(crate) const GO: &[u8] = b"+";
pub(crate) const DROP: &[u8] = b"-";

impl Desk {
    pub(super) async fn on_reports(&mut self, message: &Message) {
        let mut ended = Vec::new();
        let mut rest = &message.payload[..];
        while !rest.is_empty() {
            let Some(Entry { head, outcomes }) = report::next(&mut rest) else {
                self.ledger.count(|counts| counts.ignored += 1);
                break;
            };
            let head = self.translate(head);
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
                    self.settle(mem::take(&mut ended)).await;
                    self.on_running(&head, silence_ms).await;
                }
            }
        }
        self.settle(ended).await;
    }

    async fn on_running(&mut self, head: &Head<'_>, silence_ms: u32) {
        match self.ledger.begin(head.id, head.nonce, head.delivery) {
            Begin::Go => {
                if let Some(tracked) = self.tracked.get_mut(&head.id) {
                    tracked.heard = Instant::now();
                    tracked.silence = Some(Duration::from_millis(u64::from(silence_ms)));
                }
            }
            Begin::Drop => self.withdraw(head.id).await,
            Begin::Unknown => {}
        }
    }

    /// A worker asks before each attempt but the first: attempts are counted here.
    pub(super) async fn on_question(&mut self, message: &Message) {
        let mut rest = &message.payload[..];
        let entry = report::next(&mut rest);
        let workers = self.server.names.inbox("worker");
        let reply = message
            .reply
            .as_ref()
            .filter(|reply| reply.starts_with(&workers));
        let (Some(entry), Some(reply)) = (entry, reply) else {
            self.ledger.count(|counts| counts.ignored += 1);
            return;
        };
        let head = self.translate(entry.head);
        let answer = match self.ledger.begin(head.id, head.nonce, head.delivery) {
            Begin::Go => GO,
            Begin::Drop | Begin::Unknown => DROP,
        };
        if let Some(tracked) = self.tracked.get_mut(&head.id) {
            tracked.heard = Instant::now();
        }
        let _ = self
            .server
            .client
            .publish(reply.clone(), answer.into())
            .await;
    }

    /// Gets the outcomes out of the object store.
    fn fetch(&self, head: &Head<'_>, name: &str) {
        let News::Ended {
            count, ran_us, ack, ..
        } = head.news
        else {
            return;
        };
        // Only the objects that workers name after the caller.
        let tracked = self.tracked.get(&head.id);
        if !tracked.is_some_and(|tracked| name.starts_with(&*tracked.address.caller)) {
            self.ledger.count(|counts| counts.ignored += 1);
            return;
        }
        let (objects, commands) = (self.objects.clone(), self.commands.clone());
        let name = name.to_owned();
        let mut finished = Finished {
            id: head.id,
            nonce: head.nonce,
            delivery: head.delivery,
            ran_us,
            ack: Cow::Owned(ack.to_owned()),
            outcomes: Vec::new(),
        };
        tokio::spawn(async move {
            // If it fails, the job is not acknowledged, and runs again.
            let Ok(bytes) = objects.get(&name, MAX_OUTCOME_BYTES).await else {
                return;
            };
            objects.delete(&name).await;
            let mut rest = &bytes[..];
            if let Some(outcomes) = report::take_outcomes(count, &mut rest) {
                finished.outcomes = outcomes;
                let _ = commands.send(Command::Fetched(finished));
            }
        });
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
        let tracked = self.tracked.get_mut(&id);
        // Since a restart of the server the number may be that of another job.
        let is_current = tracked
            .as_ref()
            .is_some_and(|tracked| tracked.sequence.is_some() && tracked.sequence == sequence(ack));
        match verdict {
            Verdict::Ended if is_current => {
                if let Some(tracked) = self.untrack(id) {
                    self.clean_up(id, &tracked);
                }
                self.acknowledge(Subject::from(ack));
            }
            Verdict::Ended => self.withdraw(id).await,
            Verdict::Retry(pause) => {
                if let Some(tracked) = tracked {
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

/// A job that has ended, as a worker reports it.
pub(super) struct Finished<'a> {
    id: u64,
    nonce: u64,
    delivery: u64,
    ran_us: u64,
    /// The subject that acknowledges the job.
    ack: Cow<'a, str>,
    outcomes: Vec<Outcome>,
}

/// The largest outcomes that are fetched.
const MAX_OUTCOME_BYTES: usize = 256 << 20;

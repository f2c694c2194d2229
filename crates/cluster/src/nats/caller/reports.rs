//! Reports of workers: their outcomes go to the ledger, and the caller acknowledges.

use std::time::{Duration, Instant};

use async_nats::Message;
use serde_json::json;

use super::desk::{Command, Desk};
use crate::caller::ledger::{Begin, Verdict};
use crate::nats::names::sequence;
use crate::nats::report::{self, Entry, Head, News};
use crate::nats::server::nanoseconds;
use crate::order::{Batch, Outcome};

/// The answers to a worker that asks whether it may begin another attempt.
pub(crate) const GO: &[u8] = b"+";
pub(crate) const DROP: &[u8] = b"-";

impl Desk {
    pub(super) async fn on_reports(&mut self, message: &Message) {
        let mut rest = &message.payload[..];
        while !rest.is_empty() {
            let Some(Entry { head, outcomes }) = report::next(&mut rest) else {
                self.ledger.count(|counts| counts.ignored += 1);
                return;
            };
            let head = self.translate(head);
            match head.news {
                News::Runs { silence_ms } => self.on_running(&head, silence_ms).await,
                News::Ended {
                    object: Some(_), ..
                } => self.fetch(head),
                News::Ended { object: None, .. } => self.settle(head, outcomes).await,
            }
        }
    }

    async fn on_running(&mut self, head: &Head, silence_ms: u32) {
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
    fn fetch(&mut self, head: Head) {
        let News::Ended {
            object: Some(name),
            count,
            ..
        } = &head.news
        else {
            return;
        };
        // Only the objects that workers name after the caller.
        let tracked = self.tracked.get(&head.id);
        if !tracked.is_some_and(|tracked| name.starts_with(&tracked.address.caller)) {
            self.ledger.count(|counts| counts.ignored += 1);
            return;
        }
        let (objects, commands) = (self.objects.clone(), self.commands.clone());
        let (name, count) = (name.clone(), *count);
        tokio::spawn(async move {
            // If it fails, the job is not acknowledged, and runs again.
            let Ok(bytes) = objects.get(&name, MAX_OUTCOME_BYTES).await else {
                return;
            };
            objects.delete(&name).await;
            let mut rest = &bytes[..];
            if let Some(outcomes) = report::take_outcomes(count, &mut rest) {
                let _ = commands.send(Command::Fetched(head, outcomes));
            }
        });
    }

    /// The outcomes of a job are here: the first ones win. Acknowledges the job, or has the server
    /// deliver it again.
    pub(super) async fn settle(&mut self, head: Head, outcomes: Vec<Outcome>) {
        let News::Ended { ran_us, ack, .. } = head.news else {
            return;
        };
        let mut is_current = false;
        if let Some(tracked) = self.tracked.get(&head.id) {
            if !ack.is_empty() && !self.server.names.is_ack(&ack, &tracked.route.encoded) {
                self.ledger.count(|counts| counts.ignored += 1);
                return;
            }
            // Since a restart of the server the number may be that of another job.
            is_current = tracked.sequence.is_some() && tracked.sequence == sequence(&ack);
        }
        let batch = Batch {
            outcomes,
            ran: Duration::from_micros(ran_us),
        };
        match self
            .ledger
            .report(head.id, head.nonce, head.delivery, batch)
        {
            Verdict::Ended if is_current => {
                if let Some(tracked) = self.untrack(head.id) {
                    self.clean_up(head.id, &tracked);
                }
                self.server.publish(ack, b"+ACK".to_vec()).await;
            }
            Verdict::Ended => self.withdraw(head.id).await,
            Verdict::Retry(pause) => {
                if let Some(tracked) = self.tracked.get_mut(&head.id) {
                    tracked.heard = Instant::now();
                    tracked.silence = None;
                }
                if is_current {
                    let verb = format!("-NAK {}", json!({ "delay": nanoseconds(pause) }));
                    self.server.publish(ack, verb.into_bytes()).await;
                }
            }
            // If its message is still there, a worker asks before it begins, and removes it.
            Verdict::Late | Verdict::Unknown => {}
        }
    }
}

/// The largest outcomes that are fetched.
const MAX_OUTCOME_BYTES: usize = 256 << 20;

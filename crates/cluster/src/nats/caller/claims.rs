//! [`Claims`]: whether connected workers know the names of waiting jobs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::RequestErrorKind;

use super::desk::{Command, Desk};
use super::tracked::Route;
use crate::error::JobError;

/// How long a worker may take to say that it knows a job.
const ANSWER: Duration = Duration::from_secs(2);
/// The longest time between two questions about a name.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// Questions about a name before its jobs are given up, at least.
const QUESTIONS: u32 = 8;

/// The names that were asked about.
#[derive(Default)]
pub(super) struct Claims(HashMap<&'static str, Claim>);

#[derive(Default)]
struct Claim {
    asked: Option<Instant>,
    /// The first of the answers, without another one since, that no worker is there.
    unclaimed_since: Option<Instant>,
}

impl Claims {
    /// Forgets the answers: workers may have come while this end was not connected.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Notes a question, unless the last one was a moment ago.
    fn ask(&mut self, name: &'static str, now: Instant, pause: Duration) -> bool {
        let claim = self.0.entry(name).or_default();
        let since = claim.asked.map(|asked| now.duration_since(asked));
        if since.is_some_and(|since| since < pause) {
            return false;
        }
        if since.is_some_and(|since| since > 2 * ASK_AGAIN) {
            // Workers may have come and gone since.
            claim.unclaimed_since = None;
        }
        claim.asked = Some(now);
        true
    }

    /// Notes an answer. Returns for how long there has been no worker.
    fn answer(&mut self, name: &str, is_unclaimed: bool, now: Instant) -> Duration {
        let Some(claim) = self.0.get_mut(name) else {
            return Duration::ZERO;
        };
        if !is_unclaimed {
            claim.unclaimed_since = None;
            return Duration::ZERO;
        }
        now.duration_since(*claim.unclaimed_since.get_or_insert(now))
    }
}

impl Desk {
    /// The pause between two questions about a name, and before the first one about a job.
    pub(super) fn ask_pause(&self) -> Duration {
        (self.settings.unclaimed_after / QUESTIONS).min(ASK_AGAIN)
    }

    /// Asks whether workers know these jobs.
    pub(super) fn look_for_workers(&mut self, routes: HashMap<&'static str, Arc<Route>>) {
        let (now, pause) = (Instant::now(), self.ask_pause());
        for (name, route) in routes {
            if !self.claims.ask(name, now, pause) {
                continue;
            }
            let subject = self.server.names.know(&route.encoded);
            let (client, commands) = (self.server.client.clone(), self.commands.clone());
            tokio::spawn(async move {
                let request = client.request(subject, "".into());
                let answer = tokio::time::timeout(ANSWER, request).await;
                // One worker is asked. It may be stopped, or its host may have vanished, while
                // others know the job: only the server knows that none is connected.
                let is_unclaimed = matches!(
                    answer,
                    Ok(Err(error)) if error.kind() == RequestErrorKind::NoResponders
                );
                let _ = commands.send(Command::Claimed(name, !is_unclaimed));
            });
        }
    }

    pub(super) async fn on_claimed(&mut self, name: &'static str, is_claimed: bool) {
        let now = Instant::now();
        let waited = self.settings.unclaimed_after;
        if self.claims.answer(name, !is_claimed, now) < waited || is_claimed {
            return;
        }
        let mut given_up = Vec::new();
        for (&id, tracked) in &self.tracked {
            let since = now.duration_since(tracked.published.max(tracked.heard));
            if tracked.route.name == name && tracked.is_waiting() && since > waited {
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

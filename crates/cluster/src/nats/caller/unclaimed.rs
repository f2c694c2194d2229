//! Jobs whose names no connected worker knows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::RequestErrorKind;

use super::claims::ASK_AGAIN;
use super::command::Command;
use super::desk::Desk;
use super::tracked::Route;
use crate::error::JobError;

/// How long a worker may take to say that it knows a job.
const ANSWER: Duration = Duration::from_secs(2);
/// Questions about a name before its jobs are given up, at least.
const QUESTIONS: u32 = 8;

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

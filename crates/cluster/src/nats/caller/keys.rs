//! Jobs with an idempotency key: every handle of every caller that has the key gets the reports.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::select;

use super::command::Command;
use super::desk::Desk;
use super::tracked::{Forwarder, Keyed, Tracked};
use crate::nats::message::Address;
use crate::nats::report::Head;
use crate::order::Order;

impl Desk {
    pub(super) fn address(&self, id: u64, order: &Order) -> Address {
        match &order.key {
            Some(key) => Address::of_key(order.job.name, key),
            None => Address {
                caller: Arc::clone(&self.server.me),
                id,
                nonce: order.nonce,
            },
        }
    }

    /// Has the reports about a job with a key, and the questions, forwarded to it.
    pub(super) async fn listen(&mut self, id: u64, order: &Order, address: &Address) {
        if order.key.is_none() {
            return;
        }
        let (here, there) = ((id, order.nonce), (address.id, address.nonce));
        if let Some(keyed) = self.keyed.get_mut(&there) {
            keyed.jobs.push(here);
        } else if let Some(forwarder) = self.forwarder(address).await {
            let keyed = Keyed {
                jobs: vec![here],
                _forwarder: forwarder,
            };
            self.keyed.insert(there, keyed);
        }
    }

    async fn forwarder(&self, address: &Address) -> Option<Forwarder> {
        let (client, names) = (&self.server.client, &self.server.names);
        // They fail only for a malformed subject or a closed connection.
        let reports = client
            .subscribe(names.reports(&address.caller))
            .await
            .ok()?;
        let questions = client
            .subscribe(names.questions(&address.caller))
            .await
            .ok()?;
        let commands = self.commands.clone();
        let reports = reports.map(|message| (true, message));
        let mut both = select(reports, questions.map(|message| (false, message)));
        let task = tokio::spawn(async move {
            while let Some((is_report, message)) = both.next().await {
                if commands
                    .send(Command::Keyed(is_report, Box::new(message)))
                    .is_err()
                {
                    return;
                }
            }
        });
        Some(Forwarder(task.abort_handle()))
    }

    /// The numbers and nonces here of the jobs of a report, if it is about a key.
    pub(super) fn with_key(&self, head: &Head<'_>) -> Option<Vec<(u64, u64)>> {
        if self.keyed.is_empty() {
            return None;
        }
        let keyed = self.keyed.get(&(head.id, head.nonce))?;
        Some(keyed.jobs.clone())
    }

    /// Whether another open job here has the same message.
    pub(super) fn is_shared(&self, id: u64) -> bool {
        !self.keyed.is_empty() && self.heir(id).is_some()
    }

    fn heir(&self, id: u64) -> Option<u64> {
        let address = &self.tracked.get(&id)?.address;
        let keyed = self.keyed.get(&(address.id, address.nonce))?;
        let others = keyed.jobs.iter().map(|&(other, _)| other);
        others.into_iter().find(|&other| other != id)
    }

    /// Forgets a job whose message is that of another one here too, which gets its objects.
    pub(super) fn leave(&mut self, id: u64) {
        let heir = self.heir(id);
        let Some(tracked) = self.untrack(id) else {
            return;
        };
        match heir.and_then(|heir| self.tracked.get_mut(&heir)) {
            Some(heir) => heir.objects.extend(tracked.objects),
            None => self.clean_up(&tracked),
        }
    }

    /// Forgets a job that has ended.
    pub(super) fn untrack(&mut self, id: u64) -> Option<Tracked> {
        let tracked = self.tracked.remove(&id)?;
        let there = (tracked.address.id, tracked.address.nonce);
        if tracked.order.key.is_some()
            && let Some(keyed) = self.keyed.get_mut(&there)
        {
            keyed.jobs.retain(|&(job, _)| job != id);
            if keyed.jobs.is_empty() {
                self.keyed.remove(&there);
            }
        }
        Some(tracked)
    }
}

//! Jobs with an idempotency key: every caller that has the key gets the reports.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream::select;

use super::desk::{Command, Desk};
use super::tracked::{Forwarder, Tracked};
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

    /// A task that gets the reports about a job with a key, and the questions.
    pub(super) async fn forwarder(
        &mut self,
        id: u64,
        order: &Arc<Order>,
        address: &Address,
    ) -> Option<Forwarder> {
        order.key.as_ref()?;
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
        let here = (id, order.nonce);
        self.keyed.insert((address.id, address.nonce), here);
        Some(Forwarder(task.abort_handle()))
    }

    /// The name under which this caller knows the job of a report.
    pub(super) fn translate<'a>(&self, mut head: Head<'a>) -> Head<'a> {
        if !self.keyed.is_empty()
            && let Some(&(id, nonce)) = self.keyed.get(&(head.id, head.nonce))
        {
            (head.id, head.nonce) = (id, nonce);
        }
        head
    }

    /// Forgets a job that has ended, or is sent once more.
    pub(super) fn untrack(&mut self, id: u64) -> Option<Tracked> {
        let tracked = self.tracked.remove(&id)?;
        let there = (tracked.address.id, tracked.address.nonce);
        if self
            .keyed
            .get(&there)
            .is_some_and(|&(keyed, _)| keyed == id)
        {
            self.keyed.remove(&there);
        }
        Some(tracked)
    }
}

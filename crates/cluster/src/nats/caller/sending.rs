//! Publishing jobs, and withdrawing them.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Message};
use serde::Deserialize;
use serde_json::json;

use super::desk::{Command, Desk};
use super::tracked::Tracked;
use crate::error::JobError;
use crate::nats::message::JobHead;
use crate::nats::server::Server;
use crate::nats::status::is_unheard;
use crate::order::Order;

/// How long the server may take to acknowledge a job before it is published again. Both copies may
/// run; the first result wins.
pub(super) const PUBLISH_AGAIN: Duration = Duration::from_secs(3);

#[derive(Deserialize)]
struct PublishAck {
    seq: Option<u64>,
    /// The server has seen the key before.
    #[serde(default)]
    duplicate: bool,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    code: u64,
    #[serde(default)]
    description: String,
}

/// The name of the object with the inputs of a job.
fn object_name(server: &Server, id: u64) -> String {
    format!("{}-{id}-in", server.me)
}

impl Desk {
    pub(super) async fn send(&mut self, id: u64, order: Arc<Order>) {
        let now = Instant::now();
        let is_object = order.inputs.len() > self.max_message_bytes();
        let address = self.address(id, &order);
        let forwarder = self.forwarder(id, &order, &address).await;
        let tracked = Tracked {
            route: self.routes.get(&self.server.names, order.job.name),
            order,
            published: now,
            sequence: None,
            heard: now,
            looked_up: now,
            silence: None,
            is_withdrawn: false,
            is_object,
            address,
            _forwarder: forwarder,
            was_lost: false,
        };
        if is_object {
            self.store(id, &tracked);
        }
        self.tracked.insert(id, tracked);
        if !is_object {
            self.publish(id).await;
        }
    }

    /// Puts the inputs into the object store, and publishes the job then.
    fn store(&self, id: u64, tracked: &Tracked) {
        let (objects, commands) = (self.objects.clone(), self.commands.clone());
        let (name, order) = (object_name(&self.server, id), Arc::clone(&tracked.order));
        tokio::spawn(async move {
            let result = objects.put(&name, &order.inputs).await;
            let _ = commands.send(Command::Stored(id, result));
        });
    }

    pub(super) async fn on_stored(&mut self, id: u64, result: Result<(), String>) {
        match result {
            Ok(()) => self.publish(id).await,
            Err(why) => {
                self.untrack(id);
                let why = format!("its input could not be stored: {why}");
                self.ledger.fail(id, JobError::Lost(why));
            }
        }
    }

    /// Publishes a job, again if need be.
    pub(super) async fn publish(&mut self, id: u64) {
        let Some(tracked) = self.tracked.get_mut(&id) else {
            return;
        };
        tracked.published = Instant::now();
        let mut head = JobHead::new(&tracked.address, &tracked.order);
        let object;
        let message = if tracked.is_object {
            object = object_name(&self.server, id);
            head.object = Some(&object);
            head.encode(&[])
        } else {
            head.encode(&tracked.order.inputs)
        };
        let subject = tracked.route.subject.clone();
        let mut reply = String::with_capacity(self.server.inbox.len() + 32);
        // Writing to memory does not fail.
        let _ = write!(reply, "{}.pub.{id}", self.server.inbox);
        let client = &self.server.client;
        // It fails only for a malformed subject or a closed connection.
        let _ = match &tracked.order.key {
            Some(_) if !tracked.was_lost => {
                let mut headers = HeaderMap::new();
                headers.insert("Nats-Msg-Id", &*tracked.address.caller);
                let message = message.into();
                client
                    .publish_with_reply_and_headers(subject, reply, headers, message)
                    .await
            }
            _ => {
                client
                    .publish_with_reply(subject, reply, message.into())
                    .await
            }
        };
    }

    pub(super) async fn on_publish_ack(&mut self, message: &Message) {
        let id = message
            .subject
            .rsplit('.')
            .next()
            .and_then(|id| id.parse().ok());
        let Some(id) = id else {
            return;
        };
        if is_unheard(message) {
            // The tick makes the stream again, and publishes the job again.
            self.is_suspicious = true;
            return;
        }
        let Ok(ack) = serde_json::from_slice::<PublishAck>(&message.payload) else {
            self.ledger.count(|counts| counts.ignored += 1);
            return;
        };
        let Some(tracked) = self.tracked.get_mut(&id) else {
            return;
        };
        match ack {
            PublishAck {
                seq: Some(sequence),
                error: None,
                duplicate,
            } => {
                tracked.sequence = Some(sequence);
                if tracked.is_withdrawn {
                    self.withdraw(id).await;
                } else if duplicate {
                    // It may have ended.
                    self.look_up(id, sequence);
                }
            }
            PublishAck {
                error: Some(refusal),
                ..
            } if refusal.code == 400 => {
                self.untrack(id);
                let why = format!("the server refused it: {}", refusal.description);
                self.ledger.fail(id, JobError::Lost(why));
            }
            // The stream is full, or the server is starting: the tick publishes the job again.
            PublishAck { .. } => {}
        }
    }

    /// Deletes the message of a job that has ended without an acknowledgement, now or as soon as
    /// its number is known.
    pub(super) async fn withdraw(&mut self, id: u64) {
        let Some(tracked) = self.tracked.get_mut(&id) else {
            return;
        };
        tracked.is_withdrawn = true;
        let Some(sequence) = tracked.sequence else {
            return;
        };
        if let Some(tracked) = self.untrack(id) {
            self.clean_up(id, &tracked);
        }
        let request = json!({ "seq": sequence, "no_erase": true }).to_string();
        let subject = self.server.names.api("STREAM.MSG.DELETE");
        let reply = format!("{}.gone", self.server.inbox);
        let _ = self
            .server
            .client
            .publish_with_reply(subject, reply, request.into())
            .await;
    }

    /// Deletes the object of a job that has ended.
    pub(super) fn clean_up(&self, id: u64, tracked: &Tracked) {
        if tracked.is_object {
            let (objects, name) = (self.objects.clone(), object_name(&self.server, id));
            tokio::spawn(async move { objects.delete(&name).await });
        }
    }
}

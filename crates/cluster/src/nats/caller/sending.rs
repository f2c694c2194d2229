//! Publishing jobs, and withdrawing them.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::{HeaderMap, Message};
use serde::Deserialize;
use serde_json::json;

use super::command::{Command, Loss};
use super::desk::Desk;
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
    err_code: u64,
    #[serde(default)]
    description: String,
}

/// The code of the server's error for an account that has used up its memory or disk. It passes, as
/// jobs end.
const ACCOUNT_FULL: u64 = 10_002;

impl Refusal {
    /// Whether the server would refuse the job again.
    fn is_final(&self) -> bool {
        self.code == 400 && self.err_code != ACCOUNT_FULL
    }
}

/// The name of the object with the inputs of a job.
pub(super) fn object_name(server: &Server, id: u64) -> String {
    format!("{}-{id}-in", server.me)
}

impl Desk {
    pub(super) async fn send(&mut self, id: u64, order: Arc<Order>) {
        let now = Instant::now();
        let is_object = order.inputs.len() > self.max_message_bytes();
        let address = self.address(id, &order);
        self.listen(id, &order, &address).await;
        let stored = is_object.then(|| Arc::clone(&order));
        let tracked = Tracked {
            route: self.routes.get(&self.server.names, order.job.name),
            order,
            published: now,
            sequence: None,
            numbered: now,
            heard: now,
            looked_up: now,
            silence: None,
            is_withdrawn: false,
            is_object,
            is_stored: !is_object,
            objects: if is_object { vec![id] } else { Vec::new() },
            fetching: None,
            address,
            lost: None,
        };
        self.tracked.insert(id, tracked);
        match stored {
            Some(order) => self.store(id, order),
            None => self.publish(id).await,
        }
    }

    /// Puts the inputs into the object store, and publishes the job then.
    pub(super) fn store(&self, id: u64, order: Arc<Order>) {
        let (objects, commands) = (self.objects.clone(), self.commands.clone());
        let name = object_name(&self.server, id);
        tokio::spawn(async move {
            let result = objects.put(&name, &order.inputs).await;
            let _ = commands.send(Command::Stored(id, result));
        });
    }

    pub(super) async fn on_stored(&mut self, id: u64, result: Result<(), String>) {
        let Some(tracked) = self.tracked.get_mut(&id) else {
            return;
        };
        tracked.is_stored = true;
        match result {
            Ok(()) if tracked.is_withdrawn => self.leave(id),
            Ok(()) => self.publish(id).await,
            Err(why) => {
                self.leave(id);
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
            Some(_) => {
                let mut headers = HeaderMap::new();
                let caller = &tracked.address.caller;
                // All callers that miss the same message send the same one in its place.
                let unique = match tracked.lost {
                    Some(sequence) => format!("{caller}.{sequence}"),
                    None => caller.to_string(),
                };
                headers.insert("Nats-Msg-Id", unique);
                let message = message.into();
                client
                    .publish_with_reply_and_headers(subject, reply, headers, message)
                    .await
            }
            None => {
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
            self.suspected.get_or_insert_with(Instant::now);
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
                tracked.numbered = Instant::now();
                if tracked.is_withdrawn {
                    self.withdraw(id).await;
                } else if duplicate {
                    // It may have ended.
                    self.look_up(id, sequence, Loss::Ended);
                }
            }
            PublishAck {
                error: Some(refusal),
                ..
            } if refusal.is_final() || tracked.is_withdrawn => {
                self.leave(id);
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
        let is_shared = self.is_shared(id);
        self.leave(id);
        if is_shared {
            return;
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
}

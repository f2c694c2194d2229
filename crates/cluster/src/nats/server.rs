//! [`Server`]: the connection, and the stream and consumers on the server.
//!
//! The calls to JetStream's API are spelled out, because they must mean the same to a server of
//! version 2.9 and to a recent one.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Event, Subject};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::connection::Connection;
use super::names::{Names, unique};
use crate::error::BuildError;

/// How long an answer of the server's API may take.
const API_TIMEOUT: Duration = Duration::from_secs(3);
/// Jobs that may wait in the stream. Beyond it the server refuses, and callers wait.
const MAX_JOBS: u64 = 1_000_000;
/// Deliveries of one job name that may be under way at a time: workers × slots × (1 + ahead).
const MAX_ACK_PENDING: u64 = 65_536;
/// Open pulls of one job name at a time: one or two for each worker.
const MAX_WAITING: u64 = 8_192;

/// How long the server remembers the keys of jobs.
const KEY_WINDOW: Duration = Duration::from_secs(600);

/// A connection to a server.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) client: Client,
    pub(super) names: Names,
    /// The unique name of this caller or worker.
    pub(super) me: Arc<str>,
    /// Where answers arrive.
    pub(super) inbox: String,
}

/// The consumer of a job name.
#[derive(Debug)]
pub(super) struct Consumer {
    /// The first worker has set it.
    pub(super) ack_wait: Duration,
    /// When it was created. Another time than before means that the numbers of its jobs are new.
    pub(super) created: String,
}

/// An error of the server's API.
#[derive(Debug)]
pub(super) struct ApiError {
    pub(super) code: u64,
    pub(super) text: String,
}

impl ApiError {
    pub(super) fn is_missing(&self) -> bool {
        self.code == 404
    }

    /// Whether the server has answered at all.
    pub(super) fn is_answer(&self) -> bool {
        self.code != 0
    }
}

impl Server {
    /// Connects. Each later connection sends a note to `connected`.
    pub(super) async fn connect(
        connection: &Connection,
        role: &str,
        connected: mpsc::UnboundedSender<()>,
    ) -> Result<Self, BuildError> {
        let names = Names::new(connection.checked_namespace()?);
        let me = Arc::from(unique());
        let inbox = format!("{}.{me}", names.inbox(role));
        let client = connection
            .options()
            .await?
            .name(format!("effective-cluster {role}"))
            .custom_inbox_prefix(&inbox)
            .client_capacity(16_384)
            .event_callback(move |event| {
                if matches!(event, Event::Connected) {
                    // The receiver is gone when this end has stopped.
                    let _ = connected.send(());
                }
                async {}
            })
            .connect(connection.addresses()?)
            .await
            .map_err(|error| connection.refused(error.kind()))?;
        Ok(Self {
            client,
            names,
            me,
            inbox,
        })
    }

    /// Calls the server's API.
    pub(super) async fn call(&self, subject: String, request: &Value) -> Result<Value, ApiError> {
        let request = self.client.request(subject, request.to_string().into());
        let failed = |text: String| ApiError { code: 0, text };
        let answer = match tokio::time::timeout(API_TIMEOUT, request).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(failed(error.kind().to_string())),
            Err(_) => return Err(failed("no answer in time".to_owned())),
        };
        let answer: Value = serde_json::from_slice(&answer.payload)
            .map_err(|_| failed("its answer is malformed".to_owned()))?;
        match answer.get("error") {
            None => Ok(answer),
            Some(error) => Err(ApiError {
                code: error["code"].as_u64().unwrap_or_default(),
                text: error["description"].as_str().unwrap_or_default().to_owned(),
            }),
        }
    }

    /// Creates the stream if it is missing. Returns when it was created: another time than before
    /// means that all jobs in it are lost.
    pub(super) async fn ensure_stream(&self, is_durable: bool) -> Result<String, ApiError> {
        let created = |answer: &Value| answer["created"].as_str().unwrap_or_default().to_owned();
        match self.call(self.names.api("STREAM.INFO"), &json!({})).await {
            Ok(answer) => return Ok(created(&answer)),
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error),
        }
        let config = json!({
            "name": self.names.stream,
            "subjects": [self.names.all_jobs()],
            "retention": "workqueue",
            "storage": if is_durable { "file" } else { "memory" },
            "max_msgs": MAX_JOBS,
            "max_bytes": -1,
            "max_consumers": -1,
            "discard": "new",
            "num_replicas": 1,
            "duplicate_window": nanoseconds(KEY_WINDOW),
        });
        match self.call(self.names.api("STREAM.CREATE"), &config).await {
            Ok(answer) => Ok(created(&answer)),
            // Another process was faster.
            Err(_) => {
                let answer = self.call(self.names.api("STREAM.INFO"), &json!({})).await?;
                Ok(created(&answer))
            }
        }
    }

    /// Creates the consumer of a job name if it is missing.
    pub(super) async fn ensure_consumer(
        &self,
        encoded: &str,
        ack_wait: Duration,
    ) -> Result<Consumer, ApiError> {
        let Names { stream, .. } = &self.names;
        let subject = format!("$JS.API.CONSUMER.INFO.{stream}.{encoded}");
        let answer = match self.call(subject.clone(), &json!({})).await {
            Err(error) if error.is_missing() => {
                let request = json!({
                    "stream_name": stream,
                    "config": {
                        "durable_name": encoded,
                        "filter_subject": self.names.job(encoded),
                        "deliver_policy": "all",
                        "ack_policy": "explicit",
                        "ack_wait": nanoseconds(ack_wait),
                        // Unlimited: a message beyond the limit would stay in the stream. Attempts
                        // are counted by the caller.
                        "max_deliver": -1,
                        "max_ack_pending": MAX_ACK_PENDING,
                        "max_waiting": MAX_WAITING,
                        "replay_policy": "instant",
                    },
                });
                let create = format!("$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{encoded}");
                match self.call(create, &request).await {
                    Ok(answer) => answer,
                    // Another process was faster.
                    Err(_) => self.call(subject, &json!({})).await?,
                }
            }
            other => other?,
        };
        let actual = answer["config"]["ack_wait"].as_u64();
        Ok(Consumer {
            ack_wait: actual.map_or(ack_wait, Duration::from_nanos),
            created: answer["created"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Publishes. Waits while the connection is down and its buffer is full.
    pub(super) async fn publish(&self, subject: Subject, payload: &'static [u8]) {
        // It fails only for a malformed subject or a closed connection.
        let _ = self.client.publish(subject, payload.into()).await;
    }
}

pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

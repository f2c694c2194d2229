//! The loop of the worker's thread.

use std::time::Instant;

use async_nats::Subscriber;
use futures::StreamExt;
use futures::stream::select_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use super::line::LineState;
use super::running::WorkerError;
use super::service::{Note, Service};
use crate::error::BuildError;
use crate::nats::status::is_unheard;

/// The subscriptions of a worker.
pub(super) struct Inboxes {
    pub(super) jobs: Subscriber,
    unheard: Subscriber,
    questions: futures::stream::SelectAll<Subscriber>,
}

impl Service {
    pub(super) async fn run(
        mut self,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(), WorkerError> {
        let result = self.serve(&mut stopped).await;
        let slots = std::sync::Arc::clone(&self.slots);
        self.gate.close();
        // A slot that waits for a permission gets none any more.
        drop(self);
        // A worker that is exhausted leaves the threads that were given up.
        slots.finish(result.is_ok());
        result
    }

    async fn serve(&mut self, stopped: &mut watch::Receiver<bool>) -> Result<(), WorkerError> {
        let Some(mut receivers) = self.receivers.take() else {
            return Err(WorkerError::Ended);
        };
        let mut signals = match self.handles_signals {
            true => Some(
                Signals::new().map_err(|error| WorkerError::Build(BuildError::System(error)))?,
            ),
            false => None,
        };
        let mut inboxes = self.subscribe().await.ok_or(WorkerError::Ended)?;
        let mut beat = interval(self.heartbeat_interval());
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.tend_lines().await;
            tokio::select! {
                () = self.gate.rung() => {
                    self.on_handovers().await;
                    self.outbox.flush().await;
                }
                Some(message) = inboxes.jobs.next() => {
                    self.on_messages(message, &mut inboxes.jobs).await;
                }
                Some(message) = inboxes.unheard.next() => {
                    let number = message.subject.rsplit('.').next();
                    if is_unheard(&message)
                        && let Some(number) = number.and_then(|number| number.parse().ok())
                    {
                        self.outbox.unheard(number);
                    }
                }
                Some(message) = inboxes.questions.next() => {
                    // A caller asks whether a worker knows this job.
                    let callers = self.server.names.inbox("caller");
                    if let Some(reply) = message.reply
                        && reply.starts_with(&callers)
                    {
                        let _ = self.server.client.publish(reply, "+".into()).await;
                    }
                }
                Some(note) = receivers.notes.recv() => {
                    let before = self.heartbeat_interval();
                    self.on_note(note).await;
                    if self.heartbeat_interval() != before {
                        beat = interval(self.heartbeat_interval());
                    }
                    self.outbox.flush().await;
                }
                Some(()) = receivers.connected.recv() => self.on_connected(),
                () = moment(self.note_at) => self.note_begun().await,
                _ = beat.tick() => self.heartbeat().await,
                _ = stopped.changed() => break,
                () = Signals::any(&mut signals) => break,
            }
            if self.is_exhausted {
                break;
            }
        }
        self.drain(&mut receivers, &mut inboxes).await;
        if self.is_exhausted {
            return Err(WorkerError::Exhausted);
        }
        Ok(())
    }

    async fn subscribe(&self) -> Option<Inboxes> {
        let client = &self.server.client;
        let inbox = &self.server.inbox;
        let mut questions = Vec::new();
        for line in &self.lines {
            let subject = self.server.names.know(&line.encoded);
            // One of the workers answers.
            let group = "workers".to_owned();
            questions.push(client.queue_subscribe(subject, group).await.ok()?);
        }
        Some(Inboxes {
            jobs: client.subscribe(format!("{inbox}.pull.*")).await.ok()?,
            unheard: client.subscribe(format!("{inbox}.rep.*")).await.ok()?,
            questions: select_all(questions),
        })
    }

    /// The connection was made again. The open pulls ended with the old one, and the server may
    /// have lost the consumers.
    fn on_connected(&mut self) {
        for line in &mut self.lines {
            line.pulls.clear();
            if line.state == LineState::Ready {
                line.state = LineState::Missing(Instant::now());
            }
        }
    }

    pub(super) async fn on_note(&mut self, note: Note) {
        match note {
            Note::Ensured(line, consumer) => self.on_ensured(line, consumer),
            Note::Fetched(token, result) => self.on_fetched(token, result).await,
            Note::Stored(token, ran_us, result) => self.on_stored(token, ran_us, result).await,
            Note::Answered(token, answer) => self.on_answer(token, answer).await,
        }
    }
}

/// Waits until then, or forever.
pub(super) async fn moment(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for one of them, or forever if they are not handled.
    async fn any(signals: &mut Option<Self>) {
        match signals {
            None => std::future::pending().await,
            Some(Self {
                terminate,
                interrupt,
            }) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
        }
    }
}

//! [`Desk`]: the loop of the caller's thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::Subscriber;
use futures::{FutureExt, StreamExt};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::acks::Acks;
use super::claims::Claims;
use super::command::Command;
use super::deletions::Deletions;
use super::tracked::{Keyed, Routes, Tracked};
use crate::caller::ledger::Ledger;
use crate::error::BuildError;
use crate::ids::IdMap;
use crate::nats::connection::Connection;
use crate::nats::linger::linger;
use crate::nats::objects::Objects;
use crate::nats::server::{ApiError, Server};
use crate::nats::settings::Settings;

/// How often the desk looks for jobs that are overdue.
const TICK: Duration = Duration::from_millis(250);
/// Commands that are taken at once.
const BATCH: usize = 256;
/// The bytes that a message has besides its inputs or outcomes: its head and its subject.
const HEAD_BYTES: usize = 4 << 10;
/// How long the last acknowledgements may take.
const FLUSH: Duration = Duration::from_secs(2);

/// Notes that the connection was made again.
pub(super) type Events = UnboundedReceiver<()>;

/// The caller's half of the engine.
pub(super) struct Desk {
    pub(super) server: Server,
    pub(super) settings: Settings,
    pub(super) ledger: Arc<Ledger>,
    pub(super) objects: Objects,
    pub(super) tracked: IdMap<Tracked>,
    pub(super) routes: Routes,
    /// The jobs with a key, by their numbers and nonces in reports.
    pub(super) keyed: HashMap<(u64, u64), Keyed>,
    /// For tasks that have to wait.
    pub(super) commands: UnboundedSender<Command>,
    /// When the stream was created, as the server writes it.
    pub(super) created: String,
    /// Since when the stream may be missing.
    pub(super) suspected: Option<Instant>,
    /// A task makes sure of the stream.
    pub(super) is_recovering: bool,
    /// A task waits for an answer of the server.
    pub(super) is_asking: bool,
    pub(super) claims: Claims,
    pub(super) deletions: Deletions,
    pub(super) acks: Acks,
}

struct Inboxes {
    reports: Subscriber,
    questions: Subscriber,
    acks: Subscriber,
}

impl Desk {
    pub(super) async fn open(
        connection: &Connection,
        settings: Settings,
        ledger: Arc<Ledger>,
        commands: UnboundedSender<Command>,
    ) -> Result<(Self, Events), BuildError> {
        let (connected, events) = unbounded_channel();
        let server = Server::connect(connection, "caller", connected).await?;
        let created = server
            .ensure_stream(settings.is_durable)
            .await
            .map_err(|error| no_stream(connection, &error))?;
        let desk = Self {
            objects: Objects::new(&server, settings.is_durable),
            server,
            settings,
            ledger,
            tracked: IdMap::default(),
            routes: Routes::default(),
            keyed: HashMap::new(),
            commands,
            created,
            suspected: None,
            is_recovering: false,
            is_asking: false,
            claims: Claims::default(),
            deletions: Deletions::default(),
            acks: Acks::default(),
        };
        Ok((desk, events))
    }

    /// The bytes of inputs that fit one message.
    pub(super) fn max_message_bytes(&self) -> usize {
        self.server
            .client
            .max_payload()
            .saturating_sub(HEAD_BYTES)
            .max(HEAD_BYTES)
    }

    pub(super) async fn run(
        mut self,
        mut commands: UnboundedReceiver<Command>,
        events: Events,
        stopped: &Notify,
    ) {
        let Some(inboxes) = self.subscribe().await else {
            return;
        };
        // Without a connection the loop may wait in the middle of a command.
        let stuck = async {
            stopped.notified().await;
            sleep(2 * FLUSH).await;
        };
        tokio::select! {
            () = self.serve(&mut commands, events, inboxes) => {}
            () = stuck => {}
        }
        // The last acknowledgements have not left yet.
        let _ = timeout(FLUSH, self.acks.flush(&self.server)).await;
        let _ = timeout(FLUSH, self.deletions.finish()).await;
        let _ = timeout(FLUSH, self.server.client.flush()).await;
    }

    async fn subscribe(&self) -> Option<Inboxes> {
        let Server {
            client,
            names,
            me,
            inbox,
        } = &self.server;
        // It fails only for a malformed subject or a closed connection.
        Some(Inboxes {
            reports: client.subscribe(names.reports(me)).await.ok()?,
            questions: client.subscribe(names.questions(me)).await.ok()?,
            acks: client.subscribe(format!("{inbox}.pub.*")).await.ok()?,
        })
    }

    async fn serve(
        &mut self,
        commands: &mut UnboundedReceiver<Command>,
        mut events: Events,
        mut inboxes: Inboxes,
    ) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        let mut stops_at: Option<Instant> = None;
        // The jobs that are left have ended. Their messages are deleted once the numbers are known.
        while stops_at.is_none_or(|at| !self.tracked.is_empty() && Instant::now() < at) {
            tokio::select! {
                // A job's number comes before its result: with it the job can be acknowledged.
                biased;
                _ = tick.tick() => self.look_around().await,
                Some(message) = inboxes.acks.next() => {
                    self.on_publish_ack(&message).await;
                    while let Some(Some(message)) = inboxes.acks.next().now_or_never() {
                        self.on_publish_ack(&message).await;
                    }
                }
                Some(message) = inboxes.reports.next() => {
                    self.on_reports(&message).await;
                    if self.tracked.is_empty() {
                        // A caller that waited for its only job sends the next one now.
                        linger(|| !commands.is_empty());
                    }
                }
                Some(message) = inboxes.questions.next() => self.on_question(&message).await,
                Some(()) = events.recv() => self.on_connected(),
                _ = commands.recv_many(&mut batch, BATCH) => {
                    for command in batch.drain(..) {
                        if matches!(command, Command::Stop) {
                            stops_at = Some(Instant::now() + FLUSH);
                        }
                        self.obey(command).await;
                    }
                    // They travel with the jobs.
                    self.acks.flush(&self.server).await;
                }
                () = self.acks.due() => self.acks.flush(&self.server).await,
            }
            if self.acks.is_full() {
                self.acks.flush(&self.server).await;
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Send(id, order) => self.send(id, order).await,
            Command::Forget(id) => self.withdraw(id).await,
            Command::Stored(id, result) => self.on_stored(id, result).await,
            Command::Fetched(fetched) => self.on_fetched(*fetched).await,
            Command::Gone(id, sequence, loss) => self.on_gone(id, sequence, loss).await,
            Command::Stream(suspected, created) => self.on_stream(suspected, created).await,
            Command::Answered(asked, has_answered) => self.on_answer(asked, has_answered).await,
            Command::Keyed(true, message) => self.on_reports(&message).await,
            Command::Keyed(false, message) => self.on_question(&message).await,
            Command::Claimed(name, is_claimed) => self.on_claimed(name, is_claimed).await,
            // The loop has seen it.
            Command::Stop => {}
        }
    }
}

fn no_stream(connection: &Connection, error: &ApiError) -> BuildError {
    let why = if error.text.contains("no responders") {
        "it has no JetStream, or these credentials may not use it: start it with `-js`"
    } else {
        &error.text
    };
    BuildError::Connect(format!(
        "the NATS server {} has no stream for jobs: {why}",
        connection.hosts()
    ))
}

//! [`Service`]: the state of the worker's thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::builder::Worker;
use super::gate::{Gate, Handover};
use super::held::Held;
use super::line::{Line, LineState};
use super::outbox::Outbox;
use super::pull::Pulls;
use crate::error::BuildError;
use crate::ids::IdMap;
use crate::nats::names::encoded;
use crate::nats::objects::Objects;
use crate::nats::server::{Consumer, Server};
use crate::nats::settings::HEARTBEATS;
use crate::slots::pool::Slots;
use crate::slots::task::Task;

/// The bytes of a report besides one job's outcomes.
const HEAD_BYTES: usize = 4 << 10;

/// The state of the worker's thread.
pub(super) struct Service {
    pub(super) server: Server,
    pub(super) slots: Arc<Slots>,
    pub(super) gate: Arc<Gate>,
    pub(super) lines: Vec<Line>,
    pub(super) held: IdMap<Held>,
    pub(super) outbox: Outbox,
    pub(super) objects: Objects,
    pub(super) next_token: u64,
    /// How many jobs run at a time, and how many are held at most.
    pub(super) slot_count: usize,
    pub(super) ahead: usize,
    /// Jobs are short enough to pull some ahead.
    pub(super) is_brisk: bool,
    /// The last job was so short that waiting for it is cheaper than being woken.
    pub(super) is_brief: bool,
    pub(super) is_draining: bool,
    /// When to look for jobs that have begun, and for handovers that did not wake this thread.
    pub(super) note_at: Option<Instant>,
    /// Jobs that have arrived and are not queued.
    pub(super) arrived: Vec<Task>,
    /// The callers of jobs that were taken, the last one.
    pub(super) caller: Arc<str>,
    /// Memory for handovers and for outcomes, which is reused.
    pub(super) handovers: Vec<Handover>,
    pub(super) encoded: Vec<u8>,
    pub(super) is_exhausted: bool,
    pub(super) is_durable: bool,
    pub(super) handles_signals: bool,
    /// For tasks that have to wait.
    pub(super) notes: UnboundedSender<Note>,
    pub(super) receivers: Option<Receivers>,
}

/// The channels that the loop of the thread waits for.
pub(super) struct Receivers {
    pub(super) notes: UnboundedReceiver<Note>,
    pub(super) connected: UnboundedReceiver<()>,
}

/// The end of a task that had to wait.
pub(super) enum Note {
    /// The consumer of a line is there, or could not be made.
    Ensured(usize, Option<Consumer>),
    /// The inputs of a job came out of the object store.
    Fetched(u64, Result<Vec<u8>, String>),
    /// The outcomes of a job are in the object store, under this name.
    Stored(u64, u64, Result<String, String>),
    /// The caller's answer.
    Answered(u64, Answer),
}

/// Whether a job that the server delivered before may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Go,
    /// It has ended, or failed too often.
    Drop,
    /// The caller did not answer.
    Later,
}

impl Service {
    pub(super) async fn open(worker: Worker, handles_signals: bool) -> Result<Self, BuildError> {
        let (connected, events) = unbounded_channel();
        let (notes, received_notes) = unbounded_channel();
        let server = Server::connect(&worker.server, "worker", connected).await?;
        let gate = Gate::new(worker.slots * (1 + worker.ahead), worker.ack_wait);
        let owner = Arc::clone(&gate);
        let slots = Slots::start(worker.slots, worker.hook, owner).map_err(BuildError::System)?;
        let limit = server
            .client
            .max_payload()
            .saturating_sub(HEAD_BYTES)
            .max(HEAD_BYTES);
        let missing = LineState::Missing(Instant::now());
        let lines = worker.jobs.entries().iter().map(|job| {
            let encoded = encoded(job.name);
            Line {
                job: *job,
                subject: server.names.job(&encoded),
                encoded,
                pulls: Pulls::default(),
                ack_wait: worker.ack_wait,
                created: None,
                state: missing,
            }
        });
        Ok(Self {
            lines: lines.collect(),
            outbox: Outbox::new(&server, limit),
            objects: Objects::new(&server, worker.is_durable),
            server,
            slots,
            gate,
            held: IdMap::default(),
            next_token: 0,
            slot_count: worker.slots,
            ahead: worker.ahead,
            is_brisk: true,
            is_brief: false,
            is_draining: false,
            note_at: None,
            arrived: Vec::new(),
            caller: Arc::from(""),
            handovers: Vec::new(),
            encoded: Vec::new(),
            is_exhausted: false,
            is_durable: worker.is_durable,
            handles_signals,
            notes,
            receivers: Some(Receivers {
                notes: received_notes,
                connected: events,
            }),
        })
    }

    /// The shortest `ack_wait` of the lines. All heartbeats keep to it.
    pub(super) fn ack_wait(&self) -> Duration {
        let waits = self.lines.iter().map(|line| line.ack_wait);
        waits.min().unwrap_or(Duration::from_secs(1))
    }

    pub(super) fn heartbeat_interval(&self) -> Duration {
        self.ack_wait() / HEARTBEATS
    }

    /// After this silence a caller takes this worker for lost: the server delivers the job again
    /// before.
    pub(super) fn silence_ms(&self) -> u32 {
        u32::try_from(self.ack_wait().as_millis() * 2).unwrap_or(u32::MAX)
    }

    pub(super) async fn acknowledge(&self, job: &Held, verb: &'static [u8]) {
        if let Some(ack) = &job.ack {
            self.server.publish(ack.clone(), verb).await;
        }
    }
}

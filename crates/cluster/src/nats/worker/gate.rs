//! [`Gate`]: what the slots tell the worker's thread, and whether a job may begin.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::slots::pool::{Owner, Slots};
use crate::slots::task::Ended;
use crate::sync::lock;

/// The bit of a token that marks a job that the server has delivered before. Its caller is asked
/// whether it may begin.
pub(super) const IS_REPEATED: u64 = 1 << 63;

/// A job that ran longer is reported at once.
const BRIEF: Duration = Duration::from_micros(100);

/// A slot between two jobs.
#[derive(Default)]
pub(super) struct Handover {
    pub(super) ended: Option<Ended>,
    /// A job that is about to begin if its caller permits it, and where its slot waits for that.
    pub(super) begun: Option<(u64, SyncSender<bool>)>,
    /// A job that did not begin: the server has given it to another worker.
    pub(super) refused: Option<u64>,
    /// A thread was given up and not replaced.
    pub(super) is_exhausted: bool,
}

/// The slots' end of the channel to the worker's thread.
///
/// Waking that thread costs more than a brief job. So the ends of brief jobs are collected while
/// others wait in the queue, and the thread is woken for half of the jobs that it may hold. It
/// looks by itself a moment after jobs were queued, in case a long job follows a brief one.
pub(super) struct Gate {
    state: Mutex<State>,
    bell: Notify,
    /// The number of handovers that wake the thread.
    batch: usize,
    start: Instant,
    /// When the last heartbeat was sent, in milliseconds from the start.
    heartbeat_ms: AtomicU64,
    /// After this silence the server has given the jobs of this worker to others.
    ack_wait_ms: AtomicU64,
}

#[derive(Default)]
struct State {
    handovers: Vec<Handover>,
    /// The worker's thread will look by itself.
    is_watched: bool,
    /// The worker's thread has ended.
    is_closed: bool,
}

impl Gate {
    /// `held` is the number of jobs that the worker may hold.
    pub(super) fn new(held: usize, ack_wait: Duration) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::default(),
            bell: Notify::new(),
            batch: (held / 2).max(1),
            start: Instant::now(),
            heartbeat_ms: AtomicU64::new(0),
            ack_wait_ms: AtomicU64::new(ack_wait.as_millis() as u64),
        })
    }

    /// Waits until there are handovers to take.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// Whether there are handovers to take.
    pub(super) fn has_handovers(&self) -> bool {
        !lock(&self.state).handovers.is_empty()
    }

    /// Takes the handovers since the last call. `is_watched` says whether the worker's thread will
    /// look again by itself, within a moment.
    pub(super) fn take(&self, handovers: &mut Vec<Handover>, is_watched: bool) {
        let mut state = lock(&self.state);
        std::mem::swap(&mut state.handovers, handovers);
        state.is_watched = is_watched;
    }

    /// Notes whether the worker's thread will look by itself, within a moment.
    pub(super) fn watch(&self, is_watched: bool) {
        lock(&self.state).is_watched = is_watched;
    }

    /// Takes no more handovers. A slot that waits for a permission gets none.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        state.handovers = Vec::new();
    }

    fn now_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    /// Notes a heartbeat. Returns whether the one before was too long ago: this process was
    /// stopped, or had no processor.
    pub(super) fn beat(&self, ack_wait: Duration) -> bool {
        self.ack_wait_ms
            .store(ack_wait.as_millis() as u64, Ordering::Relaxed);
        let now = self.now_ms();
        let last = self.heartbeat_ms.swap(now, Ordering::Relaxed);
        now.saturating_sub(last) >= ack_wait.as_millis() as u64
    }

    /// Whether the server has given the queued jobs to others by now.
    fn is_stale(&self) -> bool {
        let last = self.heartbeat_ms.load(Ordering::Relaxed);
        self.now_ms().saturating_sub(last) >= self.ack_wait_ms.load(Ordering::Relaxed)
    }

    fn tell(&self, handover: Handover, is_urgent: bool) {
        let mut state = lock(&self.state);
        if state.is_closed {
            return;
        }
        state.handovers.push(handover);
        let rings = is_urgent || !state.is_watched || state.handovers.len() == self.batch;
        drop(state);
        if rings {
            self.bell.notify_one();
        }
    }
}

impl Owner for Gate {
    fn hand_over(&self, _: &Arc<Slots>, ended: Option<Ended>, next: Option<u64>) -> bool {
        let is_long = ended.as_ref().is_some_and(|ended| ended.ran > BRIEF);
        let mut handover = Handover {
            ended,
            ..Handover::default()
        };
        let Some(token) = next else {
            self.tell(handover, true);
            return true;
        };
        if self.is_stale() {
            handover.refused = Some(token);
            self.tell(handover, true);
            return false;
        }
        if token & IS_REPEATED == 0 {
            // The worker's thread finds out by itself if the job runs for more than a moment.
            if handover.ended.is_some() {
                self.tell(handover, is_long);
            }
            return true;
        }
        let (permission, answer) = sync_channel(1);
        handover.begun = Some((token, permission));
        self.tell(handover, true);
        answer.recv().unwrap_or(false)
    }

    fn exhausted(&self) {
        let handover = Handover {
            is_exhausted: true,
            ..Handover::default()
        };
        self.tell(handover, true);
    }
}

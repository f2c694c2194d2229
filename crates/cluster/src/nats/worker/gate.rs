//! [`Gate`]: what the slots tell the worker's thread, and whether a job may begin.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc as std_mpsc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use crate::slots::pool::{Owner, Slots};
use crate::slots::task::Ended;

/// The bit of a token that marks a job that the server has delivered before. Its caller is asked
/// whether it may begin.
pub(super) const IS_REPEATED: u64 = 1 << 63;

/// A slot between two jobs.
pub(super) struct Turn {
    pub(super) ended: Option<Ended>,
    /// A job that is about to begin if its caller permits it.
    pub(super) begun: Option<u64>,
    /// Where a slot waits for the permission to begin.
    pub(super) permission: Option<std_mpsc::SyncSender<bool>>,
    /// A thread was given up and not replaced.
    pub(super) is_exhausted: bool,
}

/// The slots' end of the channel to the worker's thread.
pub(super) struct Gate {
    turns: UnboundedSender<Turn>,
    start: Instant,
    /// When the last heartbeat was sent, in milliseconds from the start.
    heartbeat_ms: AtomicU64,
    /// After this silence the server has given the jobs of this worker to others.
    ack_wait_ms: AtomicU64,
}

impl Gate {
    pub(super) fn new(turns: UnboundedSender<Turn>, ack_wait: Duration) -> Arc<Self> {
        Arc::new(Self {
            turns,
            start: Instant::now(),
            heartbeat_ms: AtomicU64::new(0),
            ack_wait_ms: AtomicU64::new(ack_wait.as_millis() as u64),
        })
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

    fn tell(&self, turn: Turn) {
        // The worker's thread outlives the slots.
        let _ = self.turns.send(turn);
    }
}

impl Owner for Gate {
    fn turn(&self, _: &Arc<Slots>, ended: Option<Ended>, next: Option<u64>) -> bool {
        let mut turn = Turn {
            ended,
            begun: None,
            permission: None,
            is_exhausted: false,
        };
        let Some(token) = next else {
            self.tell(turn);
            return true;
        };
        if self.is_stale() {
            self.tell(turn);
            return false;
        }
        if token & IS_REPEATED == 0 {
            // The worker's thread finds out by itself if the job runs for more than a moment.
            if turn.ended.is_some() {
                self.tell(turn);
            }
            return true;
        }
        turn.begun = Some(token);
        let (permission, answer) = std_mpsc::sync_channel(1);
        turn.permission = Some(permission);
        self.tell(turn);
        answer.recv().unwrap_or(false)
    }

    fn exhausted(&self) {
        self.tell(Turn {
            ended: None,
            begun: None,
            permission: None,
            is_exhausted: true,
        });
    }
}

//! The parent's side of one worker: its rings, and what has been sent through them.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::head_watch::HeadWatch;
use crate::error::{Crash, JobError};
use crate::exit::Exit;
use crate::parent::batch::Batch;
use crate::parent::worker_process::WorkerProcess;
use crate::transport::bell::published;
use crate::transport::layout::{SLOTS, WORDS, flag, status};
use crate::transport::mapping::Region;
use crate::transport::slot::{Attempt, Collect, Slot};
use crate::transport::{bytes, socket};

/// `SIGABRT`, with which a program ends when an allocation fails.
const ABORTED: i32 = 6;

/// The parent's view of one worker. Used only under the lock of the pool.
pub(crate) struct WorkerLink {
    pub(crate) region: Arc<Region>,
    pub(crate) process: Arc<WorkerProcess>,
    /// The numbers of batches collected and pushed.
    pub(super) head: u64,
    pub(super) tail: u64,
    /// The batches in between.
    pub(super) in_flight: VecDeque<InFlight>,
    /// How many of them were not withdrawn.
    pub(super) unfinished: usize,
    /// The next free word of the input ring, and the number of words in use.
    pub(super) input: u64,
    pub(super) input_used: usize,
    /// The number of these batches that came with descriptors, and of their descriptors.
    pub(super) messages: usize,
    pub(super) descriptors: usize,
    /// The position of the next result in the output ring.
    pub(super) output: u64,
    /// Whether a thread sleeps on `bells.done`.
    pub(crate) has_sleeper: bool,
    /// Whether the worker was awake when the latest batch was pushed.
    pub(crate) is_awake: bool,
    /// The number of waits that skip spinning, because a spin timed out.
    pub(crate) spin_pause: u32,
    /// Why the worker was killed.
    pub(super) kill_reason: Option<KillReason>,
    /// The input of the running batch after which the worker starts nothing more.
    pub(super) stopped_at: Option<u32>,
    /// Batches before this one may have seen `stop`, and may then finish without a single result.
    pub(super) stop_seen_before: u64,
    /// Since when the worker is known to be exiting by itself.
    pub(crate) retired: Option<Instant>,
    /// The running batch, the input it is at, and since when that has been observed.
    pub(super) seen: Option<(u64, u32, Instant)>,
    /// Whether the worker has finished a job.
    pub(crate) has_finished_job: bool,
    /// The worker's `RLIMIT_DATA`, if it has one.
    pub(super) memory_limit: Option<u64>,
    /// The supervisor's observations of the batch at the head.
    pub(super) head_watch: HeadWatch,
}

/// Why a worker was killed.
pub(crate) enum KillReason {
    TimedOut(Duration),
    Killed,
    Corrupted(String),
}

impl KillReason {
    /// The error of the job that ran.
    pub(super) fn error(&self) -> JobError {
        match self {
            Self::TimedOut(limit) => JobError::TimedOut(*limit),
            Self::Killed => JobError::Killed,
            Self::Corrupted(why) => JobError::Corrupted(why.clone()),
        }
    }
}

/// A ring slot that has been pushed and not collected.
pub(super) struct InFlight {
    /// `None` if it was withdrawn.
    pub(super) batch: Option<Batch>,
    /// The words it occupies in the input ring until the worker has passed it.
    pub(super) words: usize,
    /// The descriptors it occupies in the socket until then.
    pub(super) descriptors: usize,
}

/// Why a batch was not pushed.
pub(crate) enum Refused {
    /// The ring is full; there is room once the worker has made progress.
    Full(Batch),
    /// The system takes no more descriptors at the moment, possibly because of other processes.
    Congested(Batch),
    Failed(Batch, io::Error),
}

/// The maximum number of descriptors waiting in a worker's socket, unless fewer than `MAX_MESSAGES`
/// batches have any. The system limits the descriptors in flight for all processes of a user
/// together.
const MAX_DESCRIPTORS: usize = 16;
/// One batch running, and the next one ready.
const MAX_MESSAGES: usize = 2;

impl WorkerLink {
    pub(crate) fn new(
        region: Arc<Region>,
        process: Arc<WorkerProcess>,
        memory_limit: Option<u64>,
    ) -> Self {
        Self {
            region,
            process,
            head: 0,
            tail: 0,
            in_flight: VecDeque::with_capacity(SLOTS),
            unfinished: 0,
            input: 0,
            input_used: 0,
            messages: 0,
            descriptors: 0,
            output: 0,
            has_sleeper: false,
            is_awake: false,
            spin_pause: 0,
            kill_reason: None,
            stopped_at: None,
            stop_seen_before: 0,
            retired: None,
            seen: None,
            has_finished_job: false,
            memory_limit,
            head_watch: HeadWatch::default(),
        }
    }

    pub(super) fn slot(&self, batch: u64) -> &Slot {
        &self.region.slots[batch as usize % SLOTS]
    }

    /// The number of batches assigned and unfinished.
    pub(crate) fn unfinished(&self) -> usize {
        self.unfinished
    }

    /// Whether the ring is empty, even of withdrawn batches.
    pub(crate) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The number of batches collected since the start.
    pub(crate) fn collected(&self) -> u64 {
        self.head
    }

    /// Whether the worker still takes batches.
    pub(crate) fn accepts_batches(&self) -> bool {
        self.kill_reason.is_none() && self.retired.is_none()
    }

    /// Whether the worker takes batches and has a free slot.
    pub(crate) fn is_open(&self) -> bool {
        self.accepts_batches() && self.in_flight.len() < SLOTS
    }

    /// Whether the worker's socket has room for a batch with `count` descriptors.
    pub(crate) fn takes_descriptors(&self, count: usize) -> bool {
        count == 0 || self.messages < MAX_MESSAGES || self.descriptors + count <= MAX_DESCRIPTORS
    }

    /// Kills the worker. The first reason counts.
    pub(crate) fn kill(&mut self, kill_reason: KillReason) {
        self.kill_reason.get_or_insert(kill_reason);
        self.process.kill();
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.kill_reason.is_some()
    }

    /// Writes a batch into the next slot; [`ring`](Self::ring) must follow. Returns the batch's
    /// number.
    pub(crate) fn push(&mut self, batch: Batch, hot: bool) -> Result<u64, Refused> {
        let words = match batch.spilled {
            Some(_) => 0,
            None => bytes::words(batch.bytes.len()),
        };
        let count = batch.descriptors.len();
        if !self.is_open() || self.input_used + words > WORDS || !self.takes_descriptors(count) {
            return Err(Refused::Full(batch));
        }
        let mut flags = if hot { flag::HOT } else { 0 };
        if !batch.descriptors.is_empty() {
            let descriptors: Vec<_> = batch
                .descriptors
                .iter()
                .map(|descriptor| descriptor.as_fd())
                .collect();
            match socket::send(&self.process.socket, &[], &descriptors, false) {
                Ok(()) => flags |= flag::DESCRIPTORS,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(Refused::Full(batch));
                }
                // The worker is gone. Its death will be noticed, and the batch goes to another
                // worker.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    flags |= flag::DESCRIPTORS;
                }
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    flags |= flag::DESCRIPTORS;
                }
                Err(error) if socket::is_congestion(&error) => {
                    return Err(Refused::Congested(batch));
                }
                Err(error) => return Err(Refused::Failed(batch, error)),
            }
        }
        if batch.spilled.is_some() {
            flags |= flag::SPILLED;
        } else {
            bytes::write(&self.region.inputs.0, self.input, &batch.bytes);
        }
        if batch.time_limit.is_some() {
            flags |= flag::LIMITED;
        }
        let slot = self.slot(self.tail);
        let length = batch.spilled.unwrap_or(batch.bytes.len());
        slot.job.store(batch.job, Ordering::Relaxed);
        slot.count.store(batch.count, Ordering::Relaxed);
        slot.flags.store(flags, Ordering::Relaxed);
        slot.input_len.store(length as u32, Ordering::Relaxed);
        slot.publish();
        self.input += words as u64;
        self.input_used += words;
        self.messages += usize::from(count > 0);
        self.descriptors += count;
        if self.in_flight.is_empty() {
            self.head_watch = HeadWatch::default();
        }
        self.in_flight.push_back(InFlight {
            batch: Some(batch),
            words,
            descriptors: count,
        });
        self.unfinished += 1;
        self.tail += 1;
        Ok(self.tail - 1)
    }

    /// Wakes the worker if it sleeps.
    pub(crate) fn ring(&mut self) {
        published();
        let bell = &self.region.work.0;
        self.is_awake = !bell.take();
        if !self.is_awake {
            bell.wake();
        }
    }

    /// Wakes the thread that sleeps on this worker's results, if there is one.
    pub(crate) fn wake_sleeper(&self) {
        let bell = &self.region.bells.0.done;
        bell.disarm();
        bell.wake();
    }

    /// Withdraws the last `max` batches that the worker has not started, and returns them in order.
    pub(crate) fn withdraw(&mut self, max: usize) -> Vec<Batch> {
        let mut back = Vec::new();
        for index in (0..self.in_flight.len()).rev() {
            if back.len() == max {
                break;
            }
            let slot = &self.region.slots[(self.head as usize + index) % SLOTS];
            if self.in_flight[index].batch.is_some() && slot.withdraw() {
                self.unfinished -= 1;
                back.extend(self.in_flight[index].batch.take());
            }
        }
        back.reverse();
        if !back.is_empty() && self.has_sleeper {
            // The result it waits for may come from another worker now.
            self.wake_sleeper();
        }
        back
    }

    /// Withdraws one batch, if the worker has not started it.
    pub(crate) fn withdraw_one(&mut self, batch: u64) -> Option<Batch> {
        let index = usize::try_from(batch.checked_sub(self.head)?).ok()?;
        let held = &mut self.in_flight.get_mut(index)?.batch;
        if held.is_some() && self.region.slots[batch as usize % SLOTS].withdraw() {
            self.unfinished -= 1;
            held.take()
        } else {
            None
        }
    }

    pub(super) fn status(&self) -> u32 {
        self.region.worker.0.status.load(Ordering::Acquire)
    }

    /// The memory limit, if exceeding it ended the worker.
    pub(crate) fn exceeded_memory_limit(&self, crash: &Crash) -> Option<u64> {
        let out_of_memory = self.region.worker.0.out_of_memory.load(Ordering::Acquire) != 0;
        self.memory_limit
            .filter(|_| out_of_memory && crash.exit == Exit::Signal(ABORTED))
    }

    /// Whether the worker takes no more batches and is exiting.
    pub(crate) fn is_retired(&self) -> bool {
        self.status() == status::RETIRED
    }

    /// Whether the worker has finished its start-up.
    pub(crate) fn is_ready(&self) -> bool {
        self.status() == status::READY
    }

    /// Tells the worker to exit once its ring is empty.
    pub(crate) fn close(&mut self) {
        self.region.parent.0.closing.store(1, Ordering::Release);
        self.ring();
    }

    /// The message of a worker whose initializer failed.
    pub(crate) fn last_words(&self, rejected: &mut Vec<OwnedFd>) -> Option<String> {
        if self.status() != status::FAILED {
            return None;
        }
        let (bytes, descriptors) = match socket::receive(&self.process.socket, false) {
            Ok((bytes, descriptors)) => (Some(bytes), descriptors),
            Err(message) => (None, message.descriptors),
        };
        rejected.extend(descriptors);
        Some(String::from_utf8_lossy(&bytes?).into_owned())
    }

    /// The running batch, its number, and the input it is at.
    pub(crate) fn running(&self) -> Option<(u64, &Batch, Attempt)> {
        let batch = self.in_flight.front()?.batch.as_ref()?;
        let slot = self.slot(self.head);
        (slot.collect() == Collect::Running).then(|| (self.head, batch, slot.attempt()))
    }

    /// Notes what has become of the batch at the head.
    pub(crate) fn note_head(&mut self, now: Instant) {
        if !self.is_empty() {
            let is_ignored = self.is_unclaimed() && self.is_ready();
            self.head_watch.note(now, is_ignored);
        }
    }

    /// Whether the batch at the head has been there for long: it takes long, or the worker is
    /// stopped or still starting.
    pub(crate) fn is_slow(&self) -> bool {
        self.head_watch.is_long()
    }

    /// Whether the worker is ready and has left a batch unclaimed for so long that it will never
    /// claim one.
    pub(crate) fn is_stuck(&self) -> bool {
        self.head_watch.is_stuck()
    }

    /// Whether the slot at the head waits for the worker: it is unclaimed, or withdrawn and not
    /// passed over.
    pub(crate) fn is_unclaimed(&self) -> bool {
        !self.is_empty()
            && matches!(
                self.slot(self.head).collect(),
                Collect::Waiting | Collect::Withdrawn
            )
    }

    /// The number of batches that have not started.
    pub(crate) fn waiting(&self) -> usize {
        self.unfinished() - usize::from(self.running().is_some())
    }
}

//! [`Ledger`]: the accepted jobs that have not ended, their attempts, and their results.
//!
//! Each accepted job ends here, exactly once: the entry is removed, and its sink is called.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::recent::Recent;
use crate::counts::Counts;
use crate::error::{JobError, Poisoned, SubmitError};
use crate::ids::IdMap;
use crate::order::{Batch, Order, Outcome};
use crate::reason::Reason;
use crate::sync::{lock, wait_until};

pub(crate) type RawResult = Result<Batch, JobError>;
pub(crate) type Sink = Box<dyn FnOnce(RawResult) + Send>;

/// The accepted jobs of a cluster that have not ended.
pub(crate) struct Ledger {
    state: Mutex<State>,
    /// A job has ended, or the ledger was closed.
    changed: Condvar,
    nonces: RandomState,
    max_outstanding: usize,
}

#[derive(Default)]
struct State {
    open: IdMap<Open>,
    recent: Recent,
    next_id: u64,
    /// Threads that wait for a change.
    waiting: usize,
    closed: bool,
    counts: Counts,
}

struct Open {
    order: Arc<Order>,
    sink: Sink,
    failed: u32,
    /// The delivery in which a worker began the job, if that attempt has not ended.
    begun: Option<u64>,
}

/// Whether a worker may begin an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    Go,
    /// The job has ended, or this was one attempt too many.
    Drop,
    /// No such job was ever accepted here.
    Unknown,
}

/// The consequence of a report for its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The job has ended.
    Ended,
    /// The attempt failed and another one is due.
    Retry(Duration),
    /// The job had ended before.
    Late,
    /// The report is about no job of this cluster, or does not fit it.
    Unknown,
}

/// The end of an attempt.
pub(crate) struct Report {
    pub(crate) id: u64,
    pub(crate) nonce: u64,
    pub(crate) delivery: u64,
    pub(crate) batch: Batch,
}

/// A result, and where it goes.
struct Due(Sink, RawResult);

impl State {
    /// Decides what a report means for its job.
    fn judge(&mut self, report: Report) -> (Verdict, Option<Due>) {
        let Report {
            id,
            nonce,
            delivery,
            batch,
        } = report;
        let open = self.open.get_mut(&id);
        let Some(open) = open.filter(|open| open.order.nonce == nonce) else {
            if self.recent.contains(id, nonce) {
                self.counts.late += 1;
                return (Verdict::Late, None);
            }
            self.counts.ignored += 1;
            return (Verdict::Unknown, None);
        };
        if batch.outcomes.len() != open.order.count as usize {
            self.counts.ignored += 1;
            return (Verdict::Unknown, None);
        }
        if !matches!(batch.outcomes[..], [Outcome::Failed(_) | Outcome::NotRun]) {
            return (Verdict::Ended, self.end(id, Ok(batch)));
        }
        if open.begun.is_some_and(|begun| begun > delivery) {
            // The attempt was given up as lost, and another one runs.
            self.counts.late += 1;
            return (Verdict::Late, None);
        }
        open.begun = None;
        let retry = Verdict::Retry(open.order.pause);
        let Some(Outcome::Failed(reason)) = batch.outcomes.into_iter().next() else {
            return (retry, None);
        };
        open.failed += 1;
        let (failed, allowed) = (open.failed, open.order.attempts);
        self.counts.failed_attempts += 1;
        if failed < allowed {
            return (retry, None);
        }
        (Verdict::Ended, self.end(id, Err(poisoned(failed, reason))))
    }

    fn end(&mut self, id: u64, result: RawResult) -> Option<Due> {
        let open = self.open.remove(&id)?;
        self.recent.push(id, open.order.nonce);
        self.counts.ended += 1;
        Some(Due(open.sink, result))
    }
}

impl Ledger {
    pub(crate) fn new(max_outstanding: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            nonces: RandomState::new(),
            max_outstanding,
        }
    }

    /// Accepts a job. Waits while as many jobs as allowed are outstanding, at most until the
    /// deadline. `make` gets the nonce and must not use the ledger.
    pub(crate) fn accept(
        &self,
        order: Order,
        sink: Sink,
        deadline: Option<Instant>,
    ) -> Result<(u64, Arc<Order>), SubmitError> {
        let mut state = lock(&self.state);
        while !state.closed && state.open.len() >= self.max_outstanding {
            let in_time;
            state.waiting += 1;
            (state, in_time) = wait_until(&self.changed, state, deadline);
            state.waiting -= 1;
            if !in_time {
                return Err(SubmitError::TimedOut);
            }
        }
        self.insert(&mut state, order, sink)
    }

    /// Accepts a chunk of a map, whose own window limits the chunks that are outstanding.
    pub(crate) fn accept_chunk(
        &self,
        order: Order,
        sink: Sink,
    ) -> Result<(u64, Arc<Order>), SubmitError> {
        self.insert(&mut lock(&self.state), order, sink)
    }

    fn insert(
        &self,
        state: &mut State,
        mut order: Order,
        sink: Sink,
    ) -> Result<(u64, Arc<Order>), SubmitError> {
        if state.closed {
            return Err(SubmitError::Closed);
        }
        let id = state.next_id;
        state.next_id += 1;
        order.nonce = self.nonces.hash_one(id);
        let order = Arc::new(order);
        let open = Open {
            failed: order.failed_before,
            order: Arc::clone(&order),
            sink,
            begun: None,
        };
        state.open.insert(id, open);
        state.counts.accepted += 1;
        Ok((id, order))
    }

    /// A worker begins the job with this delivery. An earlier attempt that began and never reported
    /// has failed then.
    pub(crate) fn begin(&self, id: u64, nonce: u64, delivery: u64) -> Begin {
        let mut state = lock(&self.state);
        let Some(open) = state
            .open
            .get_mut(&id)
            .filter(|open| open.order.nonce == nonce)
        else {
            if state.recent.contains(id, nonce) {
                return Begin::Drop;
            }
            state.counts.ignored += 1;
            return Begin::Unknown;
        };
        match open.begun {
            Some(earlier) if earlier >= delivery => return Begin::Go,
            Some(_) => {
                open.failed += 1;
                if open.failed >= open.order.attempts {
                    let error = poisoned(open.failed, Reason::WorkerLost);
                    self.end(state, id, Err(error));
                    return Begin::Drop;
                }
            }
            None => {}
        }
        open.begun = Some(delivery);
        Begin::Go
    }

    /// An attempt has ended.
    pub(crate) fn report(&self, report: Report) -> Verdict {
        let mut state = lock(&self.state);
        let (verdict, due) = state.judge(report);
        self.release(state, due);
        verdict
    }

    /// Attempts have ended. Threads that wait for them are woken when all are noted.
    #[cfg_attr(not(feature = "nats"), allow(dead_code, reason = "messages need it"))]
    pub(crate) fn report_all(&self, reports: impl Iterator<Item = Report>) -> Vec<Verdict> {
        let mut state = lock(&self.state);
        let mut all_due = Vec::with_capacity(reports.size_hint().0);
        let verdicts = reports.map(|report| {
            let (verdict, due) = state.judge(report);
            all_due.extend(due);
            verdict
        });
        let verdicts = verdicts.collect();
        self.release(state, all_due);
        verdicts
    }

    /// The worker of an attempt is lost: nothing was heard of it for long. Returns whether the job
    /// has ended by this.
    #[cfg_attr(
        not(feature = "nats"),
        allow(dead_code, reason = "local workers are not lost")
    )]
    pub(crate) fn worker_lost(&self, id: u64) -> bool {
        let mut state = lock(&self.state);
        let Some(open) = state.open.get_mut(&id) else {
            return false;
        };
        if open.begun.take().is_none() {
            return false;
        }
        open.failed += 1;
        let (failed, allowed) = (open.failed, open.order.attempts);
        if failed >= allowed {
            self.end(state, id, Err(poisoned(failed, Reason::WorkerLost)));
        }
        failed >= allowed
    }

    /// The job is sent again: no attempt that began before counts any more, and deliveries are
    /// counted from 1.
    #[cfg_attr(
        not(feature = "nats"),
        allow(dead_code, reason = "local jobs are sent once")
    )]
    pub(crate) fn restart(&self, id: u64) {
        if let Some(open) = lock(&self.state).open.get_mut(&id) {
            open.begun = None;
        }
    }

    /// Ends a job with an error. `false` if it had ended.
    pub(crate) fn fail(&self, id: u64, error: JobError) -> bool {
        let state = lock(&self.state);
        let is_open = state.open.contains_key(&id);
        if is_open {
            self.end(state, id, Err(error));
        }
        is_open
    }

    /// Cancels a job that no worker has begun.
    pub(crate) fn cancel(&self, id: u64) -> bool {
        let state = lock(&self.state);
        let is_pending = state.open.get(&id).is_some_and(|open| open.begun.is_none());
        if is_pending {
            self.end(state, id, Err(JobError::Cancelled));
        }
        is_pending
    }

    /// Whether a worker has begun the job, and it has not ended.
    #[cfg_attr(
        not(feature = "nats"),
        allow(dead_code, reason = "a local job is always claimed")
    )]
    pub(crate) fn is_begun(&self, id: u64) -> bool {
        let state = lock(&self.state);
        state.open.get(&id).is_some_and(|open| open.begun.is_some())
    }

    fn end(&self, mut state: MutexGuard<'_, State>, id: u64, result: RawResult) {
        let due = state.end(id, result);
        self.release(state, due);
    }

    /// Frees the lock, and delivers the results of jobs that have ended.
    fn release(&self, state: MutexGuard<'_, State>, due: impl IntoIterator<Item = Due>) {
        let waiting = state.waiting > 0;
        drop(state);
        let mut has_ended = false;
        for Due(sink, result) in due {
            has_ended = true;
            // It may run a waker, which is user code.
            sink(result);
        }
        if waiting && has_ended {
            self.changed.notify_all();
        }
    }

    /// Accepts no more jobs.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }

    /// Waits until no job is open. Returns the number of open jobs if the deadline passes first.
    pub(crate) fn wait_empty(&self, deadline: Option<Instant>) -> usize {
        let mut state = lock(&self.state);
        while !state.open.is_empty() {
            let in_time;
            state.waiting += 1;
            (state, in_time) = wait_until(&self.changed, state, deadline);
            state.waiting -= 1;
            if !in_time {
                break;
            }
        }
        state.open.len()
    }

    /// Ends all open jobs as closed, and returns their ids.
    pub(crate) fn close_all(&self) -> Vec<u64> {
        let ids: Vec<u64> = lock(&self.state).open.keys().copied().collect();
        for &id in &ids {
            self.fail(id, JobError::Closed);
        }
        ids
    }

    pub(crate) fn counts(&self) -> Counts {
        lock(&self.state).counts
    }

    /// Counts something that only the engine sees.
    #[cfg_attr(not(feature = "nats"), allow(dead_code, reason = "messages need it"))]
    pub(crate) fn count(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut lock(&self.state).counts);
    }
}

fn poisoned(attempts: u32, reason: Reason) -> JobError {
    JobError::Poisoned(Poisoned { attempts, reason })
}

//! Time limits of jobs.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::state::State;
use super::worker_link::link::KillReason;
use crate::transport::slot::Attempt;

/// How soon to check again on a job that is about to start.
const SOON: Duration = Duration::from_millis(1);

/// Kills jobs past their time limits. Returns when the next limit may expire.
pub(super) fn enforce(state: &mut State, now: Instant) -> Option<Instant> {
    let mut next: Option<Instant> = None;
    for worker in 0..state.workers.len() {
        let due = [
            running_limit(state, worker, now),
            waiting_limit(state, worker, now),
        ];
        next = due.into_iter().chain([next]).flatten().min();
    }
    next
}

/// When the limit of the running job expires, if it has one. If it has expired, kills the worker.
fn running_limit(state: &mut State, worker: usize, now: Instant) -> Option<Instant> {
    let link = state.workers[worker].as_mut()?;
    let (number, batch, Attempt { input, stamp }) = link.running()?;
    let (limit, count) = (batch.time_limit?, batch.count);
    if input > count {
        let why = format!("it started input {input} of {count}");
        link.kill(KillReason::Corrupted(why));
        return None;
    }
    // The worker's stamp is exact; the parent's own observation cannot be overwritten by a job.
    let seen = link.seen_for(number, input, now);
    let left = limit.saturating_sub(seen.max(since(stamp)));
    if left.is_zero() {
        let killed = state.kill_running(worker, number, KillReason::TimedOut(limit));
        state.dispatch();
        // If it was not killed, the worker has gone on to another input.
        return (!killed).then(|| now + SOON);
    }
    let is_about_to_begin = stamp == 0 && seen < 10 * SOON;
    now.checked_add(if is_about_to_begin {
        left.min(SOON)
    } else {
        left
    })
}

/// When to check on jobs that have not started: the limit of a job starts with the job.
fn waiting_limit(state: &State, worker: usize, now: Instant) -> Option<Instant> {
    let link = state.workers[worker].as_ref()?;
    let running = link.running().map(|(number, ..)| number);
    now.checked_add(link.waiting_limit(running)?.max(SOON))
}

/// The time since a stamp of the monotonic clock; zero without a stamp.
fn since(stamp: u64) -> Duration {
    if stamp == 0 {
        return Duration::ZERO;
    }
    let now = clock_gettime(ClockId::Monotonic);
    let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
    Duration::from_nanos(now.saturating_sub(stamp))
}

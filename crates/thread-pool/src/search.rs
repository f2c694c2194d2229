//! The search of a worker for its next job: it looks into the queues, spins, sleeps, and finally
//! exits.
//!
//! See `sleep.rs` for the promises that each step keeps. A trait stands for the queues, so that the
//! model checks run this code on queues that the model checker can follow.

use std::time::Duration;

use crate::sleep::Sleep;
use crate::sync::{spin_until, thread};

/// How long a worker that found nothing spins before it parks: about the cost of being woken.
///
/// It yields while it spins: it may occupy the core of the thread that it has just woken with a
/// result, which otherwise could not submit its next job before the spinning ends.
const SPIN: Duration = Duration::from_micros(20);

/// The queues in which one worker finds jobs.
pub(crate) trait Source {
    type Job;

    /// Takes a job off a queue and counts it in the ledger.
    fn find(&self) -> Option<Self::Job>;

    fn has_queued(&self) -> bool;

    /// Whether no job is queued and none will come.
    fn is_drained(&self) -> bool;

    /// How long this worker may sleep before it should call [`may_retire`](Self::may_retire).
    fn idle_limit(&self) -> Option<Duration>;

    fn may_retire(&self) -> bool;

    /// Called when this worker stops being idle. A submitter may have relied on it, so this starts
    /// another worker if one is needed.
    fn grow(&self);
}

/// Blocks for the next job. Returns `None` if the pool is closed and drained, or if this worker was
/// idle for so long that it retires.
pub(crate) fn next<S: Source>(source: &S, sleep: &Sleep, worker: usize) -> Option<S::Job> {
    if let Some(job) = source.find() {
        return Some(job);
    }
    let has_reason = || source.has_queued() || source.is_drained();
    sleep.start_search();
    loop {
        loop {
            if let Some(job) = source.find() {
                sleep.stop_search(|| source.has_queued());
                source.grow();
                return Some(job);
            }
            if source.is_drained() {
                sleep.stop_search(|| false);
                // Taking the last job woke all workers, but perhaps before the pool was seen
                // closed.
                sleep.wake_all();
                return None;
            }
            if sleep.is_crowded() || !spin_until(SPIN, thread::yield_now, has_reason) {
                break;
            }
        }
        let woken = sleep.sleep(worker, source.idle_limit(), has_reason);
        if !woken && source.may_retire() {
            sleep.stop_search(|| source.has_queued());
            source.grow();
            return None;
        }
    }
}

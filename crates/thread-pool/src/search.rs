//! How a worker comes by its next job: it looks, looks out for a while, and sleeps; and when it ends.
//!
//! See `sleep.rs` for the promises that the steps keep to. What is searched is behind a trait, so that the model checks
//! run these very steps on queues that the model checker can follow.

use std::time::Duration;

use crate::sleep::Sleep;
use crate::sync::{Between, spin_until};

/// How long a worker that found nothing looks out for a job before it parks. Being woken costs about as much.
///
/// It yields meanwhile: it may be on the core of the very thread that it has just woken with a result, which otherwise
/// would wait for the end of the spinning before it can submit the next job.
const SPIN: Duration = Duration::from_micros(20);

/// Where one worker finds jobs.
pub(crate) trait Source {
    type Job;

    /// Takes a job off a queue and crosses it out in the ledger.
    fn find(&self) -> Option<Self::Job>;

    fn has_queued(&self) -> bool;

    /// Whether no job is queued, and none will ever be.
    fn is_drained(&self) -> bool;

    /// How long this worker may sleep before it should ask [`may_go_home`](Self::may_go_home).
    fn idle_limit(&self) -> Option<Duration>;

    fn may_go_home(&self) -> bool;

    /// Others may have relied on this worker, which is not idle any more: sees to another one where that is needed.
    fn is_busy(&self);
}

/// The next job, when there is one. `None` when the pool is closed and its queues are empty, or when there was nothing to
/// do for so long that this worker may go home.
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
                source.is_busy();
                return Some(job);
            }
            if source.is_drained() {
                sleep.stop_search(|| false);
                // Whoever took the last job has woken all, but may have done so before the pool was seen to be closed.
                sleep.wake_all();
                return None;
            }
            if sleep.is_crowded() || !spin_until(SPIN, Between::Yield, has_reason) {
                break;
            }
        }
        let woken = sleep.sleep(worker, source.idle_limit(), has_reason);
        if !woken && source.may_go_home() {
            sleep.stop_search(|| source.has_queued());
            source.is_busy();
            return None;
        }
    }
}

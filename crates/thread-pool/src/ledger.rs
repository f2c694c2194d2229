//! The counts of accepted and taken jobs, which show when a closed pool is empty.
//!
//! Empty queues do not show it: a submitter that was let in before the pool closed may not have
//! queued its job yet. The counts do. A job is counted as accepted *before* it is queued and as
//! taken *after* it left its queue, and once the ledger is closed, the number of accepted jobs no
//! longer changes. So `taken == accepted` means that no job is queued, none is on its way, and none
//! will come.
//!
//! Only submitters write `accepted`, and each worker counts its takes on a cache line of its own.
//! Workers and submitters therefore do not contend here, nor do workers with each other.
//!
//! All operations are `SeqCst`. Two workers that take the last two jobs both count first and then
//! read; in the total order of all operations, the later of the two sees both counts. The same
//! holds for the last taker and the closer.

use crossbeam_utils::CachePadded;

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

const CLOSED: usize = 1;
const ONE_JOB: usize = 2;

pub(crate) struct Ledger {
    /// Twice the number of accepted jobs, plus 1 once closed, so that accepting and closing are one
    /// atomic step each.
    accepted: CachePadded<AtomicUsize>,
    /// A copy of the lowest bit of `accepted`, which workers read for each job, on a cache line
    /// that submitters do not write.
    closed: CachePadded<AtomicBool>,
    /// One count per worker, and a last one for all other threads.
    taken: Box<[CachePadded<AtomicUsize>]>,
}

impl Ledger {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            accepted: CachePadded::new(AtomicUsize::new(0)),
            closed: CachePadded::new(AtomicBool::new(false)),
            taken: (0..=workers)
                .map(|_| CachePadded::new(AtomicUsize::new(0)))
                .collect(),
        }
    }

    /// Accepts one job, which must then be queued. Returns `false` if closed.
    pub(crate) fn accept(&self) -> bool {
        self.accepted
            .fetch_update(SeqCst, SeqCst, |now| {
                (now & CLOSED == 0).then(|| now.wrapping_add(ONE_JOB))
            })
            .is_ok()
    }

    pub(crate) fn close(&self) {
        self.accepted.fetch_or(CLOSED, SeqCst);
        self.closed.store(true, SeqCst);
    }

    /// Whether jobs are no longer accepted.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Counts a job that `worker` took off a queue. Returns `true` if that emptied a closed pool.
    pub(crate) fn take(&self, worker: usize) -> bool {
        self.taken[worker].fetch_add(1, SeqCst);
        self.closed.load(SeqCst) && self.is_drained()
    }

    /// The index under which threads that are not workers take jobs.
    pub(crate) fn outsider(&self) -> usize {
        self.taken.len() - 1
    }

    /// Whether the ledger is closed and every accepted job has left its queue.
    pub(crate) fn is_drained(&self) -> bool {
        let accepted = self.accepted.load(SeqCst);
        accepted & CLOSED != 0 && self.difference(accepted) == 0
    }

    /// The number of accepted jobs that have not been taken, slightly stale while jobs come and go.
    pub(crate) fn queued(&self) -> usize {
        // Taken is read before accepted, so that the difference is never negative.
        let taken = self.sum_taken();
        (self.accepted.load(SeqCst) >> 1).wrapping_sub(taken) & (usize::MAX >> 1)
    }

    fn difference(&self, accepted: usize) -> usize {
        // The word has one bit less for the count than `usize`: compares the common bits.
        (accepted >> 1).wrapping_sub(self.sum_taken()) & (usize::MAX >> 1)
    }

    fn sum_taken(&self) -> usize {
        self.taken
            .iter()
            .fold(0, |sum, count| sum.wrapping_add(count.load(SeqCst)))
    }
}

//! The count of jobs accepted and jobs taken off the queues, which says when a closed pool is empty.
//!
//! Looking at the queues cannot say it: a submitter that was let in before the pool closed may not have queued its job
//! yet. The counts can: a job is entered *before* it is queued and crossed out *after* it left its queue, and once the
//! ledger is closed the number accepted stands still. So `taken == accepted` means that no job is queued, none is on its
//! way, and none will come.
//!
//! `accepted` is written by submitters alone, and each worker counts what it takes on a cache line of its own: workers
//! and submitters do not meet here, and workers do not meet each other.
//!
//! All operations are `SeqCst`. Two workers that take the last two jobs each count, then look: in one order of all
//! operations the later of the two sees both counts. The same holds for the last taker and the closer.

use crossbeam_utils::CachePadded;

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

const CLOSED: usize = 1;
const ONE_JOB: usize = 2;

pub(crate) struct Ledger {
    /// Twice the number of jobs accepted, plus 1 once closed: accepting and closing are one step each.
    accepted: CachePadded<AtomicUsize>,
    /// The same as the lowest bit above, on a line that submitters do not write to, for workers to read at each job.
    closed: CachePadded<AtomicBool>,
    /// One count per worker, and a last one for who is not a worker.
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

    /// Enters one job, which must then be queued; `false` when closed.
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

    /// Whether no job is accepted any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Crosses out a job that `worker` took off a queue. `true` when that emptied a closed pool.
    pub(crate) fn take(&self, worker: usize) -> bool {
        self.taken[worker].fetch_add(1, SeqCst);
        self.closed.load(SeqCst) && self.is_drained()
    }

    /// The number under which one who is not a worker takes jobs.
    pub(crate) fn outsider(&self) -> usize {
        self.taken.len() - 1
    }

    /// Whether the ledger is closed and every job that was accepted has left its queue.
    pub(crate) fn is_drained(&self) -> bool {
        let accepted = self.accepted.load(SeqCst);
        accepted & CLOSED != 0 && self.difference(accepted) == 0
    }

    /// How many accepted jobs nobody has taken yet. While jobs come and go it is a little stale.
    pub(crate) fn queued(&self) -> usize {
        // Taken is read before accepted, so that the difference is never negative.
        let taken = self.sum_taken();
        (self.accepted.load(SeqCst) >> 1).wrapping_sub(taken) & (usize::MAX >> 1)
    }

    fn difference(&self, accepted: usize) -> usize {
        // The word holds one bit less than a count: compare what both have.
        (accepted >> 1).wrapping_sub(self.sum_taken()) & (usize::MAX >> 1)
    }

    fn sum_taken(&self) -> usize {
        self.taken
            .iter()
            .fold(0, |sum, count| sum.wrapping_add(count.load(SeqCst)))
    }
}

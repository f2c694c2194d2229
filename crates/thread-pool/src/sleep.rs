//! The sleep protocol: how idle workers park, and how new jobs wake them.
//!
//! A worker is in one of three states.
//!
//! ```text
//!              finds nothing                 finds nothing for a short, bounded spin
//!   WORKING ──────────────────▶ SEARCHING ─────────────────────────────────────────▶ SLEEPING
//!      ▲                          │   ▲                                                 │
//!      └────── finds a job ───────┘   └────────── woken (the waker moves it) ───────────┘
//! ```
//!
//! One word counts the searching and the sleeping. Who queues a job wakes a sleeper only when nobody is searching: a
//! searcher will find the job. That spares a system call for each job of a burst, and rests on this promise:
//!
//! **While a job is queued and a worker sleeps, some worker searches.**
//!
//! Each way of breaking it is closed by the same argument. Two sides each write, pass a `SeqCst` fence (or a `SeqCst`
//! read-modify-write, which the fence that follows it orders), and then read what the other wrote; so at least one of
//! the two sees the other.
//!
//! 1. *A job is queued while the last searcher goes to sleep.* The submitter queues, fences, reads the counts. The
//!    worker moves itself to SLEEPING, fences, looks at the queues once more. If the submitter still saw a searcher, the
//!    worker sees the job and takes itself back. If the worker saw nothing, the submitter saw it asleep and wakes it.
//! 2. *A job is queued while the last searcher finds another job.* The worker leaves SEARCHING, fences, looks at the
//!    queues; if there is more and nobody searches now, it wakes the next. The submitter as above. A searcher that is
//!    not the last owes nothing: the last one will come through 1 or 2.
//! 3. *A woken worker is not yet running.* Its waker counted it as searching in the same step that took it off the stack
//!    of sleepers, so later submitters rely on it. It keeps that promise, since it looks at the queues when it runs.
//! 4. *The pool is closed, or closed and emptied, while a worker goes to sleep.* As 1, with the ledger in place of the
//!    queue and `wake_all` in place of `notify`.
//! 5. *A worker that nobody woke for long goes home.* It moves itself to SEARCHING first, and leaves by 2; where nobody
//!    sleeps who could be woken, it sees to a new thread (see `crew.rs`).
//!
//! It rests on one property of the queues: a job is in one of them until somebody has it to run. Workers therefore take
//! single jobs. One that moved a batch to its own deque would have it in neither queue for a moment, in which another
//! could fall asleep over it; it would have to notify as if it had queued the batch. (Batches of 4 to 32 were measured: they
//! save nothing here, and jobs would no longer start in the order of their submission.)
//!
//! Half of the workers may spin at a time, and one at least. A worker beyond that goes through SEARCHING like any other,
//! but straight on to SLEEPING: on the cores that are left somebody should work. Spinning is the time between two looks at
//! the queues, so nothing above depends on how long it is.
//!
//! A worker that was woken counts as searching from that moment, but takes a while to run. Who submits a job is told
//! whether somebody searched who was awake: only then it pays to spin for the result (see `task/outcome.rs`).
//!
//! A worker blocked inside a job is WORKING and wakes for nothing; what is queued on its own deque can be stolen.

use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use crate::lock;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use crate::sync::thread::{self, Thread};
use crate::sync::{Mutex, park_until};

const SEARCHING: u64 = 1;
const SLEEPING: u64 = 1 << 16;
/// Woken, counted as searching, and not yet running.
const WAKING: u64 = 1 << 32;

/// The most workers of one pool: far fewer than the counts of one word could hold. An idle worker looks at the queues
/// of all others, and at some four times as many threads a Linux process runs out of memory mappings, upon which a
/// thread that starts aborts it.
pub(crate) const MAX_WORKERS: usize = 4_096;

pub(crate) struct Sleep {
    /// How many search, sleep, and are being woken: 16 bits each, from the lowest.
    counts: CachePadded<AtomicU64>,
    /// Who sleeps. A stack: the worker that slept last has the warmest cache. Its length is the middle part of `counts`.
    stack: Mutex<Vec<Sleeper>>,
    /// For each worker: set by its waker, so that a stray token of the parking is not taken for a wake-up.
    woken: Box<[CachePadded<AtomicBool>]>,
    /// As many may spin at a time. On the other cores somebody should work: a job, or who submits them.
    spinners: usize,
}

struct Sleeper {
    worker: usize,
    thread: Thread,
}

impl Sleep {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            counts: CachePadded::new(AtomicU64::new(0)),
            stack: Mutex::new(Vec::with_capacity(workers)),
            woken: (0..workers)
                .map(|_| CachePadded::new(AtomicBool::new(false)))
                .collect(),
            spinners: (workers / 2).max(1),
        }
    }

    /// WORKING to SEARCHING.
    pub(crate) fn start_search(&self) {
        self.counts.fetch_add(SEARCHING, Ordering::SeqCst);
    }

    /// Whether so many search that one of them should rather sleep at once.
    pub(crate) fn is_crowded(&self) -> bool {
        searching(self.counts.load(Ordering::Relaxed)) > self.spinners
    }

    /// SEARCHING to WORKING. The last to stop passes the search on if `more` says that there is more to find.
    pub(crate) fn stop_search(&self, more: impl FnOnce() -> bool) {
        let before = self.counts.fetch_sub(SEARCHING, Ordering::SeqCst);
        if searching(before) == 1 && sleeping(before) > 0 {
            fence(Ordering::SeqCst);
            if more() {
                self.notify(1);
            }
        }
    }

    /// Says that `jobs` jobs were queued just now. Returns whether somebody was searching who is awake, and so will come
    /// to one of them within a moment.
    pub(crate) fn notify(&self, jobs: usize) -> bool {
        fence(Ordering::SeqCst);
        let counts = self.counts.load(Ordering::SeqCst);
        let wanted = jobs.saturating_sub(searching(counts)).min(sleeping(counts));
        for _ in 0..wanted {
            if !self.wake_one() {
                break;
            }
        }
        searching(counts) > waking(counts)
    }

    /// Wakes every sleeper, for a change that is not a job.
    pub(crate) fn wake_all(&self) {
        while self.wake_one() {}
    }

    /// How many search or sleep.
    pub(crate) fn idle(&self) -> usize {
        let counts = self.counts.load(Ordering::SeqCst);
        searching(counts) + sleeping(counts)
    }

    /// SEARCHING to SLEEPING, and back to SEARCHING when woken, or at once if `awake` says that there is a reason. `false`
    /// if nobody woke it for as long as `limit`.
    pub(crate) fn sleep(
        &self,
        worker: usize,
        limit: Option<Duration>,
        awake: impl FnOnce() -> bool,
    ) -> bool {
        let woken = &self.woken[worker];
        let sleeper = Sleeper {
            worker,
            thread: thread::current(),
        };
        {
            let mut stack = lock(&self.stack);
            woken.store(false, Ordering::Relaxed);
            stack.push(sleeper);
            self.counts
                .fetch_add(SLEEPING - SEARCHING, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
        if awake() && self.withdraw(worker) {
            return true;
        }
        // A time beyond the clock's range is no limit.
        let mut deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        while !woken.load(Ordering::Acquire) {
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                if self.withdraw(worker) {
                    return false;
                }
                // A waker has claimed this worker and is about to wake it: check again before
                // parking.
                deadline = None;
                continue;
            }
            park_until(deadline);
        }
        self.counts.fetch_sub(WAKING, Ordering::SeqCst);
        true
    }

    /// SLEEPING to SEARCHING, unless a waker was faster and has counted this worker as searching: its token is on the way.
    fn withdraw(&self, worker: usize) -> bool {
        let mut stack = lock(&self.stack);
        let Some(place) = stack.iter().rposition(|other| other.worker == worker) else {
            return false;
        };
        let sleeper = stack.remove(place);
        self.counts
            .fetch_sub(SLEEPING - SEARCHING, Ordering::SeqCst);
        drop(stack);
        drop(sleeper);
        true
    }

    fn wake_one(&self) -> bool {
        let sleeper = {
            let mut stack = lock(&self.stack);
            let Some(sleeper) = stack.pop() else {
                return false;
            };
            self.counts.fetch_add(
                (SEARCHING + WAKING).wrapping_sub(SLEEPING),
                Ordering::SeqCst,
            );
            sleeper
        };
        self.woken[sleeper.worker].store(true, Ordering::Release);
        sleeper.thread.unpark();
        true
    }
}

fn searching(counts: u64) -> usize {
    part(counts)
}

fn sleeping(counts: u64) -> usize {
    part(counts >> 16)
}

fn waking(counts: u64) -> usize {
    part(counts >> 32)
}

fn part(counts: u64) -> usize {
    usize::from(counts as u16)
}

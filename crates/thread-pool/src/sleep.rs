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
//! could fall asleep over it; it would have to notify as if it had queued the batch.
//!
//! A worker blocked inside a job is WORKING and wakes for nothing; what is queued on its own deque can be stolen.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;
use crossbeam_utils::sync::{Parker, Unparker};

use crate::lock;

const SEARCHING: u32 = 1;
const SLEEPING: u32 = 1 << 16;

/// The most workers of one pool: far fewer than the two counts of one word could hold. An idle worker looks at the queues
/// of all others, and at some four times as many threads a Linux process runs out of memory mappings, upon which a
/// thread that starts aborts it.
pub(crate) const MAX_WORKERS: usize = 4_096;

pub(crate) struct Sleep {
    /// How many search (low half) and how many sleep (high half).
    counts: CachePadded<AtomicU32>,
    /// Who sleeps. A stack: the worker that slept last has the warmest cache. Its length is the high half of `counts`.
    stack: Mutex<Vec<usize>>,
    sleepers: Box<[CachePadded<Sleeper>]>,
}

struct Sleeper {
    /// Set by the waker, so that a stray token in the parker is not taken for a wake-up.
    woken: AtomicBool,
    unparker: Unparker,
}

impl Sleep {
    /// The protocol for as many workers as there are parkers; worker `i` has to sleep on the i-th.
    pub(crate) fn new<'a>(parkers: impl ExactSizeIterator<Item = &'a Parker>) -> Self {
        Self {
            counts: CachePadded::new(AtomicU32::new(0)),
            stack: Mutex::new(Vec::with_capacity(parkers.len())),
            sleepers: parkers
                .map(|parker| {
                    CachePadded::new(Sleeper {
                        woken: AtomicBool::new(false),
                        unparker: parker.unparker().clone(),
                    })
                })
                .collect(),
        }
    }

    /// WORKING to SEARCHING.
    pub(crate) fn start_search(&self) {
        self.counts.fetch_add(SEARCHING, Ordering::SeqCst);
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

    /// Says that `jobs` jobs were queued just now.
    pub(crate) fn notify(&self, jobs: usize) {
        fence(Ordering::SeqCst);
        let counts = self.counts.load(Ordering::SeqCst);
        let wanted = jobs.saturating_sub(searching(counts)).min(sleeping(counts));
        for _ in 0..wanted {
            if !self.wake_one() {
                break;
            }
        }
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
        parker: &Parker,
        limit: Option<Duration>,
        awake: impl FnOnce() -> bool,
    ) -> bool {
        let sleeper = &self.sleepers[worker];
        {
            let mut stack = lock(&self.stack);
            sleeper.woken.store(false, Ordering::Relaxed);
            stack.push(worker);
            self.counts
                .fetch_add(SLEEPING - SEARCHING, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
        if awake() && self.withdraw(worker) {
            return true;
        }
        // A time beyond the clock's range is no limit.
        let mut deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        while !sleeper.woken.load(Ordering::Acquire) {
            match deadline {
                None => parker.park(),
                Some(end) if Instant::now() < end => parker.park_deadline(end),
                Some(_) if self.withdraw(worker) => return false,
                Some(_) => deadline = None,
            }
        }
        true
    }

    /// SLEEPING to SEARCHING, unless a waker was faster and has counted this worker as searching: its token is on the way.
    fn withdraw(&self, worker: usize) -> bool {
        let mut stack = lock(&self.stack);
        let Some(place) = stack.iter().rposition(|&other| other == worker) else {
            return false;
        };
        stack.remove(place);
        self.counts
            .fetch_sub(SLEEPING - SEARCHING, Ordering::SeqCst);
        true
    }

    fn wake_one(&self) -> bool {
        let worker = {
            let mut stack = lock(&self.stack);
            let Some(worker) = stack.pop() else {
                return false;
            };
            self.counts
                .fetch_sub(SLEEPING - SEARCHING, Ordering::SeqCst);
            worker
        };
        let sleeper = &self.sleepers[worker];
        sleeper.woken.store(true, Ordering::Release);
        sleeper.unparker.unpark();
        true
    }
}

fn searching(counts: u32) -> usize {
    (counts & (SLEEPING - 1)) as usize
}

fn sleeping(counts: u32) -> usize {
    (counts >> 16) as usize
}
